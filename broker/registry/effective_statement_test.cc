// The rule of EffectiveStatement is tested through the registry, in
// consumer_registry_test. Here it is held against the obvious way to work it
// out, with looks that are made in small pieces and changes between them.
#include "broker/registry/effective_statement.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/member_statement.h"
#include "broker/registry/registered_group.h"
#include "broker/registry/statement.h"
#include "common/client_types.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr int kSeeds = 40;
constexpr int kSteps = 400;
constexpr int kChannels = 70;
const char* const kTopics[] = {"a", "b", "c"};

struct Holding {
  std::string expression;
  int64_t sub_version;
  uint64_t number;
};

struct Member {
  ConsumerModes modes;
  uint64_t number = 0;
  bool stated = true;
  std::map<std::string, Holding> holdings;
};

class World {
 public:
  explicit World(uint32_t seed) : random_(seed) {
    for (int i = 0; i < kChannels; ++i) {
      channels_.push_back(
          std::make_unique<ChannelRecord>(ChannelKind::kStream));
      channels_.back()->id = i + 1;
    }
  }
  ~World() {
    for (int i = 0; i < kChannels; ++i) Leave(i);
  }

  int Below(int end) {
    return std::uniform_int_distribution<int>(0, end - 1)(random_);
  }

  void Step() {
    const int who = Below(kChannels);
    switch (Below(6)) {
      case 0: Leave(who); break;
      case 1: LeaveOut(who); break;
      case 2:
        // Who leads is who leaves: looks are wanted.
        if (!members_.empty()) Leave(Leader());
        break;
      default: State(who);
    }
    TakeChange(Below(3));
  }

  void Settle() {
    while (statement_.WantsLook()) TakeChange(1 + Below(kChannels));
    TakeChange(0);
  }

  std::string Described() const {
    if (members_.empty()) return "";
    std::string text = absl::StrCat(statement_.modes().message_model, ":");
    for (const auto& [topic, subscription] : *statement_.subscriptions()) {
      absl::StrAppend(&text, " ", topic, "=", subscription.expression, "@",
                      subscription.sub_version);
    }
    return text;
  }

  std::string Expected() const {
    if (members_.empty()) return "";
    const auto latest = std::max_element(
        members_.begin(), members_.end(), [](const auto& a, const auto& b) {
          return std::make_pair(a.second.stated, a.second.number) <
                 std::make_pair(b.second.stated, b.second.number);
        });
    std::string text = absl::StrCat(latest->second.modes.message_model, ":");
    for (const std::string topic : kTopics) {
      const Holding* best = nullptr;
      for (const auto& [who, member] : members_) {
        const auto found = member.holdings.find(topic);
        if (found == member.holdings.end()) continue;
        const Holding& holding = found->second;
        if (best == nullptr || holding.sub_version > best->sub_version ||
            (holding.sub_version == best->sub_version &&
             holding.number < best->number)) {
          best = &holding;
        }
      }
      if (best == nullptr) continue;
      absl::StrAppend(&text, " ", topic, "=", best->expression, "@",
                      best->sub_version);
    }
    return text;
  }

  // What Change told, applied.
  const std::map<std::string, bool>& topics() const { return topics_; }
  int looks() const { return looks_; }

