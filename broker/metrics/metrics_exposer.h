// The HTTP port that metrics are scraped from.
#ifndef BROKER_METRICS_METRICS_EXPOSER_H_
#define BROKER_METRICS_METRICS_EXPOSER_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "prometheus/collectable.h"

namespace rmq {

// Serves GET and HEAD of /metrics, in Prometheus' text format 0.0.4.
//
// One thread serves all connections and never waits for one of them, so those
// that are silent, slow to ask or slow to read delay nobody. Of more than
// kMostConnections the oldest are closed: whoever comes is served, however many
// others hold connections open.
//
// Thread-safe.
class MetricsExposer {
 public:
  // A scraper needs one for some milliseconds.
  static constexpr size_t kMostConnections = 64;

  // `address` is "host:port"; port 0 lets the system choose. `collectable` is
  // asked at each scrape, by the exposer's thread. InvalidArgument if `address`
  // is none, Unavailable, with the reason, if it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<MetricsExposer>> Start(
      const std::string& address,
      std::shared_ptr<prometheus::Collectable> collectable);

  // Closes all connections.
  ~MetricsExposer();
  MetricsExposer(const MetricsExposer&) = delete;
  MetricsExposer& operator=(const MetricsExposer&) = delete;

  // "host:port", with the port that was chosen.
  const std::string& address() const;

 private:
  class Impl;
  explicit MetricsExposer(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // BROKER_METRICS_METRICS_EXPOSER_H_
