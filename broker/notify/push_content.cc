#include "broker/notify/push_content.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"

namespace rmq {

PushKind KindOf(const MembershipPush& push) {
  if (push.is_bare()) return PushKind::kBare;
  if (!push.complete) return PushKind::kDifference;
  return push.client_ids.empty() ? PushKind::kCompleteWithoutIds
                                 : PushKind::kComplete;
}

absl::string_view Name(PushKind kind) {
  switch (kind) {
    case PushKind::kDifference: return "difference";
    case PushKind::kComplete: return "complete";
    case PushKind::kCompleteWithoutIds: return "complete_without_ids";
    case PushKind::kBare: return "bare";
  }
  return "unknown";
}

std::shared_ptr<const MembershipPush> PushContent::From(uint64_t base) {
  const auto found = shared_.find(base);
  if (found != shared_.end()) return found->second;
  const std::shared_ptr<MembershipPush> push = NewPush(base);
  if (shared_.size() < kMostShared) shared_.emplace(base, push);
  if (base == epoch()) return push;
  if (base == 0 || base < snapshot_.oldest_base ||
      differences_ == kMostDifferences) {
    push->complete = true;
    push->client_ids = snapshot_.client_ids;
  } else {
    ++differences_;
    AddChanges(push.get());
  }
  return push;
}

std::shared_ptr<MembershipPush> PushContent::NewPush(uint64_t base) const {
  auto push = std::make_shared<MembershipPush>();
  push->group = group_;
  push->epoch = epoch();
  push->base_epoch = base;
  return push;
}

void PushContent::AddChanges(MembershipPush* push) const {
  absl::flat_hash_set<absl::string_view> seen;
  for (auto change = snapshot_.changes.rbegin();
       change != snapshot_.changes.rend() && change->epoch > push->base_epoch;
       ++change) {
    if (seen.insert(change->change.client_id).second) {
      push->changes.push_back(change->change);
    }
  }
  std::reverse(push->changes.begin(), push->changes.end());
}

}  // namespace rmq
