#include "broker/service/connect_stream.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/broker_controller.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/service/test_broker.h"
#include "common/rpc/loop/loop_queues.h"
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
using ::testing::IsEmpty;
using ::testing::SizeIs;

MATCHER_P2(EndsWith, code, message, "") {
  *result_listener << arg.error_code() << ": " << arg.error_message();
  return arg.error_code() == code &&
         ::testing::ExplainMatchResult(HasSubstr(message), arg.error_message(),
                                       result_listener);
}

// No heartbeat is missed: what happens has another reason.
BrokerController::Options NoExpiry(BrokerController::Options options) {
  options.table.channel_expiry = absl::Hours(24);
  return options;
}

// Lists asked for when as many replies wait as may: JoinAndStall() asks for
// one.
constexpr int kAskedWhenFull = 1 + ConnectStream::kMaxWaitingReplies;

// Everything that a stream was sent so far has been read by its client then.
std::vector<std::string> PushesSoFar(TestStream& stream) {
  pb::ClientFrame unknown;  // Answered, whatever state the stream is in.
  stream.Call(unknown);
  return stream.TakePushes();
}

TEST(ConnectStreamTest, AMemberIsToldOfItsOwnJoiningBeforeTheReply) {
  TestBroker broker;
  const auto stream = broker.Connect();
  ASSERT_TRUE(stream->Write(FrameOf(ConsumerHeartbeat("c1", "orders"))));
  EXPECT_EQ(stream->ReadPush(), "orders");
  const pb::Reply reply = stream->ReadReply();
  EXPECT_EQ(reply.request_id(), 1);
  EXPECT_FALSE(reply.has_status());
  EXPECT_NE(reply.heartbeat().statement_token(), 0);
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
}

TEST(ConnectStreamTest, APushTellsHowLongTheBrokerIsSettling) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  for (const auto& [settle, seconds] :
       {std::make_pair(absl::optional<absl::Duration>(), 30),
        std::make_pair(absl::make_optional(absl::Seconds(7)), 7),
        std::make_pair(absl::make_optional(absl::ZeroDuration()), 0)}) {
    options.settle = settle;
    TestBroker broker(options);
    const auto stream = broker.Connect();
    ASSERT_TRUE(stream->Write(FrameOf(ConsumerHeartbeat("c1", "orders"))));
    const absl::optional<pb::BrokerFrame> push = stream->Read();
    ASSERT_TRUE(push.has_value());
    EXPECT_EQ(push->notify_consumer_ids_changed().settling_until().seconds(),
              seconds);
  }
}

TEST(ConnectStreamTest, MembersAreToldOfOneThatJoinsAndOneThatLeaves) {
  TestBroker broker;
  const auto first = broker.Join(ConsumerHeartbeat("c1", "orders"));
  const auto stranger = broker.Join(ConsumerHeartbeat("c2", "others"));
  first->TakePushes();
  stranger->TakePushes();

  auto second = broker.Join(ConsumerHeartbeat("c3", "orders"));
  EXPECT_EQ(first->ReadPush(), "orders");
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  EXPECT_FALSE(second->Call(unregister).has_status());
  EXPECT_EQ(first->ReadPush(), "orders");
  EXPECT_THAT(PushesSoFar(*first), IsEmpty());
  EXPECT_THAT(PushesSoFar(*stranger), IsEmpty());
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
}

TEST(ConnectStreamTest, RepliesComeInTheOrderOfTheRequests) {
  TestBroker broker;
  const auto stream = broker.Join(ProducerHeartbeat("c1", "payments"));
  constexpr uint64_t kFrames = 60;
  for (uint64_t id = kFrames; id > 0; --id) {
    pb::ClientFrame frame = id % 3 == 0
                                ? ListFrame("unknown")
                                : FrameOf(ProducerHeartbeat("c1", "payments"));
    frame.set_request_id(id);
    ASSERT_TRUE(stream->WriteAsIs(frame));
  }
  for (uint64_t id = kFrames; id > 0; --id) {
    const pb::Reply reply = stream->ReadReply();
    EXPECT_EQ(reply.request_id(), id);
    EXPECT_EQ(reply.status().code(),
              id % 3 == 0 ? grpc::StatusCode::NOT_FOUND : grpc::StatusCode::OK);
  }
}

