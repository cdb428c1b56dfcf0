// The two models are one: the model of Java with all switches does what
// tests/model does. And the random operations are such that each switch, left
// out, is noticed.

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>

#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/conformance/java_switches.h"
#include "tests/conformance/random_check.h"
#include "tests/conformance/trace.h"

namespace rmq::conformance {
namespace {

// As in random_operations_test.cc. For longer runs:
// bazel run -c opt :random_operations -- --bridge --steps=N.
constexpr std::chrono::seconds kTime(10);
// As many as it takes for each switch to matter.
constexpr int64_t kStepsOfASwitch = 5000;

TEST(BridgeTest, JavaModelWithAllSwitchesAgreesWithTheModel) {
  const auto end = std::chrono::steady_clock::now() + kTime;
  int64_t steps = 0;
  for (uint64_t seed = 1; std::chrono::steady_clock::now() < end; ++seed) {
    const absl::optional<Failure> failure = CheckRandomly(
        seed, kStepsOfAWorld, JavaModelSide(AllSwitches()), BrokerModelSide());
    ASSERT_FALSE(failure.has_value()) << ToString(*failure);
    steps += kStepsOfAWorld;
  }
  EXPECT_GT(steps, 0);
  RecordProperty("steps", static_cast<int>(steps));
  std::cout << steps << " steps agree\n";
}

class SwitchTest : public testing::TestWithParam<size_t> {};

TEST_P(SwitchTest, IsNoticedWhenLeftOutAndShrunkToAFewOperations) {
  Switches switches = AllSwitches();
  switches.reset(GetParam());
  const absl::optional<Failure> failure = CheckRandomly(
      1, kStepsOfASwitch, JavaModelSide(switches), BrokerModelSide());
  ASSERT_TRUE(failure.has_value());
  EXPECT_LE(failure->script.size(), 9u) << ToString(*failure);
  // The script is one that the trace reader takes.
  const std::string text = ToString(*failure);
  EXPECT_TRUE(
      ParseRecording("script", text.substr(text.find("{\"format\""))).ok())
      << text;
}

std::string NameOf(const testing::TestParamInfo<size_t>& info) {
  std::string name = Name(static_cast<Switch>(info.param));
  for (char& c : name) {
    if (c == ' ' || c == '-' || c == '\'') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    All, SwitchTest,
    testing::Range<size_t>(0, static_cast<size_t>(Switch::kCount)), NameOf);

}  // namespace
}  // namespace rmq::conformance
