// Brings the memberships that the sessions report to the application: to its
// callback, and to those who wait for members.
#ifndef CLIENT_MEMBERSHIP_FEED_H_
#define CLIENT_MEMBERSHIP_FEED_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "client/membership_change.h"
#include "client/session/group_membership.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/member_change.h"

namespace rmq {

// Keeps the latest list of each (broker, group), and what the callback has seen
// of it: a slow callback misses lists in between, and learns who joined and
// left since its last call.
//
// Bound: the groups that the client has, at each of its brokers.
//
// Thread-safe. Calls the predicate of Await() with no lock held.
class MembershipFeed {
 public:
  using Members = std::vector<std::string>;

  // `clock` is that of the client's loop; borrowed.
  explicit MembershipFeed(Clock* clock) : clock_(*clock) {}

  // The members of `group` at `broker` are those of `report`.
  void Update(const BrokerEntry& broker, absl::string_view group,
              const MembershipReport& report, absl::Time settled_at)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The client is not online at the broker: until the next Update() its lists
  // may be out of date.
  void Suspend(absl::string_view address) ABSL_LOCKS_EXCLUDED(mu_);
  // The client has left the group.
  void End(absl::string_view address, absl::string_view group)
      ABSL_LOCKS_EXCLUDED(mu_);

  // What to call the callback with: the latest list against the one that was
  // taken before. None if there was no Update() since, or if the client has
  // left the group.
  absl::optional<MembershipChange> Take(absl::string_view address,
                                        absl::string_view group)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until `predicate` holds for a list that is not out of date, and
  // returns that list. `has_group` says whether the client has the group; it is
  // called once, at the beginning, with no lock held. NotFound if it has not,
  // or after EndWaits(); DeadlineExceeded at `deadline`; Cancelled by Close().
  absl::StatusOr<Members> Await(
      absl::string_view address, absl::string_view group,
      const std::function<bool()>& has_group,
      const std::function<bool(const Members&)>& predicate, absl::Time deadline)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The client has unregistered `group`: ends the waits for its members, at
  // every broker.
  void EndWaits(absl::string_view group) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends all waits, and those that begin later. Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Key = std::pair<std::string, std::string>;

  struct Entry {
    BrokerEntry broker;
    uint64_t epoch = 0;
    std::shared_ptr<const Members> members;
    absl::Time settled_at = absl::InfiniteFuture();
    bool is_current = false;
    // Since the last Update().
    bool is_taken = false;
    std::shared_ptr<const Members> seen;  // Null before the first Take().
    // Of those who left since the last Take().
    absl::flat_hash_map<std::string, absl::optional<RemovalReason>> reasons;
  };

  // A call of Await().
  struct Wait {
    const std::string group;
    bool has_ended = false;
  };

  // The list, if it is not out of date; else null.
  std::shared_ptr<const Members> CurrentLocked(const Key& key) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Clock& clock_;

  absl::Mutex mu_;
  CondVar changed_;
  absl::flat_hash_map<Key, Entry> entries_ ABSL_GUARDED_BY(mu_);
  // Of the calls of Await() under way.
  absl::flat_hash_set<Wait*> waits_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rmq

#endif  // CLIENT_MEMBERSHIP_FEED_H_