TEST(ConnectStreamTest, ARequestIdOfZeroIsRefusedAndTheStreamGoesOn) {
  TestBroker broker;
  const auto stream = broker.Connect();
  ASSERT_TRUE(stream->WriteAsIs(FrameOf(ConsumerHeartbeat("c1", "orders"))));
  const pb::Reply reply = stream->ReadReply();
  EXPECT_EQ(reply.request_id(), 0);
  EXPECT_EQ(reply.status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_FALSE(stream->Call(ConsumerHeartbeat("c1", "orders")).has_status());
}

TEST(ConnectStreamTest, MoreStreamsThanOneQueueCarriesAreServedAlike) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.nap = absl::ZeroDuration();
  options.server.max_streams_per_connection = 10'000;
  TestBroker broker(options);
  constexpr size_t kStreams = LoopQueues::kMostCallsOnAQueue + 10;
  std::vector<std::unique_ptr<TestStream>> streams;
  for (size_t i = 0; i < kStreams; ++i) {
    streams.push_back(std::make_unique<TestStream>(broker.connection()));
    ASSERT_FALSE(streams[i]
                     ->Call(ProducerHeartbeat(absl::StrCat("c", i), "payments"))
                     .has_status())
        << i;
  }
  // Most leave, and the last ones, on a queue of their own, are still there.
  for (size_t i = 0; i < kStreams - 2; ++i) {
    streams[i]->HalfClose();
    ASSERT_TRUE(streams[i]->Finish().ok()) << i;
  }
  const std::string last = absl::StrCat("c", kStreams - 1);
  EXPECT_FALSE(streams[kStreams - 1]
                   ->Call(ConsumerHeartbeat(last, "orders"))
                   .has_status());
  streams[kStreams - 1]->TakePushes();
  const auto newcomer = broker.Join(ConsumerHeartbeat("newcomer", "orders"));
  EXPECT_EQ(streams[kStreams - 1]->ReadPush(), "orders");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre(last, "newcomer"));
}

// --- The client's end ---

TEST(ConnectStreamTest, AHalfCloseEndsWithOkOnceAllRepliesAreWritten) {
  TestBroker broker;
  const auto peer = broker.Join(ConsumerHeartbeat("c2", "orders"));
  const auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  PushesSoFar(*peer);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stream->Write(ListFrame("orders")));
  stream->HalfClose();
  std::vector<pb::BrokerFrame> rest;
  EXPECT_THAT(stream->Finish(&rest), EndsWith(grpc::StatusCode::OK, ""));
  EXPECT_THAT(rest, SizeIs(20));
  EXPECT_EQ(EndReasonOf(stream->context()), "");

  EXPECT_EQ(peer->ReadPush(), "orders");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c2"));
}

TEST(ConnectStreamTest, AHalfCloseWithoutAFrameEndsWithOk) {
  TestBroker broker;
  const auto stream = broker.Connect();
  stream->HalfClose();
  EXPECT_THAT(stream->Finish(), EndsWith(grpc::StatusCode::OK, ""));
}

TEST(ConnectStreamTest, ACancelledStreamLeavesItsGroups) {
  TestBroker broker;
  const auto peer = broker.Join(ConsumerHeartbeat("c2", "orders"));
  const auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  PushesSoFar(*peer);
  stream->Cancel();
  EXPECT_EQ(peer->ReadPush(), "orders");
  EXPECT_THAT(PushesSoFar(*peer), IsEmpty());
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c2"));
}

TEST(ConnectStreamTest, AClientThatVanishesWithItsConnectionLeavesItsGroups) {
  TestBroker broker;
  const auto peer = broker.Join(ConsumerHeartbeat("c2", "orders"));
  auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  PushesSoFar(*peer);
  stream.reset();
  EXPECT_EQ(peer->ReadPush(), "orders");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c2"));
}

