#include "broker/registry/membership_reader.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace rmq {

absl::optional<GroupView> GroupView::Of(const ConsumerRegistry& consumers,
                                        absl::string_view group) {
  if (const ConsumerGroup* found = consumers.groups().Find(group)) {
    return GroupView{found, &found->history, found->epoch};
  }
  if (const EndedGroup* ended = consumers.ended().Find(group)) {
    return GroupView{nullptr, &ended->history, ended->epoch};
  }
  return absl::nullopt;
}

bool MembershipReader::ReadSome(const absl::optional<GroupView>& view,
                                size_t max) {
  if (!has_begun_) {
    has_begun_ = true;
    exists_ = view.has_value() && view->group != nullptr;
    if (!exists_) return false;
    Begin(*view);
  } else if (!view.has_value() || !view->Knows(snapshot_.epoch)) {
    Forget();
    return false;
  }
  VisitListAt(*view, snapshot_.epoch, max, &cursor_,
              [&](absl::string_view client_id, uint64_t joined) {
                Add(client_id, joined);
              });
  const bool wants_more =
      wants_changes_ ||
      client_ids_.size() <= MembershipSnapshot::kMostClientIds;
  return cursor_ != 0 && wants_more;
}

void MembershipReader::Begin(const GroupView& view) {
  snapshot_.epoch = view.epoch;
  wants_changes_ = !view.group->acknowledgments.empty();
  snapshot_.oldest_base = wants_changes_ ? view.history->oldest() : view.epoch;
  for (const Departure* left : view.history->After(snapshot_.oldest_base)) {
    if (left->stays) continue;
    snapshot_.changes.push_back(
        {left->left,
         {left->client_id, MemberChange::Type::kLeft, left->reason}});
  }
}

void MembershipReader::Add(absl::string_view client_id, uint64_t joined) {
  if (client_ids_.size() <= MembershipSnapshot::kMostClientIds &&
      client_ids_.emplace(client_id).second) {
    snapshot_.client_ids.emplace_back(client_id);
  }
  if (joined <= snapshot_.oldest_base) return;
  snapshot_.changes.push_back(
      {joined, {std::string(client_id), MemberChange::Type::kJoined}});
  if (snapshot_.changes.size() >= 4 * MembershipSnapshot::kMostChanges) Trim();
}

void MembershipReader::Trim() {
  std::vector<Change>& changes = snapshot_.changes;
  // Of one epoch, those who left stand first.
  const auto key = [](const Change& change) {
    return std::make_tuple(change.epoch,
                           change.change.type == MemberChange::Type::kJoined,
                           absl::string_view(change.change.client_id));
  };
  std::sort(changes.begin(), changes.end(),
            [&](const Change& a, const Change& b) { return key(a) < key(b); });
  // A client id with several channels is read several times.
  changes.erase(std::unique(changes.begin(), changes.end(),
                            [&](const Change& a, const Change& b) {
                              return key(a) == key(b);
                            }),
                changes.end());
  if (changes.size() <= MembershipSnapshot::kMostChanges) return;
  auto first = changes.end() - MembershipSnapshot::kMostChanges;
  snapshot_.oldest_base = (first - 1)->epoch;
  // The rest of the epoch that is dropped goes with it.
  first = std::find_if(first, changes.end(), [&](const Change& change) {
    return change.epoch > snapshot_.oldest_base;
  });
  changes.erase(changes.begin(), first);
}

void MembershipReader::Forget() {
  snapshot_.oldest_base = snapshot_.epoch;
  snapshot_.changes.clear();
  snapshot_.client_ids.clear();
}

absl::optional<MembershipSnapshot> MembershipReader::Take() && {
  if (!exists_) return absl::nullopt;
  Trim();
  if (client_ids_.size() > MembershipSnapshot::kMostClientIds) {
    snapshot_.client_ids.clear();
  }
  return std::move(snapshot_);
}

}  // namespace rmq
