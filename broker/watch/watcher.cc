#include "broker/watch/watcher.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rmq {

bool WatchFilter::Has(GroupKind kind, absl::string_view group) const {
  if (producers != consumers && producers != (kind == GroupKind::kProducer)) {
    return false;
  }
  return groups.empty() || absl::c_binary_search(groups, group);
}

bool WatchFilter::Has(const KeptEvent& event) const {
  if (event.has_group()) return Has(event.kind, event.group());
  return groups.empty() && producers == consumers;
}

void Watcher::BeginWithSnapshot() {
  EventHistory::Range range;
  position_ = history_.Find(std::numeric_limits<uint64_t>::max(), &range);
  complete_ = range.last;
  for (const GroupKind kind : {GroupKind::kProducer, GroupKind::kConsumer}) {
    if (filter_.producers != filter_.consumers &&
        filter_.producers != (kind == GroupKind::kProducer)) {
      continue;
    }
    if (filter_.groups.empty()) unread_.push_back({kind, "", 0, false});
    for (const std::string& group : filter_.groups) {
      unread_.push_back({kind, group, 0, true});
    }
  }
}

CallStatus Watcher::BeginAt(uint64_t revision) {
  EventHistory::Range range;
  position_ = history_.Find(revision, &range);
  if (revision < range.oldest || revision > range.last + 1) {
    return {
        absl::StatusCode::kOutOfRange, ResponseCode::kSystemError,
        absl::StrCat("from_revision must be ", range.oldest, " to ",
                     range.last + 1, ", or 0 for a snapshot; got ", revision)};
  }
  complete_ = revision - 1;
  snapshot_is_sent_ = true;
  all_passed_ = true;
  return {};
}

Watcher::Step Watcher::Next(absl::Time now) {
  const bool is_within_revision = std::exchange(goes_on_, false);
  if (now >= next_progress_ && !is_within_revision) return Progress(now);
  for (;;) {
    if (unread_.empty() || looked_at_ < kEventsBetweenPieces) {
      if (events_.empty() && !ReadEvents()) return TooSlow();
      if (LastPieceIsDue()) return LastPiece();
      if (!events_.empty()) {
        Step step;
        if (!TakeEvent(&step.event)) continue;
        step.kind = Step::Kind::kEvent;
        step.goes_on = goes_on_ = GoesOn(*step.event);
        return step;
      }
      if (unread_.empty()) {
        return now >= next_progress_ ? Progress(now) : Step();
      }
    }
    Step piece = NextPiece();
    if (!piece.members.empty()) return piece;
  }
}

Watcher::Step Watcher::Progress(absl::Time now) {
  next_progress_ = now + kProgressPeriod;
  Step step;
  step.kind = Step::Kind::kProgress;
  step.revision = complete_;
  step.oldest_revision = history_.range().oldest;
  return step;
}

bool Watcher::ReadEvents() {
  std::vector<KeptEventPtr> read;
  EventHistory::Range range;
  if (!history_.Read(kRead, &position_, &read, &range)) return false;
  delivered_ = range.last;
  read_all_ = read.size() < kRead;
  if (read.empty()) complete_ = std::max(complete_, delivered_);
  events_.assign(read.begin(), read.end());
  return true;
}

Watcher::Step Watcher::TooSlow() const {
  Step step;
  step.kind = Step::Kind::kEnd;
  step.status = OverLimit(absl::StrCat(
      "the watch is too slow: it was sent the events up to revision ",
      complete_, ", and the broker keeps those from revision ",
      history_.range().oldest, " on; watch again from 0"));
  step.status.end_reason = kSlowWatcher;
  return step;
}

// What is delivered has all events of its revisions.
bool Watcher::GoesOn(const KeptEvent& event) const {
  return events_.empty() ? !read_all_
                         : events_.front()->revision == event.revision;
}

bool Watcher::TakeEvent(KeptEventPtr* event) {
  *event = std::move(events_.front());
  events_.pop_front();
  ++looked_at_;
  complete_ = std::max(complete_, (*event)->revision - 1);
  return IsReadBefore(**event) && filter_.Has(**event);
}

bool Watcher::IsReadBefore(const KeptEvent& event) {
  while (!parts_.empty() && parts_.front().revision < event.revision) {
    all_passed_ = !parts_.front().end.has_value();
    passed_ = std::move(parts_.front().end);
    parts_.pop_front();
  }
  if (all_passed_ || !event.has_group()) return true;
  return passed_.has_value() && std::make_tuple(event.kind, event.group(),
                                                event.channel_id) < *passed_;
}

Watcher::Step Watcher::NextPiece() {
  looked_at_ = 0;
  Unread& unread = unread_.front();
  MembershipPiece piece = table_.ListMemberships(
      unread.kind, unread.group, unread.channel, unread.only_group, kPiece);
  Step step;
  step.kind = Step::Kind::kSnapshot;
  step.members_kind = unread.kind;
  step.members = std::move(piece.members);
  snapshot_revision_ = piece.revision;
  absl::optional<Key> end;
  if (!piece.is_last) {
    const GroupedMember& last = step.members.back();
    unread.group = last.group;
    unread.channel = last.member.channel->id();
    end = Key(unread.kind, unread.group, unread.channel + 1);
  } else {
    unread_.pop_front();
    // All that is not watched in between may count as read.
    if (!unread_.empty()) {
      end = Key(unread_.front().kind, unread_.front().group, 0);
    }
  }
  if (!parts_.empty() && parts_.back().revision == piece.revision) {
    parts_.back().end = std::move(end);
  } else {
    parts_.push_back({std::move(end), piece.revision});
  }
  return step;
}

bool Watcher::LastPieceIsDue() const {
  if (snapshot_is_sent_ || !unread_.empty()) return false;
  return events_.empty() ? delivered_ >= snapshot_revision_
                         : events_.front()->revision > snapshot_revision_;
}

Watcher::Step Watcher::LastPiece() {
  snapshot_is_sent_ = true;
  complete_ = std::max(complete_, snapshot_revision_);
  Step step;
  step.kind = Step::Kind::kSnapshot;
  step.last = true;
  step.revision = snapshot_revision_;
  return step;
}

}  // namespace rmq
