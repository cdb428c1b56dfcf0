// A few seconds of the soak, so that it does not rot. The hour is run by hand.
#include "tests/soak/soak.h"

#include <iostream>

#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::IsEmpty;

TEST(SoakTest, BrokerAndClientsAgreeAfterSecondsOfChanges) {
  SoakOptions options;
  options.duration = absl::Seconds(8);
  options.report_period = absl::Seconds(8);
  options.settling = absl::InfiniteDuration();  // Too short to tell of memory.
  options.clients = 12;
  options.changes_per_second = 20;
  ASSERT_THAT(options.Validate(), IsOk());
  EXPECT_THAT(RunSoak(options, &std::cout), IsEmpty());
}

TEST(SoakTest, OptionsThatMakeNoSenseAreRefused) {
  SoakOptions options;
  options.report_period = absl::ZeroDuration();
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "report_period must be positive, got 0"));
  options = SoakOptions();
  options.duration = absl::Seconds(30);
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "duration must be at least report_period, 1m, got 30s"));
  options = SoakOptions();
  options.clients = 0;
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "clients must be 1 to 10000, got 0"));
  options = SoakOptions();
  options.changes_per_second = 0;
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "changes_per_second must be positive, got 0"));
}

}  // namespace
}  // namespace rmq
