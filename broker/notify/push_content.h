// What the pushes of one round say: each channel is told what has changed since
// the epoch that it acknowledged.
#ifndef BROKER_NOTIFY_PUSH_CONTENT_H_
#define BROKER_NOTIFY_PUSH_CONTENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "broker/registry/membership_push.h"
#include "broker/registry/membership_snapshot.h"

namespace rmq {

enum class PushKind {
  // Says who joined and who left.
  kDifference,
  // Says who is there.
  kComplete,
  // The client has to ask who is there.
  kCompleteWithoutIds,
  // No client id has come or gone.
  kBare,
};

inline constexpr size_t kPushKinds = 4;

PushKind KindOf(const MembershipPush& push);
// "difference", "complete", "complete_without_ids", "bare".
absl::string_view Name(PushKind kind);

// The pushes to the members of one group, all of which lead to the epoch of one
// snapshot. Channels with the same base share one push.
//
// Not thread-safe; the pushes are.
class PushContent {
 public:
  // At most so many bases get a difference, those that are asked for first.
  // Members that keep up have few bases. A push from another base is complete.
  static constexpr size_t kMostDifferences = 16;
  // So many pushes are kept, to be shared.
  static constexpr size_t kMostShared = 64;

  PushContent(absl::string_view group, MembershipSnapshot snapshot)
      : group_(group), snapshot_(std::move(snapshot)) {}

  const MembershipSnapshot& snapshot() const { return snapshot_; }
  // The epoch to which the pushes lead.
  uint64_t epoch() const { return snapshot_.epoch; }

  // The push to a channel that acknowledged `base` last (0: none), which must
  // be less than epoch(). Complete if there is no base, if the history does not
  // reach back to it, or if it is one base too many.
  std::shared_ptr<const MembershipPush> From(uint64_t base);

  // The push that says only that the group should be looked at.
  std::shared_ptr<const MembershipPush> Bare() { return From(epoch()); }

 private:
  std::shared_ptr<MembershipPush> NewPush(uint64_t base) const;
  // Adds the changes after the base of `push`.
  void AddChanges(MembershipPush* push) const;

  const std::string group_;
  const MembershipSnapshot snapshot_;
  size_t differences_ = 0;
  // By base.
  absl::flat_hash_map<uint64_t, std::shared_ptr<const MembershipPush>> shared_;
};

}  // namespace rmq

#endif  // BROKER_NOTIFY_PUSH_CONTENT_H_
