// The recipe of WORK_SHARING.md, without a broker and without waiting.
#include "client/examples/work_sharer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/mock_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq::examples {
namespace {

using ::testing::Each;
using ::testing::NiceMock;
using ::testing::ReturnPointee;
using ::testing::ReturnRef;

constexpr char kBroker[] = "10.0.0.1:10911";
constexpr int kShards = 4;

TEST(ShardsOfTest, EachShardIsOneMembersAndAllHaveAsManyOrOneMore) {
  const std::vector<std::string> members = {"c", "a", "b"};
  std::vector<int> owners(32);
  for (const std::string& member : members) {
    const std::vector<bool> mine = ShardsOf(member, members, 32);
    int count = 0;
    for (int shard = 0; shard < 32; ++shard) {
      owners[shard] += mine[shard] ? 1 : 0;
      count += mine[shard] ? 1 : 0;
    }
    EXPECT_TRUE(count == 10 || count == 11) << count;
  }
  EXPECT_THAT(owners, Each(1));
}

TEST(ShardsOfTest, AMemberWithTwoStreamsCountsOnce) {
  EXPECT_EQ(ShardsOf("a", {"a", "b", "a"}, 4),
            (std::vector<bool>{true, true, false, false}));
}

TEST(ShardsOfTest, WhoIsNotInTheListHasNoShard) {
  EXPECT_THAT(ShardsOf("a", {"b"}, 4), Each(false));
  EXPECT_THAT(ShardsOf("a", {}, 4), Each(false));
}

class WorkSharerTest : public ::testing::Test {
 protected:
  WorkSharerTest() {
    ON_CALL(client_, client_id).WillByDefault(ReturnRef(me_));
    ON_CALL(client_, Health).WillByDefault([this] {
      BrokerHealth health;
      health.broker = broker_;
      health.state = state_;
      return std::vector<BrokerHealth>{health};
    });
    ON_CALL(client_, GetConsumerIds).WillByDefault(ReturnPointee(&ids_));
  }

  void Tell(absl::StatusOr<ConsumerIds> ids) {
    ids_ = std::move(ids);
    sharer_.OnConsumerIdsChanged({broker_, "orders"});
  }
  void Tell(std::vector<std::string> ids) {
    Tell(ConsumerIds{broker_, std::move(ids)});
  }
  // Asks for each shard, as a worker does.
  std::vector<bool> Mine() {
    std::vector<bool> mine;
    for (int shard = 0; shard < kShards; ++shard) {
      mine.push_back(sharer_.MayWork(client_, shard));
    }
    return mine;
  }
  // Asks all the time, so that the process does not seem to have been paused.
  void WorkFor(absl::Duration duration) {
    const absl::Time end = now_ + duration;
    while (now_ < end) {
      Mine();
      now_ += std::min(end - now_, absl::Milliseconds(100));
    }
  }
  // Alone in the group, with all shards.
  void WorkAlone() {
    Tell({"me"});
    WorkFor(absl::Seconds(3));
    ASSERT_THAT(Mine(), Each(true));
  }

  const std::vector<bool> kFirstHalf = {true, true, false, false};

