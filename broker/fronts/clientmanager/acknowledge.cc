#include "broker/fronts/clientmanager/acknowledge.h"

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "broker/fronts/acknowledgment_outcome.h"
#include "broker/processor/client_manage_processor.h"
#include "common/kv.h"
#include "common/rate_limit.h"
#include "glog/logging.h"

namespace rmq {
namespace {

Rate AcknowledgmentRate() {
  return Rate(kAcknowledgedGroupsPerSecond, kAcknowledgedGroupsAtOnce);
}

AcknowledgmentOutcome OutcomeOf(AcknowledgeOutcome outcome) {
  switch (outcome) {
    case AcknowledgeOutcome::kTaken: return AcknowledgmentOutcome::kTaken;
    case AcknowledgeOutcome::kNotMember:
      return AcknowledgmentOutcome::kNotMember;
    case AcknowledgeOutcome::kZero: return AcknowledgmentOutcome::kNoEpoch;
    case AcknowledgeOutcome::kFuture:
      return AcknowledgmentOutcome::kFutureEpoch;
  }
  LOG(FATAL) << "no such outcome";
}

// Counts the outcome of `groups` groups, of which `group` is the first, and
// logs it if it is the stream's first that is bad.
void Note(AcknowledgmentOutcome outcome, int64_t groups,
          absl::string_view group, uint64_t epoch, absl::string_view peer,
          StreamClient* client, EdgeCounters* counters) {
  counters->acknowledgments.Count(outcome, groups);
  if (outcome == AcknowledgmentOutcome::kTaken ||
      client->has_bad_acknowledgment) {
    return;
  }
  client->has_bad_acknowledgment = true;
  static std::atomic<int64_t> since_last{0};
  since_last.fetch_add(1, std::memory_order_relaxed);
  LOG_EVERY_T(INFO, 1) << "acknowledgment without effect" << Kv("peer", peer)
                       << Kv("client_id", client->client_id)
                       << Kv("group", group) << Kv("epoch", epoch)
                       << Kv("outcome", Name(outcome))
                       << Kv("streams", since_last.exchange(0));
}

std::vector<AcknowledgedGroup> GroupsOf(const pb::Acknowledge& request) {
  std::vector<AcknowledgedGroup> groups;
  groups.reserve(1 + static_cast<size_t>(request.more_size()));
  groups.push_back({request.group(), request.epoch()});
  for (const pb::GroupEpoch& more : request.more()) {
    groups.push_back({more.group(), more.epoch()});
  }
  return groups;
}

// What keeps the whole of an acknowledgment from being taken; kTaken: nothing.
AcknowledgmentOutcome Check(const ClientBroker& broker, Gate* gate,
                            const CallContext& connect,
                            const pb::Acknowledge& request,
                            StreamClient* client) {
  if (request.more_size() > kMostFurtherGroups) {
    return AcknowledgmentOutcome::kTooManyGroups;
  }
  // One is taken already.
  if (!AcknowledgmentRate().Take(connect.now, &client->acknowledgments_full_at,
                                 request.more_size())) {
    return AcknowledgmentOutcome::kOverRate;
  }
  CallResources resources;
  resources.client_id = client->client_id;
  for (const AcknowledgedGroup& group : GroupsOf(request)) {
    resources.groups.push_back(group.group);
  }
  if (!gate->EnterFrame(connect, resources).ok()) {
    return AcknowledgmentOutcome::kDenied;
  }
  if (!client->is_bound()) return AcknowledgmentOutcome::kBeforeHeartbeat;
  if (request.broker_incarnation() != 0 &&
      request.broker_incarnation() != broker.identity.incarnation) {
    return AcknowledgmentOutcome::kOtherIncarnation;
  }
  return AcknowledgmentOutcome::kTaken;
}

}  // namespace

bool MayReadAcknowledgment(absl::string_view peer, absl::Time now,
                           StreamClient* client, EdgeCounters* counters) {
  if (AcknowledgmentRate().Take(now, &client->acknowledgments_full_at)) {
    return true;
  }
  Note(AcknowledgmentOutcome::kOverRate, 1, "", 0, peer, client, counters);
  return false;
}

void DropAcknowledgment(absl::string_view peer, StreamClient* client,
                        EdgeCounters* counters) {
  Note(AcknowledgmentOutcome::kUnreadable, 1, "", 0, peer, client, counters);
}

void TakeAcknowledgment(const ClientBroker& broker, Gate* gate,
                        const CallContext& connect, ClientChannel& channel,
                        const pb::Acknowledge& request, StreamClient* client) {
  const auto note = [&](AcknowledgmentOutcome outcome, int64_t groups,
                        absl::string_view group, uint64_t epoch) {
    Note(outcome, groups, group, epoch, connect.peer.address, client,
         &broker.counters);
  };
  const AcknowledgmentOutcome whole =
      Check(broker, gate, connect, request, client);
  if (whole != AcknowledgmentOutcome::kTaken) {
    note(whole, 1 + request.more_size(), request.group(), request.epoch());
    return;
  }
  const std::vector<AcknowledgedGroup> groups = GroupsOf(request);
  const std::vector<AcknowledgeOutcome> outcomes =
      broker.processor.Acknowledge(channel, groups, connect.now);
  for (size_t i = 0; i < groups.size(); ++i) {
    note(OutcomeOf(outcomes[i]), 1, groups[i].group, groups[i].epoch);
  }
}

}  // namespace rmq
