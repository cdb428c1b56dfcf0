// Connect streams of a broker: their beginning, their frames and pushes, their
// end.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/broker_controller.h"
#include "broker/fronts/clientmanager/connect_session_testutil.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/server/test_broker.h"
#include "common/rpc/loop/loop_queues.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ConnectSessionTest, AMemberIsToldOfItsOwnJoiningBeforeTheReply) {
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

TEST(ConnectSessionTest, APushTellsHowLongTheBrokerIsSettling) {
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

TEST(ConnectSessionTest, MembersAreToldOfOneThatJoinsAndOneThatLeaves) {
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

TEST(ConnectSessionTest, RepliesComeInTheOrderOfTheRequests) {
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

TEST(ConnectSessionTest, ARequestIdOfZeroIsRefusedAndTheStreamGoesOn) {
  TestBroker broker;
  const auto stream = broker.Connect();
  ASSERT_TRUE(stream->WriteAsIs(FrameOf(ConsumerHeartbeat("c1", "orders"))));
  const pb::Reply reply = stream->ReadReply();
  EXPECT_EQ(reply.request_id(), 0);
  EXPECT_EQ(reply.status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_FALSE(stream->Call(ConsumerHeartbeat("c1", "orders")).has_status());
}

TEST(ConnectSessionTest, MoreStreamsThanOneQueueCarriesAreServedAlike) {
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

TEST(ConnectSessionTest, AHalfCloseEndsWithOkOnceAllRepliesAreWritten) {
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

TEST(ConnectSessionTest, AHalfCloseWithoutAFrameEndsWithOk) {
  TestBroker broker;
  const auto stream = broker.Connect();
  stream->HalfClose();
  EXPECT_THAT(stream->Finish(), EndsWith(grpc::StatusCode::OK, ""));
}

TEST(ConnectSessionTest, ACancelledStreamLeavesItsGroups) {
  TestBroker broker;
  const auto peer = broker.Join(ConsumerHeartbeat("c2", "orders"));
  const auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  PushesSoFar(*peer);
  stream->Cancel();
  EXPECT_EQ(peer->ReadPush(), "orders");
  EXPECT_THAT(PushesSoFar(*peer), IsEmpty());
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c2"));
}

TEST(ConnectSessionTest, AClientThatVanishesWithItsConnectionLeavesItsGroups) {
  TestBroker broker;
  const auto peer = broker.Join(ConsumerHeartbeat("c2", "orders"));
  auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  PushesSoFar(*peer);
  stream.reset();
  EXPECT_EQ(peer->ReadPush(), "orders");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c2"));
}

TEST(ConnectSessionTest, AClientThatVanishesUnreadLeavesItsGroups) {
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

TEST(ConnectSessionTest, ASilentStreamExpiresAndItsPeersAreTold) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.table.channel_expiry = absl::Seconds(120);
  // A write may be in flight when the clock begins to run.
  options.server.slow_reader_limit = absl::Hours(1);
  TestBroker broker(options);
  const auto silent = broker.Join(ConsumerHeartbeat("silent", "orders"));
  broker.PassTime(absl::Seconds(60));
  const auto peer = broker.Join(ConsumerHeartbeat("peer", "orders"));
  peer->TakePushes();
  broker.PassTime(absl::Seconds(61));

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

TEST(ConnectSessionTest, AStreamWithoutAFullHeartbeatEndsAfterTenSeconds) {
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

TEST(ConnectSessionTest, AStreamWhoseFullHeartbeatComesInTimeGoesOn) {
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

TEST(ConnectSessionTest, SilenceRunsFromTheFirstFullHeartbeat) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.table.channel_expiry = absl::Seconds(20);
  TestBroker broker(options);
  const auto other = broker.Join(ConsumerHeartbeat("c0", "others"));
  const auto stream = broker.Connect();
  SaySomething(*stream);
  broker.PassTime(absl::Seconds(9));
  EXPECT_FALSE(stream->Call(ConsumerHeartbeat("c1", "orders")).has_status());
  // 28 s after the opening, 19 s after the heartbeat.
  broker.PassTime(absl::Seconds(19));
  EXPECT_EQ(other->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_FALSE(stream->Call(ListFrame("orders")).has_status());
  broker.PassTime(absl::Seconds(2));
  EXPECT_THAT(stream->Finish(),
              EndsWith(grpc::StatusCode::DEADLINE_EXCEEDED, "EXPIRED"));
  EXPECT_EQ(EndReasonOf(stream->context()), "EXPIRED");
}

TEST(ConnectSessionTest, StreamsWithoutAHeartbeatTakeNoChannel) {
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

TEST(ConnectSessionTest, ATableThatFillsBeforeTheFirstHeartbeatTurnsItAway) {
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

TEST(ConnectSessionTest, AReplacedStreamIsAbortedAndItsPeersHearNothing) {
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

TEST(ConnectSessionTest, AnotherOrNoIncarnationReplacesNothing) {
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

TEST(ConnectSessionTest,
     TheLimitOnChannelsTurnsAStreamAwayAndThereIsRoomAgain) {
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

TEST(ConnectSessionTest, TheLimitOfAnAddressTurnsAStreamAwayAtOnce) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.table.max_channels_per_address = 1;
  TestBroker broker(options);
  const auto first = broker.Join(ConsumerHeartbeat("c1", "orders"));
  const auto second = broker.Connect();
  EXPECT_THAT(second->Finish(), EndsWith(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                         "max_channels_per_address is 1"));
  EXPECT_EQ(ResponseCodeOf(second->context()), 2);
}

// --- The notifier's window, and its pauses ---

TEST(ConnectSessionTest, ThePushesOfALargeGroupThatAreLeftAreMadeAPauseLater) {
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

TEST(ConnectSessionTest, ChangesWithinTheWindowMakeOnePush) {
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