TEST(ConnectStreamTest, AClientThatVanishesUnreadLeavesItsGroups) {
  TestBroker broker(LargeAnswerOptions());
  const auto peer = broker.Join(ConsumerHeartbeat("c2", "orders"));
  auto stream = broker.JoinAndStall("c1", "orders");
  // More than are read ahead: no read is in flight that could fail.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stream->Write(ListFrame("orders")));
  broker.authorizer().AwaitCount("GetConsumerListByGroup", kAskedWhenFull);
  PushesSoFar(*peer);
  stream.reset();
  EXPECT_EQ(peer->ReadPush(), "orders");
}

// --- The broker's end ---

TEST(ConnectStreamTest, ASilentStreamExpiresAndItsPeersAreTold) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.table.channel_expiry = absl::Seconds(120);
  // One tick, which does not come late, does it.
  options.housekeeping.period = absl::Seconds(130);
  TestBroker broker(options);
  const auto silent = broker.Join(ConsumerHeartbeat("silent", "orders"));
  broker.clock().Advance(absl::Seconds(60));
  const auto peer = broker.Join(ConsumerHeartbeat("peer", "orders"));
  peer->TakePushes();
  broker.clock().Advance(absl::Seconds(70));

  EXPECT_EQ(peer->ReadPush(), "orders");
  EXPECT_THAT(silent->Finish(),
              EndsWith(grpc::StatusCode::DEADLINE_EXCEEDED, "EXPIRED"));
  EXPECT_EQ(ResponseCodeOf(silent->context()), 1);
  EXPECT_EQ(EndReasonOf(silent->context()), "EXPIRED");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("peer"));
}

// --- Before the first full heartbeat ---

// Nothing of it is a full heartbeat of good form.
void SaySomething(TestStream& stream) {
  pb::ClientFrame unknown;
  EXPECT_TRUE(stream.Call(unknown).has_status());
  EXPECT_EQ(stream.Call(ListFrame("orders")).status().code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  pb::HeartbeatRequest light;
  light.set_statement_token(7);
  EXPECT_TRUE(stream.Call(light).heartbeat().full_statement_needed());
  EXPECT_TRUE(stream.Call(ConsumerHeartbeat("c1", "no blanks")).has_status());
}

TEST(ConnectStreamTest, AStreamWithoutAFullHeartbeatEndsAfterTenSeconds) {
  TestBroker broker;
  const auto stream = broker.Connect();
  SaySomething(*stream);
  broker.clock().Advance(absl::Milliseconds(9999));
  SaySomething(*stream);
  broker.clock().Advance(absl::Milliseconds(1));
  EXPECT_THAT(stream->Finish(),
              EndsWith(grpc::StatusCode::DEADLINE_EXCEEDED,
                       "no full heartbeat came within 10s of the stream's "
                       "opening"));
  EXPECT_EQ(ResponseCodeOf(stream->context()), 1);
  EXPECT_EQ(EndReasonOf(stream->context()), "");
}

TEST(ConnectStreamTest, AStreamWhoseFullHeartbeatComesInTimeGoesOn) {
  TestBroker broker;
  const auto stream = broker.Connect();
  SaySomething(*stream);
  broker.clock().Advance(absl::Milliseconds(9999));
  EXPECT_FALSE(stream->Call(ConsumerHeartbeat("c1", "orders")).has_status());
  for (int i = 0; i < 3; ++i) {
    broker.clock().Advance(absl::Seconds(10));
    EXPECT_FALSE(stream->Call(ListFrame("orders")).has_status());
  }
}

TEST(ConnectStreamTest, SilenceRunsFromTheFirstFullHeartbeat) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.table.channel_expiry = absl::Seconds(20);
  options.housekeeping.period = absl::Seconds(28);
  TestBroker broker(options);
  const auto other = broker.Join(ConsumerHeartbeat("c0", "others"));
  const auto stream = broker.Connect();
  SaySomething(*stream);
  broker.clock().Advance(absl::Seconds(9));
  EXPECT_FALSE(stream->Call(ConsumerHeartbeat("c1", "orders")).has_status());
  // The first tick: 28 s after the opening, 19 s after the heartbeat.
  broker.clock().Advance(absl::Seconds(19));
  EXPECT_EQ(other->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_FALSE(stream->Call(ListFrame("orders")).has_status());
  broker.clock().Advance(absl::Seconds(28));
  EXPECT_THAT(stream->Finish(),
              EndsWith(grpc::StatusCode::DEADLINE_EXCEEDED, "EXPIRED"));
  EXPECT_EQ(EndReasonOf(stream->context()), "EXPIRED");
}

TEST(ConnectStreamTest, StreamsWithoutAHeartbeatTakeNoChannel) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.table.max_channels = 1;
  TestBroker broker(options);
  std::vector<std::unique_ptr<TestStream>> silent;
  for (int i = 0; i < 5; ++i) {
    silent.push_back(broker.Connect());
    SaySomething(*silent.back());
  }
  const auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
}

