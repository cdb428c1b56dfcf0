// What tests of watching share: a table whose events are kept, and what a
// watcher makes of what it is told.
#ifndef BROKER_WATCH_WATCH_FIXTURE_H_
#define BROKER_WATCH_WATCH_FIXTURE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/table_queries.h"
#include "broker/watch/event_history.h"
#include "broker/watch/kept_event.h"
#include "broker/watch/watcher.h"
#include "gtest/gtest.h"

namespace rmq {

// Who is in which group: client ids by kind, group and channel id.
using ReplayedMembers =
    std::map<std::tuple<GroupKind, std::string, ChannelId>, std::string>;

// What `filter` watches of the table.
inline ReplayedMembers MembersOf(const TableQueries& table,
                                 const WatchFilter& filter) {
  ReplayedMembers members;
  for (const GroupKind kind : {GroupKind::kProducer, GroupKind::kConsumer}) {
    std::string group;
    ChannelId channel = 0;
    for (bool is_last = false; !is_last;) {
      const MembershipPiece piece = table.ListMemberships(
          kind, group, channel, /*only_group=*/false, TableQueries::kMaxPiece);
      for (const GroupedMember& member : piece.members) {
        group = member.group;
        channel = member.member.channel->id();
        if (!filter.Has(kind, group)) continue;
        members[{kind, group, channel}] = member.member.client_id;
      }
      is_last = piece.is_last;
    }
  }
  return members;
}

// Applies what a watcher is told. Fails if an event contradicts what it has.
class Replay {
 public:
  void Apply(const Watcher::Step& step) {
    for (const GroupedMember& member : step.members) {
      const bool is_new =
          members_
              .emplace(std::make_tuple(step.members_kind, member.group,
                                       member.member.channel->id()),
                       member.member.client_id)
              .second;
      EXPECT_TRUE(is_new) << member.group << " " << member.member.client_id;
    }
    if (step.last) is_whole_ = true;
    if (step.event == nullptr) return;
    const KeptEvent& event = *step.event;
    EXPECT_GE(event.revision, revision_);
    revision_ = event.revision;
    const auto key = std::make_tuple(event.kind, std::string(event.group()),
                                     event.channel_id);
    if (event.type == EventType::kClientRegister) {
      EXPECT_TRUE(members_.emplace(key, event.client_id()).second)
          << "joined twice: " << event.group() << " " << event.client_id();
    } else if (event.type == EventType::kClientUnregister) {
      EXPECT_EQ(members_.erase(key), 1)
          << "left and was not there: " << event.group() << " "
          << event.client_id();
    }
  }

  const ReplayedMembers& members() const { return members_; }
  // The last piece of the snapshot has come.
  bool is_whole() const { return is_whole_; }

 private:
  ReplayedMembers members_;
  bool is_whole_ = false;
  uint64_t revision_ = 0;
};

// "snapshot p1@payments", "last 7", "progress 7", "7 joined c1 orders", ...
inline std::string Describe(const Watcher::Step& step) {
  switch (step.kind) {
    case Watcher::Step::Kind::kNothing: return "nothing";
    case Watcher::Step::Kind::kProgress:
      return absl::StrCat("progress ", step.revision);
    case Watcher::Step::Kind::kSnapshot: {
      if (step.last) return absl::StrCat("last ", step.revision);
      std::string text = "snapshot";
      for (const GroupedMember& member : step.members) {
        absl::StrAppend(&text, " ", member.member.client_id, "@", member.group);
      }
      return text;
    }
    case Watcher::Step::Kind::kEvent:
      return absl::StrCat(step.event->revision, " ", Name(step.event->type),
                          " ", step.event->client_id(), "@",
                          step.event->group());
    case Watcher::Step::Kind::kEnd:
      return absl::StrCat("end: ", step.status.message);
  }
  return "";
}

// Before the table, whose listener it is.
class HistoryHolder {
 protected:
  explicit HistoryHolder(size_t most_events)
      : history_(EventHistory::Options{most_events}) {}

  EventHistory history_;
};

class WatchFixture : protected HistoryHolder, public ClientTableFixture {
 protected:
  explicit WatchFixture(
      size_t most_events = EventHistory::Options().watch_history)
      : HistoryHolder(most_events),
        ClientTableFixture(ClientTable::Options(), {&history_}) {}

  // All that `watcher` is told until there is nothing, described.
  std::vector<std::string> Told(Watcher* watcher) {
    std::vector<std::string> told;
    for (;;) {
      const Watcher::Step step = watcher->Next(now_);
      if (step.kind == Watcher::Step::Kind::kNothing) return told;
      told.push_back(Describe(step));
      if (step.kind == Watcher::Step::Kind::kEnd) return told;
    }
  }
};

}  // namespace rmq

#endif  // BROKER_WATCH_WATCH_FIXTURE_H_
