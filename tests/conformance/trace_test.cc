#include "tests/conformance/trace.h"

#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq::conformance {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kHeader[] =
    R"({"format":"client-manager-trace/1","config":{"channelExpiredTimeoutMs":120000}})"
    "\n";
constexpr char kOpen[] = R"({"op":"open_channel","channel":"ch1","expect":{}})"
                         "\n";

absl::StatusOr<Recording> Parse(absl::string_view lines) {
  return ParseRecording("some.jsonl", absl::StrCat(kHeader, lines));
}

std::string ErrorOf(absl::string_view lines) {
  const absl::StatusOr<Recording> recording = Parse(lines);
  return recording.ok() ? "" : std::string(recording.status().message());
}

TEST(TraceTest, ReadsTheHeadersConfig) {
  const absl::StatusOr<Recording> recording = Parse(kOpen);
  ASSERT_THAT(recording, IsOk());
  EXPECT_EQ(recording->header.config().channel_expired_timeout_ms(), 120000);
  EXPECT_FALSE(recording->header.config().has_enable_register_producer());
}

TEST(TraceTest, ReadsOperationsWithTheirLines) {
  const absl::StatusOr<Recording> recording = Parse(
      absl::StrCat("\n", kOpen, R"({"op":"advance","ms":5,"expect":{}})"));
  ASSERT_THAT(recording, IsOk());
  ASSERT_EQ(recording->operations.size(), 2u);
  EXPECT_EQ(recording->operations[0].line, 3);
  EXPECT_EQ(recording->operations[1].line, 4);
  EXPECT_EQ(recording->operations[1].operation.ms(), 5);
}

TEST(TraceTest, IgnoresUnknownKeys) {
  EXPECT_TRUE(
      Parse(R"({"op":"scan","later":{"a":[1]},"expect":{"new":1}})").ok());
}

TEST(TraceTest, KeepsSubVersionsOfAll64Bits) {
  const absl::StatusOr<Recording> recording = Parse(absl::StrCat(
      kOpen,
      R"({"op":"heartbeat","channel":"ch1","body":{"clientID":"c1",)"
      R"("consumerDataSet":[{"groupName":"g","subscriptionDataSet":[)"
      R"({"topic":"a","subVersion":9223372036854775807},)"
      R"({"topic":"b","subVersion":-9223372036854775808}]}]},"expect":{}})"));
  ASSERT_THAT(recording, IsOk());
  const Consumer& consumer =
      recording->operations[1].operation.body().consumer_data_set(0);
  EXPECT_EQ(consumer.subscription_data_set(0).sub_version(),
            std::numeric_limits<int64_t>::max());
  EXPECT_EQ(consumer.subscription_data_set(1).sub_version(),
            std::numeric_limits<int64_t>::min());
}

TEST(TraceTest, TellsNullFromAbsentAndFromEmptySets) {
  const auto body_of = [](absl::string_view body) {
    const absl::StatusOr<Recording> recording = Parse(
        absl::StrCat(kOpen, R"({"op":"heartbeat","channel":"ch1","body":)",
                     body, R"(,"expect":{}})"));
    EXPECT_THAT(recording, IsOk());
    return recording->operations[1].operation.body();
  };
  EXPECT_TRUE(body_of(R"({"consumerDataSet":null})").null_consumers());
  EXPECT_FALSE(body_of(R"({"consumerDataSet":[]})").null_consumers());
  EXPECT_FALSE(body_of(R"({"clientID":null})").null_consumers());
  EXPECT_FALSE(body_of(R"({"clientID":null})").has_client_id());
  EXPECT_TRUE(body_of(R"({"producerDataSet":null})").null_producers());
  EXPECT_TRUE(body_of(R"({"consumerDataSet":[{"subscriptionDataSet":null}]})")
                  .consumer_data_set(0)
                  .null_subscriptions());
}

TEST(TraceTest, NamesFileAndLineOfWhatIsNotJson) {
  EXPECT_THAT(ErrorOf("{\"op\":"), StartsWith("some.jsonl:2: "));
  EXPECT_THAT(ErrorOf(absl::StrCat(kOpen, "no")), StartsWith("some.jsonl:3: "));
}

TEST(TraceTest, RefusesAWrongType) {
  EXPECT_THAT(ErrorOf(R"({"op":"advance","ms":"soon","expect":{}})"),
              StartsWith("some.jsonl:2: "));
}

TEST(TraceTest, RefusesAnUnknownOperation) {
  EXPECT_THAT(ErrorOf(R"({"op":"dance","expect":{}})"),
              HasSubstr("unknown operation \"dance\""));
}

TEST(TraceTest, RefusesAnOperationWithoutExpectation) {
  EXPECT_THAT(ErrorOf(R"({"op":"scan"})"), HasSubstr("no expect"));
}

TEST(TraceTest, RefusesAChannelThatIsNotOpenedOrOpenedTwice) {
  EXPECT_THAT(ErrorOf(R"({"op":"close_channel","channel":"ch1","expect":{}})"),
              HasSubstr("channel \"ch1\" has not been opened"));
  EXPECT_THAT(ErrorOf(absl::StrCat(kOpen, kOpen)),
              HasSubstr("opened a second time"));
}

TEST(TraceTest, RefusesAnEmptyTraceAndAnotherFormat) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("nothing to replay"));
  EXPECT_EQ(ParseRecording("x", "").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseRecording("x", R"({"format":"client-manager-trace/2"})")
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(TraceTest, SaysThatAFileCannotBeRead) {
  EXPECT_EQ(ReadRecording("no/such/file.jsonl").status().code(),
            absl::StatusCode::kNotFound);
}

TEST(TraceTest, ReadsAListOfExpressions) {
  const absl::StatusOr<Recording> recording = ParseRecording(
      "x", R"({"category":"basic","expression":"a = 1","accepted":true}
{"category":"null","expression":null,"accepted":false,"error":"none"})");
  ASSERT_THAT(recording, IsOk());
  ASSERT_EQ(recording->expressions.size(), 2u);
  EXPECT_EQ(recording->expressions[0].expression.expression(), "a = 1");
  EXPECT_TRUE(recording->expressions[0].expression.accepted());
  EXPECT_FALSE(recording->expressions[1].expression.has_expression());
}

}  // namespace
}  // namespace rmq::conformance
