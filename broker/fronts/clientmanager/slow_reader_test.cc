// Connect streams whose clients do not read.

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/fronts/clientmanager/connect_session_testutil.h"
#include "broker/server/test_broker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

TEST(SlowReaderTest, ReadingPausesWhileEightRepliesWaitAndGoesOn) {
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

TEST(SlowReaderTest, AClientThatDoesNotReadIsCutOffAndNoOtherNotices) {
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

TEST(SlowReaderTest, AClientThatReadsInTimeIsNotCutOff) {
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

TEST(SlowReaderTest, AnExpiredClientThatDoesNotReadIsCutOff) {
  TestBroker broker(LargeAnswerOptions());
  const auto slow = broker.JoinAndStall("slow", "orders");
  broker.PassTime(absl::Seconds(121));
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

TEST(SlowReaderTest, PushesToASlowReaderCoalesceToOneAGroup) {
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

}  // namespace
}  // namespace rmq
