// The ClientTable under several threads: what must hold while they run is
// checked by a listener, what must hold afterwards by look-ups.
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/table_queries.h"
#include "broker/registry/test_statement.h"
#include "common/mutex_lock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::IsEmpty;

using GroupKey = std::pair<GroupKind, std::string>;

// Keeps the members of each group by events alone, and notes what cannot be:
// two deliveries at once, a revision that falls, a join of a member, a leave of
// a stranger, the end of a group that has members. Takes no lock: the table
// promises one drainer at a time.
class EventChecker final : public ClientEventListener {
 public:
  void OnClientEvent(const ClientEvent& event) override {
    if (busy_.exchange(true)) Fail("two deliveries at once", event);
    if (event.revision < last_revision_) Fail("a revision falls", event);
    last_revision_ = event.revision;
    const GroupKey key(event.kind, event.group);
    switch (event.type) {
      case EventType::kClientRegister:
        if (!members_[key].insert(event.channel->id()).second) {
          Fail("a member joins again", event);
        }
        break;
      case EventType::kClientUnregister:
        if (members_[key].erase(event.channel->id()) == 0) {
          Fail("a stranger leaves", event);
        }
        break;
      case EventType::kUnregister:
        if (!members_[key].empty()) Fail("a group with members goes", event);
        members_.erase(key);
        break;
      default: break;
    }
    busy_.store(false);
  }

  // Groups without members are left out.
  std::map<GroupKey, std::set<ChannelId>> members() const {
    std::map<GroupKey, std::set<ChannelId>> members;
    for (const auto& [key, channels] : members_) {
      if (!channels.empty()) members.emplace(key, channels);
    }
    return members;
  }
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  void Fail(const char* what, const ClientEvent& event) {
    if (failures_.size() < 10) {
      failures_.push_back(absl::StrCat(what, ": ", Name(event.kind), " ",
                                       event.group, " ", Name(event.type), " ",
                                       event.client_id));
    }
  }

  std::atomic<bool> busy_{false};
  uint64_t last_revision_ = 0;
  std::map<GroupKey, std::set<ChannelId>> members_;
  std::vector<std::string> failures_;
};

class ClientTableRaceTest : public ::testing::Test {
 protected:
  static constexpr int kThreads = 4;
  static constexpr int kSteps = 4'000;
  static constexpr int kSlots = 24;
  static constexpr int kGroups = 6;
  static constexpr int kTopics = 5;

  ClientChannelPtr Slot(size_t at) {
    MutexLock lock(&slots_mu_);
    return slots_[at];
  }
  void SetSlot(size_t at, ClientChannelPtr channel) {
    MutexLock lock(&slots_mu_);
    slots_[at] = std::move(channel);
  }

  absl::Time Now() const {
    return start_ + absl::Milliseconds(clock_ms_.load());
  }

  TestStatement RandomStatement(std::mt19937& random) {
    TestStatement stated(absl::StrCat("c", random() % 8));
    stated.Incarnation(random() % 3);
    for (int group = 0; group < kGroups; ++group) {
      if (random() % 3 == 0) stated.Producer(absl::StrCat("p", group));
      if (random() % 3 != 0) continue;
      std::vector<TestSubscription> subscriptions;
      for (int topic = 0; topic < kTopics; ++topic) {
        if (random() % 2 == 0) {
          subscriptions.push_back(
              {absl::StrCat("t", topic), static_cast<int64_t>(random() % 4)});
        }
      }
      stated.Consumer(absl::StrCat("g", group), std::move(subscriptions));
    }
    return stated;
  }

