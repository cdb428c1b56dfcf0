#include "broker/registry/expiry_index.h"

namespace rmq {

void ExpiryIndex::File(ChannelRecord& channel, absl::Time deadline) {
  auto [bucket, is_new] =
      buckets_.try_emplace(absl::ToUnixSeconds(deadline), ExpiryLink());
  ExpiryLink& ring = bucket->second;
  if (is_new) Clear(ring);
  ExpiryLink& link = channel;
  link.previous = ring.previous;
  link.next = &ring;
  link.previous->next = &link;
  ring.previous = &link;
}

void ExpiryIndex::Remove(ChannelRecord& channel) {
  ExpiryLink& link = channel;
  if (link.next != nullptr) Unlink(link);
}

void ExpiryIndex::CollectDue(absl::Time now) {
  const auto end = buckets_.upper_bound(absl::ToUnixSeconds(now));
  for (auto bucket = buckets_.begin(); bucket != end;) {
    ExpiryLink& ring = bucket->second;
    if (ring.next != &ring) {  // Splice it in front of due_'s head.
      ring.next->previous = due_.previous;
      due_.previous->next = ring.next;
      ring.previous->next = &due_;
      due_.previous = ring.previous;
    }
    bucket = buckets_.erase(bucket);
  }
}

ChannelRecord* ExpiryIndex::PopDue() {
  ChannelRecord* const channel = FirstOf(due_);
  if (channel != nullptr) Unlink(*channel);
  return channel;
}

ChannelRecord* ExpiryIndex::Any() {
  if (ChannelRecord* const due = FirstOf(due_)) return due;
  // What was removed may have left empty buckets: passed once, then gone.
  while (!buckets_.empty()) {
    if (ChannelRecord* const first = FirstOf(buckets_.begin()->second)) {
      return first;
    }
    buckets_.erase(buckets_.begin());
  }
  return nullptr;
}

ChannelRecord* ExpiryIndex::FirstOf(const ExpiryLink& ring) {
  return ring.next == &ring ? nullptr : static_cast<ChannelRecord*>(ring.next);
}

void ExpiryIndex::Unlink(ExpiryLink& link) {
  link.previous->next = link.next;
  link.next->previous = link.previous;
  link.previous = link.next = nullptr;
}

}  // namespace rmq
