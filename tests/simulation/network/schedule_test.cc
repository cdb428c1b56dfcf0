#include "tests/simulation/network/schedule.h"

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq::network {
namespace {

TEST(ScheduleTest, IsReadAsItWasWritten) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const std::string text = Format(DrawSchedule(seed));
    const absl::StatusOr<Schedule> read = ParseSchedule(text);
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(Format(*read), text);
  }
}

TEST(ScheduleTest, ASeedAloneStandsForItsSteps) {
  const absl::StatusOr<Schedule> read = ParseSchedule("42");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(Format(*read), Format(DrawSchedule(42)));
}

TEST(ScheduleTest, HasAtMost200StepsAndNoneThatIsEmpty) {
  for (uint64_t seed = 1; seed <= 1'000; ++seed) {
    const Schedule schedule = DrawSchedule(seed);
    EXPECT_GE(schedule.steps.size(), 5u);
    EXPECT_LE(schedule.steps.size(), kMostSteps);
  }
}

TEST(ScheduleTest, WhatIsNoScheduleIsRefused) {
  EXPECT_THAT(ParseSchedule(""), ::testing::Not(IsOk()));
  EXPECT_THAT(ParseSchedule("one: cut 0 0 0 0"), ::testing::Not(IsOk()));
  EXPECT_THAT(ParseSchedule("1: cut 0 0 0"), ::testing::Not(IsOk()));
  EXPECT_THAT(ParseSchedule("1: cut 0 0 0 0 0"), ::testing::Not(IsOk()));
  EXPECT_THAT(ParseSchedule("1: sever 0 0 0 0"), ::testing::Not(IsOk()));
  EXPECT_THAT(ParseSchedule("1: cut 0 0 x 0"), ::testing::Not(IsOk()));
}

}  // namespace
}  // namespace rmq::network
