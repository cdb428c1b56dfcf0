// The broker's metrics, for Prometheus.
//
// Names and labels are RocketMQ's where it has them, else
// rocketmq_client_manager_*. A scrape costs the number of series, never the
// number of clients or groups: connections are counted as they come and go, by
// the events.
//
// Reference: BrokerMetricsManager.java. Differs: a client's version is its
// number, not RocketMQ's name for it.
#ifndef BROKER_METRICS_CLIENT_MANAGER_METRICS_H_
#define BROKER_METRICS_CLIENT_MANAGER_METRICS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/fronts/edge_counters.h"
#include "broker/housekeeping/drain.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/notify/detection_times.h"
#include "broker/registrar/registration_state.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/watch/watches.h"
#include "common/client_types.h"
#include "common/rpc/server/acceptor/connections.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace rmq {

// Thread-safe. A listener of the table's events.
//
// Bounds: kMaxGroups consumer groups have their own label; members of others,
// while these are registered, are summed under "_other". Each group, and the
// producers together, have kMaxVersions pairs of language and version, the rest
// count under the version "_other": clients choose their version, and must not
// make series at will.
class ClientManagerMetrics final : public ClientEventListener,
                                   public prometheus::Collectable {
 public:
  static constexpr size_t kMaxGroups = 1000;
  static constexpr size_t kMaxVersions = 20;

  // Gauges and counters that others keep, read at each scrape.
  struct Readings {
    ClientTable::Counts table;
    ConsumerIdsNotifier::Counts notifier;
    Drain::Counts drain;
    Watches::Counts watches;
    int64_t membership_lines_left_out = 0;
    int64_t log_lines_dropped = 0;
    // Those of the server; null: none are shown. Borrowed for the scrape.
    const Connections* connections = nullptr;
    // How often accepting a connection has failed.
    int64_t accept_errors = 0;
    // When the first of the server's certificates expires, by the wall clock;
    // nothing: there is no TLS.
    absl::optional<absl::Time> certificate_not_after;
    // Nothing: the broker does not register in discovery.
    absl::optional<RegistrationState> registration;
  };

  struct Identity {
    std::string cluster;
    std::string broker_name;
  };

  // `edge` is borrowed. `read` is called at each scrape.
  ClientManagerMetrics(const Identity& identity, const EdgeCounters* edge,
                       std::function<Readings()> read);

  void OnClientEvent(const ClientEvent& event) override
      ABSL_LOCKS_EXCLUDED(mu_);

  std::vector<prometheus::MetricFamily> Collect() const override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Version = std::pair<LanguageCode, int32_t>;
  // Connections by language and version. A pair that has been seen keeps its
  // place, so that who was counted apart is taken off there.
  struct Connections {
    absl::flat_hash_map<Version, int64_t> by_version;
    int64_t other_versions = 0;
    int64_t total = 0;

    void Add(const Version& version, int64_t count);
  };
  struct Group {
    ConsumeType consume_type = ConsumeType::kUnspecified;
    Connections connections;
  };

  prometheus::MetricFamily Histogram(const DetectionTimes& times) const;
  void CountConsumerLocked(const ClientEvent& event, int64_t count)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::vector<prometheus::ClientMetric::Label> node_labels_;
  const EdgeCounters& edge_;
  const std::function<Readings()> read_;

  mutable absl::Mutex mu_;
  Connections producers_ ABSL_GUARDED_BY(mu_);
  // Those with a label; and the members of the others, which are summed. A
  // group keeps its place while it has members.
  absl::flat_hash_map<std::string, Group> groups_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, int64_t> other_groups_ ABSL_GUARDED_BY(mu_);
  Connections in_other_groups_ ABSL_GUARDED_BY(mu_);
  // By kind and reason.
  std::array<std::array<int64_t, kRemovalReasons>, 2> removals_
      ABSL_GUARDED_BY(mu_) = {};
  // Incidents, since the start.
  int64_t duplicate_client_ids_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t inconsistencies_ ABSL_GUARDED_BY(mu_) = 0;
  // How long after its expiry a channel was taken out of a group.
  int64_t expired_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration expiry_lag_sum_ ABSL_GUARDED_BY(mu_);
  absl::Duration expiry_lag_max_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_METRICS_CLIENT_MANAGER_METRICS_H_
