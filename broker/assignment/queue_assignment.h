// Which queues of a topic are whose, among the consumers of a group. Pure
// functions: whoever knows the same members and queues finds the same.
#ifndef BROKER_ASSIGNMENT_QUEUE_ASSIGNMENT_H_
#define BROKER_ASSIGNMENT_QUEUE_ASSIGNMENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace rmq {

// With both, each queue is exactly one member's.
enum class AssignmentStrategy {
  // Each member has as many queues as any other, or one more, side by side.
  // Reference: AllocateMessageQueueAveragely.
  kAveragely,
  // A member that comes or goes moves few queues. The shares are uneven.
  // Reference: AllocateMessageQueueConsistentHash.
  kConsistentHash,
};

// "averagely", "consistent_hash".
absl::string_view Name(AssignmentStrategy strategy);
absl::optional<AssignmentStrategy> ParseAssignmentStrategy(
    absl::string_view name);

// The places that the member at `place` of `members` has, of `queues` places.
// The first one and their number: they are side by side.
struct QueueRange {
  size_t first = 0;
  size_t count = 0;
};
QueueRange AllocateAveragely(size_t queues, size_t members, size_t place);

// A queue as RocketMQ's clients name it, which is what they hash:
// "MessageQueue [topic=T, brokerName=B, queueId=0]".
std::string QueueKey(absl::string_view topic, absl::string_view broker_name,
                     int32_t queue_id);

// Members on a ring, each at ten places by MD5. A value. Constant.
// Reference: ConsistentHashRouter. Differs: if OpenSSL has no MD5, every queue
// is that of one member.
class HashRing {
 public:
  static constexpr int kPlacesOfMember = 10;

  // `members` are client ids, none twice, at most 2^32.
  explicit HashRing(absl::Span<const std::string> members);

  // The place in `members` of the one that has the queue. There are members.
  size_t OwnerOf(absl::string_view queue_key) const;

 private:
  struct Point {
    uint32_t hash = 0;
    uint32_t member = 0;
  };
  // By hash, none twice.
  std::vector<Point> points_;
};

}  // namespace rmq

#endif  // BROKER_ASSIGNMENT_QUEUE_ASSIGNMENT_H_
