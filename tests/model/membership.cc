#include "tests/model/membership.h"

#include <utility>

namespace rmq::model {

void Membership::State(const StatedConsumer& stated, int64_t heartbeat) {
  number = heartbeat;
  modes = stated.modes;
  const std::map<std::string, Holding> before = std::exchange(holdings, {});
  for (const auto& [topic, subscription] : stated.subscriptions) {
    const auto held = before.find(topic);
    const bool is_kept =
        held != before.end() &&
        subscription.version <= held->second.subscription.version;
    holdings[topic] = is_kept ? held->second : Holding{subscription, heartbeat};
  }
}

std::set<std::string> GroupStatement::Topics() const {
  std::set<std::string> topics;
  for (const auto& [topic, subscription] : subscriptions) topics.insert(topic);
  return topics;
}

GroupStatement Combine(const std::vector<const Membership*>& members) {
  const auto rank_of_member = [](const Membership& member) {
    return std::pair(member.current, member.number);
  };
  const auto rank_of_holding = [](const Membership::Holding& holding) {
    return std::pair(holding.subscription.version, -holding.number);
  };
  const Membership* latest = nullptr;
  std::map<std::string, const Membership::Holding*> winners;  // By topic.
  for (const Membership* member : members) {
    if (latest == nullptr ||
        rank_of_member(*member) > rank_of_member(*latest)) {
      latest = member;
    }
    for (const auto& [topic, holding] : member->holdings) {
      const Membership::Holding*& winner = winners[topic];
      if (winner == nullptr ||
          rank_of_holding(holding) > rank_of_holding(*winner)) {
        winner = &holding;
      }
    }
  }
  GroupStatement statement;
  if (latest != nullptr) statement.modes = latest->modes;
  for (const auto& [topic, winner] : winners) {
    statement.subscriptions[topic] = winner->subscription;
  }
  return statement;
}

}  // namespace rmq::model
