// The brokers of this broker's cluster, by their entries in etcd.
#ifndef BROKER_REGISTRAR_CLUSTER_BROKERS_H_
#define BROKER_REGISTRAR_CLUSTER_BROKERS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/etcd_calls.h"
#include "common/etcd/prefix_watch.h"

namespace rmq {

// Lists the entries each kPeriod. It does not watch them: a watch needs a
// thread that always polls gRPC, and that thread would cost each heartbeat
// (common/rpc/loop/completion_loop.h).
//
// This broker is always in the list, by its own entry, whatever etcd has. While
// etcd is away, or has no entry that can be read, the last list is kept.
//
// Thread-safety: none; one thread runs it. Reads no clock.
class ClusterBrokers {
 public:
  using List = std::vector<DiscoveryEntry>;

  static constexpr absl::Duration kPeriod = absl::Seconds(2);
  // More entries are an error, and the last list is kept.
  static constexpr size_t kMostBrokers = 1024;

  // `calls` is borrowed. `prefix` is that of all keys. `own` is this broker's
  // entry.
  ClusterBrokers(EtcdCalls* calls, std::string prefix, DiscoveryEntry own,
                 std::function<double()> random);

  // When Run() next has something to do.
  absl::Time NextDue() const { return watch_.NextDue(); }
  // Does what is due. Blocks for one call of etcd. `clock` tells the time.
  void Run(const std::function<absl::Time()>& clock) { watch_.Step(clock); }

  // Ordered by name and id. Never null; constant.
  const std::shared_ptr<const List>& list() const { return list_; }
  // Why the list may be out of date; OK after a listing.
  const absl::Status& error() const { return watch_.error(); }

 private:
  void Take(const PrefixWatch::Values& values);

  const std::string prefix_;
  const DiscoveryEntry own_;
  std::shared_ptr<const List> list_;
  PrefixWatch watch_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRAR_CLUSTER_BROKERS_H_
