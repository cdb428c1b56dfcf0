#include "client/session/group_membership.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
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

class GroupMembershipTest : public ::testing::Test {
 protected:
  GroupMembershipTest() { group_.Want(now_); }

  // The group is accepted over a new stream, at `epoch`.
  void Accept(uint64_t epoch, uint64_t incarnation = kBroker) {
    group_.OnAccepted(incarnation, epoch, kInterval, now_);
  }
  // ... and the list is held and acknowledged.
  void Hold(uint64_t epoch, const std::vector<std::string>& ids) {
    Accept(epoch);
    Push(CompletePush(0, epoch, ids));
    ASSERT_EQ(Acknowledgment(), epoch);
    Report();
  }
  bool Push(const v1::NotifyConsumerIdsChanged& push) {
    return group_.OnPush(push, now_);
  }
  void Page(const v1::GetConsumerListByGroupResponse& page) {
    group_.OnPage(page, now_);
  }
  // What is acknowledged now; 0: nothing.
  uint64_t Acknowledgment() {
    return group_.has_acknowledgment() ? group_.TakeAcknowledgment() : 0;
  }
  bool WantsPage() const { return group_.NextPage() <= now_; }
  // How long until a page is asked for.
  absl::Duration PageIn() const { return group_.NextPage() - now_; }
  std::string Ask() {
    EXPECT_TRUE(WantsPage());
    return group_.TakePageRequest().page_token();
  }
  // "epoch members joined left", each with commas; "" if there is no report.
  std::string Report() {
    const absl::optional<MembershipReport> report = group_.TakeReport();
    if (!report.has_value()) return "";
    std::vector<std::string> left;
    for (const DepartedMember& member : report->left) {
      left.push_back(
          absl::StrCat("-", member.client_id, ":",
                       member.reason.has_value() ? Name(*member.reason) : "?"));
    }
    std::string text =
        absl::StrCat(report->epoch, " ", absl::StrJoin(*report->members, ","));
    for (const std::string& id : report->joined) {
      absl::StrAppend(&text, " +", id);
    }
    for (const std::string& member : left) absl::StrAppend(&text, " ", member);
    return text;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  GroupMembership group_{"orders"};
};

// ---- Pushes.

TEST_F(GroupMembershipTest, ACompletePushWithIdsIsTheList) {
  Accept(5);
  EXPECT_EQ(Acknowledgment(), 0u);
  Push(CompletePush(0, 5, {"b", "a"}));
  EXPECT_EQ(Acknowledgment(), 5u);
  EXPECT_EQ(Report(), "5 a,b +a +b");
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
}

TEST_F(GroupMembershipTest, ChangesAfterWhatIsHeldAreApplied) {
  Hold(5, {"a", "b"});
  Push(ChangesPush(5, 7, {"-a", "+c"}));
  EXPECT_EQ(Acknowledgment(), 7u);
  EXPECT_EQ(Report(), "7 b,c +c -a:EXPIRED");
}

TEST_F(GroupMembershipTest, ChangesFromAnEarlierBaseAreAppliedToo) {
  Hold(5, {"a", "b"});
  Push(ChangesPush(3, 7, {"+b", "-x", "+c"}));
  EXPECT_EQ(Acknowledgment(), 7u);
  EXPECT_EQ(Report(), "7 a,b,c +c");
}

TEST_F(GroupMembershipTest, ChangesFromALaterBaseAreNotApplied) {
  Hold(5, {"a", "b"});
  Push(ChangesPush(6, 7, {"+c"}));
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(Report(), "");
  EXPECT_EQ(PageIn(), GroupMembership::kPushPatience);
}

TEST_F(GroupMembershipTest, WithoutAListChangesAreNotApplied) {
  Accept(5);
  Push(ChangesPush(4, 5, {"+c"}));
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(Report(), "");
}

TEST_F(GroupMembershipTest, APushThatIsKnownChangesNothing) {
  Hold(5, {"a", "b"});
  Push(CompletePush(5, 5, {"x"}));
  Push(CompletePush(5, 4, {"x"}));
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(Report(), "");
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
}

TEST_F(GroupMembershipTest, ABrokerThatMissedTheAcknowledgmentIsToldAgain) {
  Hold(5, {"a"});
  Push(ChangesPush(5, 6, {"+b"}));
  EXPECT_EQ(Acknowledgment(), 6u);
  Push(ChangesPush(5, 6, {"+b"}));
  EXPECT_EQ(Acknowledgment(), 6u);
  EXPECT_EQ(Report(), "6 a,b +b");
  EXPECT_EQ(Report(), "");
}

TEST_F(GroupMembershipTest, ACompletePushWithoutIdsAsksForTheList) {
  Hold(5, {"a"});
  Push(CompletePush(5, 9, {}));
  EXPECT_TRUE(WantsPage());
  EXPECT_EQ(Acknowledgment(), 0u);
}

TEST_F(GroupMembershipTest, ACompletePushFromAnEarlierBaseIsLeftToTheNext) {
  Hold(5, {"a"});
  Push(CompletePush(4, 9, {}));
  EXPECT_EQ(PageIn(), GroupMembership::kPushPatience);
  Push(ChangesPush(5, 9, {"+b"}));
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
}

TEST_F(GroupMembershipTest, AChangeOfAnUnknownTypeAsksForTheList) {
  Hold(5, {"a"});
  Push(ChangesPush(5, 6, {"b"}));
  EXPECT_TRUE(WantsPage());
}

TEST_F(GroupMembershipTest, AReasonThatIsUnknownIsNone) {
  Hold(5, {"a", "b"});
  v1::NotifyConsumerIdsChanged push = ChangesPush(5, 6, {"-b"});
  push.mutable_changes(0)->set_reason(static_cast<v1::RemovalReason>(99));
  Push(push);
  EXPECT_EQ(Report(), "6 a -b:?");
}

TEST_F(GroupMembershipTest, TheFirstAndTheLastReasonAreKnown) {
  Hold(5, {"a", "b"});
  v1::NotifyConsumerIdsChanged push = ChangesPush(5, 6, {"-a", "-b"});
  push.mutable_changes(0)->set_reason(v1::REMOVAL_REASON_UNREGISTERED);
  push.mutable_changes(1)->set_reason(v1::REMOVAL_REASON_DRAINED);
  Push(push);
  EXPECT_EQ(Report(), "6  -a:UNREGISTERED -b:DRAINED");
}

TEST_F(GroupMembershipTest, OfTwoChangesOfAnIdTheLastCounts) {
  Hold(5, {"a"});
  Push(ChangesPush(5, 8, {"+b", "-b", "-a", "+a"}));
  EXPECT_EQ(Acknowledgment(), 8u);
  EXPECT_EQ(Report(), "");
}

TEST_F(GroupMembershipTest, ABarePushOfWhatIsHeldDoesNothing) {
  Hold(5, {"a"});
  EXPECT_TRUE(Push(ChangesPush(5, 5, {})));
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
}

TEST_F(GroupMembershipTest, ABarePushOfALaterEpochIsNoList) {
  Hold(5, {"a"});
  Push(ChangesPush(6, 6, {}));
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(PageIn(), GroupMembership::kPushPatience);
}

TEST_F(GroupMembershipTest, APushBeforeTheAnswerIsTakenWithIt) {
  Push(CompletePush(0, 5, {"a"}));
  Push(ChangesPush(5, 5, {}));  // Says no less, and no more.
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(Report(), "");
  Accept(5);
  EXPECT_EQ(Acknowledgment(), 5u);
  EXPECT_EQ(Report(), "5 a +a");
}

TEST_F(GroupMembershipTest, OfPushesBeforeTheAnswerTheLatestIsTaken) {
  Push(CompletePush(0, 6, {"a", "b"}));
  Push(CompletePush(0, 5, {"a"}));
  Accept(6);
  EXPECT_EQ(Report(), "6 a,b +a +b");
}

TEST_F(GroupMembershipTest, APushIsNewsUnlessTheBrokerRepeatsItself) {
  Accept(5);
  EXPECT_TRUE(Push(CompletePush(0, 5, {"a"})));
  EXPECT_FALSE(Push(CompletePush(0, 5, {"a"})));
  EXPECT_TRUE(Push(ChangesPush(5, 6, {"+b"})));
  EXPECT_TRUE(Push(ChangesPush(6, 6, {})));  // A second stream of an id.
  EXPECT_TRUE(Push(ChangesPush(6, 6, {})));
}

// ---- Listings.

TEST_F(GroupMembershipTest, TheListIsAskedForIfNoPushComes) {
  Accept(5);
  EXPECT_EQ(PageIn(), GroupMembership::kPushPatience);
  now_ += PageIn();
  EXPECT_EQ(Ask(), "");
  EXPECT_FALSE(WantsPage());  // One at a time.
  Page(PageOf(5, {"b", "a", "a"}));
  EXPECT_EQ(Acknowledgment(), 5u);
  EXPECT_EQ(Report(), "5 a,b +a +b");
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
}

TEST_F(GroupMembershipTest, AShortHeartbeatIntervalIsThePatience) {
  group_.OnAccepted(kBroker, 5, absl::Milliseconds(100), now_);
  EXPECT_EQ(PageIn(), absl::Milliseconds(100));
}

TEST_F(GroupMembershipTest, AGroupWithoutPushesIsListedAtOnceWhenever) {
  group_.set_expects_pushes(false);
  Accept(5);
  Ask();
  Page(PageOf(5, {"a"}));
  EXPECT_FALSE(WantsPage());
  Accept(5);  // A later full heartbeat.
  EXPECT_FALSE(WantsPage());
  Accept(6);
  Ask();
  Page(PageOf(6, {"a", "b"}));
  Report();
  EXPECT_EQ(Acknowledgment(), 6u);
}

TEST_F(GroupMembershipTest, AllPagesMakeTheList) {
  Accept(5);
  Push(CompletePush(0, 5, {}));
  EXPECT_EQ(Ask(), "");
  Page(PageOf(6, {"c"}, "2"));
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(Report(), "");
  EXPECT_EQ(Ask(), "2");
  Page(PageOf(6, {"b"}, "3"));
  EXPECT_EQ(Ask(), "3");
  Page(PageOf(6, {"a"}));
  EXPECT_EQ(Acknowledgment(), 6u);
  EXPECT_EQ(Report(), "6 a,b,c +a +b +c");
}

TEST_F(GroupMembershipTest, APageOfAnotherEpochEndsTheListing) {
  Accept(5);
  Push(CompletePush(0, 5, {}));
  Ask();
  Page(PageOf(5, {"a"}, "2"));
  Ask();
  Page(PageOf(6, {"b"}));
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(Report(), "");
  now_ += kInterval;
  EXPECT_EQ(Ask(), "");  // From the first page.
  Page(PageOf(6, {"a", "b"}));
  EXPECT_EQ(Report(), "6 a,b +a +b");
}

TEST_F(GroupMembershipTest, APageWithoutAnEpochIsNoListOfABrokerWithEpochs) {
  Accept(5);
  Push(CompletePush(0, 5, {}));
  Ask();
  Page(PageOf(0, {"a"}));
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(Report(), "");
}

TEST_F(GroupMembershipTest, ARefusedListingIsTriedAgainWithinAnInterval) {
  Accept(5);
  Push(CompletePush(0, 5, {}));
  absl::Duration last = absl::ZeroDuration();
  for (int i = 0; i < 100; ++i) {
    Ask();
    group_.OnPageRefused(now_);
    ASSERT_GE(PageIn(), last);
    ASSERT_LE(PageIn(), kInterval);
    last = PageIn();
    now_ += last;
  }
  EXPECT_EQ(last, kInterval);
  Ask();
  Page(PageOf(5, {"a"}));
  EXPECT_EQ(Report(), "5 a +a");
}

TEST_F(GroupMembershipTest, AnOlderListDoesNotReplaceANewerOne) {
  Accept(5);
  Push(CompletePush(0, 5, {}));
  Ask();
  Push(CompletePush(0, 8, {}));  // The listing goes on: 7 is not all.
  Push(CompletePush(0, 7, {"a", "b"}));
  EXPECT_EQ(Acknowledgment(), 7u);
  Report();
  Page(PageOf(6, {"x"}));
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(Report(), "");
  EXPECT_EQ(PageIn(), GroupMembership::kPushPatience);
}

TEST_F(GroupMembershipTest, AListingThatAPushHasOvertakenIsDropped) {
  Accept(5);
  Push(CompletePush(0, 5, {}));
  Ask();
  Page(PageOf(5, {"x"}, "2"));
  Ask();
  Push(CompletePush(0, 6, {"a"}));
  Page(PageOf(5, {"y"}, "3"));
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
  EXPECT_EQ(Report(), "6 a +a");
}

TEST_F(GroupMembershipTest, AListOfLessThanWasPushedIsAcknowledgedAndFollowed) {
  Accept(5);
  Push(CompletePush(0, 5, {}));
  Ask();
  Push(CompletePush(0, 6, {}));
  Page(PageOf(5, {"a"}));
  EXPECT_EQ(Acknowledgment(), 5u);  // Which makes a push of the difference.
  EXPECT_EQ(PageIn(), GroupMembership::kPushPatience);
  Push(ChangesPush(5, 6, {"+b"}));
  EXPECT_EQ(Acknowledgment(), 6u);
  EXPECT_EQ(Report(), "6 a,b +a +b");
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
}

TEST_F(GroupMembershipTest, AListingHasAtMost1024Pages) {
  Accept(5);
  Push(CompletePush(0, 5, {}));
  for (int page = 1; page < GroupMembership::kMaxPages; ++page) {
    Ask();
    Page(PageOf(5, {absl::StrCat("id-", page)}, "more"));
  }
  Ask();
  Page(PageOf(5, {"last"}, "more"));
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_FALSE(WantsPage());
  now_ += kInterval;
  for (int page = 1; page < GroupMembership::kMaxPages; ++page) {
    Ask();
    Page(PageOf(5, {absl::StrCat("id-", page)}, "more"));
  }
  Ask();
  Page(PageOf(5, {"last"}));
  EXPECT_EQ(Acknowledgment(), 5u);
}

// ---- Streams.

TEST_F(GroupMembershipTest, TheSameProcessOfTheBrokerIsToldWhatIsHeld) {
  Hold(5, {"a", "b"});
  group_.OnStreamLost();
  EXPECT_EQ(group_.acknowledged(), 0u);
  EXPECT_EQ(Acknowledgment(), 0u);
  Accept(7);
  EXPECT_EQ(Acknowledgment(), 5u);
  EXPECT_EQ(Report(), "");  // Not what is known to be old.
  EXPECT_EQ(PageIn(), GroupMembership::kPushPatience);
  Push(ChangesPush(5, 7, {"-b", "+c"}));
  EXPECT_EQ(Acknowledgment(), 7u);
  EXPECT_EQ(Report(), "7 a,c +c -b:EXPIRED");
}

TEST_F(GroupMembershipTest, AListThatDidNotChangeWhileAwayIsReportedAgain) {
  Hold(5, {"a"});
  group_.OnStreamLost();
  Accept(5);
  EXPECT_EQ(Acknowledgment(), 5u);
  EXPECT_EQ(Report(), "5 a");
  EXPECT_EQ(Report(), "");
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
}

TEST_F(GroupMembershipTest, AnotherProcessOfTheBrokerBeginsAtNothing) {
  Hold(50, {"a", "b"});
  group_.OnStreamLost();
  Accept(3, kBroker + 1);
  EXPECT_EQ(Acknowledgment(), 0u);
  EXPECT_EQ(Report(), "");
  Push(CompletePush(0, 3, {"b", "c"}));  // 3 is not older than 50 here.
  EXPECT_EQ(Acknowledgment(), 3u);
  EXPECT_EQ(Report(), "3 b,c +c -a:?");
}

TEST_F(GroupMembershipTest, AnotherProcessWithTheSameListIsReported) {
  Hold(50, {"a"});
  group_.OnStreamLost();
  Accept(3, kBroker + 1);
  Push(CompletePush(0, 3, {"a"}));
  EXPECT_EQ(Report(), "3 a");
}

TEST_F(GroupMembershipTest, AListingEndsWithItsStream) {
  Accept(5);
  Push(CompletePush(0, 5, {}));
  Ask();
  Page(PageOf(5, {"a"}, "2"));
  Ask();
  group_.OnStreamLost();
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
  Accept(5);
  Push(CompletePush(0, 5, {}));
  EXPECT_EQ(Ask(), "");
}

TEST_F(GroupMembershipTest, TheSameListIsReportedAgainOnDemand) {
  Hold(5, {"a"});
  group_.ReportAgain();
  EXPECT_EQ(Report(), "5 a");
  EXPECT_EQ(Report(), "");
}

// ---- A list that nobody wants.

TEST(UnwantedGroupMembershipTest, NothingIsHeldOrAskedForUntilItIsWanted) {
  absl::Time now = absl::FromUnixSeconds(1'000'000);
  GroupMembership group("orders");
  group.OnAccepted(kBroker, 5, kInterval, now);
  EXPECT_TRUE(group.OnPush(CompletePush(0, 6, {"a"}), now));
  EXPECT_FALSE(group.has_acknowledgment());
  EXPECT_EQ(group.NextPage(), absl::InfiniteFuture());
  EXPECT_EQ(group.TakeReport(), absl::nullopt);
  group.Want(now);
  EXPECT_EQ(group.NextPage(), now);
  group.TakePageRequest();
  group.OnPage(PageOf(6, {"a"}), now);
  EXPECT_EQ(group.TakeAcknowledgment(), 6u);
  EXPECT_THAT(*group.TakeReport()->members, ElementsAre("a"));
}

// ---- A broker without epochs.

class OldBrokerTest : public GroupMembershipTest {
 protected:
  static v1::NotifyConsumerIdsChanged Changed() {
    v1::NotifyConsumerIdsChanged push;
    push.set_group("orders");
    return push;
  }
};

TEST_F(OldBrokerTest, TheListIsAskedForAndNothingIsAcknowledged) {
  Accept(0);
  Ask();
  Page(PageOf(0, {"b", "a"}));
  EXPECT_EQ(Report(), "0 a,b +a +b");
  EXPECT_FALSE(group_.has_acknowledgment());
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
}

TEST_F(OldBrokerTest, EachPushAsksAgainAndListsAreCompared) {
  Accept(0);
  Ask();
  Page(PageOf(0, {"a", "b"}));
  Report();
  EXPECT_TRUE(Push(Changed()));
  Ask();
  Page(PageOf(0, {"b", "c"}));
  EXPECT_EQ(Report(), "0 b,c +c -a:?");
  EXPECT_FALSE(group_.has_acknowledgment());
  EXPECT_TRUE(Push(Changed()));
  Ask();
  Page(PageOf(0, {"b", "c"}));
  EXPECT_EQ(Report(), "");
}

TEST_F(OldBrokerTest, APushDuringAListingMakesOneMore) {
  Accept(0);
  Ask();
  Push(Changed());
  Push(Changed());
  EXPECT_FALSE(WantsPage());
  Page(PageOf(0, {"a"}));
  EXPECT_EQ(Report(), "0 a +a");
  Ask();
  Page(PageOf(0, {"a", "b"}));
  EXPECT_EQ(Report(), "0 a,b +b");
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
}

TEST_F(OldBrokerTest, ALaterFullHeartbeatAsksForNothing) {
  Accept(0);
  Ask();
  Page(PageOf(0, {"a"}));
  Accept(0);
  EXPECT_EQ(group_.NextPage(), absl::InfiniteFuture());
}

TEST_F(OldBrokerTest, AReconnectAsksAgainAndReports) {
  Accept(0);
  Ask();
  Page(PageOf(0, {"a"}));
  Report();
  group_.OnStreamLost();
  Accept(0);
  EXPECT_EQ(Report(), "");
  Ask();
  Page(PageOf(0, {"a"}));
  EXPECT_EQ(Report(), "0 a");
}

TEST_F(OldBrokerTest, ARefusedListingIsTriedAgain) {
  Accept(0);
  Ask();
  group_.OnPageRefused(now_);
  EXPECT_LE(PageIn(), kInterval);
  now_ += PageIn();
  Ask();
  Page(PageOf(0, {"a"}));
  EXPECT_EQ(Report(), "0 a +a");
}

TEST_F(OldBrokerTest, ABrokerThatWasReplacedByANewOneIsAcknowledged) {
  Accept(0);
  Ask();
  Page(PageOf(0, {"a"}));
  Report();
  group_.OnStreamLost();
  Accept(5);
  Push(CompletePush(0, 5, {"a", "b"}));
  EXPECT_EQ(Acknowledgment(), 5u);
  EXPECT_EQ(Report(), "5 a,b +b");
}

// ---- Anything in any order.

// A broker's group: its lists by epoch, and what it would push.
class RandomGroupTest : public GroupMembershipTest {
 protected:
  static constexpr int kIds = 8;