  void Run(uint32_t seed) {
    std::mt19937 random(seed);
    for (int step = 0; step < kSteps; ++step) {
      const size_t at = random() % kSlots;
      const ClientChannelPtr channel = Slot(at);
      const uint32_t operation = random() % 100;
      if (channel == nullptr || operation < 4) {
        auto opened = std::make_shared<FakeClientChannel>();
        if (table_.Open(opened, Now()).ok()) SetSlot(at, std::move(opened));
      } else if (operation < 40) {
        const BuiltStatement statement(RandomStatement(random));
        const RegisterResult result =
            table_.Register(*channel, statement.Admitted(), Now());
        if (result.outcome == RegisterResult::Outcome::kRegistered) {
          channel->RenewLight(result.statement_token, Now());
        }
      } else if (operation < 55) {
        const std::string producer = absl::StrCat("p", random() % kGroups);
        const std::string consumer = absl::StrCat("g", random() % kGroups);
        table_.Unregister(*channel, "c0", {producer}, {consumer}, Now());
      } else if (operation < 62) {
        if (table_.Close(*channel, RemovalReason::kDisconnected, Now())) {
          closes_.fetch_add(1);
        }
      } else if (operation < 70) {
        clock_ms_.fetch_add(random() % 4'000);
        std::vector<ClientChannelPtr> ended;
        table_.BeginScan(Now());
        while (table_.ScanSome(Now(), 3, &ended)) {
        }
      } else if (operation < 78) {
        UseStandIn(absl::StrCat("c", random() % 8), random);
      } else if (operation < 80) {
        table_.RaiseHeardFloor(Now() - absl::Seconds(100));
      } else {
        LookUp(random);
      }
    }
  }

  void UseStandIn(const std::string& client_id, std::mt19937& random) {
    absl::StatusOr<ClientChannelPtr> stand_in = table_.FindOrOpenStandIn(
        client_id,
        std::make_shared<FakeClientChannel>(ClientChannel::Kind::kStandIn),
        Now());
    if (!stand_in.ok()) return;
    TestStatement stated = RandomStatement(random);
    stated.client_id = client_id;
    const BuiltStatement statement(stated);
    table_.Register(**stand_in, statement.Admitted(), Now());
  }

  void LookUp(std::mt19937& random) {
    const std::string consumer = absl::StrCat("g", random() % kGroups);
    const std::string producer = absl::StrCat("p", random() % kGroups);
    const std::string client = absl::StrCat("c", random() % 8);
    switch (random() % 8) {
      case 0: {
        MemberCursor cursor = 0;
        do {
          table_.ListMembers(GroupKind::kConsumer, consumer, 3, &cursor);
        } while (cursor != 0);
        break;
      }
      case 1:
        if (ClientChannelPtr found =
                table_.FindConsumerChannel(consumer, client)) {
          found->RenewLight(1, Now());
        }
        break;
      case 2: table_.FindProducerChannel(client); break;
      case 3: table_.NextAvailableProducer(producer); break;
      case 4: table_.GroupsOfTopic("t1", "", 10); break;
      case 5:
        if (const auto group = table_.FindConsumerGroup(consumer)) {
          group->subscriptions->contains("t1");
        }
        break;
      case 6:
        table_.ListProducerGroups("", 10);
        table_.ListConsumerGroups("", 10);
        break;
      default:
        table_.FindSubscription(consumer, "t2");
        table_.FindStandIn(client);
    }
  }

  std::map<GroupKey, std::set<ChannelId>> MembersByTable() {
    std::map<GroupKey, std::set<ChannelId>> members;
    const auto read = [&](GroupKind kind, const std::string& group) {
      MemberCursor cursor = 0;
      do {
        for (const MemberInfo& member :
             table_.ListMembers(kind, group, 5, &cursor)) {
          EXPECT_FALSE(member.channel->closed()) << group;
          const bool is_new = members[GroupKey(kind, group)]
                                  .insert(member.channel->id())
                                  .second;
          EXPECT_TRUE(is_new) << group;
        }
      } while (cursor != 0);
    };
    for (const ConsumerGroupInfo& group : table_.ListConsumerGroups("", 100)) {
      read(GroupKind::kConsumer, group.group);
      EXPECT_EQ(members[GroupKey(GroupKind::kConsumer, group.group)].size(),
                group.channels);
    }
    for (const ProducerGroupInfo& group : table_.ListProducerGroups("", 100)) {
      read(GroupKind::kProducer, group.group);
      EXPECT_EQ(members[GroupKey(GroupKind::kProducer, group.group)].size(),
                group.channels);
    }
    return members;
  }

  const absl::Time start_ = absl::FromUnixSeconds(1'000'000);
  std::atomic<int64_t> clock_ms_{0};
  std::atomic<int> closes_{0};
  EventChecker checker_;
  ClientTable table_{ClientTable::Options(), {&checker_}};
  absl::Mutex slots_mu_;
  std::vector<ClientChannelPtr> slots_ ABSL_GUARDED_BY(slots_mu_) =
      std::vector<ClientChannelPtr>(kSlots);
};

TEST_F(ClientTableRaceTest, TablesIndexesAndEventsAgreeAfterAnything) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] { Run(/*seed=*/1000 + thread); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(closes_, 0);
  EXPECT_THAT(checker_.failures(), IsEmpty());
  EXPECT_EQ(table_.counts().queued_events, 0);

  // What the events told is what the table says; each member is alive.
  const auto members = MembersByTable();
  EXPECT_EQ(members, checker_.members());

  // The topic index is that of the groups' subscriptions.
  std::set<std::pair<std::string, std::string>> by_group, by_topic;
  for (const ConsumerGroupInfo& group : table_.ListConsumerGroups("", 100)) {
    for (const auto& [topic, subscription] : *group.subscriptions) {
      by_group.emplace(topic, group.group);
    }
  }
  for (int topic = 0; topic < kTopics; ++topic) {
    const std::string name = absl::StrCat("t", topic);
    for (const std::string& group : table_.GroupsOfTopic(name, "", 100)) {
      by_topic.emplace(name, group);
    }
  }
  EXPECT_EQ(by_group, by_topic);

  // Whoever is a member is found by client id too.
  for (const auto& [key, channels] : members) {
    MemberCursor cursor = 0;
    for (const MemberInfo& member :
         table_.ListMembers(key.first, key.second, 1000, &cursor)) {
      if (key.first == GroupKind::kProducer) {
        EXPECT_NE(table_.FindProducerChannel(member.client_id), nullptr);
      } else {
        EXPECT_NE(table_.FindConsumerChannel(key.second, member.client_id),
                  nullptr);
      }
    }
  }

  // Silence takes all of it away, each join by its leave.
  clock_ms_.fetch_add(1'000'000);
  std::vector<ClientChannelPtr> ended;
  table_.BeginScan(Now());
  while (table_.ScanSome(Now(), 7, &ended)) {
  }
  EXPECT_THAT(checker_.failures(), IsEmpty());
  EXPECT_THAT(checker_.members(), IsEmpty());
  const ClientTable::Counts counts = table_.counts();
  EXPECT_EQ(counts.channels, 0);
  EXPECT_EQ(counts.consumer_groups, 0);
  EXPECT_EQ(counts.producer_groups, 0);
  for (int client = 0; client < 8; ++client) {
    EXPECT_EQ(table_.FindStandIn(absl::StrCat("c", client)), nullptr);
    EXPECT_EQ(table_.FindProducerChannel(absl::StrCat("c", client)), nullptr);
  }
}

