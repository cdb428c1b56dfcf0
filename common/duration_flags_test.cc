#include "common/duration_flags.h"

#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/status_matchers.h"
#include "gtest/gtest.h"

ABSL_FLAG(absl::Duration, pause, absl::Seconds(1), "a duration");
ABSL_FLAG(absl::optional<absl::Duration>, settle, absl::nullopt,
          "a duration that may be left out");
ABSL_FLAG(int, count, 1, "no duration");

namespace rmq {
namespace {

absl::Status Check(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "program");
  return CheckDurationFlags(static_cast<int>(arguments.size()),
                            arguments.data());
}

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(DurationFlagsTest, ANumberWithoutAUnitIsToldWithWhatToWrite) {
  EXPECT_THAT(Check({"--pause=5"}),
              StatusIs(kInvalid, "--pause=5 needs a unit: 5s"));
  EXPECT_THAT(Check({"-settle=1.5"}),
              StatusIs(kInvalid, "--settle=1.5 needs a unit: 1.5s"));
  EXPECT_THAT(Check({"--count=3", "--pause", "-20"}),
              StatusIs(kInvalid, "--pause=-20 needs a unit: -20s"));
}

TEST(DurationFlagsTest, WhatAbseilTakesOrExplainsIsLeftToIt) {
  for (const char* flag :
       {"--pause=5s", "--pause=0", "--pause=inf", "--pause=soon",
        "--pause=", "--pause", "--count=5", "--no_such_flag=5", "pause=5"}) {
    EXPECT_THAT(Check({flag}), IsOk()) << flag;
  }
  EXPECT_THAT(Check({"--", "--pause=5"}), IsOk());
}

}  // namespace
}  // namespace rmq
