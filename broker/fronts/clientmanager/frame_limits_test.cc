// Frames that are too large, too many, compressed, or none.

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/fronts/clientmanager/connect_session_testutil.h"
#include "broker/server/test_broker.h"
#include "gmock/gmock.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A frame of so many bytes; more than 300.
pb::ClientFrame FrameOfSize(size_t bytes) {
  pb::ClientFrame frame = FrameOf(ConsumerHeartbeat("c1", "others"));
  frame.set_request_id(7);
  std::string& expression = *frame.mutable_heartbeat()
                                 ->mutable_consumers(0)
                                 ->mutable_subscriptions(0)
                                 ->mutable_expression();
  expression.assign(bytes, 'x');
  while (frame.ByteSizeLong() > bytes) expression.pop_back();
  EXPECT_EQ(frame.ByteSizeLong(), bytes);
  return frame;
}

BrokerController::Options SmallFrames() {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.max_frame_bytes = 4096;
  return options;
}

TEST(FrameLimitsTest, AFrameOverTheSizeLimitIsRefusedAndTheStreamGoesOn) {
  TestBroker broker(SmallFrames());
  const auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  EXPECT_FALSE(stream->Call(FrameOfSize(4096)).has_status());

  for (size_t bytes : {size_t{4097}, size_t{1} << 20}) {
    const pb::Reply refused = stream->Call(FrameOfSize(bytes));
    EXPECT_EQ(refused.request_id(), 7);
    EXPECT_EQ(refused.status().code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(refused.status().response_code(), pb::RESPONSE_CODE_SYSTEM_BUSY);
    EXPECT_EQ(refused.status().message(),
              absl::StrCat("frame must be at most 4096 bytes, got ", bytes));
    EXPECT_EQ(refused.response_case(), pb::Reply::RESPONSE_NOT_SET);
  }
  EXPECT_THAT(broker.ConsumerIds("others"), ElementsAre("c1"));
  EXPECT_FALSE(stream->Call(ConsumerHeartbeat("c1", "orders")).has_status());
}

// A stream of bytes, whatever they are.
class RawStream {
 public:
  explicit RawStream(const TestBroker& broker) : stub_(broker.NewConnection()) {
    SetTestDeadline(context_);
    call_ = stub_.PrepareCall(
        &context_, "/rocketmq.clientmanager.v1.ClientManager/Connect", &queue_);
    call_->StartCall(nullptr);
    EXPECT_TRUE(Run());
  }
  // After Finish().
  ~RawStream() { queue_.Shutdown(); }

  void Write(const std::string& bytes) {
    grpc::Slice slice(bytes);
    call_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    EXPECT_TRUE(Run());
  }
  // Reads to the end.
  grpc::Status Finish() {
    bool more = true;
    while (more) {
      grpc::ByteBuffer answer;
      call_->Read(&answer, nullptr);
      more = Run();
    }
    grpc::Status status;
    call_->Finish(&status, nullptr);
    EXPECT_TRUE(Run());
    return status;
  }

  const grpc::ClientContext& context() const { return context_; }

 private:
  // Waits for the operation that was started.
  bool Run() {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue_.Next(&tag, &ok));
    return ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

TEST(FrameLimitsTest, ALargeFrameThatDoesNotBeginWithItsIdEndsItsStream) {
  TestBroker broker(SmallFrames());
  const auto peer = broker.Join(ConsumerHeartbeat("peer", "orders"));
  RawStream stream(broker);
  pb::ClientFrame frame = FrameOf(ConsumerHeartbeat("c1", "orders"));
  frame.set_request_id(1);
  stream.Write(frame.SerializeAsString());
  ASSERT_TRUE(broker.AwaitConsumers("orders", 2));
  stream.Write(std::string(5000, 'x'));
  EXPECT_THAT(stream.Finish(),
              EndsWith(grpc::StatusCode::RESOURCE_EXHAUSTED,
                       "frame must be at most 4096 bytes, got 5000"));
  EXPECT_EQ(ResponseCodeOf(stream.context()), 2);
  EXPECT_EQ(EndReasonOf(stream.context()), "");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("peer"));
  EXPECT_FALSE(peer->Call(ListFrame("orders")).has_status());
}

TEST(FrameLimitsTest, BytesThatAreNoFrameEndTheStreamWithInvalidArgument) {
  TestBroker broker;
  const auto peer = broker.Join(ConsumerHeartbeat("peer", "orders"));
  RawStream stream(broker);
  pb::ClientFrame frame = FrameOf(ConsumerHeartbeat("c1", "orders"));
  frame.set_request_id(1);
  stream.Write(frame.SerializeAsString());
  ASSERT_TRUE(broker.AwaitConsumers("orders", 2));
  stream.Write("\x0a\xff\xff");
  EXPECT_THAT(stream.Finish(), EndsWith(grpc::StatusCode::INVALID_ARGUMENT,
                                        "the frame is not a ClientFrame"));
  EXPECT_EQ(ResponseCodeOf(stream.context()), 1);
  EXPECT_EQ(EndReasonOf(stream.context()), "");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("peer"));
  EXPECT_FALSE(peer->Call(ListFrame("orders")).has_status());
}

