#include "tests/simulation/day_watchers.h"

#include <limits>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "broker/registry/table_queries.h"
#include "common/response_code.h"

namespace rmq {
namespace {

constexpr int kAllSteps = std::numeric_limits<int>::max();

WatchFilter OfGroup(const std::string& group) {
  WatchFilter filter;
  filter.groups = {group};
  return filter;
}

}  // namespace

DayWatcher::DayWatcher(const ClientTable* table, const EventHistory* history,
                       WatchFilter filter)
    : table_(*table), history_(*history), filter_(std::move(filter)) {
  Begin();
}

void DayWatcher::Begin() {
  members_.clear();
  is_whole_ = false;
  is_cut_ = false;
  watcher_ = std::make_unique<Watcher>(&table_, &history_, filter_);
  watcher_->BeginWithSnapshot();
}

void DayWatcher::Resume() {
  watcher_ = std::make_unique<Watcher>(&table_, &history_, filter_);
  const CallStatus status = watcher_->BeginAt(revision_ + 1);
  if (!status.ok()) failure_ = status.message;
}

bool DayWatcher::Read(absl::Time now, int steps) {
  for (; steps > 0 && !is_cut_; --steps) {
    const Watcher::Step step = watcher_->Next(now);
    if (step.kind == Watcher::Step::Kind::kNothing) {
      revision_ = history_.range().last;
      return true;
    }
    Apply(step);
  }
  return false;
}

void DayWatcher::Apply(const Watcher::Step& step) {
  is_cut_ = step.kind == Watcher::Step::Kind::kEnd;
  is_whole_ |= step.last;
  for (const GroupedMember& member : step.members) {
    members_[{step.members_kind, member.group, member.member.channel->id()}] =
        member.member.client_id;
  }
  if (step.event != nullptr) ApplyEvent(*step.event);
}

void DayWatcher::ApplyEvent(const KeptEvent& event) {
  digest_ = absl::HashOf(digest_, event.revision, event.type, event.kind,
                         event.group(), event.channel_id);
  const auto key =
      std::make_tuple(event.kind, std::string(event.group()), event.channel_id);
  if (event.type == EventType::kClientRegister) {
    if (!members_.emplace(key, event.client_id()).second) {
      failure_ = absl::StrCat(event.client_id(), " joins ", event.group(),
                              " and is there");
    }
  } else if (event.type == EventType::kClientUnregister) {
    if (members_.erase(key) == 0) {
      failure_ = absl::StrCat(event.client_id(), " leaves ", event.group(),
                              " and is not there");
    }
  }
}

DayWatchers::DayWatchers(const ClientTable* table, const EventHistory* history,
                         const std::string& one_group, uint64_t seed)
    : table_(*table),
      one_group_(one_group),
      random_(seed),
      all_(table, history, {}),
      of_one_group_(table, history, OfGroup(one_group)),
      resumed_(table, history, {}),
      newcomer_(table, history, {}),
      slow_(table, history, {}) {}

std::string DayWatchers::Read(absl::Time now) {
  all_.Read(now, kAllSteps);
  of_one_group_.Read(now, kAllSteps);
  if (away_for_ > 0) --away_for_;
  if (away_for_ == 0) {
    resumed_.Read(now, kAllSteps);
    if (resumed_.digest() != all_.digest()) {
      return "a watcher that resumed has other events than one that did not";
    }
    if (Chance(200)) {
      resumed_.Resume();
      ++resumes_;
      away_for_ = 1 + static_cast<int>(random_() % 20);
    }
  }
  if (newcomer_.Read(now, 1) && newcomer_.is_whole()) {
    if (newcomer_.members() != all_.members()) {
      return "a snapshot and its events are not what is there";
    }
    ++snapshots_;
    newcomer_.Begin();
  }
  if (Chance(50)) slow_.Read(now, 1);
  if (slow_.is_cut()) {
    ++cuts_;
    slow_.Begin();
  }
  for (const DayWatcher* const watcher :
       {&all_, &of_one_group_, &resumed_, &newcomer_, &slow_}) {
    if (!watcher->failure().empty()) return watcher->failure();
  }
  return "";
}

std::string DayWatchers::Compare() const {
  const ReplayedMembers table = ReadTable();
  if (all_.members() != table) return "a watcher of all has other members";
  ReplayedMembers of_one_group;
  for (const auto& [key, client_id] : table) {
    if (std::get<std::string>(key) == one_group_) of_one_group[key] = client_id;
  }
  if (of_one_group_.members() != of_one_group) {
    return absl::StrCat("a watcher of ", one_group_, " has other members");
  }
  return "";
}

std::string DayWatchers::Figures() const {
  return absl::StrCat("watchers: resumes=", resumes_, " snapshots=", snapshots_,
                      " cuts=", cuts_, "\n");
}

ReplayedMembers DayWatchers::ReadTable() const {
  ReplayedMembers members;
  for (const GroupKind kind : {GroupKind::kProducer, GroupKind::kConsumer}) {
    std::string group;
    ChannelId channel = 0;
    for (bool is_last = false; !is_last;) {
      const MembershipPiece piece = table_.ListMemberships(
          kind, group, channel, /*only_group=*/false, TableQueries::kMaxPiece);
      for (const GroupedMember& member : piece.members) {
        group = member.group;
        channel = member.member.channel->id();
        members[{kind, group, channel}] = member.member.client_id;
      }
      is_last = piece.is_last;
    }
  }
  return members;
}

}  // namespace rmq
