#include "client/admin/admin_client.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "client/admin/streaming_call.h"
#include "common/real_clock.h"
#include "common/rpc/channel/call_trailers.h"
#include "common/rpc/credentials/channel_security.h"
#include "common/rpc/keepalive.h"
#include "common/security/client_security.h"
#include "google/protobuf/descriptor.h"
#include "grpc/grpc.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using Stub = grpc::TemplatedGenericStub<Message, Message>;

std::shared_ptr<grpc::Channel> MakeChannel(absl::string_view broker,
                                           ChannelSecurity& security) {
  grpc::ChannelArguments arguments;
  security.AddArguments(&arguments);
  // A broker is asked directly, whatever http_proxy says.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // With its retries gRPC 1.51 aborts the process if an answer has no
  // grpc-status, as a proxy's page has none.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Groups of many subscriptions make long answers; the operator asked for it.
  arguments.SetMaxReceiveMessageSize(-1);
  // A call with many responses may wait for hours. It ends if the broker's
  // machine has vanished.
  arguments.SetInt(
      GRPC_ARG_KEEPALIVE_TIME_MS,
      static_cast<int>(absl::ToInt64Milliseconds(kClientKeepaliveTime)));
  arguments.SetInt(
      GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
      static_cast<int>(absl::ToInt64Milliseconds(kClientKeepaliveTimeout)));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(std::string(broker),
                                   security.credentials().Get(), arguments);
}

// The pause before a page that was refused is asked for again.
constexpr absl::Duration kPagePause = absl::Milliseconds(100);

// gRPC's story of a connection that could not be made ends with the reason:
// "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1:
// Failed to connect to remote host: Connection refused".
std::string ReasonOf(absl::string_view story) {
  const size_t colon = story.rfind(": ");
  if (colon != absl::string_view::npos) story.remove_prefix(colon + 2);
  // OpenSSL's: "error:0A000086:SSL routines::certificate verify failed".
  const size_t colons = story.rfind("::");
  if (absl::StartsWith(story, "error:") && colons != absl::string_view::npos) {
    story.remove_prefix(colons + 2);
  }
  story = absl::StripAsciiWhitespace(story);
  std::string reason(story);
  // Lower-case, unless it begins with an abbreviation.
  if (reason.size() > 1 && !absl::ascii_isupper(reason[1])) {
    reason[0] = absl::ascii_tolower(reason[0]);
  }
  return reason.empty() ? "no reason given" : reason;
}

// What a person may look at first.
absl::string_view HintFor(absl::string_view reason) {
  if (absl::StrContains(reason, "refused")) return "; is the broker running?";
  if (absl::StrContains(reason, "reset by peer") ||
      absl::StrContains(reason, "ocket closed") ||
      absl::StrContains(reason, "wrong version number")) {
    return "; does one side speak TLS, and the other not?";
  }
  return "";
}

gpr_timespec Later(absl::Duration duration) {
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_nanos(absl::ToInt64Nanoseconds(duration), GPR_TIMESPAN));
}

// The unary method, or the one with many responses, that takes `request`; null
// if there is none.
const MethodDescriptor* FindMethod(const google::protobuf::Descriptor* request,
                                   bool many_responses) {
  for (const ServiceDescriptor* const service :
       {pb::ListGroupsRequest::descriptor()->file()->service(0),
        pb::HeartbeatRequest::descriptor()->file()->service(0)}) {
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor* const method = service->method(i);
      if (method->input_type() == request && !method->client_streaming() &&
          method->server_streaming() == many_responses) {
        return method;
      }
    }
  }
  return nullptr;
}

}  // namespace

class AdminClient::Impl {
 public:
  Impl(absl::string_view broker, absl::Duration timeout,
       std::shared_ptr<ChannelSecurity> security)
      : broker_(broker),
        timeout_(timeout),
        deadline_(Later(timeout)),
        security_(std::move(security)),
        stub_(MakeChannel(broker, *security_)) {}

  absl::StatusOr<std::unique_ptr<Message>> Ask(const Message& request) {
    const MethodDescriptor* const method =
        FindMethod(request.GetDescriptor(), /*many_responses=*/false);
    if (method == nullptr) return NoMethodTakes(request);
    const Message& empty = ResponseOf(*method);
    std::unique_ptr<Message> whole(empty.New());
    const FieldDescriptor* const page_token =
        method->input_type()->FindFieldByName("page_token");
    const FieldDescriptor* const next_page_token =
        method->output_type()->FindFieldByName("next_page_token");
    if (page_token == nullptr || next_page_token == nullptr) {
      const absl::Status status = Call(*method, request, whole.get());
      if (!status.ok()) return status;
      return whole;
    }
    int calls_left = kMaxCalls;
    if (AsksForOnePage(request)) {
      const absl::Status status =
          CallForPage(*method, request, &calls_left, whole.get());
      if (!status.ok()) return status;
      return whole;
    }
    const std::unique_ptr<Message> next(request.New());
    next->CopyFrom(request);
    std::string token;
    do {
      const std::unique_ptr<Message> page(empty.New());
      const absl::Status status =
          CallForPage(*method, *next, &calls_left, page.get());
      if (!status.ok()) return status;
      token = page->GetReflection()->GetString(*page, next_page_token);
      page->GetReflection()->ClearField(page.get(), next_page_token);
      next->GetReflection()->SetString(next.get(), page_token, token);
      whole->MergeFrom(*page);
    } while (!token.empty());
    return whole;
  }

