// BrokerModel: what a full and a light heartbeat do.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/broker_model.h"

namespace rmq::model {

HeartbeatAnswer BrokerModel::Heartbeat(int number, const Statement& statement,
                                       Millis now) {
  // The policy comes first: a heartbeat on a closed channel makes configs too.
  HeartbeatAnswer answer;
  std::vector<const StatedConsumer*> admitted;
  for (const StatedConsumer& stated : statement.consumers) {
    const std::string reason = policy_.Admit(stated);
    if (reason.empty()) {
      admitted.push_back(&stated);
    } else {
      answer.skipped.push_back({stated.group, reason});
    }
  }
  Channel& channel = channels_[number];
  if (!channel.open) return {};
  if (IsHeld(channel, statement, now)) {
    // The heartbeat's answer says why, and no end of its own.
    if (channel.is_stand_in) {
      CloseIfIdleStandIn(number);
    } else {
      CloseOpen(number, RemovalReason::kKicked);
    }
    answer = {};
    answer.held = true;
    return answer;
  }
  std::vector<int> replaced;
  if (!channel.bound && !Bind(number, statement, &replaced)) {
    End(number, RemovalReason::kReplaced);
    return {};
  }
  answer.accepted = true;
  answer.channel_expiry = channel.expiry =
      ExpiryFor(statement.requested_expiry);
  ++full_heartbeats_;
  const Millis heard_before = std::exchange(channel.heard, now);

  // First all groups are left out, then those that are stated come back.
  std::vector<std::string> left_out;
  for (Membership& membership : channel.memberships) {
    // One program is behind a channel, also in groups that it leaves out.
    membership.language = statement.language;
    membership.version = statement.version;
    if (!std::exchange(membership.current, false)) continue;
    membership.left_out_at = heard_before;
    if (membership.kind == GroupKind::kConsumer) {
      left_out.push_back(membership.group);
    }
  }
  for (const StatedConsumer* stated : admitted) {
    StateConsumer(number, statement, *stated, replaced);
  }
  for (const std::string& group : statement.producers) {
    if (!StateProducer(number, statement, group)) {
      answer.skipped.push_back({group, "PRODUCER_REJECTED"});
    }
  }
  for (const int other : replaced) End(other, RemovalReason::kReplaced);
  ForgetModesOfTheLeftOut(number, left_out);
  channel.leaves_out = std::any_of(
      channel.memberships.begin(), channel.memberships.end(),
      [](const Membership& membership) { return !membership.current; });
  channel.token = answer.skipped.empty();
  answer.token = channel.token;
  CloseIfIdleStandIn(number);
  return answer;
}

bool BrokerModel::IsHeld(const Channel& channel, const Statement& statement,
                         Millis now) const {
  // A stream that was let in stays.
  if (channel.bound && !channel.is_stand_in) return false;
  const auto is_held = [&](bool as_stand_in) {
    const auto held = held_.find(
        HeldAs(statement.client_id, as_stand_in, statement.incarnation));
    return held != held_.end() && held->second > now;
  };
  // A caller of unary calls may be the process of a stream; a stream without
  // incarnation may be any process.
  return is_held(channel.is_stand_in) ||
         (channel.is_stand_in ? is_held(false)
                              : statement.incarnation == 0 && is_held(true));
}

LightAnswer BrokerModel::RenewLight(int number, bool has_token, Millis now) {
  Channel& channel = channels_[number];
  if (!channel.open) return LightAnswer::kClosed;
  channel.heard = now;
  return channel.token && has_token ? LightAnswer::kRenewed
                                    : LightAnswer::kFullStatementNeeded;
}

bool BrokerModel::Bind(int number, const Statement& statement,
                       std::vector<int>* replaced) {
  for (const int other : streams_[statement.client_id]) {
    if (statement.incarnation == 0 ||
        channels_[other].incarnation != statement.incarnation) {
      continue;
    }
    if (IsNewer(other, number, statement)) return false;
    replaced->push_back(other);
  }
  Channel& channel = channels_[number];
  channel.bound = true;
  channel.client_id = statement.client_id;
  channel.incarnation = statement.incarnation;
  channel.stream_number = statement.stream_number;
  streams_[statement.client_id].insert(number);
  return true;
}

// By the numbers that the client gave its streams, or else by the order in
// which they were opened.
bool BrokerModel::IsNewer(int other, int number,
                          const Statement& statement) const {
  const uint64_t its = channels_[other].stream_number;
  const uint64_t ours = statement.stream_number;
  return its != 0 && ours != 0 && its != ours ? its > ours : other > number;
}

void BrokerModel::StateConsumer(int number, const Statement& statement,
                                const StatedConsumer& stated,
                                const std::vector<int>& replaced) {
  const std::string& group = stated.group;
  const Before before = Observe(group);
  const bool joins = Join(number, GroupKind::kConsumer, group, statement);
  Membership& membership = *Find(number, GroupKind::kConsumer, group);
  membership.State(stated, full_heartbeats_);
  // Older streams leave in the same change in which the newer one joins.
  std::vector<std::pair<int, Membership>> leaving;
  for (const int other : replaced) {
    if (Find(other, GroupKind::kConsumer, group) == nullptr) continue;
    leaving.emplace_back(other, TakeOut(other, GroupKind::kConsumer, group));
  }
  Recompute(group);

  const GroupStatement& after =
      groups(GroupKind::kConsumer).at(group).statement;
  if (joins) {
    AddMemberEvent(EventType::kClientRegister, number, membership,
                   statement.client_id, after.Topics());
  }
  for (const auto& [other, older] : leaving) {
    AddMemberEvent(EventType::kClientUnregister, other, older, older.client_id,
                   before.statement.Topics(), RemovalReason::kReplaced);
  }
  const bool have_members_changed =
      leaving.empty() ? joins : before.client_ids != ClientIdsOf(group);
  const bool stops_broadcasting =
      before.statement.IsBroadcasting() && !after.IsBroadcasting();
  if (have_members_changed || stops_broadcasting ||
      before.statement.Topics() != after.Topics()) {
    NoteChange(group, before);
  }
  AddMemberEvent(EventType::kRegister, number, membership, statement.client_id,
                 after.Topics());
  effects_.events.back().unchanged = !joins && before.statement == after;
}

bool BrokerModel::StateProducer(int number, const Statement& statement,
                                const std::string& group) {
  const bool is_known = Find(number, GroupKind::kProducer, group) != nullptr;
  if (!is_known && !policy_.registers_producers()) return false;
  if (Join(number, GroupKind::kProducer, group, statement)) {
    channels_[number].last_joined[statement.client_id] = ++joinings_;
    AddMemberEvent(EventType::kClientRegister, number,
                   *Find(number, GroupKind::kProducer, group),
                   statement.client_id, {});
  }
  return true;
}

bool BrokerModel::Join(int number, GroupKind kind, const std::string& group,
                       const Statement& statement) {
  Membership* membership = Find(number, kind, group);
  const bool is_new = membership == nullptr;
  if (is_new) {
    membership = &channels_[number].memberships.emplace_back();
    membership->kind = kind;
    membership->group = group;
    mutable_groups(kind)[group].members.insert(number);
  }
  membership->current = true;
  const bool is_another_client = kind == GroupKind::kConsumer &&
                                 membership->client_id != statement.client_id;
  if (is_new || is_another_client) {
    membership->client_id = statement.client_id;
    membership->language = statement.language;
    membership->version = statement.version;
  }
  return is_new;
}

// The modes of a member count for less once it has left the group out.
void BrokerModel::ForgetModesOfTheLeftOut(
    int number, const std::vector<std::string>& left_out) {
  for (const std::string& group : left_out) {
    if (Find(number, GroupKind::kConsumer, group)->current) continue;
    const Before before = Observe(group);
    Recompute(group);
    const GroupStatement& after =
        groups(GroupKind::kConsumer).at(group).statement;
    if (before.statement.IsBroadcasting() && !after.IsBroadcasting()) {
      NoteChange(group, before);
    }
  }
}

}  // namespace rmq::model
