#include "tools/cmctl/answer.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/cmctl/answer_view.h"
#include "tools/cmctl/command.h"

namespace rmq::cmctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kNothing = 1;
constexpr int kNotWhole = 3;

AnswerPart Rows(std::vector<std::vector<std::string>> rows) {
  AnswerPart part;
  part.columns = {{"GROUP"}, {"CHANNELS"}, {"PRINCIPAL", Shown::kWide}};
  part.rows = std::move(rows);
  return part;
}
Answer Of(std::vector<AnswerPart> parts) {
  Answer answer;
  answer.parts = std::move(parts);
  answer.json = {{"groups", "[]"}};
  return answer;
}
std::string Table(const Answer& answer) {
  return ShowAnswer(answer, OutputFormat::kTable);
}

TEST(MergeAnswersTest, RowsStandUnderOneHeaderBehindTheirBroker) {
  const Answer merged = MergeAnswers({{"b1", Of({Rows({{"g", "1", "u"}})})},
                                      {"b2", Of({Rows({{"g", "2", "u"}})})}},
                                     kNothing, kNotWhole);
  EXPECT_EQ(Table(merged),
            "BROKER  GROUP  CHANNELS\n"
            "b1      g      1\n"
            "b2      g      2\n");
  EXPECT_EQ(merged.exit_code, 0);
  EXPECT_THAT(merged.errors, ElementsAre());
}

TEST(MergeAnswersTest, LinesStandBehindTheirBrokerAndOtherTablesBelow) {
  AnswerPart other;
  other.columns = {{"TOPIC"}};
  other.rows = {{"t"}};
  other.gap = true;
  const Answer merged =
      MergeAnswers({{"b1", Of({TextPart("epoch 1\n"), Rows({}), other})},
                    {"b2", Of({TextPart("epoch 2\n"), Rows({}), other})}},
                   kNothing, kNotWhole);
  EXPECT_EQ(Table(merged),
            "b1: epoch 1\n"
            "b2: epoch 2\n"
            "\n"
            "BROKER  GROUP  CHANNELS\n"
            "\n"
            "BROKER  TOPIC\n"
            "b1      t\n"
            "b2      t\n");
}

TEST(MergeAnswersTest, ALineThatOnlyBeginsAsTheBrokersNameGetsTheName) {
  const Answer merged =
      MergeAnswers({{"c", Of({TextPart("consumer group\nc: draining\n")})}},
                   kNothing, kNotWhole);
  EXPECT_EQ(Table(merged), "c: consumer group\nc: draining\n");
}

TEST(MergeAnswersTest, LinesWithoutAHeaderGetOne) {
  AnswerPart ids;
  ids.columns = {{"CLIENT ID"}};
  ids.rows = {{"c"}};
  ids.has_header = false;
  EXPECT_EQ(Table(Of({ids})), "c\n");
  const Answer merged =
      MergeAnswers({{"b1", Of({ids})}, {"b2", Of({ids})}}, kNothing, kNotWhole);
  EXPECT_EQ(Table(merged), "BROKER  CLIENT ID\nb1      c\nb2      c\n");
  EXPECT_EQ(ShowAnswer(merged, OutputFormat::kName), "c\n");
}

TEST(MergeAnswersTest, ATableThatIsEmptyEverywhereSaysSoOnce) {
  AnswerPart none = Rows({});
  none.if_empty = "no group is registered";
  EXPECT_EQ(Table(MergeAnswers({{"b1", Of({none})}, {"b2", Of({none})}},
                               kNothing, kNotWhole)),
            "no group is registered\n");
}

