#include "common/rpc/server/health_service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/inflate.h"
#include "common/rpc/server/refusal_log.h"
#include "common/validation.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace rmq {
namespace {

// The methods' indexes in the proto.
constexpr int kCheck = 0;
constexpr int kWatch = 1;

grpc::ByteBuffer Serialize(const HealthService::Response& response) {
  grpc::ByteBuffer bytes;
  bool own_buffer;
  (void)grpc::SerializationTraits<HealthService::Response>::Serialize(
      response, &bytes, &own_buffer);
  return bytes;
}

CallStatus GoingDown() {
  return {absl::StatusCode::kUnavailable, ResponseCode::kSystemError,
          "the server is going down"};
}

}  // namespace

HealthService::Service::Service() {
  MarkMethodGeneric(kCheck);
  MarkMethodStreamed(kWatch, nullptr);
}

void HealthService::Service::RequestWatch(
    grpc::ServerContext* context, grpc::GenericServerAsyncReaderWriter* call,
    grpc::CompletionQueue* queue, grpc::ServerCompletionQueue* announced_on,
    void* tag) {
  RequestAsyncBidiStreaming(kWatch, context, call, queue, announced_on, tag);
}

// One call of Watch: sends the status of its service, and then its changes. One
// status is written at a time.
class HealthService::Watch final : public ServerStream::Reactor,
                                   public std::enable_shared_from_this<Watch> {
 public:
  static void Accept(HealthService* health, ServerLoop* loop) {
    // Not make_shared: a DeadlineWatch's weak_ptr would keep the memory.
    const std::shared_ptr<Watch> watch(new Watch(health, loop));
    watch->stream_.Accept(watch);
  }

  // Ends the call. Sends `status` before if there is one.
  void End(const absl::optional<Response>& status) {
    if (status.has_value()) {
      stream_.EndAfter(Serialize(*status), GoingDown());
    } else {
      stream_.EndWith(GoingDown());
    }
  }

  // The status to send, if it is another than the one that was sent last; none
  // if the client has not said yet what it watches. It counts as sent.
  absl::optional<Response> TakeChangeLocked() {
    health_.mu_.AssertHeld();
    if (!is_heard_) return absl::nullopt;
    const Response status = health_.StatusLocked(service_name_);
    if (status.status() == sent_.status()) return absl::nullopt;
    sent_ = status;
    return status;
  }
  // The same, unless a status is being written: OnAllWritten() sends it then.
  absl::optional<Response> TakeChangeToWriteLocked() {
    health_.mu_.AssertHeld();
    if (is_writing_) return absl::nullopt;
    absl::optional<Response> status = TakeChangeLocked();
    is_writing_ = status.has_value();
    return status;
  }
  void Send(const Response& status) { stream_.Send(Serialize(status)); }

  // ServerStream::Reactor.
  absl::string_view peer() const { return stream_.peer(); }
  ClientNetwork network() const { return stream_.network(); }

  void OnOpened() override {
    stream_.AwaitClient();
    const CallStatus room = health_.TakePlace(this);
    if (!room.ok()) Refuse(room);
  }

  bool OnMessage(grpc::ByteBuffer* message, grpc::ByteBuffer* reply) override {
    Request request;
    const CallStatus parsed = Parse(message, &request);
    if (!parsed.ok()) {
      Refuse(parsed);
      return false;
    }
    if (!stream_.StopAwaitingClient()) return false;
    MutexLock lock(&health_.mu_);
    is_heard_ = true;
    service_name_ = request.service();
    is_writing_ = true;
    sent_ = health_.StatusLocked(service_name_);
    Serialize(sent_).Swap(reply);
    return true;
  }

  void OnAllWritten() override {
    absl::optional<Response> status;
    {
      MutexLock lock(&health_.mu_);
      is_writing_ = false;
      status = TakeChangeToWriteLocked();
    }
    if (status.has_value()) Send(*status);
  }

  void OnReadsDone() override {
    {
      MutexLock lock(&health_.mu_);
      if (is_heard_) return;  // The client is gone.
    }
    Refuse(BadForm("the call has no message that can be read"));
  }

  void OnGone() override { health_.LeavePlace(this); }

 private:
  Watch(HealthService* health, ServerLoop* loop)
      : health_(*health), stream_(&health->watches_environment_, loop, this) {}

  void Refuse(const CallStatus& status) {
    NoteRefusal(*health_.watches_environment_.method, peer(), "", status);
    stream_.EndWith(status);
  }

  CallStatus Parse(grpc::ByteBuffer* message, Request* request) {
    if (message->Length() > kMostRequestBytes) {
      return OverSize("message", message->Length(), kMostRequestBytes);
    }
    if (IsCompressed(*message, stream_.context().c_call())) {
      size_t work;
      CallStatus status =
          InflateMessage("message", kMostRequestBytes, message, &work);
      if (!status.ok()) return status;
    }
    if (!grpc::SerializationTraits<Request>::Deserialize(message, request)
             .ok()) {
      return BadForm("the message is not a HealthCheckRequest");
    }
    return {};
  }

  HealthService& health_;
  // The call's message has come.
  bool is_heard_ ABSL_GUARDED_BY(health_.mu_) = false;
  std::string service_name_ ABSL_GUARDED_BY(health_.mu_);
  bool is_writing_ ABSL_GUARDED_BY(health_.mu_) = false;
  Response sent_ ABSL_GUARDED_BY(health_.mu_);

  ServerStream stream_;
};

