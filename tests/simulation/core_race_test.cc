// The whole core under several threads: the random operations of a broker's
// edge, all at once. A listener checks what must hold meanwhile, look-ups what
// must hold afterwards. Meant for ThreadSanitizer (tools/tsan), worth running
// without.
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/policy/group_policy.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "common/mutex_lock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/core_under_test.h"

namespace rmq {
namespace {

using ::testing::IsEmpty;

constexpr int kThreads = 4;
constexpr int kSteps = 2'500;
constexpr int kSlots = 24;
constexpr int kClients = 8;
constexpr int kGroups = 6;
constexpr int kTopics = 5;

// Counts its pushes (into a counter that others may share) and its ends.
class RaceChannel final : public ClientChannel,
                          public std::enable_shared_from_this<RaceChannel> {
 public:
  RaceChannel(Kind kind, std::atomic<int64_t>* pushes)
      : ClientChannel(kind), pushes_(*pushes) {}

  std::shared_ptr<ClientChannel> Reference() override {
    return shared_from_this();
  }
  void Push(std::shared_ptr<const MembershipPush>) override { ++pushes_; }
  void End(const ChannelEnd&) override { ++ends_; }
  bool writable() const override { return id() % 2 == 0; }
  absl::string_view remote_address() const override {
    return "127.0.0.1:50001";
  }

  int ends() const { return ends_; }

 private:
  std::atomic<int64_t>& pushes_;
  std::atomic<int> ends_{0};
};

using GroupKey = std::pair<GroupKind, std::string>;

// Takes no lock: the table promises one delivery at a time, in order.
class Ledger final : public ClientEventListener {
 public:
  void OnClientEvent(const ClientEvent& event) override {
    if (event.revision < last_revision_) Fail("a revision falls", event);
    last_revision_ = event.revision;
    std::set<ChannelId>& members = members_[{event.kind, event.group}];
    switch (event.type) {
      case EventType::kClientRegister:
        if (!members.insert(event.channel->id()).second) {
          Fail("a member joins again", event);
        }
        break;
      case EventType::kClientUnregister:
        if (members.erase(event.channel->id()) == 0) {
          Fail("a stranger leaves", event);
        }
        break;
      case EventType::kUnregister:
        if (!members.empty()) Fail("a group with members goes", event);
        break;
      case EventType::kChange: ++changes_; break;
      default: break;
    }
  }

  // Without groups that have none.
  std::map<GroupKey, std::set<ChannelId>> members() const {
    std::map<GroupKey, std::set<ChannelId>> members;
    for (const auto& [key, channels] : members_) {
      if (!channels.empty()) members.emplace(key, channels);
    }
    return members;
  }
  int64_t changes() const { return changes_; }
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  void Fail(const char* what, const ClientEvent& event) {
    failures_.push_back(absl::StrCat(what, ": ", Name(event.kind), " ",
                                     event.group, " ", event.client_id));
  }

  uint64_t last_revision_ = 0;
  int64_t changes_ = 0;
  std::map<GroupKey, std::set<ChannelId>> members_;
  std::vector<std::string> failures_;
};

GroupPolicy::Options PolicyOptions() {
  GroupPolicy::Options options;
  // Fewer than there are groups: configs come and go with the members.
  options.max_auto_created_groups = kGroups - 2;
  return options;
}

class CoreRaceTest : public ::testing::Test {
 protected:
  std::shared_ptr<RaceChannel> NewChannel(ClientChannel::Kind kind) {
    auto channel = std::make_shared<RaceChannel>(kind, &pushes_);
    MutexLock lock(&mu_);
    all_.push_back(channel);
    return channel;
  }
  ClientChannelPtr Slot(size_t at) {
    MutexLock lock(&mu_);
    return slots_[at];
  }
  void SetSlot(size_t at, ClientChannelPtr channel) {
    MutexLock lock(&mu_);
    slots_[at] = std::move(channel);
  }
  absl::Time Now() const {
    return start_ + absl::Milliseconds(clock_ms_.load());
  }

