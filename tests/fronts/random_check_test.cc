#include "tests/fronts/random_check.h"

#include <cstdint>

#include "absl/types/optional.h"
#include "gtest/gtest.h"

namespace rmq::fronts {
namespace {

// For more: bazel run -c opt //tests/fronts:random_operations -- --worlds=N.
constexpr int64_t kWorlds = 150;

TEST(RandomCheckTest, TheBrokerAgreesWithTheModelOfBothFronts) {
  Happened happened;
  const absl::optional<Failure> failure =
      CheckRandomly(/*seed=*/1, kWorlds, model::SdkOptions(), &happened);
  ASSERT_FALSE(failure.has_value()) << ToString(*failure);
  RecordProperty("operations", static_cast<int>(happened.operations));
  // Or it would show nothing.
  EXPECT_GT(happened.events, kWorlds);
  EXPECT_GT(happened.pushes_by_sdks, kWorlds);
  EXPECT_GT(happened.sdk_members_expired, kWorlds);
  EXPECT_GT(happened.forbidden_answers, kWorlds);
}

TEST(RandomCheckTest, ADifferenceIsShrunkToTheOperationsThatShowIt) {
  // A model of a broker that forgets goodbyes at once. Settings, a goodbye and
  // a heartbeat show it.
  model::SdkOptions forgetful;
  forgetful.goodbye = 0;
  Happened happened;
  const absl::optional<Failure> failure =
      CheckRandomly(/*seed=*/1, kWorlds, forgetful, &happened);
  ASSERT_TRUE(failure.has_value());
  EXPECT_LE(failure->operations.size(), 3) << ToString(*failure);
  EXPECT_NE(failure->difference, "");
}

TEST(RandomCheckTest, OperationsOfASeedAreTheSameAgain) {
  const auto once = DrawOperations(7);
  const auto again = DrawOperations(7);
  ASSERT_EQ(once.size(), again.size());
  for (size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(Format(once[i]), Format(again[i]));
  }
}

}  // namespace
}  // namespace rmq::fronts
