// The client ids that several processes use.
#ifndef BROKER_REGISTRY_DUPLICATE_CLIENTS_H_
#define BROKER_REGISTRY_DUPLICATE_CLIENTS_H_

#include <cstddef>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_warning.h"

namespace rmq {

// What is done when a stream begins to use a client id that an open stream of
// another process of the same principal uses. Two streams are of different
// processes if they have different incarnations (not 0).
enum class DuplicateClientIdPolicy {
  kReport,      // Both stay.
  kNewestWins,  // The older streams end with kReplaced.
  kOldestWins,  // The newer stream is refused.
};

// "report", "newest_wins", "oldest_wins".
absl::string_view Name(DuplicateClientIdPolicy policy);
absl::optional<DuplicateClientIdPolicy> ParseDuplicateClientIdPolicy(
    absl::string_view name);

// A set of entries of the ClientDirectory, in the order of their ids. A change
// costs the logarithm of the number of streams, and of duplicates.
//
// Invariant: it has the entries with bound streams of more than one process,
// of whichever principals. Not thread-safe. Entries are borrowed.
class DuplicateClients {
 public:
  struct Duplicate {
    const ClientEntry* client;
    absl::Time since;
  };

  // The streams that are bound to `client` have changed.
  void Update(const ClientEntry& client, absl::Time now);

  size_t size() const { return by_id_.size(); }

  // Calls `visit(const Duplicate&)` for those whose id is greater than `after`,
  // by id, until it returns false.
  template <typename Visit>
  void VisitAfter(absl::string_view after, Visit visit) const {
    for (auto at = by_id_.upper_bound(after); at != by_id_.end(); ++at) {
      if (!visit(at->second)) return;
    }
  }

 private:
  // Ids are the entries' own.
  absl::btree_map<absl::string_view, Duplicate> by_id_;
};

// The warning for a stream whose client id `other` uses too.
ClientWarning DuplicateWarning(const ClientEntry& client,
                               const ChannelRecord& other);

// The warning for a stream that has taken over from those of another process.
ClientWarning TakeOverWarning(absl::string_view client_id,
                              absl::string_view other_address);

}  // namespace rmq

#endif  // BROKER_REGISTRY_DUPLICATE_CLIENTS_H_
