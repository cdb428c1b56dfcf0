// Who was passed over lately: for operators who look for a consumer that gets
// no messages.
#ifndef BROKER_POLICY_SKIPPED_GROUPS_H_
#define BROKER_POLICY_SKIPPED_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registry/client_event.h"

namespace rmq {

// A client whose group was passed over.
struct SkippedClient {
  GroupKind kind = GroupKind::kConsumer;
  std::string client_id;
  SkipReason reason = SkipReason::kIllegalGroup;
  absl::Time last;    // When it stated the group last.
  int64_t times = 0;  // How often it has, in vain.
};

// Keeps kMost groups of clients, those that were passed over last. Clients may
// name what they like: what is kept is bounded by that and by the length of
// names, which the edge limits.
//
// Thread-safe.
class SkippedGroups {
 public:
  static constexpr size_t kMost = 1000;

  // The client stated the group at `now`, and it was passed over. Whether that
  // is news: it is not kept yet, or with another reason.
  bool Note(GroupKind kind, absl::string_view group,
            absl::string_view client_id, SkipReason reason, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Those kept of the groups of that name, the last one first: `max` at most.
  std::vector<SkippedClient> Of(absl::string_view group, size_t max) const
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    std::string group;
    SkippedClient client;
  };
  // (kind, group, client id), of an entry.
  using Key =
      std::pair<GroupKind, std::pair<absl::string_view, absl::string_view>>;

  mutable absl::Mutex mu_;
  // The last one first.
  std::list<Entry> entries_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<Key, std::list<Entry>::iterator> by_key_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_POLICY_SKIPPED_GROUPS_H_
