// A family of metrics, as Prometheus scrapes it.
#ifndef BROKER_METRICS_FAMILY_BUILDER_H_
#define BROKER_METRICS_FAMILY_BUILDER_H_

#include <string>
#include <utility>
#include <vector>

#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"

namespace rmq {

using SeriesLabels = std::vector<prometheus::ClientMetric::Label>;

// One family under construction. Borrows all but name and help. Not
// thread-safe.
class FamilyBuilder {
 public:
  FamilyBuilder(std::vector<prometheus::MetricFamily>* families,
                std::string name, std::string help, prometheus::MetricType type,
                const SeriesLabels& labels)
      : family_(families->emplace_back()), labels_(labels) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }

  // Adds a series with these labels, besides those of the family.
  void Add(const SeriesLabels& labels, double value) {
    prometheus::ClientMetric& metric = family_.metric.emplace_back();
    metric.label = labels_;
    metric.label.insert(metric.label.end(), labels.begin(), labels.end());
    (family_.type == prometheus::MetricType::Counter ? metric.counter.value
                                                     : metric.gauge.value) =
        value;
  }

 private:
  prometheus::MetricFamily& family_;
  const SeriesLabels& labels_;
};

}  // namespace rmq

#endif  // BROKER_METRICS_FAMILY_BUILDER_H_
