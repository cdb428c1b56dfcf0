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
#include "client/broker_warning.h"

namespace rmq {

// Why a broker ended a stream. The reason is the broker's own word, in the
// trailing metadata `rocketmq-end-reason`. A status alone may come from anybody
// between client and broker.
enum class EndReason {
  // The broker gave no reason, or one that this client does not know.
  kNone,
  // The client was silent for longer than its channel expiry.
  kExpired,
  // Another stream of the same client id and incarnation took over.
  kReplaced,
  // An operator took the client out.
  kKicked,
  // The broker sends its clients away, as it goes down.
  kDrained,
};

// "EXPIRED", ...; "NONE".
absl::string_view Name(EndReason reason);

// client/README.md has a table of what leads from one state to another.
enum class BrokerState {
  // There is no stream and no need of one: the client has no group, or is not
  // started.
  kIdle,
  // A stream is being set up.
  kConnecting,
  // The stream stands, but the broker has not accepted a full heartbeat over
  // it.
  kStating,
  // The broker knows the client's groups, all of them.
  kOnline,
  // The broker accepted the client's statement, but skipped some groups:
  // `skipped_groups` has their names and the broker's reasons. The client
  // states
  // these groups again with each heartbeat.
  kPartial,
  // The broker could not be reached, the stream broke, or the broker drains
  // (`last_end`); the client tries again at `retry_at`. After UNAUTHENTICATED
  // and PERMISSION_DENIED (`last_error`) that is 30 s to 5 min later, and the
  // client goes on trying: an operator must change the broker's rules. It tries
  // earlier if the files of its credentials or its certificate have changed,
  // and by Client::Reconnect() at once.
  kBackoff,
  // The client's statement is larger than the broker's frames may be;
  // `last_error` has both sizes. The client is in no group there, and makes no
  // attempt until its statement changes.
  kRefused,
  // Another address of this client leads to the same broker, and the client is
  // online over that address, or about to be. This address has no stream until
  // that one ends. It is also tried after some minutes, since it may lead to
  // another broker by then.
  kReserve,
  // The client is taking its groups out.
  kLeaving,
  // A stream of another process, with this client id and incarnation, has
  // replaced this client's. The client stays away until Client::Reconnect().
  kReplaced,
  // An operator took the client out: `last_error` has the operator's words. The
  // client comes back at `retry_at`, or earlier by Client::Reconnect().
  kKicked,
  // For good: after Shutdown(), or because the resolver does not list the
  // broker
  // any more.
  kStopped,
};

// "ONLINE", ...
absl::string_view Name(BrokerState state);

// Whether `state` is kOnline or kPartial: a stream stands, and the broker has
// accepted the client's groups over it, or some of them.
bool IsOnline(BrokerState state);

// A group that the broker did not register, although it accepted the heartbeat.
struct SkippedGroup {
  std::string group;
  bool is_producer = false;
  std::string message;  // The broker's words.
};

// The list of client ids of a consumer group that the client holds, by its
// epoch, as the broker was told.
struct AcknowledgedEpoch {
  std::string group;
  uint64_t epoch = 0;
};

// A snapshot. Times are wall-clock times; InfinitePast means never.
struct BrokerHealth {
  // With the name of the resolver, or else the name that the broker gives
  // itself.
  BrokerEntry broker;
  BrokerState state = BrokerState::kIdle;

  // From the latest answer to a full heartbeat; empty and zero before the
  // first. If name and id are not the resolver's, the resolver is out of date.
  std::string broker_name;
  uint64_t broker_id = 0;
  absl::Duration channel_expiry;
  std::vector<SkippedGroup> skipped_groups;
  // The broker's warnings that hold, as ClientOptions::on_warning tells them.
  std::vector<BrokerWarning> warnings;

  // Which lists the client holds, by their groups: those that
  // ClientOptions::on_membership_changed or Client::WaitForMembers() asks for,
  // over this stream. Empty at a broker that has no epochs.
  std::vector<AcknowledgedEpoch> acknowledged_epochs;

  int64_t reconnects = 0;  // How often IsOnline() has become true again.
  absl::Time heartbeat_sent = absl::InfinitePast();
  absl::Time heartbeat_answered = absl::InfinitePast();
  absl::Duration round_trip;  // Of the heartbeat answered last.

  // When the client will set up a stream, in kBackoff, kReserve and kKicked.
  // InfiniteFuture in the other states, and in kKicked if the broker did not
  // say for how long it keeps the client out, as older brokers do not.
  absl::Time retry_at = absl::InfiniteFuture();

  // Why the broker ended the last stream that has ended.
  EndReason last_end = EndReason::kNone;

  // Why the last stream ended or the last request was refused; OK if none was.
  absl::Status last_error;
  absl::Time last_error_at = absl::InfinitePast();
};

}  // namespace rmq

#endif  // CLIENT_BROKER_HEALTH_H_
