#include "client/session/left_brokers.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace rmq {
namespace {

std::string KeyOf(const BrokerEntry& broker) {
  return broker.name.empty() ? broker.address
                             : absl::StrCat(broker.name, "/", broker.id);
}

}  // namespace

void LeftBrokers::Keep(const BrokerEntry& broker, Left left, absl::Time now) {
  const std::string key = KeyOf(broker);
  if (left.return_at <= now && left.wanted_members.empty()) {
    brokers_.erase(key);  // What was kept before is over, too.
    return;
  }
  if (brokers_.size() >= kMaxBrokers && !brokers_.contains(key)) {
    absl::erase_if(brokers_, [now](const auto& kept) {
      return kept.second.return_at <= now;
    });
    if (brokers_.size() >= kMaxBrokers) return;
  }
  brokers_[key] = std::move(left);
}

void LeftBrokers::KeepWanted(const absl::flat_hash_set<std::string>& groups) {
  for (auto kept = brokers_.begin(); kept != brokers_.end();) {
    Left& left = kept->second;
    absl::erase_if(left.wanted_members, [&groups](const std::string& group) {
      return !groups.contains(group);
    });
    if (left.wanted_members.empty() && left.return_at == absl::InfinitePast()) {
      brokers_.erase(kept++);
    } else {
      ++kept;
    }
  }
}

absl::optional<LeftBrokers::Left> LeftBrokers::Take(const BrokerEntry& broker) {
  const auto found = brokers_.find(KeyOf(broker));
  if (found == brokers_.end()) return absl::nullopt;
  Left left = std::move(found->second);
  brokers_.erase(found);
  return left;
}

}  // namespace rmq