 private:
  void State(int who) {
    const uint64_t number = ++number_;
    ConsumerStatement stated;
    // Mostly they agree.
    stated.modes.message_model =
        Below(5) == 0 ? MessageModel::kBroadcasting : MessageModel::kClustering;
    std::vector<SubscriptionStatement> subscriptions;
    for (const char* topic : kTopics) {
      if (Below(3) == 0) continue;
      subscriptions.push_back(
          {topic, Below(4) == 0 ? "x" : "*", "TAG", Below(4)});
    }
    stated.subscriptions = subscriptions;

    ChannelRecord& channel = *channels_[who];
    size_t hint = 0;
    Membership* membership = GroupMembers::Find(channel, group_, &hint);
    if (membership == nullptr) {
      membership = &GroupMembers::Join(
          group_, {channel,
                   clients_.Use(absl::StrCat("c", who), channel),
                   LanguageCode::kCpp,
                   0,
                   number,
                   {}});
    }
    membership->stated = true;
    if (MemberStatementPool::ChangesNothing(membership->statement, stated)) {
      statement_.Repeat(channel, number);
    } else {
      MemberStatement statement = pool_.Update(membership->statement, stated);
      statement_.Restate(channel, membership->statement, statement, number);
      membership->statement = std::move(statement);
    }

    Member& member = members_[who];
    member.modes = stated.modes;
    member.number = number;
    member.stated = true;
    std::map<std::string, Holding> before = std::move(member.holdings);
    member.holdings.clear();
    for (const SubscriptionStatement& subscription : subscriptions) {
      const std::string topic(subscription.topic);
      const auto known = before.find(topic);
      const bool stays = known != before.end() &&
                         subscription.sub_version <= known->second.sub_version;
      member.holdings[topic] =
          stays ? known->second
                : Holding{std::string(subscription.expression),
                          subscription.sub_version, number};
    }
  }

  void LeaveOut(int who) {
    const auto member = members_.find(who);
    if (member == members_.end() || !member->second.stated) return;
    member->second.stated = false;
    size_t hint = 0;
    GroupMembers::Find(*channels_[who], group_, &hint)->stated = false;
    statement_.NoteLeftOut(*channels_[who]);
  }

  void Leave(int who) {
    if (members_.erase(who) == 0) return;
    ChannelRecord& channel = *channels_[who];
    size_t hint = 0;
    const MemberStatement statement = GroupMembers::Leave(
        channel, *GroupMembers::Find(channel, group_, &hint), clients_);
    statement_.Remove(channel, statement);
  }

  int Leader() {
    int leader = members_.begin()->first;
    int64_t best = -1;
    for (const auto& [who, member] : members_) {
      for (const auto& [topic, holding] : member.holdings) {
        if (holding.sub_version > best) {
          leader = who;
          best = holding.sub_version;
        }
      }
    }
    return leader;
  }

  void TakeChange(size_t budget) {
    looks_ += statement_.WantsLook();
    statement_.Look(group_, &budget);
    const EffectiveStatement::Change change = statement_.TakeChange(group_);
    for (const std::string& topic : change.added_topics) {
      EXPECT_TRUE(topics_.emplace(topic, true).second) << topic;
    }
    for (const std::string& topic : change.removed_topics) {
      EXPECT_EQ(topics_.erase(topic), 1) << topic;
    }
  }

  std::mt19937 random_;
  std::vector<std::unique_ptr<ChannelRecord>> channels_;
  ClientDirectory clients_;
  MemberStatementPool pool_;
  RegisteredGroup group_{GroupKind::kConsumer, "orders"};
  EffectiveStatement statement_;
  uint64_t number_ = 0;
  std::map<int, Member> members_;
  std::map<std::string, bool> topics_;
  int looks_ = 0;
};

TEST(EffectiveStatementTest, ItIsWhatItsMembersStateOnceLooksAreDone) {
  int looks = 0;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    World world(seed);
    for (int step = 0; step < kSteps; ++step) {
      world.Step();
      if (world.Below(4) != 0) continue;  // Others come between the pieces.
      world.Settle();
      ASSERT_EQ(world.Described(), world.Expected())
          << "seed " << seed << ", step " << step;
    }
    looks += world.looks();
  }
  // Or it would show nothing.
  EXPECT_GT(looks, kSeeds * 10);
}

TEST(EffectiveStatementTest, TheTopicsAreThoseOfTheMembersAtAnyTime) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    World world(seed);
    for (int step = 0; step < kSteps; ++step) {
      world.Step();
      std::string told;
      for (const auto& [topic, unused] : world.topics()) {
        absl::StrAppend(&told, " ", topic, "=");
      }
      std::string expected = world.Expected();
      for (const char* topic : kTopics) {
        const bool is_told = world.topics().count(topic) > 0;
        ASSERT_EQ(
            expected.find(absl::StrCat(" ", topic, "=")) != std::string::npos,
            is_told)
            << "seed " << seed << ", step " << step << ": " << expected
            << " and told" << told;
      }
    }
  }
}

}  // namespace
}  // namespace rmq
