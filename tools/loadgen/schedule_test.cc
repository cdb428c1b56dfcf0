#include "tools/loadgen/schedule.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tools/loadgen/load_options.h"

namespace rmq::loadgen {
namespace {

constexpr int64_t kStart = 1'000'000'000;
constexpr int64_t kSecond = 1'000'000'000;

LoadOptions WithPace(const char* pace) {
  LoadOptions options;
  options.pace = ParsePace(pace).value();
  return options;
}

TEST(ScheduleTest, ARateTakesTheStreamsInTurnAtEvenTimes) {
  const auto schedule = MakeSchedule(WithPace("1000/s"), 3, 1, kStart, 1);
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(schedule->next_ns(), kStart + i * 1'000'000);
    const Schedule::Due due = schedule->Take();
    EXPECT_EQ(due.stream, static_cast<size_t>(i % 3));
    EXPECT_EQ(due.time_ns, kStart + i * 1'000'000);
  }
}

TEST(ScheduleTest, AShareOfTheStreamsBearsThatShareOfTheRate) {
  const auto schedule = MakeSchedule(WithPace("1000/s"), 3, 0.5, kStart, 1);
  schedule->Take();
  EXPECT_EQ(schedule->next_ns(), kStart + 2'000'000);
}

TEST(ScheduleTest, ARateHasNoErrorThatAddsUp) {
  const auto schedule = MakeSchedule(WithPace("3/s"), 1, 1, kStart, 1);
  for (int i = 0; i < 30'000; ++i) schedule->Take();
  EXPECT_NEAR(static_cast<double>(schedule->next_ns() - kStart),
              10'000.0 * kSecond, 2);
}

TEST(ScheduleTest, AnIntervalTakesEachStreamOnceAnIntervalWithinItsJitter) {
  LoadOptions options = WithPace("10s");
  options.jitter = 0.2;
  const auto schedule = MakeSchedule(options, 100, 1, kStart, 1);
  std::map<size_t, int64_t> last;
  int64_t now = 0;
  int64_t shortest = kNever;
  int64_t longest = 0;
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_GE(schedule->next_ns(), now);
    const Schedule::Due due = schedule->Take();
    now = due.time_ns;
    const auto before = last.find(due.stream);
    if (before == last.end()) {
      EXPECT_LE(now, kStart + 10 * kSecond);
    } else {
      shortest = std::min(shortest, now - before->second);
      longest = std::max(longest, now - before->second);
    }
    last[due.stream] = now;
  }
  EXPECT_EQ(last.size(), 100u);
  EXPECT_GE(shortest, 8 * kSecond);
  EXPECT_LE(longest, 12 * kSecond);
  EXPECT_LT(shortest, 8.2 * kSecond);
  EXPECT_GT(longest, 11.8 * kSecond);
}

TEST(ScheduleTest, WhatIsNotPacedAndNoStreamsHaveNothingDue) {
  for (const char* const pace : {"closed", "silent", "once"}) {
    EXPECT_EQ(MakeSchedule(WithPace(pace), 3, 1, kStart, 1)->next_ns(), kNever);
  }
  EXPECT_EQ(MakeSchedule(WithPace("30s"), 0, 0, kStart, 1)->next_ns(), kNever);
}

}  // namespace
}  // namespace rmq::loadgen
