#include "client/merged_membership.h"

#include <algorithm>
#include <iterator>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace rmq {
namespace {

void SortAndUnite(std::vector<std::string>* ids) {
  std::sort(ids->begin(), ids->end());
  ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
}

// Whether the rule takes an id that `having` of `answering` brokers have. At
// least one has it.
bool Takes(MergeRule rule, size_t having, size_t answering) {
  switch (rule) {
    case MergeRule::kUnion: return true;
    case MergeRule::kIntersection: return having == answering;
    case MergeRule::kMajority: return having > answering - having;
  }
  return false;
}

bool IsSkipped(const BrokerHealth& health, absl::string_view group) {
  return std::any_of(health.skipped_groups.begin(), health.skipped_groups.end(),
                     [&](const SkippedGroup& skipped) {
                       return !skipped.is_producer && skipped.group == group;
                     });
}

}  // namespace

absl::string_view Name(MergeRule rule) {
  switch (rule) {
    case MergeRule::kUnion: return "union";
    case MergeRule::kIntersection: return "intersection";
    case MergeRule::kMajority: return "majority";
  }
  return "unknown";
}

absl::string_view Name(AbsenceReason reason) {
  switch (reason) {
    case AbsenceReason::kAway: return "AWAY";
    case AbsenceReason::kNoList: return "NO_LIST";
    case AbsenceReason::kSettling: return "SETTLING";
    case AbsenceReason::kSkipped: return "SKIPPED";
  }
  return "UNKNOWN";
}

MergedMembership::View* MergedMembership::ViewOf(const BrokerEntry& broker) {
  auto it = views_.find(broker.address);
  if (it == views_.end()) {
    if (views_.size() >= kMaxBrokers) return nullptr;
    it = views_.emplace(broker.address, View()).first;
  }
  it->second.broker = broker;  // The name may have become known.
  return &it->second;
}

void MergedMembership::SetList(std::vector<std::string> members,
                               bool is_settling, View* view) {
  SortAndUnite(&members);
  view->members = std::move(members);
  view->is_settling = is_settling;
  view->has_list = true;
}

void MergedMembership::Update(const MembershipChange& change) {
  if (change.group != group_) return;
  // A callback that waits takes later values in its place, so the health of a
  // broker may be newer than the list that is told after it.
  const auto it = views_.find(change.broker.address);
  if (it == views_.end()) return;
  it->second.broker = change.broker;
  SetList(change.members, change.settling > absl::ZeroDuration(), &it->second);
}

void MergedMembership::Update(const BrokerHealth& health) {
  if (health.state == BrokerState::kStopped ||
      health.state == BrokerState::kReserve) {
    views_.erase(health.broker.address);
    return;
  }
  View* const view = ViewOf(health.broker);
  if (view == nullptr) return;
  view->is_online = IsOnline(health.state);
  view->is_skipped = IsSkipped(health, group_);
  if (!view->is_online || view->is_skipped) {
    view->has_list = false;
    view->members.clear();
  }
}

void MergedMembership::Update(const std::vector<BrokerHealth>& all) {
  absl::flat_hash_set<absl::string_view> addresses;
  for (const BrokerHealth& health : all) {
    addresses.insert(health.broker.address);
  }
  KeepOnly(addresses);
  for (const BrokerHealth& health : all) Update(health);
}

void MergedMembership::KeepOnly(
    const absl::flat_hash_set<absl::string_view>& addresses) {
  for (auto it = views_.begin(); it != views_.end();) {
    it = addresses.contains(it->first) ? std::next(it) : views_.erase(it);
  }
}

void MergedMembership::SetMembers(const BrokerEntry& broker,
                                  std::vector<std::string> members) {
  View* const view = ViewOf(broker);
  if (view == nullptr) return;
  view->is_online = true;
  SetList(std::move(members), /*is_settling=*/false, view);
}

void MergedMembership::SetAway(const BrokerEntry& broker) {
  BrokerHealth health;
  health.broker = broker;
  health.state = BrokerState::kBackoff;
  Update(health);
}

void MergedMembership::SetBrokers(const std::vector<BrokerEntry>& brokers) {
  absl::flat_hash_set<absl::string_view> addresses;
  for (const BrokerEntry& broker : brokers) addresses.insert(broker.address);
  KeepOnly(addresses);
  for (const BrokerEntry& broker : brokers) ViewOf(broker);
}

MergedMembers MergedMembership::Members() const {
  MergedMembers merged;
  absl::flat_hash_map<absl::string_view, size_t> having;
  for (const auto& [address, view] : views_) {
    if (!view.is_online) {
      merged.absent.push_back({view.broker, AbsenceReason::kAway});
    } else if (view.is_skipped) {
      merged.absent.push_back({view.broker, AbsenceReason::kSkipped});
    } else if (!view.has_list) {
      merged.absent.push_back({view.broker, AbsenceReason::kNoList});
    } else if (view.is_settling) {
      merged.absent.push_back({view.broker, AbsenceReason::kSettling});
    } else {
      merged.answering.push_back(view.broker);
      for (const std::string& id : view.members) ++having[id];
    }
  }
  const size_t answering = merged.answering.size();
  for (const auto& [id, count] : having) {
    if (Takes(rule_, count, answering)) merged.members.emplace_back(id);
    if (count < answering) merged.disputed.emplace_back(id);
  }
  std::sort(merged.members.begin(), merged.members.end());
  std::sort(merged.disputed.begin(), merged.disputed.end());
  return merged;
}

}  // namespace rmq