TEST(MergeAnswersTest, ABrokerThatDoesNotAnswerIsAnErrorAndTheCodeSaysSo) {
  const Answer merged = MergeAnswers(
      {{"b1", Of({Rows({{"g", "1", "u"}})})},
       {"b2", absl::UnavailableError("cannot reach h:1")},
       {"h:3", absl::DeadlineExceededError("no answer from h:3 within 5s")}},
      kNothing, kNotWhole);
  EXPECT_EQ(merged.exit_code, kNotWhole);
  EXPECT_THAT(merged.errors,
              ElementsAre("b2: cannot reach h:1",
                          "no answer from h:3 within 5s (see --timeout)"));
  EXPECT_EQ(Table(merged), "BROKER  GROUP  CHANNELS\nb1      g      1\n");
  EXPECT_EQ(ShowAnswer(merged, OutputFormat::kJson),
            "{\n"
            "\"brokers\": [\n"
            "{\n\"broker\": \"b1\",\n\"groups\": []\n}\n"
            "],\n"
            "\"errors\": [\n"
            "{\n\"broker\": \"b2\",\n\"code\": \"UNAVAILABLE\",\n"
            "\"message\": \"cannot reach h:1\"\n},\n"
            "{\n\"broker\": \"h:3\",\n\"code\": \"DEADLINE_EXCEEDED\",\n"
            "\"message\": \"no answer from h:3 within 5s\"\n}\n"
            "]\n"
            "}\n");
}

TEST(MergeAnswersTest, ABrokerThatHasItNotIsAnAnswerUnlessNoneHasIt) {
  const absl::Status not_there = absl::NotFoundError("no such group");
  Answer merged =
      MergeAnswers({{"b1", Of({Rows({{"g", "1", "u"}})})}, {"b2", not_there}},
                   kNothing, kNotWhole);
  EXPECT_EQ(merged.exit_code, 0);
  EXPECT_THAT(merged.errors, ElementsAre("b2: no such group"));
  merged =
      MergeAnswers({{"b1", not_there}, {"b2", not_there}}, kNothing, kNotWhole);
  EXPECT_EQ(merged.exit_code, kNothing);
  EXPECT_EQ(Table(merged), "");
}

TEST(ShowAnswerTest, WideHasTheFurtherColumns) {
  const Answer answer = Of({Rows({{"g", "1", "u"}})});
  EXPECT_EQ(Table(answer), "GROUP  CHANNELS\ng      1\n");
  EXPECT_EQ(ShowAnswer(answer, OutputFormat::kWide),
            "GROUP  CHANNELS  PRINCIPAL\ng      1         u\n");
}

TEST(ShowAnswerTest, NamesAreOneALineAndEachOnce) {
  const Answer answer =
      Of({TextPart("words\n"),
          Rows({{"b", "1", "u"}, {"a", "1", "u"}, {"b", "2", "u"}})});
  EXPECT_EQ(ShowAnswer(answer, OutputFormat::kName), "b\na\n");
}

TEST(ShowAnswerTest, YamlHasWhatJsonHas) {
  Answer answer;
  answer.json = {{"group", "\"g\""}, {"epoch", "\"7\""}, {"ids", "[\n\"a\"]"}};
  EXPECT_EQ(ShowAnswer(answer, OutputFormat::kYaml),
            "group: g\nepoch: \"7\"\nids:\n  - a\n");
}

std::string Sorted(const std::string& by, std::vector<std::string> cells) {
  AnswerPart part;
  part.columns = {{"LAST HEARD"}};
  part.has_header = false;
  for (const std::string& cell : cells) part.rows.push_back({cell});
  Answer answer = Of({TextPart(""), part});
  EXPECT_THAT(SortRows(by, &answer), IsOk());
  return Table(answer);
}

TEST(SortRowsTest, NumbersAndTimesAreSortedAsSuchAndNothingComesLast) {
  EXPECT_EQ(Sorted("last-heard", {"10 stream", "-", "9 unary", "9"}),
            "9\n9 unary\n10 stream\n-\n");
  EXPECT_EQ(Sorted("last_heard",
                   {"1d 0h ago", "59s ago", "-", "1h 1m ago", "1m 0s ago"}),
            "59s ago\n1m 0s ago\n1h 1m ago\n1d 0h ago\n-\n");
  EXPECT_EQ(Sorted("LAST HEARD", {"b", "a"}), "a\nb\n");
}

TEST(SortRowsTest, ADashSortsTheOtherWayRound) {
  EXPECT_EQ(Sorted("-last heard", {"9", "-", "10"}), "10\n9\n-\n");
}

TEST(SortRowsTest, AColumnThatIsNotThereIsToldTheColumns) {
  Answer answer = Of({Rows({})});
  EXPECT_THAT(SortRows("size", &answer),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "--sort must be one of the columns GROUP, CHANNELS, "
                       "PRINCIPAL, got \"size\""));
}

}  // namespace
}  // namespace rmq::cmctl
