// A full heartbeat after the policy, and the outcome of applying it.
#ifndef BROKER_REGISTRY_ADMITTED_STATEMENT_H_
#define BROKER_REGISTRY_ADMITTED_STATEMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/registry/client_holds.h"
#include "broker/registry/client_warning.h"
#include "broker/registry/consistency_rule.h"
#include "broker/registry/statement.h"

namespace rmq {

// A consumer group of a statement that the policy admits.
struct AdmittedConsumer {
  const ConsumerStatement* statement;
  // Whether changes of the group are pushed to its members.
  bool notify_consumer_ids_changed;
  // What happens if members of the group state different things.
  ConsistencyRule consistency = {};
};

// What ClientTable::Register() applies. A view, valid for the call.
struct AdmittedStatement {
  const HeartbeatStatement* statement;
  // Those of the statement's consumers that the policy admits.
  absl::Span<const AdmittedConsumer> consumers;
  // Whether a channel may join a producer group that it is not in.
  bool take_new_producers = true;
};

// A consumer group that was not registered since it differs from what other
// members state.
struct InconsistentStatement {
  // A view into the statement.
  absl::string_view group;
  // What differs, in words.
  std::string message;
};

// The epoch of a consumer group that a statement names: a view into the
// statement.
struct StatedGroupEpoch {
  absl::string_view group;
  uint64_t epoch = 0;
};

struct RegisterResult {
  enum class Outcome {
    kRegistered,
    kClosed,  // The channel is closed. Nothing was applied.
    // A newer stream of the same client and incarnation is there already: this
    // channel has been closed instead. Nothing was applied.
    kReplaced,
    // The statement differs from the channel's last one, too soon after earlier
    // changes. It counts as a sign of life, and nothing else was applied.
    kTooManyChanges,
    // Another process uses the client id, and was there first: this channel has
    // been closed. Nothing was applied.
    kDuplicateClientId,
    // Another principal holds the client id. A stream that has registered
    // nothing yet has been closed. Nothing was applied.
    kOfAnother,
    // An operator has taken the client out, and its hold has not ended. A
    // stream has been closed. Nothing was applied.
    kHeld,
  };
  Outcome outcome = Outcome::kClosed;
  // For light heartbeats; 0 if a group of the statement was skipped.
  uint64_t statement_token = 0;
  // How long the channel may be silent from now on. Of kRegistered.
  absl::Duration channel_expiry = absl::ZeroDuration();
  // Producer groups that were skipped: views into the statement.
  absl::InlinedVector<absl::string_view, 1> rejected_producers;
  // Of each consumer group that was registered, in the statement's order.
  absl::InlinedVector<StatedGroupEpoch, 2> group_epochs;
  // Consumer groups that were skipped here.
  std::vector<InconsistentStatement> inconsistent;
  // Of a principal by rules: consumer groups that the channel is in, and that
  // the statement leaves out.
  std::vector<std::string> left_out_consumers;
  // The principal holds the client id from now on, which nobody has held.
  bool took_id = false;
  // All warnings about the client that hold after the heartbeat.
  std::vector<ClientWarning> warnings;
  // The address of the other process: of kDuplicateClientId, and if the
  // channel has taken over from streams of other processes.
  std::string other_address;
  // Of kHeld.
  ClientHold hold;
  // Of kTooManyChanges: when the channel may change its statement again.
  absl::Time try_again_at;
  // Of kTooManyChanges: all channels of its principal or address have changed
  // too often together.
  bool is_payer_over = false;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_ADMITTED_STATEMENT_H_
