// Holds the SQL92 checker against the verdicts of RocketMQ's broker that are
// recorded in traces/sql92_expressions.jsonl.

#include <fstream>
#include <string>

#include "absl/types/optional.h"
#include "broker/filter/sql92.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr char kExpressions[] =
    "tests/conformance/traces/sql92_expressions.jsonl";

TEST(Sql92ExpressionsTest, EveryVerdictIsTheReferences) {
  std::ifstream file(kExpressions);
  ASSERT_TRUE(file.is_open()) << kExpressions;
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
  EXPECT_GT(compared, 0) << kExpressions << " is empty";
  RecordProperty("expressions", compared);
}

}  // namespace
}  // namespace rmq
