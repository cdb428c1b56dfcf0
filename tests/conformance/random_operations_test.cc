// This broker and the model with all switches agree in random operations; and
// the operations are such that each switch, left out, is noticed.

#include <cstdint>
#include <string>

#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/conformance/java_model.h"
#include "tests/conformance/random_check.h"
#include "tests/conformance/trace.h"

namespace rmq::conformance {
namespace {

// A few seconds' worth; more: bazel run :random_operations -- --steps=N.
constexpr int64_t kSteps = 5000;

class RandomOperationsTest : public testing::TestWithParam<uint64_t> {};

TEST_P(RandomOperationsTest, ProductAgreesWithTheModel) {
  const absl::optional<Failure> failure =
      CheckRandomly(GetParam(), kSteps, AllSwitches());
  EXPECT_FALSE(failure.has_value()) << ToString(*failure);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomOperationsTest,
                         testing::Values(1, 1000, 2000, 3000));

class SwitchTest : public testing::TestWithParam<size_t> {};

TEST_P(SwitchTest, IsNoticedWhenLeftOutAndShrunkToAFewOperations) {
  Switches switches = AllSwitches();
  switches.reset(GetParam());
  const absl::optional<Failure> failure = CheckRandomly(1, kSteps, switches);
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
