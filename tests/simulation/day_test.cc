// Short days, for every run of the tests; //tests/simulation:full_day_test is
// the whole one.
#include <cstdint>
#include <iostream>
#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/simulated_day.h"

namespace rmq {
namespace {

using ::testing::IsEmpty;

DayOptions ShortDay(uint64_t seed) {
  DayOptions options;
  options.seed = seed;
  options.clients = 300;
  options.length = absl::Hours(2);
  options.most_calm = absl::Minutes(40);
  return options;
}

class DayTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(DayTest, TheCoreTellsAndKnowsExactlyWhatTheModelSays) {
  const DayReport report = SimulateDay(ShortDay(GetParam()));
  std::cout << report.figures;
  EXPECT_THAT(report.failures, IsEmpty());
  EXPECT_GT(report.light_heartbeats, 30'000);
  EXPECT_GT(report.expired_channels, 100);
  EXPECT_GT(report.pushes, 5'000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DayTest, ::testing::Values(1, 2));

TEST(SeededDayTest, TheSameSeedMakesTheSameDay) {
  DayOptions options = ShortDay(7);
  options.clients = 50;
  const std::string first = SimulateDay(options).figures;
  EXPECT_EQ(SimulateDay(options).figures, first);
  options.seed = 8;
  EXPECT_NE(SimulateDay(options).figures, first);
}

}  // namespace
}  // namespace rmq
