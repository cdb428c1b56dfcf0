// How a client stands with one of its brokers.
#ifndef CLIENT_BROKER_HEALTH_H_
#define CLIENT_BROKER_HEALTH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"

namespace rmq {

// README.md tells what leads from one state to another.
enum class BrokerState {
  // No stream, and none wanted: the client has no group, or is not started.
  kIdle,
  // A stream is being set up.
  kConnecting,
  // The stream stands, but the broker has not taken a full heartbeat over it.
  kStating,
  // The broker knows the client's groups, all of them.
  kOnline,
  // As kOnline, but for the groups that the broker passed over, though it took
  // the others: `skipped_groups` names them with the broker's reasons. The
  // client states them again with each heartbeat.
  kPartial,
  // The broker could not be reached or the stream broke; the client tries again
  // after a pause.
  kBackoff,
  // The broker takes no frame as large as the client's statement; `last_error`
  // has both sizes. No stream, and no attempt, until the statement changes: the
  // client is in no group there.
  kRefused,
  // Another address of this client leads to the same broker, and the client is,
  // or is about to be, online there. No stream this way until that one ends, or
  // for some minutes: it may lead to another broker by then.
  kReserve,
  // The client is taking its groups out.
  kLeaving,
  // For good: a stream of this client id and incarnation took over, and it is
  // none of this client's.
  kReplaced,
  // For good: an operator took the client out.
  kKicked,
  // For good: after Shutdown(), or because the resolver names it no longer.
  kStopped,
};

// "ONLINE", ...
absl::string_view Name(BrokerState state);

// kOnline or kPartial: a stream stands, and the broker has taken the client's
// groups over it, or some of them.
bool IsOnline(BrokerState state);

// A group that the broker did not register, though it took the heartbeat.
struct SkippedGroup {
  std::string group;
  bool is_producer = false;
  std::string message;  // The broker's words.
};

// A snapshot. Times are wall-clock times; InfinitePast means never.
struct BrokerHealth {
  // As the resolver names it; as it names itself where the resolver does not.
  BrokerEntry broker;
  BrokerState state = BrokerState::kIdle;

  // From the latest answer to a full heartbeat; empty and zero before it. A
  // name or an id other than the resolver's says that the resolver is out of
  // date.
  std::string broker_name;
  uint64_t broker_id = 0;
  absl::Duration channel_expiry;
  std::vector<SkippedGroup> skipped_groups;

  int64_t reconnects = 0;  // How often IsOnline() has become true again.
  absl::Time heartbeat_sent = absl::InfinitePast();
  absl::Time heartbeat_answered = absl::InfinitePast();
  absl::Duration round_trip;  // Of the heartbeat answered last.

  // Why the last stream ended or the last request was refused; OK if none was.
  absl::Status last_error;
  absl::Time last_error_at = absl::InfinitePast();
};

}  // namespace rmq

#endif  // CLIENT_BROKER_HEALTH_H_
