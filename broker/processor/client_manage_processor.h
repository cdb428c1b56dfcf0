// RocketMQ's rules for HEART_BEAT (34), UNREGISTER_CLIENT (35),
// GET_CONSUMER_LIST_BY_GROUP (38) and CHECK_CLIENT_CONFIG (46).
//
// The edge has checked form and limits and has found the channel. The processor
// asks the policy, changes the table, and flushes the notifier before it
// returns. The time is an argument; the wire is not known here. Acknowledgments
// of pushes come here too.
//
// Reference: ClientManageProcessor.java, ConsumerManageProcessor.java.
#ifndef BROKER_PROCESSOR_CLIENT_MANAGE_PROCESSOR_H_
#define BROKER_PROCESSOR_CLIENT_MANAGE_PROCESSOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_warning.h"
#include "broker/registry/statement.h"
#include "common/response_code.h"

namespace rmq {

struct HeartbeatResult {
  // OK. Or ABORTED with SYSTEM_ERROR: the channel closed meanwhile, and nothing
  // was registered. Or RESOURCE_EXHAUSTED with SYSTEM_BUSY: the statement
  // changed too soon after earlier changes, and what was registered stays. Or
  // ALREADY_EXISTS with SYSTEM_ERROR: another process uses the client id, and
  // the channel, a stream, is closed and has to end. Or PERMISSION_DENIED with
  // SYSTEM_ERROR: see `end`; without one, another principal holds the client
  // id, and nothing was registered.
  CallStatus status;
  // The client is held, after an operator has taken it out: what it is told, in
  // place of `status`. Its channel, if it is a stream, is closed and has to
  // end.
  absl::optional<ChannelEnd> end;
  // For light heartbeats; 0 if a group was skipped.
  uint64_t statement_token = 0;
  // How long the channel may be silent from now on.
  absl::Duration channel_expiry = absl::ZeroDuration();
  absl::InlinedVector<PassedOverGroup, 1> skipped;
  // All that hold after the heartbeat.
  std::vector<ClientWarning> warnings;
  // Of each consumer group that was registered: views into the statement.
  absl::InlinedVector<StatedGroupEpoch, 2> group_epochs;
  // See RegisterResult.
  std::vector<std::string> left_out_consumers;
};

// PERMISSION_DENIED with SYSTEM_ERROR: another user holds the client id. Who
// that is is not told.
CallStatus ClientIdOfAnother(absl::string_view client_id);

// Which list of a consumer group's client ids a client holds: a view, valid for
// the call.
struct AcknowledgedGroup {
  absl::string_view group;
  uint64_t epoch = 0;
};

struct ConsumerList {
  // OK, or NOT_FOUND with SYSTEM_ERROR: no consumer in the group; or ABORTED
  // with SYSTEM_ERROR: the list at that epoch is not kept any more.
  CallStatus status;
  // The group's epoch whose list this is.
  uint64_t epoch = 0;
  // In the order in which the channels were opened; a client with two channels
  // is there twice.
  std::vector<std::string> client_ids;
  // 0 after the last page.
  MemberCursor next = 0;
};

// Thread-safe. Borrows the table, the policy and the notifier, which outlive
// it.
class ClientManageProcessor {
 public:
  ClientManageProcessor(ClientTable* table, GroupPolicy* policy,
                        ConsumerIdsNotifier* notifier)
      : table_(*table), policy_(*policy), notifier_(*notifier) {}

  // HEART_BEAT, full. Consumer groups that the policy does not admit are passed
  // over, with the reason in the result; the rest of the statement is applied.
  // Light heartbeats do not come here: see ClientChannel::RenewLight().
  // Reference: #heartBeat. Differs: one statement, one revision; the answer
  // names what was skipped.
  HeartbeatResult Heartbeat(ClientChannel& channel,
                            const HeartbeatStatement& statement,
                            absl::Time now);

  // As ClientTable::statement_changes(), the policy's part included.
  uint64_t statement_changes() const {
    return table_.statement_changes() + policy_.order_changes();
  }

  // What waits to be told to the client is told: called at a heartbeat that was
  // not applied in full, if ClientChannel::attention() says so. Pushes again
  // what the client has not acknowledged, and returns the warnings that it has
  // not been told.
  std::vector<ClientWarning> AnswerAttention(ClientChannel& channel,
                                             absl::Time now);

  // The client of `channel` acknowledges the epochs of groups. Returns an
  // outcome for each. Pushes to the client what has changed since, if the
  // client would not learn of it otherwise before its next heartbeat.
  std::vector<AcknowledgeOutcome> Acknowledge(
      ClientChannel& channel, absl::Span<const AcknowledgedGroup> groups,
      absl::Time now);

  // UNREGISTER_CLIENT, of any number of groups. Empty names are ignored, and a
  // name may be there twice. Groups that are not registered are ignored: the
  // request succeeds. All changes are flushed together. PERMISSION_DENIED with
  // SYSTEM_ERROR if another principal holds the client id.
  // Reference: #unregisterClient. Differs: Java's request has one group of each
  // kind.
  CallStatus UnregisterClient(
      ClientChannel& channel, absl::string_view client_id,
      absl::Span<const absl::string_view> producer_groups,
      absl::Span<const absl::string_view> consumer_groups, absl::Time now,
      const ClientPrincipal& principal = {});

  // The client of `channel` has gone, or is to: closes the channel, and tells
  // the members of its groups. Does not call End(). Nothing if it was closed.
  void CloseChannel(ClientChannel& channel, RemovalReason reason,
                    absl::Time now);

  // CHECK_CLIENT_CONFIG of one subscription. An empty type is TAG; the
  // expression of a TAG subscription is not looked at. FAILED_PRECONDITION with
  // SYSTEM_ERROR if the broker's property filter is off, INVALID_ARGUMENT with
  // SUBSCRIPTION_PARSE_FAILED for an unknown type or a bad expression.
  // Reference: #checkClientConfig.
  CallStatus CheckClientConfig(absl::string_view expression_type,
                               absl::string_view expression) const;

  // GET_CONSUMER_LIST_BY_GROUP: up to `max` client ids after `cursor` (0 is the
  // beginning), as they were at `epoch` (0: now). So further pages that are
  // asked for with the epoch of the first one make one list with it. More than
  // `max` are listed if one channel was there under several client ids.
  // Reference: ConsumerManageProcessor#getConsumerListByGroup.
  ConsumerList GetConsumerListByGroup(absl::string_view group, size_t max,
                                      MemberCursor cursor,
                                      uint64_t epoch = 0) const;

 private:
  // Has the notifier push again what the client has not acknowledged, if there
  // is anything.
  void Resend(ClientChannel& channel);

  ClientTable& table_;
  GroupPolicy& policy_;
  ConsumerIdsNotifier& notifier_;
};

}  // namespace rmq

#endif  // BROKER_PROCESSOR_CLIENT_MANAGE_PROCESSOR_H_
