#include "tests/simulation/network/shrink.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "tests/simulation/network/schedule.h"

namespace rmq::network {
namespace {

bool Has(const Schedule& schedule, StepKind kind) {
  return std::any_of(schedule.steps.begin(), schedule.steps.end(),
                     [kind](const Step& step) { return step.kind == kind; });
}

TEST(ShrinkTest, KeepsTheStepsThatItTakes) {
  Schedule schedule;
  for (int i = 0; i < 100; ++i) schedule.steps.push_back({StepKind::kHeal});
  schedule.steps[13] = {StepKind::kCut, 1, 1, 4, 700};
  schedule.steps[77] = {StepKind::kKick, 2, 0, 0, 800};

  const Schedule least = Shrink(schedule, [](const Schedule& tried) {
    return Has(tried, StepKind::kCut) && Has(tried, StepKind::kKick);
  });
  EXPECT_EQ(Format(least), "0: cut 1 1 4 0; kick 2 0 0 0");
}

TEST(ShrinkTest, KeepsAWaitThatItTakes) {
  Schedule schedule;
  schedule.steps.push_back({StepKind::kHeal, 0, 0, 0, 5});
  schedule.steps.push_back({StepKind::kHeal, 0, 0, 0, 700});

  const Schedule least = Shrink(schedule, [](const Schedule& tried) {
    int wait = 0;
    for (const Step& step : tried.steps) wait += step.wait_ms;
    return wait >= 700;
  });
  EXPECT_EQ(Format(least), "0: heal 0 0 0 700");
}

TEST(ShrinkTest, LeavesNothingOfWhatGoesWrongAnyway) {
  const Schedule least =
      Shrink(DrawSchedule(1), [](const Schedule&) { return true; });
  EXPECT_TRUE(least.steps.empty());
}

}  // namespace
}  // namespace rmq::network
