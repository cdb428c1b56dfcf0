// The product and the model agree in random operations.

#include <chrono>
#include <cstdint>
#include <iostream>

#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/conformance/random_check.h"

namespace rmq::conformance {
namespace {

// The test runs as many worlds as fit into this time, and reports how many. The
// next run begins with the same worlds. For longer runs:
// bazel run -c opt :random_operations -- --steps=N.
constexpr std::chrono::seconds kTime(20);

TEST(RandomOperationsTest, ProductAgreesWithTheModel) {
  const auto end = std::chrono::steady_clock::now() + kTime;
  int64_t steps = 0;
  for (uint64_t seed = 1; std::chrono::steady_clock::now() < end; ++seed) {
    const absl::optional<Failure> failure =
        CheckRandomly(seed, kStepsOfAWorld, BrokerModelSide(), ProductSide());
    ASSERT_FALSE(failure.has_value()) << ToString(*failure);
    steps += kStepsOfAWorld;
  }
  EXPECT_GT(steps, 0);
  RecordProperty("steps", static_cast<int>(steps));
  std::cout << steps << " steps agree\n";
}

}  // namespace
}  // namespace rmq::conformance
