#include "broker/fronts/rocketmq_v2/rocketmq_v2_front.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/fronts/rocketmq_v2/held_receive.h"
#include "broker/fronts/rocketmq_v2/messaging_methods.h"
#include "common/validation.h"
#include "google/protobuf/descriptor.h"

namespace rmq {
namespace {

// Calls of each streaming method that wait for a client on each loop.
constexpr int kWaitingStreams = 4;

SdkClients::Options ClientOptions(const Rocketmq5Options& options) {
  SdkClients::Options result;
  result.lost_expiry = options.lost_expiry;
  return result;
}

GroupAssignments::Options AssignmentOptions(const Rocketmq5Options& options) {
  GroupAssignments::Options result;
  result.strategy = options.assignment_strategy;
  return result;
}

}  // namespace

RocketmqV2Front::Service::Service() {
  const auto& service = MessagingServiceDescriptor();
  for (int i = 0; i < service.method_count(); ++i) {
    if (service.method(i)->server_streaming()) {
      MarkMethodStreamed(i, nullptr);
    } else {
      MarkMethodGeneric(i);
    }
  }
}

void RocketmqV2Front::Service::RequestStreaming(
    int method, grpc::ServerContext* context,
    grpc::GenericServerAsyncReaderWriter* call, grpc::CompletionQueue* queue,
    grpc::ServerCompletionQueue* announced_on, void* tag) {
  RequestAsyncBidiStreaming(method, context, call, queue, announced_on, tag);
}

RocketmqV2Front::RocketmqV2Front(
    const Rocketmq5Options& options, const ClientBroker& broker,
    const GroupPolicy* policy, ServerCalls* calls,
    std::function<std::string()> address,
    std::function<std::shared_ptr<const std::vector<DiscoveryEntry>>()> cluster,
    IdentifiedStreams* identified, const DueListener& on_due)
    : options_(options),
      broker_(broker),
      calls_(*calls),
      clients_(ClientOptions(options), broker, &open_),
      assignments_(AssignmentOptions(options), &broker.table),
      sdk_broker_{options_,
                  broker_,
                  *policy,
                  clients_,
                  std::move(address),
                  std::move(cluster),
                  options.assignment == QueueAssignment::kQueues ? &assignments_
                                                                 : nullptr},
      due_calls_(on_due) {
  ServerStream::Environment& stream = sessions_.stream;
  const auto& telemetry =
      *MessagingServiceDescriptor().FindMethodByName("Telemetry");
  stream.request = [this, index = telemetry.index()](auto... arguments) {
    service_.RequestStreaming(index, arguments...);
  };
  stream.accept_next = [this](ServerLoop* loop) {
    TelemetrySession::Accept(&sessions_, loop);
  };
  stream.awaiting = &calls->unfinished;
  stream.sends_response_code = false;
  stream.calls = calls;
  sessions_.broker = &sdk_broker_;
  sessions_.due_calls = &due_calls_;
  sessions_.open = &open_;
  sessions_.stacks = &stacks_;
  sessions_.identified = identified;
}

void RocketmqV2Front::AddMethods(MethodTable* methods) {
  AddMessagingMethods(sdk_broker_, methods);
  sessions_.stream.method =
      methods
          ->AddStreaming(
              *MessagingServiceDescriptor().FindMethodByName("Telemetry"))
          .counters;
  std::vector<ResponsesMethod> of_messages;
  of_messages.push_back(
      ReceiveMessageMethod(sdk_broker_, &due_calls_, &held_, methods));
  of_messages.push_back(PullMessageMethod(methods));
  for (ResponsesMethod& method : of_messages) {
    auto request = [this,
                    index = method.descriptor.index()](auto... arguments) {
      service_.RequestStreaming(index, arguments...);
    };
    receives_.push_back(std::make_unique<ResponseStreams>(
        std::move(method), std::move(request), &calls_));
  }
}

void RocketmqV2Front::AcceptStreams(ServerLoop* loop) {
  for (int i = 0; i < kWaitingStreams; ++i) {
    TelemetrySession::Accept(&sessions_, loop);
    for (const auto& receives : receives_) receives->Accept(loop);
  }
}

CallStatus RocketmqV2Front::PrintStackTrace(absl::string_view client_id,
                                            absl::Time now,
                                            OnAnswer on_answer) {
  for (const auto& session : open_.SessionsOf(client_id)) {
    if (clients_.StreamOf(session->key()) == session->number()) {
      return session->PrintStackTrace(now, std::move(on_answer));
    }
  }
  return {absl::StatusCode::kFailedPrecondition, ResponseCode::kSystemError,
          absl::StrCat("client ", Quoted(client_id),
                       " has no Telemetry stream: only clients of RocketMQ "
                       "5's SDKs can be asked, and only over it")};
}

void RocketmqV2Front::StopServing() {
  for (const auto& receives : receives_) receives->Close(CallStatus());
  open_.Close();
}

}  // namespace rmq
