#include "client/membership_feed.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "client/membership_change.h"
#include "client/session/group_membership.h"
#include "common/member_change.h"
#include "common/real_clock.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const BrokerEntry& kBroker = *new BrokerEntry{"broker-a", 0, "broker:1"};

using Members = MembershipFeed::Members;

MembershipReport Report(uint64_t epoch, Members members,
                        std::vector<DepartedMember> left = {}) {
  MembershipReport report;
  report.epoch = epoch;
  report.members = std::make_shared<const Members>(std::move(members));
  report.left = std::move(left);
  return report;
}

bool Any(const Members&) { return true; }

bool Always() { return true; }

class MembershipFeedTest : public ::testing::Test {
 protected:
  void Update(const MembershipReport& report) {
    feed_.Update(kBroker, "orders", report, absl::InfiniteFuture());
  }
  MembershipChange Take() {
    absl::optional<MembershipChange> change = feed_.Take("broker:1", "orders");
    EXPECT_TRUE(change.has_value());
    return change.value_or(MembershipChange());
  }
  // Waits no longer than it takes to look.
  absl::StatusOr<Members> Look(
      const std::function<bool(const Members&)>& predicate = Any) {
    return feed_.Await("broker:1", "orders", Always, predicate,
                       clock_.TimeNow());
  }

  SimulatedClock clock_;
  MembershipFeed feed_{&clock_};
};

TEST_F(MembershipFeedTest, TheFirstCallHasAllMembersAsJoined) {
  Update(Report(5, {"a", "b"}));
  const MembershipChange change = Take();
  EXPECT_EQ(change.broker, kBroker);
  EXPECT_EQ(change.group, "orders");
  EXPECT_EQ(change.epoch, 5u);
  EXPECT_THAT(change.members, ElementsAre("a", "b"));
  EXPECT_THAT(change.joined, ElementsAre("a", "b"));
  EXPECT_THAT(change.left, IsEmpty());
  EXPECT_EQ(change.settling, absl::ZeroDuration());
}

TEST_F(MembershipFeedTest, ASlowCallbackSeesTheLatestAgainstWhatItSawLast) {
  Update(Report(5, {"a", "b", "c"}));
  Take();
  Update(Report(6, {"b", "c"}, {{"a", RemovalReason::kExpired}}));
  Update(Report(7, {"b"}, {{"c", RemovalReason::kKicked}}));
  Update(Report(8, {"b", "c", "d"}));
  Update(Report(9, {"c", "d"}, {{"b", absl::nullopt}}));
  const MembershipChange change = Take();
  EXPECT_EQ(change.epoch, 9u);
  EXPECT_THAT(change.members, ElementsAre("c", "d"));
  EXPECT_THAT(change.joined, ElementsAre("d"));
  EXPECT_THAT(change.left,
              ElementsAre(DepartedMember{"a", RemovalReason::kExpired},
                          DepartedMember{"b", absl::nullopt}));
}

// As when the callback is queued twice before it runs, and sees both at once.
TEST_F(MembershipFeedTest, WhatWasTakenIsNotToldTwice) {
  Update(Report(5, {"a"}));
  Take();
  EXPECT_FALSE(feed_.Take("broker:1", "orders").has_value());
  Update(Report(5, {"a"}));  // After a reconnect.
  EXPECT_THAT(Take().members, ElementsAre("a"));
}

TEST_F(MembershipFeedTest, AMemberThatCameAndWentBetweenCallsIsNotTold) {
  Update(Report(5, {"a"}));
  Take();
  Update(Report(6, {"a", "b"}));
  Update(Report(7, {"a"}, {{"b", RemovalReason::kDisconnected}}));
  const MembershipChange change = Take();
  EXPECT_THAT(change.joined, IsEmpty());
  EXPECT_THAT(change.left, IsEmpty());
}