  uint64_t now_epoch() const { return lists_.size(); }
  const absl::btree_set<std::string>& ListAt(uint64_t epoch) const {
    return lists_[epoch - 1];
  }
  void Change() {
    absl::btree_set<std::string> list = lists_.back();
    const std::string id = absl::StrCat("c", absl::Uniform(random_, 0, kIds));
    if (list.erase(id) == 0) list.insert(id);
    list.insert("me");
    lists_.push_back(list);
  }
  v1::NotifyConsumerIdsChanged PushFrom(uint64_t base) {
    std::vector<std::string> ids(lists_.back().begin(), lists_.back().end());
    const bool with_ids = absl::Bernoulli(random_, 0.5);
    if (base == 0 || absl::Bernoulli(random_, 0.2)) {
      return CompletePush(base, now_epoch(),
                          with_ids ? ids : std::vector<std::string>());
    }
    // Each id that has changed since, with its latest change.
    std::vector<std::string> changes;
    for (int i = 0; i < kIds; ++i) {
      const std::string id = absl::StrCat("c", i);
      for (uint64_t e = now_epoch(); e > base; --e) {
        const bool is_in = ListAt(e).contains(id);
        if (is_in == ListAt(e - 1).contains(id)) continue;
        changes.push_back((is_in ? "+" : "-") + id);
        break;
      }
    }
    return ChangesPush(base, now_epoch(), changes);
  }
  // That what is held is the broker's list at its epoch, and no older than
  // what was held before.
  void Check() {
    if (const auto report = group_.TakeReport()) {
      ASSERT_GE(report->epoch, reported_);
      reported_ = report->epoch;
      const auto& list = ListAt(report->epoch);
      members_ = *report->members;
      ASSERT_EQ(members_, std::vector<std::string>(list.begin(), list.end()));
    }
    if (const uint64_t epoch = Acknowledgment()) {
      ASSERT_GE(epoch, acknowledged_);
      ASSERT_LE(epoch, now_epoch());
      acknowledged_ = epoch;
    }
  }