TEST(ConnectStreamTest, ATableThatFillsBeforeTheFirstHeartbeatTurnsItAway) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.table.max_channels = 1;
  TestBroker broker(options);
  const auto late = broker.Connect();
  SaySomething(*late);
  auto first = broker.Join(ConsumerHeartbeat("c1", "orders"));
  ASSERT_TRUE(late->Write(FrameOf(ConsumerHeartbeat("late", "orders"))));
  EXPECT_THAT(late->Finish(), EndsWith(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                       "max_channels is 1"));
  EXPECT_EQ(ResponseCodeOf(late->context()), 2);
  EXPECT_EQ(EndReasonOf(late->context()), "");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
  // It has taken nothing away from others.
  first.reset();
  ASSERT_TRUE(broker.AwaitConsumers("orders", 0));
  broker.Join(ConsumerHeartbeat("c3", "orders"));
}

// --- Ends of channels ---

TEST(ConnectStreamTest, AReplacedStreamIsAbortedAndItsPeersHearNothing) {
  TestBroker broker;
  const auto peer = broker.Join(ConsumerHeartbeat("peer", "orders"));
  pb::HeartbeatRequest heartbeat = ConsumerHeartbeat("c1", "orders");
  heartbeat.set_incarnation(7);
  const auto old = broker.Join(heartbeat);
  PushesSoFar(*peer);

  const auto fresh = broker.Join(heartbeat);
  EXPECT_THAT(old->Finish(), EndsWith(grpc::StatusCode::ABORTED, "REPLACED"));
  EXPECT_EQ(ResponseCodeOf(old->context()), 1);
  EXPECT_EQ(EndReasonOf(old->context()), "REPLACED");
  EXPECT_THAT(PushesSoFar(*peer), IsEmpty());
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("peer", "c1"));

  // The old one's end takes nothing away from the new one.
  EXPECT_FALSE(fresh->Call(ListFrame("orders")).has_status());
}

TEST(ConnectStreamTest, AnotherOrNoIncarnationReplacesNothing) {
  TestBroker broker;
  pb::HeartbeatRequest heartbeat = ConsumerHeartbeat("c1", "orders");
  std::vector<std::unique_ptr<TestStream>> streams;
  for (uint64_t incarnation : {7, 8, 0, 0}) {
    heartbeat.set_incarnation(incarnation);
    streams.push_back(broker.Join(heartbeat));
  }
  for (const auto& stream : streams) {
    EXPECT_FALSE(stream->Call(ListFrame("orders")).has_status());
  }
  EXPECT_THAT(broker.ConsumerIds("orders"), SizeIs(4));
}

TEST(ConnectStreamTest, TheLimitOnChannelsTurnsAStreamAwayAndThereIsRoomAgain) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.table.max_channels = 2;
  TestBroker broker(options);
  const auto first = broker.Join(ConsumerHeartbeat("c1", "orders"));
  auto second = broker.Join(ConsumerHeartbeat("c2", "orders"));

  const auto third = broker.Connect();
  EXPECT_THAT(third->Finish(), EndsWith(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                        "max_channels is 2"));
  EXPECT_EQ(ResponseCodeOf(third->context()), 2);
  EXPECT_EQ(EndReasonOf(third->context()), "");

  second.reset();
  ASSERT_TRUE(broker.AwaitConsumers("orders", 1));
  const auto fourth = broker.Join(ConsumerHeartbeat("c4", "orders"));
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1", "c4"));
}

