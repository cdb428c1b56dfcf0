#include "client/session/session_memberships.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/session/group_membership.h"
#include "client/session/group_membership_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kBroker = 4711;
constexpr absl::Duration kInterval = absl::Seconds(30);

class SessionMembershipsTest : public ::testing::Test {
 protected:
  static std::vector<std::string> Groups(int n) {
    std::vector<std::string> groups;
    for (int i = 0; i < n; ++i) groups.push_back(absl::StrCat("group-", i));
    return groups;
  }
  std::vector<std::string> KeepOnly(const std::vector<std::string>& groups) {
    v1::HeartbeatRequest statement;
    for (const std::string& group : groups) {
      statement.add_consumers()->set_group(group);
    }
    return memberships_.KeepOnly(&statement);
  }
  void Accept(const std::vector<std::string>& groups, uint64_t epoch) {
    v1::HeartbeatResponse response;
    response.set_broker_incarnation(kBroker);
    for (const std::string& group : groups) {
      v1::GroupEpoch& known = *response.add_group_epochs();
      known.set_group(group);
      known.set_epoch(epoch);
    }
    memberships_.OnAccepted(groups, response, kInterval, now_);
  }
  // The groups are accepted, and their lists held.
  void Hold(const std::vector<std::string>& groups, uint64_t epoch) {
    KeepOnly(groups);
    Accept(groups, epoch);
    for (const std::string& group : groups) {
      memberships_.OnPush(CompletePush(0, epoch, {"a"}, group), now_);
    }
  }
  bool MayAcknowledge() const {
    return memberships_.NextAcknowledgment() <= now_;
  }
  bool MayAsk() const { return memberships_.NextPage() <= now_; }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  SessionMemberships memberships_{/*all_are_wanted=*/true};
};

TEST_F(SessionMembershipsTest, GroupsAreAcknowledgedInOneFrame) {
  Hold({"bills", "orders"}, 5);
  ASSERT_TRUE(MayAcknowledge());
  const v1::Acknowledge frame = memberships_.TakeAcknowledgments(now_);
  EXPECT_EQ(frame.group(), "bills");
  EXPECT_EQ(frame.epoch(), 5u);
  ASSERT_EQ(frame.more_size(), 1);
  EXPECT_EQ(frame.more(0).group(), "orders");
  EXPECT_EQ(frame.more(0).epoch(), 5u);
  EXPECT_EQ(frame.broker_incarnation(), kBroker);
  EXPECT_EQ(memberships_.NextAcknowledgment(), absl::InfiniteFuture());
  EXPECT_THAT(memberships_.Acknowledged(), SizeIs(2));
}

TEST_F(SessionMembershipsTest, AFrameAcknowledgesAtMost256Groups) {
  Hold(Groups(257), 5);
  EXPECT_EQ(memberships_.TakeAcknowledgments(now_).more_size(), 255);
  ASSERT_TRUE(MayAcknowledge());
  EXPECT_EQ(memberships_.TakeAcknowledgments(now_).more_size(), 0);
  EXPECT_FALSE(MayAcknowledge());
}

TEST_F(SessionMembershipsTest, AcknowledgmentsHaveARateAndGroupsTakeTurns) {
  const std::vector<std::string> groups = Groups(300);
  Hold(groups, 5);
  absl::flat_hash_set<std::string> at_six;
  size_t taken = 0;
  const auto take_all = [&] {
    while (MayAcknowledge()) {
      const v1::Acknowledge frame = memberships_.TakeAcknowledgments(now_);
      taken += 1 + static_cast<size_t>(frame.more_size());
      if (frame.epoch() == 6) at_six.insert(frame.group());
      for (const v1::GroupEpoch& more : frame.more()) {
        if (more.epoch() == 6) at_six.insert(more.group());
      }
    }
  };
  take_all();
  EXPECT_EQ(taken, 300u);
  for (const std::string& group : groups) {
    memberships_.OnPush(ChangesPush(5, 6, {"+b"}, group), now_);
  }
  take_all();
  EXPECT_EQ(taken, SessionMemberships::kAcknowledgmentsAtOnce + 0u);
  EXPECT_GT(memberships_.NextAcknowledgment(), now_);
  now_ += absl::Seconds(1);
  take_all();
  EXPECT_EQ(taken, SessionMemberships::kAcknowledgmentsAtOnce +
                       SessionMemberships::kAcknowledgmentsPerSecond + 0u);
  now_ += absl::Seconds(1);
  take_all();
  EXPECT_THAT(at_six, SizeIs(300));
}

TEST_F(SessionMembershipsTest, ANewStreamHasAllOfTheRate) {
  Hold(Groups(256), 5);
  memberships_.TakeAcknowledgments(now_);
  memberships_.OnStreamLost();
  EXPECT_THAT(memberships_.Acknowledged(), IsEmpty());
  Accept(Groups(256), 5);
  EXPECT_EQ(memberships_.TakeAcknowledgments(now_).more_size(), 255);
  EXPECT_THAT(memberships_.Acknowledged(), SizeIs(256));
}

