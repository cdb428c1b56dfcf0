// Replays every recording of traces/: one test case a file.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/conformance/replay.h"
#include "tests/conformance/trace.h"

namespace rmq::conformance {
namespace {

constexpr char kFolder[] = "tests/conformance/traces";

std::vector<std::string> Recordings() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".jsonl") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

class RecordingTest : public testing::TestWithParam<std::string> {};

TEST_P(RecordingTest, ModelIsJavaAndProductIsModelWithSwitches) {
  const std::string file = std::string(kFolder) + "/" + GetParam() + ".jsonl";
  const absl::StatusOr<Recording> recording = ReadRecording(file);
  ASSERT_THAT(recording, IsOk());
  const ReplayResult result = Replay(*recording, Counting::kOff);
  EXPECT_GT(result.operations, 0);
  for (const std::string& difference : result.differences) {
    ADD_FAILURE() << difference;
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, RecordingTest,
                         testing::ValuesIn(Recordings()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace rmq::conformance
