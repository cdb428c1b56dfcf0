#include "broker/registry/acknowledge.h"

#include <utility>

#include "broker/registry/client_event.h"
#include "broker/registry/group_acknowledgments.h"
#include "broker/registry/registered_group.h"

namespace rmq {
namespace {

// A member is about to be pushed, in `round`, what has changed since
// `acknowledged`.
void NoteTold(const PushRound& round, uint64_t acknowledged,
              Membership& membership) {
  if (acknowledged == 0 && !round.tells_all) return;
  const bool tells_members =
      round.has_client_ids ||
      (acknowledged != 0 && acknowledged >= round.oldest_base);
  membership.set_told(tells_members ? Told::kMembers : Told::kToAsk);
}

void AddTarget(ConsumerGroup& group, const PushRound& round, absl::Time now,
               ChannelRecord& channel, std::vector<PushTarget>* targets) {
  size_t hint = 0;
  Membership& membership = *GroupMembers::Find(channel, group, &hint);
  // Joined after the snapshot: the next round is for it too.
  if (membership.joined > round.epoch) return;
  PushTarget& target = targets->emplace_back();
  target.channel = channel.port;
  target.joined = membership.joined;
  if (const auto* const entry = group.acknowledgments.Find(channel)) {
    target.acknowledged = entry->epoch;
    target.wants_push = group.acknowledgments.TakeMark(channel);
    if (target.acknowledged >= round.epoch) return;
    group.acknowledgments.NoteBehind(channel, now);
    channel.liveness.SetAttention(true);
  }
  NoteTold(round, target.acknowledged, membership);
}

}  // namespace

AcknowledgeOutcome AcknowledgeEpoch(ConsumerGroup* group,
                                    ChannelRecord& channel, uint64_t epoch,
                                    absl::Time now, bool* push_is_due) {
  *push_is_due = false;
  if (epoch == 0) return AcknowledgeOutcome::kZero;
  size_t hint = 0;
  Membership* const membership =
      group == nullptr || channel.liveness.closed()
          ? nullptr
          : GroupMembers::Find(channel, *group, &hint);
  if (membership == nullptr) return AcknowledgeOutcome::kNotMember;
  if (epoch > group->epoch) return AcknowledgeOutcome::kFuture;
  const uint64_t acknowledged =
      group->acknowledgments.Take(channel, epoch, group->epoch, now).epoch;
  if (acknowledged == group->epoch || !group->is_notified()) {
    return AcknowledgeOutcome::kTaken;
  }
  channel.liveness.SetAttention(true);
  // A member that has been told who is there acknowledges that as well.
  if (epoch == acknowledged && membership->told() != Told::kMembers) {
    group->acknowledgments.Mark(channel);
    *push_is_due = true;
  }
  return AcknowledgeOutcome::kTaken;
}

void ListTargetsOf(ConsumerGroup& group, const PushRound& round, absl::Time now,
                   size_t max, ChannelId* cursor,
                   std::vector<PushTarget>* targets) {
  const auto& from =
      round.marked_only ? group.acknowledgments.marked() : group.members;
  std::vector<ChannelRecord*> channels;
  auto next = from.upper_bound(std::exchange(*cursor, 0));
  for (; channels.size() < max && next != from.end(); ++next) {
    channels.push_back(*next);
  }
  if (next != from.end() && !channels.empty()) *cursor = channels.back()->id;
  // Takes marks back, so that `from` may change.
  for (ChannelRecord* const channel : channels) {
    AddTarget(group, round, now, *channel, targets);
  }
}

std::vector<std::string> MarkUnacknowledgedIn(ChannelRecord& channel) {
  std::vector<std::string> groups;
  for (const Membership& membership : channel.memberships) {
    if (membership.group->kind != GroupKind::kConsumer) continue;
    auto& group = static_cast<ConsumerGroup&>(*membership.group);
    const auto* const entry = group.acknowledgments.Find(channel);
    if (entry == nullptr || entry->epoch >= group.epoch ||
        !group.is_notified()) {
      continue;
    }
    group.acknowledgments.Mark(channel);
    groups.push_back(group.name);
  }
  if (groups.empty()) channel.liveness.SetAttention(false);
  return groups;
}

}  // namespace rmq