  void Heartbeat(ClientChannel& channel, const std::string& client_id,
                 std::mt19937& random) {
    TestStatement stated(client_id);
    stated.Incarnation(random() % 3);
    for (int group = 0; group < kGroups; ++group) {
      if (random() % 3 == 0) stated.Producer(absl::StrCat("p", group));
      if (random() % 3 != 0) continue;
      std::vector<TestSubscription> subscriptions;
      for (int topic = 0; topic < kTopics; ++topic) {
        if (random() % 2 == 0) continue;
        subscriptions.push_back(
            {absl::StrCat("t", topic), static_cast<int64_t>(random() % 4)});
      }
      stated.Consumer(absl::StrCat("g", group), std::move(subscriptions));
      if (group == 0) stated.Model(MessageModel::kBroadcasting);
    }
    const BuiltStatement statement(std::move(stated));
    const HeartbeatResult result =
        core_.processor.Heartbeat(channel, *statement, Now());
    if (result.statement_token != 0) {
      channel.RenewLight(result.statement_token, Now());
    }
  }

  void Run(uint32_t seed) {
    std::mt19937 random(seed);
    for (int step = 0; step < kSteps; ++step) {
      const size_t at = random() % kSlots;
      const std::string client_id = absl::StrCat("c", random() % kClients);
      const std::string consumer = absl::StrCat("g", random() % kGroups);
      const std::string producer = absl::StrCat("p", random() % kGroups);
      const ClientChannelPtr channel = Slot(at);
      const uint32_t operation = random() % 100;
      if (channel == nullptr || operation < 5) {
        auto opened = NewChannel(ClientChannel::Kind::kStream);
        if (core_.table.Open(opened, Now()).ok()) SetSlot(at, opened);
      } else if (operation < 40) {
        Heartbeat(*channel, client_id, random);
      } else if (operation < 50) {
        core_.processor.UnregisterClient(*channel, client_id, {producer},
                                         {consumer}, Now());
      } else if (operation < 58) {
        core_.housekeeping.OnChannelClose(*channel,
                                          RemovalReason::kDisconnected, Now());
      } else if (operation < 66) {
        clock_ms_.fetch_add(random() % 5'000);
        core_.housekeeping.Tick(Now());
      } else if (operation < 70) {
        core_.housekeeping.Scan(Now());
      } else if (operation < 78) {
        const absl::StatusOr<ClientChannelPtr> stand_in =
            core_.table.FindOrOpenStandIn(
                client_id, NewChannel(ClientChannel::Kind::kStandIn), Now());
        if (stand_in.ok()) Heartbeat(**stand_in, client_id, random);
      } else if (operation < 80) {
        if (const ClientChannelPtr stand_in =
                core_.table.FindStandIn(client_id)) {
          core_.processor.UnregisterClient(*stand_in, client_id, {producer},
                                           {consumer}, Now());
        }
      } else if (operation < 90) {
        core_.processor.GetConsumerListByGroup(consumer, 3, 0);
        core_.table.NextAvailableProducer(producer);
      } else {
        core_.policy.ListSubscriptionGroups("", 3);
        core_.policy.ListTopics("", 3);
        core_.notifier.NextDeadline();
        core_.table.GroupsOfTopic("t1", "", 3);
      }
    }
  }

  std::map<GroupKey, std::set<ChannelId>> MembersByTable() {
    std::map<GroupKey, std::set<ChannelId>> members;
    const auto read = [&](GroupKind kind, const std::string& group) {
      MemberCursor cursor = 0;
      do {
        for (const MemberInfo& member :
             core_.table.ListMembers(kind, group, 5, &cursor)) {
          EXPECT_FALSE(member.channel->closed()) << group;
          std::set<ChannelId>& ids = members[GroupKey(kind, group)];
          EXPECT_TRUE(ids.insert(member.channel->id()).second) << group;
        }
      } while (cursor != 0);
    };
    for (const auto& group : core_.table.ListConsumerGroups("", 100)) {
      read(GroupKind::kConsumer, group.group);
    }
    for (const auto& group : core_.table.ListProducerGroups("", 100)) {
      read(GroupKind::kProducer, group.group);
    }
    return members;
  }

  const absl::Time start_ = absl::FromUnixSeconds(1'000'000);
  std::atomic<int64_t> clock_ms_{0};
  std::atomic<int64_t> pushes_{0};
  Ledger ledger_;
  CoreUnderTest core_{PolicyOptions(), &ledger_, start_};
  absl::Mutex mu_;
  std::vector<ClientChannelPtr> slots_ ABSL_GUARDED_BY(mu_) =
      std::vector<ClientChannelPtr>(kSlots);
  std::vector<std::shared_ptr<RaceChannel>> all_ ABSL_GUARDED_BY(mu_);
};

TEST_F(CoreRaceTest, WhatTheThreadsLeaveBehindAgrees) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] { Run(/*seed=*/2'000 + thread); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(ledger_.failures(), IsEmpty());
  const auto members = MembersByTable();
  EXPECT_EQ(members, ledger_.members());

  // The topic index is that of the groups' subscriptions.
  std::set<std::pair<std::string, std::string>> by_group, by_topic;
  for (const auto& group : core_.table.ListConsumerGroups("", 100)) {
    for (const auto& [topic, subscription] : *group.subscriptions) {
      by_group.emplace(topic, group.group);
    }
  }
  for (int topic = 0; topic < kTopics; ++topic) {
    const std::string name = absl::StrCat("t", topic);
    for (const std::string& group : core_.table.GroupsOfTopic(name, "", 100)) {
      by_topic.emplace(name, group);
    }
  }
  EXPECT_EQ(by_group, by_topic);

  // Every change was heard, and none waits to be pushed.
  EXPECT_EQ(core_.notifier.counts().changes, ledger_.changes());
  EXPECT_EQ(core_.notifier.counts().pushes, pushes_);
  EXPECT_EQ(core_.notifier.NextDeadline(), absl::InfiniteFuture());

  // A group with members has kept its config; there are no more than may be.
  std::set<std::string> configs;
  for (const auto& config : core_.policy.ListSubscriptionGroups("", 100)) {
    configs.insert(config.group);
  }
  EXPECT_LE(configs.size(), core_.policy.options().max_auto_created_groups);
  for (const auto& [key, channels] : members) {
    if (key.first != GroupKind::kConsumer) continue;
    EXPECT_EQ(configs.count(key.second), 1) << key.second;
  }

  // Silence takes all of it away. None was ended twice.
  clock_ms_.fetch_add(1'000'000);
  core_.housekeeping.Scan(Now());
  EXPECT_THAT(ledger_.members(), IsEmpty());
  EXPECT_THAT(ledger_.failures(), IsEmpty());
  EXPECT_EQ(core_.table.counts().channels, 0);
  MutexLock lock(&mu_);
  for (const auto& channel : all_) EXPECT_LE(channel->ends(), 1);
}

TEST_F(CoreRaceTest, MembersThatJoinAtOnceAllKnowOfEachOther) {
  // Whoever joins last, everyone is pushed after it: the list read at the
  // latest push is whole.
  constexpr int kJoining = 4;
  for (int round = 0; round < 200; ++round) {
    const std::string group = absl::StrCat("joined", round % 2);
    std::vector<std::shared_ptr<RaceChannel>> channels;
    std::vector<std::atomic<int64_t>> pushed(kJoining);
    for (int i = 0; i < kJoining; ++i) {
      auto channel = std::make_shared<RaceChannel>(ClientChannel::Kind::kStream,
                                                   &pushed[i]);
      ASSERT_TRUE(core_.table.Open(channel, Now()).ok());
      channels.push_back(std::move(channel));
    }
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kJoining; ++i) {
      threads.emplace_back([&, i] {
        const BuiltStatement statement(
            TestStatement(absl::StrCat("c", i)).Consumer(group));
        ++ready;
        while (ready < kJoining) std::this_thread::yield();
        core_.processor.Heartbeat(*channels[i], *statement, Now());
      });
    }
    for (std::thread& thread : threads) thread.join();
    // Between one push for all joins and one for each.
    for (const auto& count : pushed) {
      EXPECT_GE(count, 1);
      EXPECT_LE(count, kJoining);
    }
    EXPECT_EQ(
        core_.processor.GetConsumerListByGroup(group, 10, 0).client_ids.size(),
        kJoining);
    EXPECT_EQ(core_.notifier.NextDeadline(), absl::InfiniteFuture());
    for (const auto& channel : channels) {
      core_.housekeeping.OnChannelClose(*channel, RemovalReason::kDisconnected,
                                        Now());
    }
  }
  EXPECT_THAT(ledger_.failures(), IsEmpty());
  EXPECT_THAT(ledger_.members(), IsEmpty());
}

}  // namespace
}  // namespace rmq
