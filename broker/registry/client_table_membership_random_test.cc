// Members that hold the list of their group by random pushes and listings, some
// of which are lost, while others come, go, come back and are replaced.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "broker/registry/acknowledge.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/membership_snapshot.h"
#include "broker/registry/push_round.h"
#include "broker/registry/table_queries.h"
#include "broker/registry/test_statement.h"
#include "common/member_change.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using Ids = std::set<std::string>;

constexpr char kGroup[] = "orders";
constexpr size_t kClients = 12;

// A client that keeps the list as NotifyConsumerIdsChanged has it.
struct Member {
  FakeClientChannelPtr channel;
  std::string client_id;
  uint64_t epoch = 0;
  Ids ids;
};

class RandomMembershipTest : public ClientTableFixture,
                             public ::testing::WithParamInterface<uint64_t> {
 protected:
  size_t Any(size_t bound) { return random_() % bound; }
  bool Chance(size_t percent) { return Any(100) < percent; }
  Member& AnyMember() { return *members_[Any(members_.size())]; }

  // --- What happens to the group ---

  void Join() {
    auto member = std::make_unique<Member>();
    member->client_id = absl::StrCat("c", Any(kClients));
    // A stream of the same incarnation replaces the one before.
    const uint64_t incarnation = Chance(50) ? 1 : 0;
    // A channel may be older than the ones that joined before it.
    if (!spare_.empty() && Chance(30)) {
      member->channel = spare_.back();
      spare_.pop_back();
    } else {
      member->channel = OpenStream();
    }
    Register(*member->channel, TestStatement(member->client_id)
                                   .Incarnation(incarnation)
                                   .Consumer(kGroup));
    // What it held over an earlier channel it holds still.
    for (const auto& other : members_) {
      if (other->client_id != member->client_id || !Chance(50)) continue;
      member->epoch = other->epoch;
      member->ids = other->ids;
    }
    members_.push_back(std::move(member));
    DropClosed();
    if (spare_.size() < 2) spare_.push_back(OpenStream());
  }
  void Leave() {
    if (members_.empty()) return;
    Member& member = AnyMember();
    if (Chance(50)) {
      table_.Unregister(*member.channel, member.client_id, {}, {kGroup}, now_);
      table_.Close(*member.channel, RemovalReason::kDisconnected, now_);
    } else {
      table_.Close(*member.channel, RemovalReason::kDisconnected, now_);
    }
    DropClosed();
  }
  void Expire() {
    Advance(kExpiry + kMoment);
    for (const auto& member : members_) {
      if (Chance(80)) member->channel->RenewLight(0, now_);
    }
    spare_.clear();
    Scan();
    DropClosed();
  }
  void DropClosed() {
    for (size_t i = 0; i < members_.size();) {
      if (members_[i]->channel->closed()) {
        members_.erase(members_.begin() + i);
      } else {
        ++i;
      }
    }
    Note();
  }
  // Remembers the list at each epoch.
  void Note() {
    const absl::optional<ConsumerGroupInfo> info =
        table_.FindConsumerGroup(kGroup);
    Ids now;
    for (const auto& member : members_) now.insert(member->client_id);
    ASSERT_EQ(info.has_value(), !now.empty());
    if (!info.has_value()) {
      last_.clear();
      return;
    }
    ASSERT_EQ(info->epoch != epoch_, now != last_);
    ASSERT_GE(info->epoch, epoch_);
    epoch_ = info->epoch;
    last_ = now;
    lists_[epoch_] = std::move(now);
  }

  // --- What the members are told ---

  // A round of pushes, each of which is lost with a chance of `lost` percent.
  void Push(bool marked_only, size_t lost) {
    const absl::optional<MembershipSnapshot> snapshot =
        table_.ReadMembership(kGroup);
    if (!snapshot.has_value()) return;
    ASSERT_EQ(Ids(snapshot->client_ids.begin(), snapshot->client_ids.end()),
              lists_.at(snapshot->epoch));
    PushRound round;
    round.group = kGroup;
    round.epoch = snapshot->epoch;
    round.oldest_base = snapshot->oldest_base;
    round.has_client_ids = Chance(50);
    round.tells_all = true;
    round.marked_only = marked_only;
    std::vector<PushTarget> targets;
    MemberCursor cursor = 0;
    do {
      table_.ListPushTargets(round, now_, 1 + Any(3), &cursor, &targets);
      // Others come and go while a round is under way.
      if (!marked_only && Chance(20)) Chance(50) ? Join() : Leave();
    } while (cursor != 0);
    for (const PushTarget& target : targets) {
      if (Chance(lost)) continue;
      for (const auto& member : members_) {
        if (member->channel != target.channel) continue;
        Receive(*snapshot, round.has_client_ids, target.acknowledged, *member);
        break;  // The members may have changed.
      }
    }
  }
  void Receive(const MembershipSnapshot& snapshot, bool has_client_ids,
               uint64_t base, Member& member) {
    if (snapshot.epoch <= member.epoch) return;
    const bool complete = base == 0 || base < snapshot.oldest_base;
    if (complete && has_client_ids) {
      member.ids = Ids(snapshot.client_ids.begin(), snapshot.client_ids.end());
    } else if (!complete && base <= member.epoch) {
      for (const MembershipSnapshot::Change& change : snapshot.changes) {
        if (change.epoch <= base) continue;
        if (change.change.type == MemberChange::Type::kJoined) {
          member.ids.insert(change.change.client_id);
        } else {
          member.ids.erase(change.change.client_id);
        }
      }
    } else if (complete && base == member.epoch) {
      List(member);
      return;
    } else {
      return;
    }
    member.epoch = snapshot.epoch;
    Check(member);
  }
  // Reads the list in pieces while the group changes.
  void List(Member& member) {
    // The member may leave meanwhile.
    const FakeClientChannelPtr channel = member.channel;
    Ids ids;
    MemberCursor cursor = 0;
    uint64_t epoch = 0;
    do {
      const ClientIdList list =
          table_.ListClientIdsAt(kGroup, epoch, 1 + Any(2), &cursor);
      if (list.outcome != ClientIdList::Outcome::kListed) return;
      epoch = list.epoch;
      ids.insert(list.client_ids.begin(), list.client_ids.end());
      if (!is_quiet_ && Chance(25)) Chance(50) ? Join() : Leave();
    } while (cursor != 0);
    ASSERT_EQ(ids, lists_.at(epoch)) << "at epoch " << epoch;
    for (const auto& other : members_) {
      if (other->channel != channel || other->epoch >= epoch) continue;
      other->epoch = epoch;
      other->ids = ids;
    }
  }
  void Check(const Member& member) {
    ASSERT_EQ(member.ids, lists_.at(member.epoch))
        << member.client_id << " at epoch " << member.epoch;
  }
  void Acknowledge(Member& member) {
    if (member.epoch == 0) return;
    bool push_is_due = false;
    ASSERT_EQ(table_.Acknowledge(*member.channel, kGroup, member.epoch, now_,
                                 &push_is_due),
              AcknowledgeOutcome::kTaken);
    if (push_is_due) due_ = true;
  }
  void Heartbeat(Member& member) {
    if (!member.channel->attention()) return;
    if (!table_.MarkUnacknowledged(*member.channel).empty()) due_ = true;
  }

  std::mt19937_64 random_{GetParam()};
  bool is_quiet_ = false;
  bool due_ = false;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<FakeClientChannelPtr> spare_;
  uint64_t epoch_ = 0;
  Ids last_;
  std::map<uint64_t, Ids> lists_;
};

