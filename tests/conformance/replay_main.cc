// Replays recorded traces and lists of expressions: see README.md.
//
//   bazel run //tests/conformance:replay -- FILE...

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/conformance/java_switches.h"
#include "tests/conformance/replay.h"
#include "tests/conformance/trace.h"

namespace rmq::conformance {
namespace {

constexpr char kUsage[] =
    "Usage: bazel run //tests/conformance:replay -- FILE...\n"
    "\n"
    "Replays traces recorded from RocketMQ's Java broker, and lists of SQL92\n"
    "expressions, on this broker's core. A folder stands for its *.jsonl "
    "files;\n"
    "*.md files are passed over; paths are relative to where you stand. Prints "
    "each difference and how "
    "often\n"
    "each declared difference mattered; the last line is \"N passed, M "
    "failed\"\n"
    "(files). Exits 1 if anything failed, or if there was nothing to replay.\n";

// `bazel run` starts us elsewhere and says where the user stands.
std::filesystem::path FromWhereTheUserStands(const std::string& file) {
  const char* const directory = std::getenv("BUILD_WORKING_DIRECTORY");
  return directory == nullptr ? std::filesystem::path(file)
                              : std::filesystem::path(directory) / file;
}

// The file itself, or the recordings of the folder by name.
std::vector<std::string> FilesOf(const std::string& argument) {
  const std::filesystem::path path = FromWhereTheUserStands(argument);
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return {path.string()};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (entry.path().extension() == ".jsonl") {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] == "--help") {
    std::fputs(kUsage, arguments.empty() ? stderr : stdout);
    return arguments.empty() ? 1 : 0;
  }
  int passed = 0;
  int failed = 0;
  int64_t operations = 0;
  SwitchCounts mattered = {};
  for (const std::string& argument : arguments) {
    const std::vector<std::string> files = FilesOf(argument);
    if (files.empty()) {
      std::printf("%s: no *.jsonl files\n", argument.c_str());
      ++failed;
    }
    for (const std::string& file : files) {
      // A shell's FOLDER/* names what describes the recordings, too.
      if (std::filesystem::path(file).extension() == ".md") {
        std::printf("%s: passed over\n", file.c_str());
        continue;
      }
      const absl::StatusOr<Recording> recording = ReadRecording(file);
      if (!recording.ok()) {
        std::printf("%s\n", std::string(recording.status().message()).c_str());
        ++failed;
        continue;
      }
      const ReplayResult result = Replay(*recording, Counting::kOn);
      for (const std::string& difference : result.differences) {
        std::printf("%s\n", difference.c_str());
      }
      ++(result.differences.empty() ? passed : failed);
      operations += result.operations;
      for (size_t i = 0; i < mattered.size(); ++i) {
        mattered[i].added_to_java += result.mattered[i].added_to_java;
        mattered[i].taken_from_ours += result.mattered[i].taken_from_ours;
      }
    }
  }
  std::printf(
      "%lld operations. Those that each declared difference alone changes, "
      "when "
      "it is\nadded to Java, and when it is taken from this broker:\n",
      static_cast<long long>(operations));
  for (size_t i = 0; i < mattered.size(); ++i) {
    std::printf("%8lld %8lld  %s\n",
                static_cast<long long>(mattered[i].added_to_java),
                static_cast<long long>(mattered[i].taken_from_ours),
                Name(static_cast<Switch>(i)));
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace rmq::conformance

int main(int argc, char** argv) {
  return rmq::conformance::Main(
      std::vector<std::string>(argv + 1, argv + argc));
}
