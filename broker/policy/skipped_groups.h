// Which groups of which clients were passed over lately: for operators who look
// for the reason why a consumer gets no messages.
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
  std::string detail;  // As PassedOverGroup has it, the last time.
  absl::Time last;     // When the client last stated the group.
  int64_t times = 0;   // How often the group was passed over.
};

// Keeps the kMost groups of clients that were passed over last. Clients may
// name what they like, so memory is bounded by kMost and by the length of
// names, which the edge limits.
//
// Thread-safe.
class SkippedGroups {
 public:
  static constexpr size_t kMost = 1000;

  // Records that the client stated the group at `now` and that the group was
  // passed over. Returns whether that is news: it was not kept yet, or was kept
  // with another reason.
  bool Note(const PassedOverGroup& skipped, absl::string_view client_id,
            absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `max` of those kept for groups of that name, the last one first.
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
  // The last one first; at most kMost.
  std::list<Entry> entries_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<Key, std::list<Entry>::iterator> by_key_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_POLICY_SKIPPED_GROUPS_H_
