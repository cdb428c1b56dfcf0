#include "tests/conformance/member_statement.h"

#include <utility>

namespace rmq::conformance {
namespace {

bool Wins(const MemberStatement::Holding& a,
          const MemberStatement::Holding& b) {
  const int64_t a_version = a.subscription.sub_version();
  const int64_t b_version = b.subscription.sub_version();
  return a_version != b_version ? a_version > b_version : a.number < b.number;
}

bool IsLater(const MemberStatement& a, const MemberStatement& b) {
  return a.is_current != b.is_current ? a.is_current : a.number > b.number;
}

}  // namespace

void MemberStatement::State(const Modes& stated, int64_t heartbeat) {
  is_current = true;
  number = heartbeat;
  modes = stated;
}

void MemberStatement::Hold(const std::vector<Subscription>& stated) {
  std::map<std::string, Holding> before = std::exchange(holdings, {});
  for (const Subscription& subscription : stated) {
    const auto held = before.find(subscription.topic());
    const bool is_kept =
        held != before.end() &&
        subscription.sub_version() <= held->second.subscription.sub_version();
    holdings[subscription.topic()] =
        is_kept ? held->second : Holding{subscription, number};
  }
}

GroupStatement Combine(const std::vector<const MemberStatement*>& members) {
  GroupStatement group;
  const MemberStatement* latest = nullptr;
  std::map<std::string, const MemberStatement::Holding*> winners;
  for (const MemberStatement* member : members) {
    if (latest == nullptr || IsLater(*member, *latest)) latest = member;
    for (const auto& [topic, holding] : member->holdings) {
      const MemberStatement::Holding*& winner = winners[topic];
      if (winner == nullptr || Wins(holding, *winner)) winner = &holding;
    }
  }
  if (latest != nullptr) group.modes = latest->modes;
  for (const auto& [topic, winner] : winners) {
    group.subscriptions[topic] = winner->subscription;
  }
  return group;
}

}  // namespace rmq::conformance
