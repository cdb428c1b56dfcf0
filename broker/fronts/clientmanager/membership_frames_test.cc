// Pushes with what changed, and acknowledgments, on streams of a broker.
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/broker_controller.h"
#include "broker/fronts/clientmanager/connect_session_testutil.h"
#include "broker/server/test_broker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

pb::ClientFrame Acknowledgment(const std::string& group, uint64_t epoch) {
  pb::ClientFrame frame;
  frame.mutable_acknowledge()->set_group(group);
  frame.mutable_acknowledge()->set_epoch(epoch);
  return frame;
}

BrokerController::Options Settled() {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.settle = absl::ZeroDuration();
  return options;
}

pb::NotifyConsumerIdsChanged ReadPushOf(TestStream& stream) {
  const absl::optional<pb::BrokerFrame> frame = stream.Read();
  EXPECT_TRUE(frame.has_value() && frame->has_notify_consumer_ids_changed());
  return frame.value_or(pb::BrokerFrame()).notify_consumer_ids_changed();
}

// A stream that has joined, and its group's epoch.
std::unique_ptr<TestStream> JoinOrders(TestBroker& broker,
                                       const std::string& client_id,
                                       uint64_t* epoch) {
  auto stream = broker.Connect();
  const pb::Reply reply = stream->Call(ConsumerHeartbeat(client_id, "orders"));
  EXPECT_EQ(reply.heartbeat().group_epochs_size(), 1);
  *epoch = reply.heartbeat().group_epochs(0).epoch();
  return stream;
}

TEST(MembershipFramesTest, AnAcknowledgmentHasNoReplyAndADifferenceFollows) {
  TestBroker broker(Settled());
  uint64_t base = 0;
  const auto stream = JoinOrders(broker, "c1", &base);
  ASSERT_TRUE(stream->WriteAsIs(Acknowledgment("orders", base)));
  // The next reply is that of the next frame.
  EXPECT_FALSE(stream->Call(ListFrame("orders")).has_status());
  uint64_t epoch = 0;
  const auto other = JoinOrders(broker, "c2", &epoch);
  const pb::NotifyConsumerIdsChanged push = ReadPushOf(*stream);
  EXPECT_EQ(
      push.ShortDebugString(),
      absl::StrCat("group: \"orders\" epoch: ", epoch, " base_epoch: ", base,
                   " changes { client_id: \"c2\" type: TYPE_JOINED }"));
}

TEST(MembershipFramesTest, ARequestIdOfAnAcknowledgmentIsIgnored) {
  TestBroker broker(Settled());
  uint64_t base = 0;
  const auto stream = JoinOrders(broker, "c1", &base);
  ASSERT_TRUE(stream->Write(Acknowledgment("orders", base)));
  EXPECT_FALSE(stream->Call(ListFrame("orders")).has_status());
  uint64_t epoch = 0;
  const auto other = JoinOrders(broker, "c2", &epoch);
  EXPECT_EQ(ReadPushOf(*stream).base_epoch(), base);
}

TEST(MembershipFramesTest, ManyAcknowledgmentsDoNotCountAsFrames) {
  BrokerController::Options options = Settled();
  options.server.max_frame_rate = 2;
  TestBroker broker(options);
  uint64_t base = 0;
  const auto stream = JoinOrders(broker, "c1", &base);
  for (int i = 0; i < 250; ++i) {
    ASSERT_TRUE(stream->WriteAsIs(Acknowledgment("orders", base)));
  }
  EXPECT_FALSE(stream->Call(ListFrame("orders")).has_status());
}

TEST(MembershipFramesTest, AFloodOfThemLeavesTheStreamAsItIs) {
  TestBroker broker(Settled());
  uint64_t base = 0;
  const auto stream = JoinOrders(broker, "c1", &base);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(stream->WriteAsIs(Acknowledgment("orders", base)));
  }
  EXPECT_FALSE(stream->Call(ListFrame("orders")).has_status());
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
}

TEST(MembershipFramesTest, ACompressedAcknowledgmentIsTakenToo) {
  TestBroker broker(Settled());
  TestStream stream(broker.NewCompressingConnection(GRPC_COMPRESS_GZIP));
  const pb::Reply reply = stream.Call(ConsumerHeartbeat("c1", "orders"));
  const uint64_t base = reply.heartbeat().group_epochs(0).epoch();
  pb::ClientFrame frame = Acknowledgment("orders", base);
  for (int i = 0; i < 200; ++i) {  // So that compression makes it smaller.
    frame.mutable_acknowledge()->add_more()->set_group("not a member of this");
  }
  ASSERT_TRUE(stream.WriteAsIs(frame));
  EXPECT_FALSE(stream.Call(ListFrame("orders")).has_status());
  uint64_t epoch = 0;
  const auto other = JoinOrders(broker, "c2", &epoch);
  EXPECT_EQ(ReadPushOf(stream).base_epoch(), base);
}

TEST(MembershipFramesTest, AnAcknowledgmentThatIsTooLargeIsDropped) {
  BrokerController::Options options = Settled();
  options.server.max_frame_bytes = 10'000;
  TestBroker broker(options);
  uint64_t base = 0;
  const auto stream = JoinOrders(broker, "c1", &base);
  ASSERT_TRUE(
      stream->WriteAsIs(Acknowledgment(std::string(10'000, 'x'), base)));
  EXPECT_FALSE(stream->Call(ListFrame("orders")).has_status());
}

TEST(MembershipFramesTest, ASlowReaderGetsTheLatestDifferenceOfItsGroup) {
  BrokerController::Options options = NoExpiry(LargeAnswerOptions());
  options.settle = absl::ZeroDuration();
  TestBroker broker(options);
  uint64_t base = 0;
  const auto first = JoinOrders(broker, "c1", &base);
  const auto slow = broker.JoinAndStall("slow", "orders");
  for (int i = 0; i < 5; ++i) {
    uint64_t epoch = 0;
    JoinOrders(broker, absl::StrCat("passing", i), &epoch);
  }
  ASSERT_TRUE(broker.AwaitConsumers("orders", 2));
  pb::ClientFrame list = ListFrame("orders");
  const uint64_t epoch = first->Call(list).get_consumer_list_by_group().epoch();
  EXPECT_FALSE(slow->ReadReply().has_status());
  pb::NotifyConsumerIdsChanged last;
  while (last.epoch() < epoch) {
    const uint64_t before = last.epoch();
    last = ReadPushOf(*slow);
    ASSERT_GT(last.epoch(), before);
  }
  EXPECT_TRUE(last.complete());
  EXPECT_THAT(last.client_ids(), ElementsAre("c1", "slow"));
}

}  // namespace
}  // namespace rmq
