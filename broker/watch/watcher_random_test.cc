// Watchers of a table that changes all the time. Each makes of its snapshot and
// its events what the table is at each revision.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/client_event.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "broker/watch/watch_fixture.h"
#include "broker/watch/watcher.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

class WatcherRandomTest : public WatchFixture,
                          public ::testing::WithParamInterface<int> {
 protected:
  // One who watches, and what it has been told.
  struct Watching {
    std::string name;
    WatchFilter filter;
    std::unique_ptr<Watcher> watcher;
    Replay replay;
    // All events that it was told, described.
    std::vector<std::string> events;
  };

  WatcherRandomTest() : random_(GetParam()) {}

  int Below(int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random_);
  }

  // Groups of which several pieces are needed, and small ones between them.
  std::string Group() { return absl::StrCat("g", Below(12) * Below(12) / 4); }

  TestStatement RandomStatement(const std::string& client_id) {
    TestStatement stated(client_id);
    stated.Incarnation(static_cast<uint64_t>(1 + Below(3)));
    std::string consumed = Group();
    stated.Consumer(consumed, {{absl::StrCat("t", Below(3))}});
    if (Below(2) == 0) {
      const std::string other = Group();
      if (other != consumed) stated.Consumer(other, {{"t0"}});
    }
    if (Below(2) == 0) stated.Producer(Group());
    return stated;
  }

  void Change() {
    Advance(absl::Milliseconds(Below(2000)));
    const int what = Below(10);
    if (what < 4 || channels_.size() < kClients) {
      const std::string id = absl::StrCat("c", Below(kClients));
      channels_.push_back({Connect(RandomStatement(id)), id});
      return;
    }
    const size_t i =
        static_cast<size_t>(Below(static_cast<int>(channels_.size())));
    FakeClientChannel& channel = *channels_[i].first;
    if (what < 6) {
      Register(channel, RandomStatement(channels_[i].second));
      return;
    }
    if (what == 6) {
      table_.BeginScan(now_);
      std::vector<ClientChannelPtr> ended;
      while (table_.ScanSome(now_, 32, &ended)) {
      }
      return;
    }
    if (what == 7) {
      const std::string group = Group();
      table_.Unregister(channel, channels_[i].second, {group}, {group}, now_);
      return;
    }
    table_.Close(channel, RemovalReason::kDisconnected, now_);
    std::swap(channels_[i], channels_.back());
    channels_.pop_back();
  }

  std::unique_ptr<Watching> Watch(const std::string& name,
                                  const WatchFilter& filter) {
    auto watching = std::make_unique<Watching>();
    watching->name = name;
    watching->filter = filter;
    watching->watcher = std::make_unique<Watcher>(&table_, &history_, filter);
    watching->watcher->BeginWithSnapshot();
    return watching;
  }

  // The next step. False if there is nothing.
  bool Step(Watching* watching) {
    const Watcher::Step step = watching->watcher->Next(now_);
    EXPECT_NE(step.kind, Watcher::Step::Kind::kEnd);
    watching->replay.Apply(step);
    if (step.event != nullptr) watching->events.push_back(Describe(step));
    if (step.last && !members_at_.empty()) {
      const auto at = members_at_.find(step.revision);
      EXPECT_NE(at, members_at_.end());
      if (at != members_at_.end()) ExpectIs(*watching, at->second);
    }
    return step.kind != Watcher::Step::Kind::kNothing;
  }

  static std::string OnlyIn(const ReplayedMembers& members,
                            const ReplayedMembers& others) {
    std::string only;
    for (const auto& [key, client_id] : members) {
      const auto& [kind, group, channel] = key;
      const auto other = others.find(key);
      if (other != others.end() && other->second == client_id) continue;
      absl::StrAppend(&only, Name(kind), " ", group, " ", channel, " ",
                      client_id, ", ");
    }
    return only;
  }

  void ExpectIs(const Watching& watching, const ReplayedMembers& all) {
    ReplayedMembers watched;
    for (const auto& [key, client_id] : all) {
      if (watching.filter.Has(std::get<0>(key), std::get<1>(key))) {
        watched[key] = client_id;
      }
    }
    EXPECT_TRUE(watching.replay.members() == watched)
        << watching.name << " has "
        << OnlyIn(watching.replay.members(), watched) << "and lacks "
        << OnlyIn(watched, watching.replay.members());
  }

  static constexpr int kClients = 1500;

  std::mt19937 random_;
  // Each with its one client id, as the edge sees to.
  std::vector<std::pair<FakeClientChannelPtr, std::string>> channels_;
  // The table at each revision with events.
  std::map<uint64_t, ReplayedMembers> members_at_;
};

TEST_P(WatcherRandomTest, WhatIsReplayedIsTheTableAtEachRevision) {
  for (int i = 0; i < kClients; ++i) Change();
  std::vector<std::unique_ptr<Watching>> watching;
  watching.push_back(Watch("all", {}));
  WatchFilter producers;
  producers.producers = true;
  watching.push_back(Watch("producers", producers));
  WatchFilter groups;
  groups.groups = {"g0", "g12", "g9"};
  watching.push_back(Watch("groups", groups));
  for (int i = 0; i < 400; ++i) {
    Change();
    members_at_[history_.range().last] = MembersOf(table_, {});
    // While it reads its snapshot, each is a few steps behind. Afterwards each
    // is compared at each revision.
    for (const auto& each : watching) {
      if (!each->replay.is_whole() && Below(3) > 0) {
        Step(each.get());
        continue;
      }
      if (!each->replay.is_whole()) continue;
      while (Step(each.get())) {
      }
      ExpectIs(*each, members_at_.rbegin()->second);
    }
    if (i % 97 == 0) watching.push_back(Watch(absl::StrCat("late ", i), {}));
  }
  for (const auto& each : watching) {
    while (Step(each.get())) {
    }
    EXPECT_TRUE(each->replay.is_whole());
    ExpectIs(*each, MembersOf(table_, {}));
  }
}

TEST_P(WatcherRandomTest, AResumedWatchIsToldWhatOneIsThatNeverBroke) {
  for (int i = 0; i < 100; ++i) Change();
  const std::unique_ptr<Watching> whole = Watch("whole", {});
  const std::unique_ptr<Watching> broken = Watch("broken", {});
  while (Step(whole.get())) {
  }
  while (Step(broken.get())) {
  }
  for (int i = 0; i < 300; ++i) {
    Change();
    while (Step(whole.get())) {
    }
    while (Step(broken.get())) {
    }
    if (Below(10) > 0) continue;
    // From where it has come to, while more happens.
    const uint64_t from = history_.range().last + 1;
    Change();
    auto resumed = std::make_unique<Watcher>(&table_, &history_, WatchFilter());
    ASSERT_TRUE(resumed->BeginAt(from).ok());
    broken->watcher = std::move(resumed);
  }
  while (Step(whole.get())) {
  }
  while (Step(broken.get())) {
  }
  EXPECT_EQ(whole->events, broken->events);
  EXPECT_EQ(broken->replay.members(), MembersOf(table_, {}));
}

INSTANTIATE_TEST_SUITE_P(Seeds, WatcherRandomTest, ::testing::Range(1, 6));

}  // namespace
}  // namespace rmq
