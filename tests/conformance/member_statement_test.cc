#include "tests/conformance/member_statement.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Subscription Of(const char* topic, int64_t version, const char* expression) {
  Subscription subscription;
  subscription.set_topic(topic);
  subscription.set_sub_version(version);
  subscription.set_sub_string(expression);
  return subscription;
}

const Modes kClustering = {"CONSUME_PASSIVELY", "CLUSTERING", {}};
const Modes kBroadcasting = {"CONSUME_PASSIVELY", "BROADCASTING", {}};

// A group whose members state by turns.
class Members {
 public:
  explicit Members(size_t count) : members_(count) {}

  void State(size_t member, const std::vector<Subscription>& subscriptions,
             const Modes& modes = kClustering) {
    members_[member].State(modes, ++number_);
    members_[member].Hold(subscriptions);
  }
  void LeaveOut(size_t member) { members_[member].is_current = false; }
  void Leave(size_t member) { members_.erase(members_.begin() + member); }

  // "topic expression", by topic.
  std::vector<std::string> Subscriptions() const {
    std::vector<std::string> subscriptions;
    for (const auto& [topic, held] : Combined().subscriptions) {
      subscriptions.push_back(absl::StrCat(topic, " ", held.sub_string()));
    }
    return subscriptions;
  }
  bool IsBroadcasting() const { return Combined().modes.IsBroadcasting(); }

 private:
  GroupStatement Combined() const {
    std::vector<const MemberStatement*> members;
    for (const MemberStatement& member : members_) members.push_back(&member);
    return Combine(members);
  }

  std::vector<MemberStatement> members_;
  int64_t number_ = 0;
};

TEST(MemberStatementTest, AGroupHasTheTopicsThatAnyMemberHolds) {
  Members group(2);
  group.State(0, {Of("t1", 1, "a"), Of("t2", 1, "b")});
  group.State(1, {Of("t2", 1, "b"), Of("t3", 1, "c")});
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 a", "t2 b", "t3 c"));
}

TEST(MemberStatementTest, ATopicGoesWhenItsLastHolderDropsItOrLeaves) {
  Members group(3);
  group.State(0, {Of("t1", 1, "a"), Of("t2", 1, "a")});
  group.State(1, {Of("t1", 1, "a"), Of("t2", 1, "a")});
  group.State(0, {Of("t1", 1, "a")});
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 a", "t2 a"));
  group.State(1, {Of("t1", 1, "a")});
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 a"));
  group.Leave(1);
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 a"));
  group.Leave(0);
  EXPECT_THAT(group.Subscriptions(), IsEmpty());
}

TEST(MemberStatementTest, TheGreatestVersionAmongTheHoldersCounts) {
  Members group(2);
  group.State(0, {Of("t1", 2, "two")});
  group.State(1, {Of("t1", 1, "one")});
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 two"));
  group.Leave(0);
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 one"));
}

TEST(MemberStatementTest, OfEqualVersionsTheFirstStatedCounts) {
  Members group(2);
  group.State(1, {Of("t1", 1, "first")});
  group.State(0, {Of("t1", 1, "second")});
  group.State(1, {Of("t1", 1, "first again")});
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 first"));
  group.Leave(1);
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 second"));
}

TEST(MemberStatementTest, AVersionThatIsNotGreaterLeavesTheHolding) {
  Members group(1);
  group.State(0, {Of("t1", 5, "five")});
  group.State(0, {Of("t1", 5, "equal")});
  group.State(0, {Of("t1", 4, "smaller")});
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 five"));
  group.State(0, {Of("t1", 6, "six")});
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 six"));
}

TEST(MemberStatementTest, AGreaterVersionIsStatedAnew) {
  Members group(2);
  group.State(0, {Of("t1", 1, "old")});
  group.State(1, {Of("t1", 2, "first")});
  group.State(0, {Of("t1", 2, "second")});
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 first"));
}

TEST(MemberStatementTest, ADroppedTopicComesBackWithAnyVersion) {
  Members group(1);
  group.State(0, {Of("t1", 5, "five")});
  group.State(0, {});
  EXPECT_THAT(group.Subscriptions(), IsEmpty());
  group.State(0, {Of("t1", -1, "minus one")});
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 minus one"));
}

TEST(MemberStatementTest, ALeftOutMemberHoldsWhatItStated) {
  Members group(1);
  group.State(0, {Of("t1", 1, "a")}, kBroadcasting);
  group.LeaveOut(0);
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 a"));
  EXPECT_TRUE(group.IsBroadcasting());
}

TEST(MemberStatementTest, AnEmptyListStatesNothingBesideOthers) {
  Members group(2);
  group.State(0, {Of("t1", 1, "a")});
  group.State(1, {});
  EXPECT_THAT(group.Subscriptions(), ElementsAre("t1 a"));
  group.Leave(0);
  EXPECT_THAT(group.Subscriptions(), IsEmpty());
}

TEST(MemberStatementTest, ModesAreThoseStatedLastByALivingMember) {
  Members group(2);
  group.State(0, {}, kClustering);
  group.State(1, {}, kBroadcasting);
  EXPECT_TRUE(group.IsBroadcasting());
  group.State(0, {}, kClustering);
  EXPECT_FALSE(group.IsBroadcasting());
  group.Leave(0);
  EXPECT_TRUE(group.IsBroadcasting());
}

TEST(MemberStatementTest, ModesOfLeftOutMembersComeLast) {
  Members group(3);
  group.State(0, {}, kClustering);
  group.State(1, {}, kClustering);
  group.State(2, {}, kBroadcasting);
  group.LeaveOut(2);
  EXPECT_FALSE(group.IsBroadcasting());
  group.LeaveOut(0);
  group.LeaveOut(1);
  EXPECT_TRUE(group.IsBroadcasting());
}

}  // namespace
}  // namespace rmq::conformance
