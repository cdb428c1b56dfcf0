#include "broker/registry/expiry_index.h"

namespace rmq {

void ExpiryIndex::File(ChannelRecord& channel, absl::Time deadline) {
  const int64_t second = absl::ToUnixSeconds(deadline);
  auto [bucket, is_new] = buckets_.try_emplace(second, Bucket());
  Bucket& ring = bucket->second;
  if (is_new) {
    Clear(ring);
    ring.second = second;
  }
  ExpiryLink& link = channel;
  link.previous = ring.previous;
  link.next = &ring;
  link.previous->next = &link;
  ring.previous = &link;
}

void ExpiryIndex::Remove(ChannelRecord& channel) {
  ExpiryLink& link = channel;
  if (link.next == nullptr) return;
  ExpiryLink* const emptied = Unlink(link);
  if (emptied != nullptr && emptied != &due_) {
    buckets_.erase(static_cast<Bucket*>(emptied)->second);
  }
}

void ExpiryIndex::CollectDue(absl::Time now) {
  const auto end = buckets_.upper_bound(absl::ToUnixSeconds(now));
  for (auto bucket = buckets_.begin(); bucket != end;) {
    ExpiryLink& ring = bucket->second;
    // Splice it in front of due_'s head. It is not empty.
    ring.next->previous = due_.previous;
    due_.previous->next = ring.next;
    ring.previous->next = &due_;
    due_.previous = ring.previous;
    bucket = buckets_.erase(bucket);
  }
}

ChannelRecord* ExpiryIndex::PopDue() {
  ChannelRecord* const channel = FirstOf(due_);
  if (channel != nullptr) Unlink(*channel);
  return channel;
}

absl::Time ExpiryIndex::NextDue() const {
  if (buckets_.empty()) return absl::InfiniteFuture();
  return absl::FromUnixSeconds(buckets_.begin()->first) + absl::Seconds(1);
}

ChannelRecord* ExpiryIndex::FirstOf(const ExpiryLink& ring) {
  return ring.next == &ring ? nullptr : static_cast<ChannelRecord*>(ring.next);
}

ExpiryLink* ExpiryIndex::Unlink(ExpiryLink& link) {
  ExpiryLink* const emptied = link.previous == link.next ? link.next : nullptr;
  link.previous->next = link.next;
  link.next->previous = link.previous;
  link.previous = link.next = nullptr;
  return emptied;
}

}  // namespace rmq