  const std::string me_ = "me";
  const BrokerEntry broker_{"broker-a", 0, kBroker};
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  BrokerState state_ = BrokerState::kOnline;
  absl::StatusOr<ConsumerIds> ids_ = ConsumerIds();
  NiceMock<MockClient> client_;
  WorkSharer sharer_{{kBroker, "orders", kShards}, [this] { return now_; }};
};

TEST_F(WorkSharerTest, ShardsThatBecomeOursAreHandedOverFirst) {
  Tell({"me"});
  WorkFor(absl::Milliseconds(2999));
  EXPECT_THAT(Mine(), Each(false));
  EXPECT_EQ(sharer_.why_nothing(), "shards are handed over to this member");
  now_ += absl::Milliseconds(1);
  EXPECT_THAT(Mine(), Each(true));
}

TEST_F(WorkSharerTest, ShardsThatBecomeAnothersAreLeftAtOnceAndTheRestKept) {
  WorkAlone();
  Tell({"me", "you"});
  EXPECT_EQ(Mine(), kFirstHalf);
  Tell({"me"});
  EXPECT_EQ(Mine(), kFirstHalf);
  WorkFor(absl::Seconds(3));
  EXPECT_THAT(Mine(), Each(true));
}

TEST_F(WorkSharerTest, NothingIsOursUnlessTheBrokerKnowsTheClient) {
  for (const BrokerState state :
       {BrokerState::kBackoff, BrokerState::kStating, BrokerState::kPartial,
        BrokerState::kReplaced}) {
    WorkAlone();
    state_ = state;
    now_ += WorkSharer::kLook;
    EXPECT_THAT(Mine(), Each(false)) << Name(state);
    state_ = BrokerState::kOnline;
    WorkFor(absl::Seconds(3));  // Handed over anew.
    EXPECT_THAT(Mine(), Each(false)) << Name(state);
    WorkFor(WorkSharer::kLook);
    EXPECT_THAT(Mine(), Each(true)) << Name(state);
  }
}

TEST_F(WorkSharerTest, NothingIsOursWhileTheBrokerIsSettling) {
  WorkAlone();
  Tell(ConsumerIds{broker_, {"me"}, absl::Seconds(20)});
  EXPECT_THAT(Mine(), Each(false));
  EXPECT_EQ(sharer_.why_nothing(), "the broker is settling");
  WorkFor(absl::Seconds(20));
  EXPECT_THAT(Mine(), Each(false));
  Tell({"me", "you"});  // The library calls when it has settled.
  WorkFor(absl::Seconds(3));
  EXPECT_EQ(Mine(), kFirstHalf);
}

TEST_F(WorkSharerTest, NothingIsOursIfTheListCannotBeRead) {
  WorkAlone();
  Tell(absl::DeadlineExceededError("too late"));
  EXPECT_THAT(Mine(), Each(false));
  ids_ = ConsumerIds{broker_, {"me"}};  // It is asked for again.
  WorkFor(absl::Seconds(4));
  EXPECT_THAT(Mine(), Each(true));
}

TEST_F(WorkSharerTest, AfterAPauseTheListIsReadBeforeAnythingElse) {
  WorkAlone();
  ids_ = ConsumerIds{broker_, {"me", "you"}};  // The push is not handled yet.
  now_ += WorkSharer::kPause - absl::Nanoseconds(1);
  EXPECT_THAT(Mine(), Each(true));
  now_ += WorkSharer::kPause;
  EXPECT_EQ(Mine(), kFirstHalf);
}

TEST_F(WorkSharerTest, AnAnswerThatTookTooLongIsNotWorkedBy) {
  WorkAlone();
  ON_CALL(client_, GetConsumerIds).WillByDefault([this](auto...) {
    now_ += WorkSharer::kPause;
    return ids_;
  });
  Tell({"me"});
  EXPECT_FALSE(sharer_.MayWork(client_, 0));
}

TEST_F(WorkSharerTest, WhatOtherGroupsAndBrokersTellIsNotOurs) {
  WorkAlone();
  EXPECT_CALL(client_, GetConsumerIds).Times(0);
  sharer_.OnConsumerIdsChanged({broker_, "payments"});
  sharer_.OnConsumerIdsChanged({{"broker-b", 0, "10.0.0.2:10911"}, "orders"});
  EXPECT_THAT(Mine(), Each(true));
}

TEST_F(WorkSharerTest, TheListIsReadOnceForAChange) {
  WorkAlone();
  EXPECT_CALL(client_, GetConsumerIds).Times(1);
  Tell({"me"});
  WorkFor(absl::Seconds(5));
}

}  // namespace
}  // namespace rmq::examples