// --- Compressed frames ---

class CompressedFramesTest
    : public ::testing::TestWithParam<grpc_compression_algorithm> {};

INSTANTIATE_TEST_SUITE_P(Each, CompressedFramesTest,
                         ::testing::Values(GRPC_COMPRESS_GZIP,
                                           GRPC_COMPRESS_DEFLATE),
                         [](const auto& test) {
                           return test.param == GRPC_COMPRESS_GZIP ? "Gzip"
                                                                   : "Deflate";
                         });

TEST_P(CompressedFramesTest, UpToTheLimitAreHandledAndBeyondRefused) {
  TestBroker broker(SmallFrames());
  TestStream stream(broker.NewCompressingConnection(GetParam()));
  EXPECT_FALSE(stream.Call(FrameOfSize(4096)).has_status());
  EXPECT_THAT(broker.ConsumerIds("others"), ElementsAre("c1"));
  // The last one is 30 times as large as what is sent.
  for (size_t bytes : {size_t{4097}, size_t{1} << 20}) {
    const pb::Reply refused = stream.Call(FrameOfSize(bytes));
    EXPECT_EQ(refused.request_id(), 7);
    EXPECT_EQ(refused.status().code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(refused.status().response_code(), pb::RESPONSE_CODE_SYSTEM_BUSY);
    EXPECT_THAT(refused.status().message(),
                HasSubstr("frame must be at most 4096 bytes, got more: "));
  }
  EXPECT_FALSE(stream.Call(FrameOfSize(4096)).has_status());
}

TEST_P(CompressedFramesTest, OverTheRateAreRefusedByTheirIds) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.max_frame_rate = 1;
  TestBroker broker(options);
  TestStream stream(broker.NewCompressingConnection(GetParam()));
  EXPECT_FALSE(stream.Call(FrameOfSize(4096)).has_status());
  const pb::Reply refused = stream.Call(FrameOfSize(4096));
  EXPECT_EQ(refused.request_id(), 7);
  EXPECT_EQ(refused.status().message(),
            "frames on a stream must be at most 1 a second");
}

TEST_P(CompressedFramesTest, AreWeighedByWhatTheyAreMadeOf) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.rates.max_unary_bytes_rate = 1000;
  TestBroker broker(options);
  TestStream stream(broker.NewCompressingConnection(GetParam()));
  EXPECT_FALSE(stream.Call(FrameOfSize(4000)).has_status());
  const pb::Reply refused = stream.Call(FrameOfSize(4000));
  EXPECT_EQ(refused.request_id(), 7);
  EXPECT_EQ(refused.status().code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.status().message(),
            "bytes of unary requests and compressed messages from one address "
            "must be at most 1000 a second, come again in 2s");
  // Frames that are not compressed have their rate alone.
  const auto other = broker.Connect();
  EXPECT_FALSE(other->Call(FrameOfSize(4000)).has_status());
}

TEST_P(CompressedFramesTest, AreASignOfLifeAlsoOverTheRateOfTheirAddress) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.rates.max_unary_bytes_rate = 1000;
  options.table.channel_expiry = absl::Seconds(1);
  TestBroker broker(options);
  TestStream stream(broker.NewCompressingConnection(GetParam()));
  EXPECT_FALSE(stream.Call(FrameOfSize(1'000'000)).has_status());
  for (int i = 0; i < 5; ++i) {
    broker.PassTime(absl::Seconds(1));
    // Refused, on a stream that has not expired.
    EXPECT_EQ(stream.Call(FrameOfSize(4000)).status().code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
}

TEST(FrameLimitsTest, FramesOverTheRateAreRefusedAndTheStreamGoesOn) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.max_frame_rate = 5;
  TestBroker broker(options);
  const auto stream = broker.Join(ProducerHeartbeat("c1", "payments"));
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(
        stream->Call(ProducerHeartbeat("c1", "payments")).has_status());
  }
  const pb::Reply refused = stream->Call(ProducerHeartbeat("c1", "payments"));
  EXPECT_EQ(refused.status().code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.status().response_code(), pb::RESPONSE_CODE_SYSTEM_BUSY);
  EXPECT_EQ(refused.status().message(),
            "frames on a stream must be at most 5 a second");
  // Each stream has its own.
  const auto other = broker.Join(ProducerHeartbeat("c2", "payments"));

  broker.clock().Advance(absl::Milliseconds(200));
  EXPECT_FALSE(stream->Call(ProducerHeartbeat("c1", "payments")).has_status());
  EXPECT_TRUE(stream->Call(ProducerHeartbeat("c1", "payments")).has_status());
}

}  // namespace
}  // namespace rmq
