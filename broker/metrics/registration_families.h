// The metrics of the broker's entry in discovery.
#ifndef BROKER_METRICS_REGISTRATION_FAMILIES_H_
#define BROKER_METRICS_REGISTRATION_FAMILIES_H_

#include <vector>

#include "broker/metrics/family_builder.h"
#include "broker/registrar/registration_state.h"
#include "prometheus/metric_family.h"

namespace rmq {

// Appends to `families`. Pure.
void AddRegistrationFamilies(const RegistrationState& state,
                             const SeriesLabels& labels,
                             std::vector<prometheus::MetricFamily>* families);

}  // namespace rmq

#endif  // BROKER_METRICS_REGISTRATION_FAMILIES_H_
