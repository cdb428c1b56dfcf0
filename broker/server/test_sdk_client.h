// A client of RocketMQ 5's protocol, as its SDKs are, for tests: blocking calls
// with the headers and the settings of an SDK.
#ifndef BROKER_SERVER_TEST_SDK_CLIENT_H_
#define BROKER_SERVER_TEST_SDK_CLIENT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.grpc.pb.h"
#include "broker/server/test_broker.h"
#include "google/protobuf/text_format.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {

namespace v2 = ::apache::rocketmq::v2;
template <typename Message>
Message ParseText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message))
      << text;
  return message;
}

inline void PrepareSdkCall(absl::string_view client_id,
                           grpc::ClientContext* context) {
  SetTestDeadline(*context);
  if (!client_id.empty()) {
    context->AddMetadata("x-mq-client-id", std::string(client_id));
  }
  context->AddMetadata("x-mq-language", "JAVA");
  context->AddMetadata("x-mq-client-version", "5.2.0");
}

inline constexpr char kProducerSettings[] = R"pb(
  settings {
    client_type: PRODUCER
    request_timeout { seconds: 3 }
    publishing {
      topics { name: "T1" }
      topics { name: "T2" }
    }
    user_agent { language: JAVA version: "5.2.0" }
  })pb";
inline constexpr char kConsumerSettings[] = R"pb(
  settings {
    client_type: PUSH_CONSUMER
    subscription {
      group { name: "orders" }
      subscriptions {
        topic { name: "T1" }
        expression { type: TAG expression: "a || b" }
      }
    }
    user_agent { language: NODE_JS version: "1.0.8" }
  })pb";

// One SDK client. Blocking; of one thread.
class TestSdkClient {
 public:
  // On a connection of its own.
  TestSdkClient(const TestBroker& broker, std::string client_id)
      : TestSdkClient(broker.NewConnection(), std::move(client_id)) {}
  // On a connection that others may use too, as Node.js does. An empty id: none
  // is sent.
  // `metadata` is sent too.
  using Metadata = std::vector<std::pair<std::string, std::string>>;
  TestSdkClient(const std::shared_ptr<grpc::Channel>& connection,
                std::string client_id, Metadata metadata = {})
      : client_id_(std::move(client_id)),
        metadata_(std::move(metadata)),
        stub_(v2::MessagingService::NewStub(connection)) {}
  ~TestSdkClient() { BreakStream(); }

  // Opens a stream, in place of the one that is open. `time` is its deadline.
  void OpenStream(absl::Duration time = absl::Seconds(kCallSeconds)) {
    BreakStream();
    context_ = std::make_unique<grpc::ClientContext>();
    Prepare(context_.get());
    context_->set_deadline(gpr_time_add(
        gpr_now(GPR_CLOCK_MONOTONIC),
        gpr_time_from_millis(absl::ToInt64Milliseconds(time), GPR_TIMESPAN)));
    stream_ = stub_->Telemetry(context_.get());
  }
  void AwaitInitialMetadata() { stream_->WaitForInitialMetadata(); }
  void HalfClose() { stream_->WritesDone(); }
  // Opens a stream unless one is open, sends `settings`, and returns the next
  // command.
  v2::TelemetryCommand State(const std::string& settings) {
    if (stream_ == nullptr) OpenStream();
    Send(ParseText<v2::TelemetryCommand>(settings));
    return ReadCommand();
  }
  void Send(const v2::TelemetryCommand& command) {
    EXPECT_TRUE(stream_->Write(command));
  }
  v2::TelemetryCommand ReadCommand() {
    v2::TelemetryCommand command;
    EXPECT_TRUE(stream_->Read(&command));
    return command;
  }
  // How the broker ends the stream.
  grpc::Status AwaitEnd() {
    v2::TelemetryCommand command;
    while (stream_->Read(&command)) {
    }
    const grpc::Status status = stream_->Finish();
    stream_ = nullptr;
    return status;
  }
  void BreakStream() {
    if (stream_ == nullptr) return;
    context_->TryCancel();
    AwaitEnd();
  }

  template <typename Response, typename Method, typename Request>
  Response Call(Method method, const Request& request) {
    grpc::ClientContext context;
    Prepare(&context);
    Response response;
    const grpc::Status status =
        (stub_.get()->*method)(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v2::Status Heartbeat(const std::string& request) {
    return Call<v2::HeartbeatResponse>(&v2::MessagingService::Stub::Heartbeat,
                                       ParseText<v2::HeartbeatRequest>(request))
        .status();
  }
  v2::Status Terminate() {
    return Call<v2::NotifyClientTerminationResponse>(
               &v2::MessagingService::Stub::NotifyClientTermination,
               v2::NotifyClientTerminationRequest())
        .status();
  }
  v2::QueryRouteResponse QueryRoute(const std::string& request) {
    return Call<v2::QueryRouteResponse>(
        &v2::MessagingService::Stub::QueryRoute,
        ParseText<v2::QueryRouteRequest>(request));
  }

 private:
  void Prepare(grpc::ClientContext* context) const {
    PrepareSdkCall(client_id_, context);
    for (const auto& [key, value] : metadata_) context->AddMetadata(key, value);
  }

  const std::string client_id_;
  const Metadata metadata_;
  const std::unique_ptr<v2::MessagingService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<v2::TelemetryCommand, v2::TelemetryCommand>>
      stream_;
};

// The client ids of a producer group.
inline std::vector<std::string> ProducerIds(const TestBroker& broker,
                                            const std::string& group) {
  const auto stub = pb::ClientManagerAdmin::NewStub(broker.connection());
  grpc::ClientContext context;
  SetTestDeadline(context);
  pb::GetProducerConnectionListRequest request;
  request.set_group(group);
  pb::GetProducerConnectionListResponse response;
  (void)stub->GetProducerConnectionList(&context, request, &response);
  std::vector<std::string> ids;
  for (const auto& connection : response.connections()) {
    ids.push_back(connection.client_id());
  }
  return ids;
}

inline constexpr char kProducerHeartbeat[] = "client_type: PRODUCER";
inline constexpr char kConsumerHeartbeat[] =
    "client_type: PUSH_CONSUMER group { name: 'orders' }";

}  // namespace rmq

#endif  // BROKER_SERVER_TEST_SDK_CLIENT_H_
