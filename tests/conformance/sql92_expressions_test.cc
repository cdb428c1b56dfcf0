// Holds the SQL92 checker against the verdicts of RocketMQ's broker that are
// recorded in traces/sql92_*.jsonl.

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "broker/filter/sql92.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

class Sql92ExpressionsTest : public testing::TestWithParam<const char*> {};

TEST_P(Sql92ExpressionsTest, EveryVerdictIsTheReferences) {
  const std::string name =
      absl::StrCat("tests/conformance/traces/", GetParam(), ".jsonl");
  std::ifstream file(name);
  ASSERT_TRUE(file.is_open()) << name;
  int compared = 0;
  for (std::string text; std::getline(file, text); ++compared) {
    google::protobuf::Struct line;
    const auto status =
        google::protobuf::util::JsonStringToMessage(text, &line);
    ASSERT_TRUE(status.ok()) << status.ToString() << ": " << text;
    // A null expression reads as the empty one, whose verdict is the same.
    const std::string& expression =
        line.fields().at("expression").string_value();
    const absl::optional<ExpressionError> error = CheckSql92(expression);
    EXPECT_EQ(!error.has_value(), line.fields().at("accepted").bool_value())
        << text
        << "\nhere: " << (error.has_value() ? ToString(*error) : "accepted");
  }
  EXPECT_GT(compared, 0) << name << " is empty";
  RecordProperty("expressions", compared);
}

INSTANTIATE_TEST_SUITE_P(Recorded, Sql92ExpressionsTest,
                         testing::Values("sql92_expressions",
                                         "sql92_generated"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace rmq
