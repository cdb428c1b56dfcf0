#include "broker/registry/effective_statement.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace rmq {
namespace {

// Of a member's modes: those whose channel's latest full heartbeat stated the
// group come first.
MemberRanking::Rank ModesRank(bool is_stated, uint64_t number) {
  return {is_stated ? 1 : 0, static_cast<int64_t>(number)};
}

const Membership& MembershipOf(ChannelRecord& channel,
                               const RegisteredGroup& group) {
  size_t hint = 0;
  return *GroupMembers::Find(channel, group, &hint);
}

}  // namespace

const SubscriptionTablePtr& EffectiveStatement::subscriptions() const {
  if (table_ == nullptr) {
    auto table = std::make_shared<SubscriptionTable>();
    for (const auto& [name, topic] : topics_) {
      if (!topic->is_taken) continue;
      table->emplace_hint(table->end(), topic->name, topic->subscription);
    }
    table_ = std::move(table);
  }
  return table_;
}

void EffectiveStatement::Restate(ChannelRecord& channel,
                                 const MemberStatement& before,
                                 const MemberStatement& after,
                                 uint64_t number) {
  if (before.empty()) ++members_;
  RestateModes(channel, before, after, number);
  for (size_t at = 0; at < after.size(); ++at) {
    const size_t before_at = before.Find(after.topic(at));
    const bool is_held_already =
        before_at < before.size() &&
        before.sub_version(before_at) == after.sub_version(at);
    if (!is_held_already) {
      Hold(channel, before, before_at, after, at, number);
    }
  }
  for (size_t at = 0; at < before.size(); ++at) {
    if (after.Find(before.topic(at)) == after.size()) Drop(channel, before, at);
  }
}

void EffectiveStatement::Repeat(ChannelRecord& channel, uint64_t number) {
  if (modes_dispute_ == nullptr) return;
  modes_dispute_->numbers[&channel] = number;
  modes_dispute_->ranking.Raise(ModesRank(true, number), channel,
                                MemberRanking::Capacity(members_));
}

void EffectiveStatement::Remove(ChannelRecord& channel,
                                const MemberStatement& before) {
  --members_;
  RemoveModes(channel, before);
  for (size_t at = 0; at < before.size(); ++at) Drop(channel, before, at);
}

EffectiveStatement::Topic& EffectiveStatement::Touch(const std::string& name) {
  auto found = topics_.find(name);
  if (found == topics_.end()) {
    auto topic = std::make_unique<Topic>(name);
    const absl::string_view key = topic->name;
    found = topics_.emplace(key, std::move(topic)).first;
  }
  Topic& topic = *found->second;
  if (!std::exchange(topic.is_touched, true)) touched_.push_back(&topic);
  return topic;
}

void EffectiveStatement::Hold(ChannelRecord& channel,
                              const MemberStatement& before, size_t before_at,
                              const MemberStatement& after, size_t after_at,
                              uint64_t number) {
  Topic& topic = Touch(after.topic(after_at));
  const bool held_it = before_at < before.size();
  const std::string& expression = after.expression(after_at);
  const std::string& type = after.expression_type(after_at);
  const size_t holders_before = topic.holders;
  if (!held_it) ++topic.holders;
  topic.is_restated = true;

  if (topic.dispute == nullptr) {
    if (!topic.is_taken) {
      // The first holder.
      topic.subscription.expression = expression;
      topic.subscription.expression_type = type;
    } else if (topic.holders > 1 &&
               std::tie(topic.subscription.expression,
                        topic.subscription.expression_type) !=
                   std::tie(expression, type)) {
      BeginDispute(topic, holders_before);
    }
  }
  if (topic.dispute != nullptr) {
    if (held_it) LeaveCamp(*topic.dispute, before, before_at);
    ++topic.dispute->camps[{expression, type}];
    topic.dispute->numbers[&channel] = number;
  }
  // A subscription that takes another one's place has a greater sub version.
  topic.ranking.Raise(RankOf(topic, channel, after.sub_version(after_at)),
                      channel, MemberRanking::Capacity(topic.holders));
}

void EffectiveStatement::Drop(ChannelRecord& channel,
                              const MemberStatement& before, size_t at) {
  Topic& topic = Touch(before.topic(at));
  --topic.holders;
  if (topic.dispute != nullptr) {
    LeaveCamp(*topic.dispute, before, at);
    topic.dispute->numbers.erase(&channel);
  }
  topic.ranking.Erase(channel);
}