TEST_F(MembershipFeedTest, ASettlingBrokerIsToldWithTheTimeThatIsLeft) {
  const absl::Time settled_at = clock_.TimeNow() + absl::Seconds(30);
  feed_.Update(kBroker, "orders", Report(5, {"a"}), settled_at);
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Take().settling, absl::Seconds(20));
  clock_.Advance(absl::Seconds(30));
  feed_.Update(kBroker, "orders", Report(5, {"a"}), settled_at);
  EXPECT_EQ(Take().settling, absl::ZeroDuration());
}

TEST_F(MembershipFeedTest, AGroupThatWasLeftBeginsAnew) {
  Update(Report(5, {"a"}));
  Take();
  feed_.End("broker:1", "orders");
  EXPECT_FALSE(feed_.Take("broker:1", "orders").has_value());
  Update(Report(6, {"a"}));
  EXPECT_THAT(Take().joined, ElementsAre("a"));
}

TEST_F(MembershipFeedTest, AListThatIsThereEndsTheWaitAtOnce) {
  Update(Report(5, {"a", "b"}));
  const absl::StatusOr<Members> members =
      Look([](const Members& m) { return m.size() == 2; });
  ASSERT_THAT(members, IsOk());
  EXPECT_THAT(*members, ElementsAre("a", "b"));
}

TEST_F(MembershipFeedTest, WithoutAListTheWaitEndsAtTheDeadline) {
  EXPECT_THAT(Look(), StatusIs(absl::StatusCode::kDeadlineExceeded,
                               "members of \"orders\" at broker:1: the broker "
                               "has not told them in time"));
}

TEST_F(MembershipFeedTest, WithAnotherListTheWaitEndsAtTheDeadline) {
  Update(Report(5, {"a"}));
  EXPECT_THAT(Look([](const Members& m) { return m.size() == 2; }),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       "members of \"orders\" at broker:1: the 1 are not those "
                       "that were waited for"));
}

TEST_F(MembershipFeedTest, AListThatMayBeOutOfDateEndsNoWait) {
  Update(Report(5, {"a"}));
  feed_.Suspend("other:1");
  EXPECT_THAT(Look(), IsOk());
  feed_.Suspend("broker:1");
  EXPECT_THAT(Look(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  Update(Report(5, {"a"}));
  EXPECT_THAT(Look(), IsOk());
}

TEST_F(MembershipFeedTest, APredicateMayUseTheFeed) {
  Update(Report(5, {"a"}));
  EXPECT_THAT(Look([this](const Members&) { return Look().ok(); }), IsOk());
}

TEST_F(MembershipFeedTest, AfterTheEndNobodyWaits) {
  Update(Report(5, {"a"}));
  feed_.Close();
  EXPECT_THAT(
      feed_.Await("broker:1", "orders", Always, Any, absl::InfiniteFuture()),
      StatusIs(absl::StatusCode::kCancelled));
}

TEST(MembershipFeedThreadsTest, AnUpdateEndsTheWaitOfAnotherThread) {
  MembershipFeed feed(&RealClock());
  absl::StatusOr<Members> members;
  std::thread waiter([&] {
    members = feed.Await(
        "broker:1", "orders", Always,
        [](const Members& m) { return m.size() == 2; }, absl::InfiniteFuture());
  });
  feed.Update(kBroker, "orders", Report(5, {"a"}), absl::InfiniteFuture());
  feed.Update(kBroker, "orders", Report(6, {"a", "b"}), absl::InfiniteFuture());
  waiter.join();
  ASSERT_THAT(members, IsOk());
  EXPECT_THAT(*members, ElementsAre("a", "b"));
}

TEST(MembershipFeedThreadsTest, TheEndEndsTheWaitOfAnotherThread) {
  MembershipFeed feed(&RealClock());
  absl::StatusOr<Members> members;
  std::thread waiter([&] {
    members =
        feed.Await("broker:1", "orders", Always, Any, absl::InfiniteFuture());
  });
  feed.Close();
  waiter.join();
  EXPECT_THAT(members, StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace rmq