  absl::BitGen random_;
  std::vector<absl::btree_set<std::string>> lists_ = {{"me"}};
  uint64_t reported_ = 0;
  std::vector<std::string> members_;  // Of the last report.
  uint64_t acknowledged_ = 0;
};

TEST_F(RandomGroupTest, LostDoubledAndShuffledPushesNeverMakeAWrongList) {
  for (int round = 0; round < 200; ++round) {
    std::vector<v1::NotifyConsumerIdsChanged> under_way;
    // The broker's idea of what is acknowledged, and its listing.
    uint64_t told = 0;
    uint64_t listing = 0;
    group_.OnStreamLost();
    acknowledged_ = 0;
    Accept(now_epoch());
    for (int step = 0; step < 200; ++step) {
      switch (absl::Uniform(random_, 0, 7)) {
        case 0:
        case 1: Change(); break;
        case 2: under_way.push_back(PushFrom(told)); break;
        case 3: told = acknowledged_; break;
        case 4:
          if (under_way.empty()) break;
          std::shuffle(under_way.begin(), under_way.end(), random_);
          Push(under_way.back());
          if (absl::Bernoulli(random_, 0.7)) under_way.pop_back();
          if (absl::Bernoulli(random_, 0.1)) under_way.clear();
          break;
        case 5:
          if (WantsPage()) {
            group_.TakePageRequest();
            listing = now_epoch();
          }
          break;
        case 6:
          if (listing == 0) break;
          if (absl::Bernoulli(random_, 0.3)) {
            group_.OnPageRefused(now_);
          } else {
            const auto& ids = ListAt(listing);
            Page(PageOf(listing, {ids.begin(), ids.end()}));
          }
          listing = 0;
          break;
      }
      now_ += absl::Milliseconds(50);
      ASSERT_NO_FATAL_FAILURE(Check());
    }
    // Changes stop, pushes come or not: within an interval the list is there.
    if (listing != 0) group_.OnPageRefused(now_);
    Push(ChangesPush(now_epoch(), now_epoch(), {}));
    const absl::Time end = now_ + kInterval;
    while (acknowledged_ != now_epoch() && now_ <= end) {
      if (WantsPage()) {
        group_.TakePageRequest();
        const auto& ids = ListAt(now_epoch());
        Page(PageOf(now_epoch(), {ids.begin(), ids.end()}));
      }
      ASSERT_NO_FATAL_FAILURE(Check());
      now_ += absl::Milliseconds(100);
    }
    ASSERT_EQ(acknowledged_, now_epoch()) << round;
    ASSERT_EQ(members_, std::vector<std::string>(lists_.back().begin(),
                                                 lists_.back().end()));
  }
}

}  // namespace
}  // namespace rmq