void EffectiveStatement::BeginDispute(Topic& topic, size_t agreeing) {
  topic.dispute = std::make_unique<Dispute>();
  topic.dispute->camps.emplace(
      std::make_pair(topic.subscription.expression,
                     topic.subscription.expression_type),
      agreeing);
}

void EffectiveStatement::LeaveCamp(Dispute& dispute,
                                   const MemberStatement& statement,
                                   size_t at) {
  const auto camp = dispute.camps.find(
      {statement.expression(at), statement.expression_type(at)});
  if (--camp->second == 0) dispute.camps.erase(camp);
}

MemberRanking::Rank EffectiveStatement::RankOf(const Topic& topic,
                                               const ChannelRecord& channel,
                                               int64_t sub_version) {
  if (topic.dispute == nullptr) return {sub_version, 0};
  const auto number = topic.dispute->numbers.find(&channel);
  return {sub_version, number == topic.dispute->numbers.end()
                           ? 0
                           : -static_cast<int64_t>(number->second)};
}

void EffectiveStatement::RestateModes(ChannelRecord& channel,
                                      const MemberStatement& before,
                                      const MemberStatement& after,
                                      uint64_t number) {
  const ConsumerModes& modes = after.modes();
  const size_t others = members_ - 1;
  if (modes_dispute_ == nullptr) {
    if (others == 0) agreed_modes_ = modes;
    if (modes == agreed_modes_) return;
    modes_dispute_ = std::make_unique<ModesDispute>();
    modes_dispute_->camps.emplace_back(agreed_modes_,
                                       before.empty() ? others : members_);
    modes_dispute_->ranking.SetLeader(ModesRank(true, number), channel,
                                      /*has_others=*/true);
  } else {
    modes_dispute_->ranking.Raise(ModesRank(true, number), channel,
                                  MemberRanking::Capacity(members_));
  }
  modes_dispute_->numbers[&channel] = number;
  JoinModesCamp(modes);
  if (!before.empty()) LeaveModesCamp(before.modes());
}

void EffectiveStatement::RemoveModes(const ChannelRecord& channel,
                                     const MemberStatement& before) {
  if (modes_dispute_ == nullptr) return;
  modes_dispute_->ranking.Erase(channel);
  modes_dispute_->numbers.erase(&channel);
  LeaveModesCamp(before.modes());
}

void EffectiveStatement::JoinModesCamp(const ConsumerModes& modes) {
  auto& camps = modes_dispute_->camps;
  const auto camp =
      std::find_if(camps.begin(), camps.end(),
                   [&](const auto& other) { return other.first == modes; });
  if (camp != camps.end()) {
    ++camp->second;
  } else {
    camps.emplace_back(modes, 1);
  }
}

void EffectiveStatement::LeaveModesCamp(const ConsumerModes& modes) {
  auto& camps = modes_dispute_->camps;
  const auto camp =
      std::find_if(camps.begin(), camps.end(),
                   [&](const auto& other) { return other.first == modes; });
  if (--camp->second == 0) camps.erase(camp);
  if (camps.size() > 1) return;
  agreed_modes_ = camps.front().first;
  modes_dispute_ = nullptr;
}

uint64_t EffectiveStatement::NumberOf(const ChannelRecord& channel) const {
  const auto number = modes_dispute_->numbers.find(&channel);
  return number == modes_dispute_->numbers.end() ? 0 : number->second;
}

void EffectiveStatement::NoteLeftOut(ChannelRecord& channel) {
  if (modes_dispute_ == nullptr) return;
  modes_dispute_->ranking.Erase(channel);
  modes_dispute_->ranking.Insert(ModesRank(false, NumberOf(channel)), channel,
                                 MemberRanking::Capacity(members_));
}

bool EffectiveStatement::WantsLook() const {
  return is_looking_ ||
         (modes_dispute_ != nullptr && modes_dispute_->ranking.wants_look()) ||
         std::any_of(touched_.begin(), touched_.end(), [](const Topic* topic) {
           return topic->ranking.wants_look();
         });
}

