// The table of differences in README.md has one row for each switch.

#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/conformance/java_switches.h"

namespace rmq::conformance {
namespace {

using ::testing::Each;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

constexpr char kReadme[] = "tests/conformance/README.md";
constexpr char kHeading[] = "| switch | Java | this broker |";

std::vector<std::string> Cells(absl::string_view row) {
  absl::ConsumePrefix(&row, "| ");
  absl::ConsumeSuffix(&row, " |");
  return absl::StrSplit(row, " | ");
}

// The rows below the heading and its rule.
std::vector<std::vector<std::string>> ReadRows() {
  std::ifstream file(kReadme);
  std::vector<std::vector<std::string>> rows;
  std::string line;
  while (std::getline(file, line) && line != kHeading) {
  }
  std::getline(file, line);
  while (std::getline(file, line) && absl::StartsWith(line, "|")) {
    rows.push_back(Cells(line));
  }
  return rows;
}

TEST(DifferencesTest, EachRowNamesASwitchAndEachSwitchHasARow) {
  std::vector<std::string> switches, rows;
  for (size_t i = 0; i < static_cast<size_t>(Switch::kCount); ++i) {
    switches.push_back(absl::StrCat("`", Name(static_cast<Switch>(i)), "`"));
  }
  for (const std::vector<std::string>& row : ReadRows()) rows.push_back(row[0]);
  EXPECT_THAT(rows, UnorderedElementsAreArray(switches));
}

TEST(DifferencesTest, EachRowSaysWhatBothDo) {
  for (const std::vector<std::string>& row : ReadRows()) {
    EXPECT_THAT(row, SizeIs(3));
    EXPECT_THAT(row, Each(Not(testing::IsEmpty())));
  }
}

}  // namespace
}  // namespace rmq::conformance
