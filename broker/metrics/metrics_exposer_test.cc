#include "broker/metrics/metrics_exposer.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "prometheus/metric_family.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class OneGauge final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    prometheus::MetricFamily family;
    family.name = "one_gauge";
    family.type = prometheus::MetricType::Gauge;
    family.metric.emplace_back().gauge.value = 42;
    return {family};
  }
};

TEST(MetricsExposerTest, AScrapeOverHttpShowsTheMetrics) {
  const auto exposer =
      MetricsExposer::Start("127.0.0.1:0", std::make_shared<OneGauge>());
  ASSERT_THAT(exposer, IsOk());
  httplib::Client client(absl::StrCat("http://", (*exposer)->address()));
  const httplib::Result result = client.Get("/metrics");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_THAT(result->body, HasSubstr("one_gauge 42\n"));
}

TEST(MetricsExposerTest, APortInUseIsOneLineThatNamesIt) {
  const auto first =
      MetricsExposer::Start("127.0.0.1:0", std::make_shared<OneGauge>());
  ASSERT_THAT(first, IsOk());
  const auto second =
      MetricsExposer::Start((*first)->address(), std::make_shared<OneGauge>());
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kUnavailable,
                               StartsWith(absl::StrCat("cannot listen on ",
                                                       (*first)->address()))));
}

}  // namespace
}  // namespace rmq