TEST_F(SessionMembershipsTest, FewPagesAreAskedForAtATimeAndGroupsTakeTurns) {
  const std::vector<std::string> groups = {"a", "b", "c", "d"};
  KeepOnly(groups);
  Accept(groups, 5);
  for (const std::string& group : groups) {
    memberships_.OnPush(CompletePush(0, 5, {}, group), now_);
  }
  const SessionMemberships::PageRequest a = memberships_.TakePageRequest(now_);
  const SessionMemberships::PageRequest b = memberships_.TakePageRequest(now_);
  EXPECT_EQ(a.request.group(), "a");
  EXPECT_EQ(b.request.group(), "b");
  EXPECT_FALSE(MayAsk());
  memberships_.OnPage(a.membership, PageOf(5, {"x"}, "2"), now_);
  ASSERT_TRUE(MayAsk());
  const SessionMemberships::PageRequest c = memberships_.TakePageRequest(now_);
  EXPECT_EQ(c.request.group(), "c");
  memberships_.OnPageRefused(b.membership, now_);
  EXPECT_EQ(memberships_.TakePageRequest(now_).request.group(), "d");
  memberships_.OnPage(c.membership, PageOf(5, {"x"}), now_);
  const SessionMemberships::PageRequest more =
      memberships_.TakePageRequest(now_);
  EXPECT_EQ(more.request.group(), "a");
  EXPECT_EQ(more.request.page_token(), "2");
}

TEST_F(SessionMembershipsTest, APageOfAGroupThatWasLeftMeanwhileIsDropped) {
  KeepOnly({"orders"});
  Accept({"orders"}, 5);
  memberships_.OnPush(CompletePush(0, 5, {}), now_);
  const SessionMemberships::PageRequest page =
      memberships_.TakePageRequest(now_);
  EXPECT_THAT(KeepOnly({"bills"}), ElementsAre("orders"));
  EXPECT_THAT(KeepOnly({"bills", "orders"}), IsEmpty());
  Accept({"orders"}, 6);
  memberships_.OnPage(page.membership, PageOf(5, {"a"}), now_);
  EXPECT_THAT(memberships_.TakeReports(), IsEmpty());
  EXPECT_EQ(memberships_.NextAcknowledgment(), absl::InfiniteFuture());
}

TEST_F(SessionMembershipsTest, AGroupThatWasLeftIsNotAcknowledgedOrReported) {
  Hold({"bills", "orders"}, 5);
  KeepOnly({"bills"});
  EXPECT_FALSE(memberships_.OnPush(CompletePush(0, 6, {"a"}), now_));
  EXPECT_EQ(memberships_.TakeAcknowledgments(now_).more_size(), 0);
  const auto reports = memberships_.TakeReports();
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_EQ(reports[0].first, "bills");
}

TEST_F(SessionMembershipsTest, AGroupThatStaysKeepsItsList) {
  Hold({"orders"}, 5);
  KeepOnly({"bills", "orders"});
  EXPECT_EQ(memberships_.TakeAcknowledgments(now_).group(), "orders");
}

TEST_F(SessionMembershipsTest, ABroadcastingGroupIsListedAtOnce) {
  v1::HeartbeatRequest statement;
  v1::ConsumerData& consumer = *statement.add_consumers();
  consumer.set_group("orders");
  consumer.set_message_model(v1::MESSAGE_MODEL_BROADCASTING);
  memberships_.KeepOnly(&statement);
  Accept({"orders"}, 5);
  EXPECT_TRUE(MayAsk());
}

TEST_F(SessionMembershipsTest, WithoutEpochsNothingIsAcknowledged) {
  KeepOnly({"orders"});
  memberships_.OnAccepted({"orders"}, v1::HeartbeatResponse(), kInterval, now_);
  const uint64_t membership = memberships_.TakePageRequest(now_).membership;
  memberships_.OnPage(membership, PageOf(0, {"a"}), now_);
  EXPECT_THAT(memberships_.TakeReports(), SizeIs(1));
  EXPECT_EQ(memberships_.NextAcknowledgment(), absl::InfiniteFuture());
}

TEST(WantedMembershipsTest, OnlyTheGroupThatIsWantedIsListed) {
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  SessionMemberships memberships(/*all_are_wanted=*/false);
  v1::HeartbeatRequest statement;
  statement.add_consumers()->set_group("bills");
  statement.add_consumers()->set_group("orders");
  memberships.KeepOnly(&statement);
  v1::HeartbeatResponse response;
  for (const char* group : {"bills", "orders"}) {
    v1::GroupEpoch& known = *response.add_group_epochs();
    known.set_group(group);
    known.set_epoch(5);
  }
  memberships.OnAccepted({"bills", "orders"}, response, kInterval, now);
  EXPECT_EQ(memberships.NextPage(), absl::InfiniteFuture());
  memberships.Want("orders", now);
  memberships.Want("unknown", now);
  EXPECT_EQ(memberships.TakePageRequest(now).request.group(), "orders");
  EXPECT_EQ(memberships.NextPage(), absl::InfiniteFuture());
}

}  // namespace
}  // namespace rmq
