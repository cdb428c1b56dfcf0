// The HTTP port that metrics are scraped from.
#ifndef BROKER_METRICS_METRICS_EXPOSER_H_
#define BROKER_METRICS_METRICS_EXPOSER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "prometheus/collectable.h"
#include "prometheus/exposer.h"

namespace rmq {

// Serves GET /metrics. Its threads are the HTTP server's.
class MetricsExposer {
 public:
  // `address` is "host:port"; port 0 lets the system choose. Unavailable if it
  // cannot be listened on.
  static absl::StatusOr<std::unique_ptr<MetricsExposer>> Start(
      const std::string& address,
      std::shared_ptr<prometheus::Collectable> collectable);

  // "host:port", with the port that was chosen.
  std::string address() const;

 private:
  MetricsExposer(std::string host, std::unique_ptr<prometheus::Exposer> exposer,
                 std::shared_ptr<prometheus::Collectable> collectable);

  const std::string host_;
  const std::unique_ptr<prometheus::Exposer> exposer_;
  // The exposer itself holds it weakly.
  const std::shared_ptr<prometheus::Collectable> collectable_;
};

}  // namespace rmq

#endif  // BROKER_METRICS_METRICS_EXPOSER_H_