TEST(ClientTableUsersRaceTest, AnIdIsHeldByOneUserAtATime) {
  // Each user takes the same few ids, does as it likes, and lets them go.
  constexpr int kRounds = 2'000;
  constexpr int kIds = 3;
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  ClientTable table(ClientTable::Options(), {});
  std::atomic<int> taken{0};
  std::vector<std::thread> users;
  for (const char* const user : {"pay", "ship", "bill"}) {
    users.emplace_back([&, user] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string id = absl::StrCat("c", round % kIds);
        const BuiltStatement statement(
            TestStatement(id).As(user).Consumer("orders").Consumer(user));
        const auto stream = std::make_shared<FakeClientChannel>();
        ASSERT_TRUE(table.Open(stream, now, user).ok());
        const auto outcome =
            table.Register(*stream, statement.Admitted(), now).outcome;
        if (outcome == RegisterResult::Outcome::kOfAnother) {
          EXPECT_TRUE(stream->closed());
          continue;
        }
        EXPECT_EQ(outcome, RegisterResult::Outcome::kRegistered);
        ++taken;
        EXPECT_FALSE(table.IsHeldByAnother(id, user));
        EXPECT_TRUE(table.IsHeldByAnother(id, "thief"));
        const absl::string_view group = "orders";
        EXPECT_FALSE(
            table.Unregister(*stream, id, {}, {&group, 1}, now, {"thief"}));
        EXPECT_TRUE(
            table.Unregister(*stream, id, {}, {&group, 1}, now, {user}));
        table.Close(*stream, RemovalReason::kDisconnected, now);
      }
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_GT(taken.load(), 0);
  EXPECT_EQ(table.counts().channels, 0);
  EXPECT_FALSE(table.IsHeldByAnother("c0", "thief"));
}

TEST(ClientTableUsersRaceTest, AStandInIsThatOfTheUserWhoHoldsTheId) {
  constexpr int kRounds = 2'000;
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  ClientTable table(ClientTable::Options(), {});
  std::atomic<int> taken{0};
  std::vector<std::thread> users;
  for (const char* const user : {"pay", "ship", "bill"}) {
    users.emplace_back([&, user] {
      const BuiltStatement statement(
          TestStatement("c1").As(user).Consumer("orders"));
      for (int round = 0; round < kRounds; ++round) {
        const auto found = table.FindOrOpenStandIn(
            "c1",
            std::make_shared<FakeClientChannel>(ClientChannel::Kind::kStandIn),
            now, user);
        ASSERT_TRUE(found.ok());
        if (table.Register(**found, statement.Admitted(), now).outcome !=
            RegisterResult::Outcome::kRegistered) {
          continue;
        }
        ++taken;
        ClientCursor cursor;
        const std::vector<ClientChannelInfo> listed =
            table.ListClientChannels("c1", 10, &cursor);
        ASSERT_EQ(listed.size(), 1);
        EXPECT_EQ(listed[0].principal, user);
        const absl::string_view group = "orders";
        EXPECT_TRUE(
            table.Unregister(**found, "c1", {}, {&group, 1}, now, {user}));
      }
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_GT(taken.load(), 0);
  EXPECT_EQ(table.counts().channels, 0);
}

TEST(ClientTableRenewalRaceTest, AHeartbeatThatWasRenewedIsNotExpired) {
  // Each round: a heartbeat, light or full, meets the scan that would expire
  // its channel.
  constexpr int kRounds = 3'000;
  ClientTable table(ClientTable::Options(), {});
  const absl::Time opened = absl::FromUnixSeconds(1'000'000);
  const absl::Time now = opened + absl::Seconds(121);
  std::vector<FakeClientChannelPtr> channels;
  const BuiltStatement statement(TestStatement("c1").Consumer("orders"));
  for (int i = 0; i < kRounds; ++i) {
    channels.push_back(std::make_shared<FakeClientChannel>());
    ASSERT_TRUE(table.Open(channels.back(), opened).ok());
    table.Register(*channels.back(), statement.Admitted(), opened);
  }
  table.BeginScan(now);
  std::vector<ClientChannelPtr> ended;
  std::atomic<int> begun{0};
  std::vector<char> renewed(kRounds);
  std::thread scan([&] {
    ++begun;
    while (begun < 2) std::this_thread::yield();
    while (table.ScanSome(now, 1, &ended)) {
    }
  });
  ++begun;
  while (begun < 2) std::this_thread::yield();
  // From the far end, so that the two meet somewhere.
  for (int i = kRounds - 1; i >= 0; --i) {
    renewed[i] =
        i % 2 == 0
            ? channels[i]->RenewLight(0, now) != Renewal::kClosed
            : table.Register(*channels[i], statement.Admitted(), now).outcome ==
                  RegisterResult::Outcome::kRegistered;
  }
  scan.join();
  std::set<ClientChannel*> expired;
  for (const ClientChannelPtr& channel : ended) expired.insert(channel.get());
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_NE(renewed[i] != 0, expired.count(channels[i].get()) != 0)
        << "round " << i;
    ASSERT_EQ(channels[i]->closed(), renewed[i] == 0) << "round " << i;
  }
  EXPECT_EQ(table.counts().channels, kRounds - expired.size());
}

}  // namespace
}  // namespace rmq
