#include "broker/fronts/identified_streams.h"

#include <vector>

namespace rmq {

IdentifiedStreams::Ticket IdentifiedStreams::Add(std::weak_ptr<Stream> stream,
                                                 CallerIdentity opened) {
  MutexLock lock(&mu_);
  entries_.emplace_hint(entries_.end(), ++last_,
                        Entry{std::move(stream), std::move(opened)});
  return last_;
}

void IdentifiedStreams::Remove(Ticket ticket) {
  // Destroyed without the lock: it may be the last reference to the stream's
  // memory.
  Entry removed;
  MutexLock lock(&mu_);
  const auto found = entries_.find(ticket);
  if (found == entries_.end()) return;
  removed = std::move(found->second);
  entries_.erase(found);
}

void IdentifiedStreams::NoteNewRules(absl::Time now) {
  {
    MutexLock lock(&mu_);
    asked_ = 0;
    to_ask_ = last_;
  }
  on_due_(now);
}

absl::Time IdentifiedStreams::NextDue() {
  MutexLock lock(&mu_);
  return asked_ < to_ask_ ? absl::InfinitePast() : absl::InfiniteFuture();
}

void IdentifiedStreams::Run(absl::Time /*now*/) {
  std::vector<std::pair<std::shared_ptr<Stream>, CallerIdentity>> piece;
  {
    MutexLock lock(&mu_);
    if (asked_ >= to_ask_) return;
    auto at = entries_.upper_bound(asked_);
    for (; at != entries_.end() && at->first <= to_ask_ &&
           piece.size() < kMaxPiece;
         ++at) {
      asked_ = at->first;
      // Null if its last reference has just gone.
      std::shared_ptr<Stream> stream = at->second.stream.lock();
      piece.emplace_back(std::move(stream), at->second.opened);
    }
    if (at == entries_.end() || at->first > to_ask_) asked_ = to_ask_;
  }
  for (auto& [stream, opened] : piece) {
    if (stream != nullptr) stream->IdentifyAnew(std::move(opened));
  }
}

}  // namespace rmq