  AdminStreamEnd Stream(const Message& request,
                        absl::FunctionRef<void(const Message&)> on_response,
                        absl::FunctionRef<bool()> goes_on) {
    const MethodDescriptor* const method =
        FindMethod(request.GetDescriptor(), /*many_responses=*/true);
    if (method == nullptr) return {NoMethodTakes(request), "", {}};
    const std::unique_ptr<Message> response(ResponseOf(*method).New());
    grpc::ClientContext context;
    context.set_deadline(deadline_);
    security_->Sign(&context);
    const grpc::Status status =
        CallStreaming(&stub_, &context, PathOf(*method), request,
                      response.get(), on_response, goes_on);
    const absl::string_view reason = EndReasonTrailer(context);
    return {reason.empty() ? ToStatus(status) : AsTheBrokerSays(status),
            std::string(reason), RetryAfterTrailer(context)};
  }

 private:
  static bool AsksForOnePage(const Message& request) {
    const FieldDescriptor* const page_size =
        request.GetDescriptor()->FindFieldByName("page_size");
    return page_size != nullptr &&
           request.GetReflection()->GetInt32(request, page_size) != 0;
  }

  static absl::Status NoMethodTakes(const Message& request) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no method takes a ", request.GetDescriptor()->full_name()));
  }

  // An empty response of the method.
  static const Message& ResponseOf(const MethodDescriptor& method) {
    return *MessageFactory::generated_factory()->GetPrototype(
        method.output_type());
  }

  static std::string PathOf(const MethodDescriptor& method) {
    return absl::StrCat("/", method.service()->full_name(), "/", method.name());
  }

  absl::Status CallForPage(const MethodDescriptor& method,
                           const Message& request, int* calls_left,
                           Message* response) {
    while (*calls_left > 0) {
      --*calls_left;
      absl::Status status = Call(method, request, response);
      if (!absl::IsResourceExhausted(status) || *calls_left == 0 ||
          gpr_time_cmp(Later(kPagePause), deadline_) >= 0) {
        return status;
      }
      gpr_sleep_until(Later(kPagePause));
    }
    return absl::ResourceExhaustedError(
        absl::StrCat(broker_, " has more pages than ", kMaxCalls,
                     " calls get: ask for one page at a time, by page_size"));
  }

  absl::Status Call(const MethodDescriptor& method, const Message& request,
                    Message* response) {
    grpc::ClientContext context;
    context.set_deadline(deadline_);
    security_->Sign(&context);
    grpc::CompletionQueue queue;
    const auto call =
        stub_.PrepareUnaryCall(&context, PathOf(method), request, &queue);
    call->StartCall();
    grpc::Status status;
    call->Finish(response, &status, nullptr);
    void* tag;
    bool ok;
    queue.Next(&tag, &ok);
    return ToStatus(status);
  }

  static absl::Status AsTheBrokerSays(const grpc::Status& status) {
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
  }

  absl::Status ToStatus(const grpc::Status& status) const {
    switch (status.error_code()) {
      case grpc::StatusCode::OK: return absl::OkStatus();
      case grpc::StatusCode::UNAVAILABLE: {
        const std::string reason = ReasonOf(status.error_message());
        return absl::UnavailableError(absl::StrCat(
            "cannot reach ", broker_, ": ", reason, HintFor(reason)));
      }
      case grpc::StatusCode::DEADLINE_EXCEEDED:
        return absl::DeadlineExceededError(
            absl::StrCat("no answer from ", broker_, " within ",
                         absl::FormatDuration(timeout_)));
      case grpc::StatusCode::UNIMPLEMENTED:
        return absl::UnimplementedError(absl::StrCat(
            broker_, " does not offer this call; is it a broker? (",
            status.error_message(), ")"));
      default: return AsTheBrokerSays(status);
    }
  }

  const std::string broker_;
  const absl::Duration timeout_;
  const gpr_timespec deadline_;
  const std::shared_ptr<ChannelSecurity> security_;
  Stub stub_;
};

AdminClient::AdminClient(absl::string_view broker, absl::Duration timeout)
    : impl_(std::make_unique<Impl>(broker, timeout,
                                   ChannelSecurity::Plaintext())) {}
AdminClient::AdminClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminClient::~AdminClient() = default;

absl::StatusOr<std::unique_ptr<AdminClient>> AdminClient::Create(
    absl::string_view broker, absl::Duration timeout,
    const AdminClientOptions& options) {
  const absl::Status status = ValidateClientSecurity(
      options.tls, options.credentials, options.allow_insecure_credentials,
      {std::string(broker)});
  if (!status.ok()) return status;
  absl::StatusOr<std::shared_ptr<ChannelSecurity>> security =
      ChannelSecurity::Create(options.tls, options.credentials, &RealClock());
  if (!security.ok()) return security.status();
  // The constructor is private.
  return std::unique_ptr<AdminClient>(new AdminClient(
      std::make_unique<Impl>(broker, timeout, *std::move(security))));
}

absl::StatusOr<std::unique_ptr<Message>> AdminClient::Ask(
    const Message& request) {
  return impl_->Ask(request);
}

AdminStreamEnd AdminClient::Stream(
    const Message& request, absl::FunctionRef<void(const Message&)> on_response,
    absl::FunctionRef<bool()> goes_on) {
  return impl_->Stream(request, on_response, goes_on);
}

}  // namespace rmq
