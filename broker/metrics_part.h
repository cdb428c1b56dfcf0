// The serving of metrics, as a part of the broker.
#ifndef BROKER_METRICS_PART_H_
#define BROKER_METRICS_PART_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/metrics/client_manager_metrics.h"
#include "broker/metrics/metrics_exposer.h"
#include "broker/part.h"
#include "glog/logging.h"

namespace rmq {

// Serves the metrics, if they have an address.
class MetricsPart final : public Part {
 public:
  MetricsPart(const std::string& address,
              std::shared_ptr<ClientManagerMetrics> metrics)
      : requested_address_(address), metrics_(std::move(metrics)) {}

  // Metrics that cannot be served are a warning and no error: clients come
  // first.
  absl::Status Start() override {
    if (requested_address_.empty()) return absl::OkStatus();
    absl::StatusOr<std::unique_ptr<MetricsExposer>> exposer =
        MetricsExposer::Start(requested_address_, metrics_);
    if (exposer.ok()) {
      exposer_ = *std::move(exposer);
      address_ = exposer_->address();
    } else {
      LOG(WARNING) << "metrics are not served: " << exposer.status().message()
                   << "; give another --metrics_address (port 0: any that is "
                      "free), or an empty one for none";
    }
    return absl::OkStatus();
  }
  void Stop(absl::Duration /*timeout*/) override { exposer_ = nullptr; }

  // Empty if they are not served. Constant after Start().
  const std::string& address() const { return address_; }

 private:
  const std::string requested_address_;
  const std::shared_ptr<ClientManagerMetrics> metrics_;
  std::unique_ptr<MetricsExposer> exposer_;
  std::string address_;
};

}  // namespace rmq

#endif  // BROKER_METRICS_PART_H_