// --- Bad input ---

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

TEST(ConnectStreamTest, AFrameOverTheSizeLimitIsRefusedAndTheStreamGoesOn) {
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

TEST(ConnectStreamTest, ALargeFrameThatDoesNotBeginWithItsIdEndsItsStream) {
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

TEST(ConnectStreamTest, BytesThatAreNoFrameEndTheStreamWithInvalidArgument) {
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
  options.housekeeping.period = absl::Seconds(1);
  TestBroker broker(options);
  TestStream stream(broker.NewCompressingConnection(GetParam()));
  EXPECT_FALSE(stream.Call(FrameOfSize(1'000'000)).has_status());
  for (int i = 0; i < 5; ++i) {
    broker.clock().Advance(absl::Seconds(1));
    broker.clock().WaitForWaiters(1);
    // Refused, on a stream that has not expired.
    EXPECT_EQ(stream.Call(FrameOfSize(4000)).status().code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
}

TEST(ConnectStreamTest, FramesOverTheRateAreRefusedAndTheStreamGoesOn) {
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

// --- Slow readers ---

TEST(ConnectStreamTest, ReadingPausesWhileEightRepliesWaitAndGoesOn) {
  TestBroker broker(LargeAnswerOptions());
  const auto slow = broker.JoinAndStall("slow", "orders");
  constexpr int kFrames = 50;
  for (int i = 0; i < kFrames; ++i) {
    ASSERT_TRUE(slow->Write(ListFrame("orders", /*page_size=*/i + 1)));
  }
  broker.authorizer().AwaitCount("GetConsumerListByGroup", kAskedWhenFull);
  // Others are served meanwhile, by the same thread; the slow one is not.
  const auto peer = broker.Join(ConsumerHeartbeat("peer", "others"));
  for (int i = 0; i < 50; ++i) {
    pb::ClientFrame unknown;
    peer->Call(unknown);
  }
  EXPECT_EQ(broker.authorizer().count("GetConsumerListByGroup"),
            kAskedWhenFull);

  EXPECT_GT(slow->ReadReply().heartbeat().skipped_groups_size(), 0);
  uint64_t last_request_id = 0;
  for (int i = 0; i < kFrames; ++i) {
    const pb::Reply reply = slow->ReadReply();
    EXPECT_FALSE(reply.has_status());
    EXPECT_GT(reply.request_id(), last_request_id);
    last_request_id = reply.request_id();
  }
  EXPECT_EQ(last_request_id, slow->last_request_id());
}

TEST(ConnectStreamTest, AClientThatDoesNotReadIsCutOffAndNoOtherNotices) {
  BrokerController::Options options = NoExpiry(LargeAnswerOptions());
  options.server.slow_reader_limit = absl::Seconds(30);
  TestBroker broker(options);
  const auto slow = broker.JoinAndStall("slow", "orders");
  ASSERT_TRUE(slow->Write(ListFrame("orders")));  // Has to wait.
  const auto peer = broker.Join(ConsumerHeartbeat("peer", "orders"));
  PushesSoFar(*peer);

  broker.clock().Advance(absl::Seconds(29));
  EXPECT_FALSE(peer->Call(ListFrame("orders")).has_status());
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("slow", "peer"));

  broker.clock().Advance(absl::Seconds(1));
  EXPECT_EQ(peer->ReadPush(), "orders");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("peer"));
  EXPECT_EQ(slow->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(EndReasonOf(slow->context()), "");
}

TEST(ConnectStreamTest, AClientThatReadsInTimeIsNotCutOff) {
  BrokerController::Options options = NoExpiry(LargeAnswerOptions());
  TestBroker broker(options);
  const auto slow = broker.JoinAndStall("slow", "orders");
  ASSERT_TRUE(slow->Write(ListFrame("orders")));
  broker.clock().Advance(absl::Seconds(29));
  EXPECT_FALSE(slow->ReadReply().has_status());
  EXPECT_FALSE(slow->ReadReply().has_status());
  broker.clock().Advance(absl::Seconds(10));
  EXPECT_FALSE(slow->Call(ListFrame("orders")).has_status());
}

TEST(ConnectStreamTest, AnExpiredClientThatDoesNotReadIsCutOff) {
  BrokerController::Options options = LargeAnswerOptions();
  options.housekeeping.period = absl::Seconds(130);
  TestBroker broker(options);
  const auto slow = broker.JoinAndStall("slow", "orders");
  broker.clock().Advance(absl::Seconds(130));
  ASSERT_TRUE(broker.AwaitConsumers("orders", 0));
  // Its end waits to be read, until it is cut off: then writing fails. (It has
  // room for so many frames that the broker no longer reads.)
  bool is_open = true;
  for (int i = 0; i < 1000 && is_open; ++i) {
    broker.clock().Advance(absl::Seconds(10));
    broker.ConsumerIds("orders");
    is_open = slow->Write(ListFrame("orders"));
  }
  EXPECT_FALSE(is_open);
}

TEST(ConnectStreamTest, PushesToASlowReaderCoalesceToOneAGroup) {
  TestBroker broker(LargeAnswerOptions());
  const auto slow = broker.JoinAndStall("slow", "orders");
  constexpr int kChanges = 20;
  for (int i = 0; i < kChanges; ++i) {
    broker.Join(ConsumerHeartbeat(absl::StrCat("c", i), "orders"));
  }
  ASSERT_TRUE(broker.AwaitConsumers("orders", 1));
  EXPECT_FALSE(slow->ReadReply().has_status());
  EXPECT_EQ(slow->ReadPush(), "orders");
  // At most one more, made while that one was written.
  EXPECT_LE(PushesSoFar(*slow).size(), 1);
}

// --- The notifier's window, and its pauses ---

TEST(ConnectStreamTest, ThePushesOfALargeGroupThatAreLeftAreMadeAPauseLater) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.nap = absl::ZeroDuration();
  TestBroker broker(options);
  std::vector<std::unique_ptr<TestStream>> streams;
  for (size_t i = 0; i < ConsumerIdsNotifier::kMostPushes + 1; ++i) {
    streams.push_back(std::make_unique<TestStream>(broker.connection()));
    streams[i]->Call(ConsumerHeartbeat(absl::StrCat("c", i), "orders"));
    if (i == 0) {
      EXPECT_THAT(streams[0]->TakePushes(), ElementsAre("orders"));
    } else {
      EXPECT_EQ(streams[0]->ReadPush(), "orders");
    }
  }
  TestStream& last = *streams.back();
  EXPECT_THAT(PushesSoFar(last), IsEmpty());
  broker.clock().Advance(ConsumerIdsNotifier::kPause);
  EXPECT_EQ(last.ReadPush(), "orders");
  EXPECT_THAT(PushesSoFar(*streams[0]), IsEmpty());
}

TEST(ConnectStreamTest, ChangesWithinTheWindowMakeOnePush) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.notifier.notify_window = absl::Milliseconds(100);
  TestBroker broker(options);
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < 5; ++i) {
    streams.push_back(
        broker.Join(ConsumerHeartbeat(absl::StrCat("c", i), "orders")));
  }
  EXPECT_THAT(PushesSoFar(*streams[0]), ElementsAre("orders"));
  for (const auto& stream : streams) {
    EXPECT_THAT(PushesSoFar(*stream), IsEmpty());
  }
  broker.clock().Advance(absl::Milliseconds(100));
  for (const auto& stream : streams) {
    EXPECT_EQ(stream->ReadPush(), "orders");
    EXPECT_THAT(PushesSoFar(*stream), IsEmpty());
  }
}

}  // namespace
}  // namespace rmq
