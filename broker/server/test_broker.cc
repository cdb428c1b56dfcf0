#include "broker/server/test_broker.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/credentials/credentials_source.h"
#include "grpc/support/time.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"

namespace rmq {

void SetTestDeadline(grpc::ClientContext& context) {
  context.set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_seconds(kCallSeconds, GPR_TIMESPAN)));
}

int ResponseCodeOf(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find("rocketmq-response-code");
  int code = -1;
  if (found == metadata.end() ||
      !absl::SimpleAtoi(
          absl::string_view(found->second.data(), found->second.size()),
          &code)) {
    return -1;
  }
  return code;
}

std::string EndReasonOf(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find("rocketmq-end-reason");
  if (found == metadata.end()) return "";
  return {found->second.data(), found->second.size()};
}

pb::HeartbeatRequest ConsumerHeartbeat(absl::string_view client_id,
                                       absl::string_view group) {
  pb::HeartbeatRequest request;
  request.set_client_id(std::string(client_id));
  request.set_language(pb::LANGUAGE_CODE_CPP);
  pb::ConsumerData* const consumer = request.add_consumers();
  consumer->set_group(std::string(group));
  consumer->set_consume_type(pb::CONSUME_TYPE_CONSUME_PASSIVELY);
  consumer->set_message_model(pb::MESSAGE_MODEL_CLUSTERING);
  consumer->set_consume_from_where(pb::CONSUME_FROM_WHERE_LAST_OFFSET);
  pb::SubscriptionData* const subscription = consumer->add_subscriptions();
  subscription->set_topic("topic");
  subscription->set_expression("*");
  subscription->set_sub_version(1);
  return request;
}

pb::HeartbeatRequest ProducerHeartbeat(absl::string_view client_id,
                                       absl::string_view group) {
  pb::HeartbeatRequest request;
  request.set_client_id(std::string(client_id));
  request.add_producers()->set_group(std::string(group));
  return request;
}

pb::HeartbeatRequest LargeAnswerHeartbeat(absl::string_view client_id,
                                          absl::string_view group) {
  constexpr int kPassedOver = 1000;
  pb::HeartbeatRequest request = ConsumerHeartbeat(client_id, group);
  for (int i = 0; i < kPassedOver; ++i) {
    pb::ConsumerData* const consumer = request.add_consumers();
    consumer->set_group(absl::StrCat(std::string(100, 'x'), i));
    consumer->set_consume_type(pb::CONSUME_TYPE_CONSUME_ACTIVELY);
  }
  return request;
}

BrokerController::Options LargeAnswerOptions() {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.policy.reject_pull_consumer_enable = true;
  options.limits.max_groups_per_client = 2000;
  return options;
}

pb::ClientFrame FrameOf(const pb::HeartbeatRequest& request) {
  pb::ClientFrame frame;
  *frame.mutable_heartbeat() = request;
  return frame;
}

pb::ClientFrame ListFrame(absl::string_view group, int32_t page_size) {
  pb::ClientFrame frame;
  frame.mutable_get_consumer_list_by_group()->set_group(std::string(group));
  frame.mutable_get_consumer_list_by_group()->set_page_size(page_size);
  return frame;
}

TestStream::TestStream(const std::shared_ptr<grpc::Channel>& connection,
                       const std::function<void(grpc::ClientContext*)>& prepare)
    : stub_(pb::ClientManager::NewStub(connection)) {
  SetTestDeadline(context_);
  if (prepare != nullptr) prepare(&context_);
  stream_ = stub_->Connect(&context_);
}

TestStream::~TestStream() {
  if (finished_) return;
  context_.TryCancel();
  Finish();
}

bool TestStream::Write(pb::ClientFrame frame) {
  if (frame.request_id() == 0) frame.set_request_id(last_request_id_ + 1);
  return WriteAsIs(frame);
}

bool TestStream::WriteAsIs(const pb::ClientFrame& frame) {
  last_request_id_ = frame.request_id();
  return stream_->Write(frame);
}

absl::optional<pb::BrokerFrame> TestStream::Read() {
  pb::BrokerFrame frame;
  if (!stream_->Read(&frame)) return absl::nullopt;
  return frame;
}

pb::Reply TestStream::ReadReply() {
  const absl::optional<pb::BrokerFrame> frame = Read();
  EXPECT_TRUE(frame.has_value()) << "the stream is over";
  if (!frame.has_value()) return {};
  EXPECT_TRUE(frame->has_reply()) << frame->ShortDebugString();
  return frame->reply();
}

std::string TestStream::ReadPush() {
  const absl::optional<pb::BrokerFrame> frame = Read();
  EXPECT_TRUE(frame.has_value()) << "the stream is over";
  if (!frame.has_value()) return "";
  EXPECT_TRUE(frame->has_notify_consumer_ids_changed())
      << frame->ShortDebugString();
  return frame->notify_consumer_ids_changed().group();
}

