#include "broker/assignment/group_assignments.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/types/optional.h"
#include "common/client_types.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

// How often a list is begun again whose epoch is gone before its end.
constexpr int kTries = 3;

}  // namespace

GroupAssignments::Members::Members(uint64_t at_epoch, absl::Time when,
                                   std::vector<std::string> sorted,
                                   AssignmentStrategy strategy)
    : epoch(at_epoch),
      read_at(when),
      ids(std::move(sorted)),
      ring(strategy == AssignmentStrategy::kConsistentHash
               ? absl::MakeConstSpan(ids)
               : absl::Span<const std::string>()) {}

std::vector<size_t> GroupAssignments::ShareOf(
    absl::string_view group, absl::string_view client_id,
    absl::string_view topic, absl::Span<const TopicQueue> queues,
    absl::Time now) {
  std::vector<size_t> share;
  const absl::optional<ConsumerGroupInfo> info =
      table_.FindConsumerGroup(group);
  if (!info.has_value()) return share;
  MembersPtr members = Find(group);
  if (members == nullptr ||
      (members->epoch != info->epoch &&
       now - members->read_at >=
           kReadAnew * static_cast<int64_t>(members->ids.size()))) {
    if (MembersPtr read = Read(group, now)) {
      Keep(group, read);
      members = std::move(read);
    }
  }
  if (members == nullptr) return share;
  const std::vector<std::string>& ids = members->ids;
  const auto found = std::lower_bound(ids.begin(), ids.end(), client_id);
  if (found == ids.end() || *found != client_id) return share;
  const auto place = static_cast<size_t>(found - ids.begin());
  const bool is_shared =
      info->modes.message_model != MessageModel::kBroadcasting;
  QueueRange range{0, queues.size()};
  if (is_shared && options_.strategy == AssignmentStrategy::kAveragely) {
    range = AllocateAveragely(queues.size(), ids.size(), place);
  }
  for (size_t i = range.first; i < range.first + range.count; ++i) {
    if (is_shared && options_.strategy == AssignmentStrategy::kConsistentHash &&
        members->ring.OwnerOf(
            QueueKey(topic, queues[i].broker_name, queues[i].id)) != place) {
      continue;
    }
    share.push_back(i);
  }
  return share;
}

GroupAssignments::MembersPtr GroupAssignments::Find(absl::string_view group) {
  MutexLock lock(&mu_);
  const auto found = by_group_.find(group);
  if (found == by_group_.end()) return nullptr;
  kept_.splice(kept_.end(), kept_, found->second);
  return found->second->members;
}

GroupAssignments::MembersPtr GroupAssignments::Read(absl::string_view group,
                                                    absl::Time now) const {
  for (int tries = 0; tries < kTries; ++tries) {
    std::vector<std::string> ids;
    uint64_t epoch = 0;
    MemberCursor cursor = 0;
    ClientIdList piece;
    do {
      piece = table_.ListClientIdsAt(group, epoch, TableQueries::kMaxPiece,
                                     &cursor);
      epoch = piece.epoch;
      std::move(piece.client_ids.begin(), piece.client_ids.end(),
                std::back_inserter(ids));
    } while (piece.outcome == ClientIdList::Outcome::kListed && cursor != 0);
    if (piece.outcome != ClientIdList::Outcome::kListed) continue;
    // A client with two channels is one member.
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return std::make_shared<Members>(epoch, now, std::move(ids),
                                     options_.strategy);
  }
  return nullptr;
}

void GroupAssignments::Keep(absl::string_view group,
                            const MembersPtr& members) {
  MutexLock lock(&mu_);
  const auto found = by_group_.find(group);
  if (found != by_group_.end()) DropLocked(found->second);
  while (!kept_.empty() &&
         (kept_.size() >= options_.max_groups ||
          members_ + members->ids.size() > options_.max_members)) {
    DropLocked(kept_.begin());
  }
  kept_.push_back({std::string(group), members});
  by_group_.emplace(kept_.back().group, std::prev(kept_.end()));
  members_ += members->ids.size();
}

void GroupAssignments::DropLocked(List::iterator kept) {
  members_ -= kept->members->ids.size();
  by_group_.erase(kept->group);
  kept_.erase(kept);
}

size_t GroupAssignments::groups() const {
  MutexLock lock(&mu_);
  return kept_.size();
}

size_t GroupAssignments::members() const {
  MutexLock lock(&mu_);
  return members_;
}

}  // namespace rmq