void EffectiveStatement::Look(const RegisteredGroup& group, size_t* budget) {
  while (*budget > 0 && WantsLook()) {
    if (!is_looking_) BeginLook();
    auto member = group.members.lower_bound(looked_at_);
    for (; member != group.members.begin() && *budget > 0; --*budget) {
      ChannelRecord& channel = **--member;
      looked_at_ = channel.id;
      LookAt(channel, MembershipOf(channel, group));
    }
    if (member == group.members.begin()) EndLook();
  }
}

void EffectiveStatement::BeginLook() {
  is_looking_ = true;
  // From the latest on: mostly it states the greatest sub version.
  looked_at_ = std::numeric_limits<ChannelId>::max();
  for (Topic* topic : touched_) {
    if (topic->ranking.wants_look()) topic->ranking.BeginLook();
  }
  if (modes_dispute_ != nullptr && modes_dispute_->ranking.wants_look()) {
    modes_dispute_->ranking.BeginLook();
  }
}

void EffectiveStatement::LookAt(ChannelRecord& channel,
                                const Membership& membership) {
  const MemberStatement& statement = membership.statement;
  for (Topic* topic : touched_) {
    topic->ranking.LookAt(channel);
    const size_t at = statement.Find(topic->name);
    if (at == statement.size()) continue;
    topic->ranking.Offer(RankOf(*topic, channel, statement.sub_version(at)),
                         channel, MemberRanking::Capacity(topic->holders));
  }
  if (modes_dispute_ != nullptr) {
    modes_dispute_->ranking.LookAt(channel);
    modes_dispute_->ranking.Offer(
        ModesRank(membership.stated, NumberOf(channel)), channel,
        MemberRanking::Capacity(members_));
  }
}

void EffectiveStatement::EndLook() {
  is_looking_ = false;
  for (Topic* topic : touched_) topic->ranking.EndLook();
  if (modes_dispute_ != nullptr) modes_dispute_->ranking.EndLook();
}

EffectiveStatement::Change EffectiveStatement::TakeChange(
    const RegisteredGroup& group) {
  Change change;
  touched_.erase(std::remove_if(touched_.begin(), touched_.end(),
                                [&](Topic* topic) {
                                  return !TakeTopic(group, *topic, &change);
                                }),
                 touched_.end());
  if (change.topics() || change.subscriptions) table_ = nullptr;

  ConsumerModes modes = agreed_modes_;
  if (modes_dispute_ != nullptr) {
    ChannelRecord* const latest = modes_dispute_->ranking.leader();
    modes = latest == nullptr ? modes_
                              : MembershipOf(*latest, group).statement.modes();
  }
  change.modes = std::exchange(modes_, modes) != modes;
  return change;
}

bool EffectiveStatement::TakeTopic(const RegisteredGroup& group, Topic& topic,
                                   Change* change) {
  if (topic.holders == 0) {
    if (topic.is_taken) change->removed_topics.push_back(topic.name);
    topics_.erase(topics_.find(topic.name));
    return false;
  }
  if (!topic.ranking.is_known()) {
    // From here on the group's subscription may not be one that a holder
    // states.
    if (topic.dispute == nullptr) BeginDispute(topic, topic.holders);
    return true;
  }
  topic.is_touched = false;
  ChannelRecord& leader = *topic.ranking.leader();
  const bool was_restated = std::exchange(topic.is_restated, false);
  const bool leads_anew = std::exchange(topic.taken_from, &leader) != &leader;
  if (was_restated || leads_anew)
    TakeSubscription(group, leader, topic, change);
  if (topic.dispute != nullptr && topic.dispute->camps.size() == 1) {
    topic.dispute = nullptr;
  }
  return false;
}

void EffectiveStatement::TakeSubscription(const RegisteredGroup& group,
                                          ChannelRecord& holder, Topic& topic,
                                          Change* change) {
  const MemberStatement& statement = MembershipOf(holder, group).statement;
  const size_t at = statement.Find(topic.name);
  SubscriptionData& subscription = topic.subscription;
  if (!std::exchange(topic.is_taken, true)) {
    change->added_topics.push_back(topic.name);
  } else if (subscription.sub_version != statement.sub_version(at) ||
             subscription.expression != statement.expression(at) ||
             subscription.expression_type != statement.expression_type(at)) {
    change->subscriptions = true;
  } else {
    return;
  }
  subscription = {statement.expression(at), statement.expression_type(at),
                  statement.sub_version(at)};
}

}  // namespace rmq
