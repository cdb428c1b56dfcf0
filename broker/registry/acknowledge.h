// What members of consumer groups acknowledge, and what is to be pushed to
// them.
#ifndef BROKER_REGISTRY_ACKNOWLEDGE_H_
#define BROKER_REGISTRY_ACKNOWLEDGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/consumer_registry.h"
#include "broker/registry/push_round.h"

namespace rmq {

enum class AcknowledgeOutcome {
  // Or it was no news, and changed nothing.
  kTaken,
  // The channel is closed, or is not in the group.
  kNotMember,
  // Epoch 0, which no list has.
  kZero,
  // The group has not reached that epoch.
  kFuture,
};

// Acknowledge(), ListPushTargets() and MarkUnacknowledged() of ClientTable say
// what these do. All are
// called with the table's lock held.

// `group`: null if there is none.
AcknowledgeOutcome AcknowledgeEpoch(ConsumerGroup* group,
                                    ChannelRecord& channel, uint64_t epoch,
                                    absl::Time now, bool* push_is_due);

void ListTargetsOf(ConsumerGroup& group, const PushRound& round, absl::Time now,
                   size_t max, ChannelId* cursor,
                   std::vector<PushTarget>* targets);

std::vector<std::string> MarkUnacknowledgedIn(ChannelRecord& channel);

}  // namespace rmq

#endif  // BROKER_REGISTRY_ACKNOWLEDGE_H_
