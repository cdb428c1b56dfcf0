#include "broker/metrics/registration_families.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/registrar/registration_state.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Values(const RegistrationState& state) {
  std::vector<prometheus::MetricFamily> families;
  AddRegistrationFamilies(state, {{"node_id", "a"}}, &families);
  std::vector<std::string> values;
  for (const prometheus::MetricFamily& family : families) {
    const prometheus::ClientMetric& metric = family.metric.front();
    values.push_back(absl::StrCat(
        family.name, "{", metric.label.front().value, "} ",
        family.type == prometheus::MetricType::Counter ? metric.counter.value
                                                       : metric.gauge.value));
  }
  return values;
}

TEST(RegistrationFamiliesTest, SayWhetherAndHowOftenTheBrokerRegistered) {
  RegistrationState state;
  state.is_registered = true;
  state.puts = 2;
  state.failures = 7;
  EXPECT_THAT(
      Values(state),
      ElementsAre("rocketmq_client_manager_registered{a} 1",
                  "rocketmq_client_manager_registrations_total{a} 2",
                  "rocketmq_client_manager_registration_failures_total{a} 7"));
  state.is_registered = false;
  EXPECT_EQ(Values(state).front(), "rocketmq_client_manager_registered{a} 0");
}

}  // namespace
}  // namespace rmq