pb::Reply TestStream::Call(pb::ClientFrame frame) {
  EXPECT_TRUE(Write(std::move(frame))) << "the stream is over";
  while (true) {
    const absl::optional<pb::BrokerFrame> answer = Read();
    EXPECT_TRUE(answer.has_value()) << "the stream is over";
    if (!answer.has_value()) return {};
    if (answer->has_reply()) {
      EXPECT_EQ(answer->reply().request_id(), last_request_id_);
      return answer->reply();
    }
    pushes_.push_back(answer->notify_consumer_ids_changed().group());
  }
}

std::vector<std::string> TestStream::TakePushes() {
  return std::exchange(pushes_, {});
}

grpc::Status TestStream::Finish(std::vector<pb::BrokerFrame>* rest) {
  while (absl::optional<pb::BrokerFrame> frame = Read()) {
    if (rest != nullptr) rest->push_back(*std::move(frame));
  }
  finished_ = true;
  return stream_->Finish();
}

BrokerController::Options TestBroker::DefaultOptions() {
  BrokerController::Options options;
  options.server.address = "127.0.0.1:0";
  return options;
}

TestBroker::TestBroker(const BrokerController::Options& options,
                       const CallStatus& gate)
    : TestBroker(options, &clock_, gate) {}

TestBroker::TestBroker(const BrokerController::Options& options, Clock* clock,
                       const CallStatus& gate) {
  auto authorizer = std::make_unique<RecordingAuthorizer>(gate);
  authorizer_ = authorizer.get();
  absl::StatusOr<std::unique_ptr<BrokerController>> controller =
      BrokerController::Start(options, clock, std::move(authorizer));
  EXPECT_TRUE(controller.ok()) << controller.status();
  controller_ = *std::move(controller);
  connection_ = NewConnection();
}

void TestBroker::PassTime(absl::Duration duration) {
  const absl::Time end = clock_.TimeNow() + duration;
  while (clock_.TimeNow() < end) {
    clock_.Advance(std::min(absl::Milliseconds(200), end - clock_.TimeNow()));
    clock_.WaitForParkedWaiters(1);
  }
}

std::shared_ptr<grpc::Channel> TestBroker::NewConnection() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(
      address(), PlaintextChannelCredentials().Get(), arguments);
}

std::shared_ptr<grpc::Channel> TestBroker::NewCompressingConnection(
    grpc_compression_algorithm algorithm) const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetCompressionAlgorithm(algorithm);
  return grpc::CreateCustomChannel(
      address(), PlaintextChannelCredentials().Get(), arguments);
}

std::shared_ptr<grpc::Channel> TestBroker::NewNarrowConnection() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // The window does not grow.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  return grpc::CreateCustomChannel(
      address(), PlaintextChannelCredentials().Get(), arguments);
}

std::unique_ptr<TestStream> TestBroker::Connect() const {
  return std::make_unique<TestStream>(NewConnection());
}

std::unique_ptr<TestStream> TestBroker::Join(
    const pb::HeartbeatRequest& heartbeat) const {
  std::unique_ptr<TestStream> stream = Connect();
  const pb::Reply reply = stream->Call(heartbeat);
  EXPECT_FALSE(reply.has_status()) << reply.ShortDebugString();
  return stream;
}

std::unique_ptr<TestStream> TestBroker::JoinAndStall(
    absl::string_view client_id, absl::string_view group) {
  auto stream = std::make_unique<TestStream>(NewNarrowConnection());
  EXPECT_FALSE(stream->Call(ConsumerHeartbeat(client_id, group)).has_status());
  stream->TakePushes();
  const int heartbeats = authorizer_->count("Heartbeat");
  EXPECT_TRUE(stream->Write(FrameOf(LargeAnswerHeartbeat(client_id, group))));
  authorizer_->AwaitCount("Heartbeat", heartbeats + 1);
  // Handled by the same thread, so the frame before it has been.
  ConsumerIds(group);
  return stream;
}

grpc::Status TestBroker::Heartbeat(const pb::HeartbeatRequest& request,
                                   pb::HeartbeatResponse* response,
                                   int* response_code) const {
  grpc::ClientContext context;
  SetTestDeadline(context);
  const grpc::Status status = pb::ClientManager::NewStub(connection_)
                                  ->Heartbeat(&context, request, response);
  if (response_code != nullptr) *response_code = ResponseCodeOf(context);
  return status;
}

std::vector<std::string> TestBroker::ConsumerIds(
    absl::string_view group) const {
  grpc::ClientContext context;
  SetTestDeadline(context);
  pb::GetConsumerListByGroupRequest request;
  request.set_group(std::string(group));
  pb::GetConsumerListByGroupResponse response;
  const grpc::Status status =
      pb::ClientManager::NewStub(connection_)
          ->GetConsumerListByGroup(&context, request, &response);
  EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::NOT_FOUND)
      << status.error_message();
  return {response.client_ids().begin(), response.client_ids().end()};
}

bool TestBroker::AwaitConsumers(absl::string_view group, size_t count) const {
  const gpr_timespec deadline =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_seconds(kCallSeconds, GPR_TIMESPAN));
  while (gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), deadline) < 0) {
    if (ConsumerIds(group).size() == count) return true;
  }
  return false;
}

}  // namespace rmq