TEST_P(RandomMembershipTest, EachListIsThatOfItsEpochAndTheLastOneIsReached) {
  for (int step = 0; step < 400 && !HasFatalFailure(); ++step) {
    switch (Any(10)) {
      case 0:
      case 1: Join(); break;
      case 2: Leave(); break;
      case 3:
        if (Chance(20)) Expire();
        break;
      case 4:
      case 5: Push(/*marked_only=*/false, /*lost=*/30); break;
      case 6:
        if (!members_.empty()) List(AnyMember());
        break;
      case 7:
      case 8:
        if (!members_.empty()) Acknowledge(AnyMember());
        break;
      case 9:
        if (!members_.empty()) Heartbeat(AnyMember());
        if (std::exchange(due_, false)) Push(/*marked_only=*/true, 30);
        break;
    }
  }
  // Once changes stop and nothing is lost, the last round, an acknowledgment
  // and a heartbeat are enough.
  is_quiet_ = true;
  Join();
  Push(/*marked_only=*/false, /*lost=*/50);
  for (const auto& member : members_) {
    if (member->epoch == 0) List(*member);
    Acknowledge(*member);
    Heartbeat(*member);
  }
  for (int i = 0; i < 2; ++i) {
    Push(/*marked_only=*/true, /*lost=*/0);
    for (const auto& member : members_) Acknowledge(*member);
  }
  for (const auto& member : members_) {
    EXPECT_EQ(member->epoch, epoch_) << member->client_id;
    Check(*member);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomMembershipTest,
                         ::testing::Range<uint64_t>(1, 101));

}  // namespace
}  // namespace rmq