HealthService::HealthService(ServerCalls* calls) {
  watches_environment_.request =
      [this](grpc::ServerContext* context,
             grpc::GenericServerAsyncReaderWriter* call,
             grpc::CompletionQueue* queue,
             grpc::ServerCompletionQueue* announced_on, void* tag) {
        service_.RequestWatch(context, call, queue, announced_on, tag);
      };
  watches_environment_.accept_next = [this](ServerLoop* loop) {
    AcceptStreams(loop);
  };
  watches_environment_.too_late =
      absl::StrCat("the call's message did not come within ",
                   absl::FormatDuration(ServerCalls::kFirstMessageLimit));
  watches_environment_.client_sends_once = true;
  // The service is gRPC's, and its clients know no response codes.
  watches_environment_.sends_response_code = false;
  watches_environment_.awaiting = &calls->unfinished;
  watches_environment_.calls = calls;
}

void HealthService::AddMethods(MethodTable* methods) {
  const google::protobuf::ServiceDescriptor& service =
      *Request::descriptor()->file()->FindServiceByName("Health");
  MethodTable::MethodOptions options;
  options.skips_gate = true;
  methods->Add<Request, Response>(
      *service.method(kCheck), options, nullptr,
      [this](const CallContext& /*call*/, const Request& request,
             Response* response) { return Check(request, response); });
  watches_environment_.method =
      methods->AddStreaming(*service.method(kWatch)).counters;
}

CallStatus HealthService::Check(const Request& request, Response* response) {
  MutexLock lock(&mu_);
  *response = StatusLocked(request.service());
  if (response->status() != Response::SERVICE_UNKNOWN) return CallStatus();
  return {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
          absl::StrCat("no such service: ", Quoted(request.service()))};
}

void HealthService::AddService(absl::string_view full_name) {
  services_.emplace(full_name);
}

void HealthService::AcceptStreams(ServerLoop* loop) {
  Watch::Accept(this, loop);
}

CallStatus HealthService::TakePlace(Watch* watch) {
  MutexLock lock(&mu_);
  if (stopped_) return GoingDown();
  if (watches_.size() >= kMostWatches) {
    return OverLimit(
        absl::StrCat("calls of Watch must be at most ", kMostWatches));
  }
  size_t& of_address = networks_[watch->network()];
  if (of_address >= kMostWatchesOfAnAddress) {
    return OverLimit(
        absl::StrCat("calls of Watch from one address must be at most ",
                     kMostWatchesOfAnAddress));
  }
  ++of_address;
  watches_.insert(watch);
  return {};
}

void HealthService::LeavePlace(Watch* watch) {
  MutexLock lock(&mu_);
  if (watches_.erase(watch) == 0) return;
  const auto found = networks_.find(watch->network());
  if (--found->second == 0) networks_.erase(found);
}

void HealthService::SetServing(bool serving) {
  Change([this, serving] {
    mu_.AssertHeld();
    serving_ = serving;
  });
}

void HealthService::SetDetail(absl::string_view name, bool serving) {
  Change([this, name, serving] {
    mu_.AssertHeld();
    details_[name] = serving;
  });
}

void HealthService::Change(absl::FunctionRef<void()> change) {
  std::vector<std::pair<std::shared_ptr<Watch>, Response>> changes;
  {
    MutexLock lock(&mu_);
    if (stopped_) return;
    change();
    for (Watch* const watch : watches_) {
      absl::optional<Response> status = watch->TakeChangeToWriteLocked();
      if (status.has_value()) {
        changes.emplace_back(watch->shared_from_this(), *std::move(status));
      }
    }
  }
  for (const auto& [watch, status] : changes) watch->Send(status);
}

void HealthService::StopServing() {
  std::vector<std::pair<std::shared_ptr<Watch>, absl::optional<Response>>> ends;
  {
    MutexLock lock(&mu_);
    serving_ = false;
    stopped_ = true;
    for (Watch* const watch : watches_) {
      ends.emplace_back(watch->shared_from_this(), watch->TakeChangeLocked());
    }
  }
  for (const auto& [watch, status] : ends) watch->End(status);
}

HealthService::Response HealthService::StatusLocked(
    const std::string& service) const {
  const auto detail = details_.find(service);
  const bool is_detail = detail != details_.end();
  Response response;
  if (!is_detail && !services_.contains(service)) {
    response.set_status(Response::SERVICE_UNKNOWN);
  } else {
    const bool serving = serving_ && (!is_detail || detail->second);
    response.set_status(serving ? Response::SERVING : Response::NOT_SERVING);
  }
  return response;
}

}  // namespace rmq
