// What a watcher of brokers is told, as plain values.
#ifndef CLIENT_WATCH_WATCHED_EVENT_H_
#define CLIENT_WATCH_WATCHED_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/client_types.h"
#include "common/member_change.h"

namespace rmq {

// A membership of a channel in a group. The group, its kind and the channel id
// name the membership at one broker process.
struct WatchedMember {
  std::string group;
  bool is_producer = false;  // Else the group is a consumer group.
  std::string client_id;
  uint64_t channel_id = 0;
  std::string remote_address;  // "host:port"
  bool is_stream = false;      // False: unary calls, which get no pushes.
  LanguageCode language = LanguageCode::kUnspecified;
  int32_t version = 0;
  std::map<std::string, std::string> labels;
};

// A group that has members.
struct WatchedGroup {
  std::string group;
  bool is_producer = false;
  size_t members = 0;
};

// Something that happened at a broker.
struct WatchedEvent {
  // Reference: ConsumerGroupEvent.java, ProducerGroupEvent.java.
  enum class Type {
    // Of a later version of the broker.
    kUnknown,
    // A channel joined the group.
    kClientRegister,
    // A channel left the group: `reason` says why.
    kClientUnregister,
    // A statement of the consumer group was applied: a member joined, or
    // changed
    // what it states.
    kRegister,
    // The group's last channel left.
    kUnregister,
    // Several processes use one client id. Of no group; `detail` has the
    // address
    // of the other process.
    kDuplicateClientId,
    // Members of the consumer group state different subscriptions (`detail`
    // says
    // what differs), and do so no more.
    kSubscriptionsInconsistent,
    kSubscriptionsConsistent,
  };

  // The broker's number of the change that made the event.
  uint64_t revision = 0;
  absl::Time time;  // The broker's wall clock.
  Type type = Type::kUnknown;
  // The fields that the type has; the others are empty.
  WatchedMember member;
  // Of kClientUnregister; none if the broker gave a reason that is not known.
  absl::optional<RemovalReason> reason;
  std::string detail;
};

// "CLIENT_REGISTER", ...
absl::string_view Name(WatchedEvent::Type type);

// How far a watch has come.
struct WatchPosition {
  // What happened up to this revision is told.
  uint64_t revision = 0;
  // The broker process that the revision is of.
  uint64_t broker_incarnation = 0;
};

// Events that the watcher will never be told of. A snapshot follows, so the
// members are known again.
struct WatchGap {
  // The first revision that may be missing, and the process that it is of.
  uint64_t from_revision = 0;
  uint64_t broker_incarnation = 0;
  // In words: the broker keeps them no more, or is another process.
  std::string reason;
};

// How a watcher stands with one broker.
struct WatchState {
  // Whether the broker answers the watch.
  bool connected = false;
  // If not: why, and when the watcher tries again, by the wall clock.
  absl::Status status;
  absl::Time retry_at = absl::InfiniteFuture();
};

}  // namespace rmq

#endif  // CLIENT_WATCH_WATCHED_EVENT_H_
