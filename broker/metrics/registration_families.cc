#include "broker/metrics/registration_families.h"

#include "prometheus/metric_type.h"

namespace rmq {

void AddRegistrationFamilies(const RegistrationState& state,
                             const SeriesLabels& labels,
                             std::vector<prometheus::MetricFamily>* families) {
  using Type = prometheus::MetricType;
  FamilyBuilder(families, "rocketmq_client_manager_registered",
                "1 while the broker's entry is in etcd, else 0", Type::Gauge,
                labels)
      .Add({}, state.is_registered ? 1 : 0);
  FamilyBuilder(families, "rocketmq_client_manager_registrations_total",
                "How often the broker put its entry into etcd", Type::Counter,
                labels)
      .Add({}, static_cast<double>(state.puts));
  FamilyBuilder(
      families, "rocketmq_client_manager_registration_failures_total",
      "Attempts to keep the entry that etcd refused or did not answer",
      Type::Counter, labels)
      .Add({}, static_cast<double>(state.failures));
}

}  // namespace rmq
