// Replays every recording of traces/ and its folders: one test case a file.

#include <algorithm>
#include <cctype>
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
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(kFolder)) {
    if (entry.path().extension() == ".jsonl") {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// "5_4_0_random_01" of ".../traces/5.4.0/random_01.jsonl".
std::string NameOf(const testing::TestParamInfo<std::string>& info) {
  std::string name = std::filesystem::path(info.param)
                         .lexically_relative(kFolder)
                         .replace_extension()
                         .string();
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

class RecordingTest : public testing::TestWithParam<std::string> {};

TEST_P(RecordingTest, ModelIsJavaAndProductIsModelWithSwitches) {
  const absl::StatusOr<Recording> recording = ReadRecording(GetParam());
  ASSERT_THAT(recording, IsOk());
  const ReplayResult result = Replay(*recording, Counting::kOff);
  EXPECT_GT(result.operations, 0);
  for (const std::string& difference : result.differences) {
    ADD_FAILURE() << difference;
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, RecordingTest,
                         testing::ValuesIn(Recordings()), NameOf);

}  // namespace
}  // namespace rmq::conformance
