// The share of a topic's queues that a member of a consumer group has.
#ifndef BROKER_ASSIGNMENT_GROUP_ASSIGNMENTS_H_
#define BROKER_ASSIGNMENT_GROUP_ASSIGNMENTS_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/assignment/queue_assignment.h"
#include "broker/registry/table_queries.h"

namespace rmq {

// A queue of a topic, as a view.
struct TopicQueue {
  absl::string_view broker_name;
  int32_t id = 0;
};

// Shares queues among the client ids that are in a group, in the order of the
// ids. All callers that see the same members share each queue exactly once;
// while members come and go, two may see different ones.
//
// The members of a group are kept, and read anew when the group's epoch has
// changed: after at least kReadAnew a member, so that a large group that is
// joined by many is not read for each of them. So many groups and members are
// kept at most; the group that was asked for longest ago goes, and one that is
// larger than all stays alone.
//
// Thread-safe. Borrows the table. No lock is held while the table is read.
class GroupAssignments {
 public:
  struct Options {
    AssignmentStrategy strategy = AssignmentStrategy::kAveragely;
    size_t max_groups = 1'000;
    size_t max_members = 200'000;
  };
  static constexpr absl::Duration kReadAnew = absl::Microseconds(100);

  GroupAssignments(const Options& options, const TableQueries* table)
      : options_(options), table_(*table) {}
  GroupAssignments(const GroupAssignments&) = delete;
  GroupAssignments& operator=(const GroupAssignments&) = delete;

  // The places in `queues` of those that are the client's. `queues` are those
  // of the topic that can be read, of all brokers, in their order. None if the
  // client is not in the group; all if the group's message model is
  // broadcasting. `now` is steady.
  std::vector<size_t> ShareOf(absl::string_view group,
                              absl::string_view client_id,
                              absl::string_view topic,
                              absl::Span<const TopicQueue> queues,
                              absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Groups and members that are kept.
  size_t groups() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t members() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Constant once made.
  struct Members {
    Members(uint64_t at_epoch, absl::Time when, std::vector<std::string> sorted,
            AssignmentStrategy strategy);

    const uint64_t epoch;
    const absl::Time read_at;
    const std::vector<std::string> ids;
    // Without members unless the strategy is kConsistentHash.
    const HashRing ring;
  };
  using MembersPtr = std::shared_ptr<const Members>;
  struct Kept {
    std::string group;
    MembersPtr members;
  };
  using List = std::list<Kept>;

  // What is kept of a group, which counts as asked for; or null.
  MembersPtr Find(absl::string_view group) ABSL_LOCKS_EXCLUDED(mu_);
  // Reads a group's members from the table; null if they change too fast.
  MembersPtr Read(absl::string_view group, absl::Time now) const;
  void Keep(absl::string_view group, const MembersPtr& members)
      ABSL_LOCKS_EXCLUDED(mu_);
  void DropLocked(List::iterator kept) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const TableQueries& table_;

  mutable absl::Mutex mu_;
  // The one that was asked for longest ago first.
  List kept_ ABSL_GUARDED_BY(mu_);
  // Keys are the entries' own names.
  absl::flat_hash_map<absl::string_view, List::iterator> by_group_
      ABSL_GUARDED_BY(mu_);
  size_t members_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rmq

#endif  // BROKER_ASSIGNMENT_GROUP_ASSIGNMENTS_H_
