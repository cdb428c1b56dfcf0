#include "broker/registrar/cluster_brokers.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/status/statusor.h"

namespace rmq {
namespace {

PrefixWatch::Options WatchOptions(const std::string& prefix,
                                  const std::string& cluster,
                                  std::function<double()> random) {
  PrefixWatch::Options options;
  options.prefix = DiscoveryClusterPrefix(prefix, cluster);
  options.most_keys = ClusterBrokers::kMostBrokers;
  options.list_period = ClusterBrokers::kPeriod;
  options.random = std::move(random);
  return options;
}

bool IsBefore(const DiscoveryEntry& a, const DiscoveryEntry& b) {
  return std::tie(a.broker_name, a.broker_id) <
         std::tie(b.broker_name, b.broker_id);
}

}  // namespace

ClusterBrokers::ClusterBrokers(EtcdCalls* calls, std::string prefix,
                               DiscoveryEntry own,
                               std::function<double()> random)
    : prefix_(std::move(prefix)),
      own_(std::move(own)),
      list_(std::make_shared<List>(List{own_})),
      watch_(calls, WatchOptions(prefix_, own_.cluster, std::move(random)),
             [this](const PrefixWatch::Values& values) { Take(values); }) {}

void ClusterBrokers::Take(const PrefixWatch::Values& values) {
  List list;
  bool has_entries = false;
  for (const auto& [key, value] : values) {
    absl::StatusOr<DiscoveryEntry> entry =
        ParseDiscoveryEntry(prefix_, key, value);
    if (!entry.ok()) continue;
    has_entries = true;
    // Of its name and id it is the one, even if another is registered so.
    if (entry->broker_name == own_.broker_name &&
        entry->broker_id == own_.broker_id) {
      continue;
    }
    list.push_back(*std::move(entry));
  }
  // An etcd that has lost its entries is likelier than a cluster that has lost
  // its brokers.
  if (!has_entries) return;
  list.push_back(own_);
  std::sort(list.begin(), list.end(), IsBefore);
  list_ = std::make_shared<const List>(std::move(list));
}

}  // namespace rmq
