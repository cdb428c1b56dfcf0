#include "broker/registry/statement_form.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/client_types.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

std::string Expression(absl::string_view expression,
                       absl::string_view type = "TAG") {
  return FormOf("orders", expression, type).expression;
}

TEST(FormOfTest, NoExpressionIsEveryMessage) {
  EXPECT_EQ(Expression(""), "*");
  EXPECT_EQ(Expression("*"), "*");
  EXPECT_EQ(Expression(" * "), "*");
}

TEST(FormOfTest, NoTypeIsTag) {
  EXPECT_EQ(FormOf("orders", "a", "").expression_type, "TAG");
  EXPECT_EQ(FormOf("orders", "a", ""), FormOf("orders", "a", "TAG"));
}

TEST(FormOfTest, TagsAreASet) {
  EXPECT_EQ(Expression("b||a"), "a || b");
  EXPECT_EQ(Expression(" a ||b|| a "), "a || b");
  EXPECT_EQ(Expression("||a||"), "a");
  EXPECT_NE(Expression("a"), Expression("b"));
  // One tag of two, not every message.
  EXPECT_NE(Expression("*||a"), "*");
}

TEST(FormOfTest, AnExpressionOfAnotherTypeIsItsTextTrimmed) {
  EXPECT_EQ(Expression(" a > 1 ", "SQL92"), "a > 1");
  EXPECT_EQ(Expression("b||a", "SQL92"), "b||a");
  EXPECT_EQ(Expression("", "SQL92"), "");
}

StatementForm Form(std::vector<StatementForm::Topic> topics) {
  StatementForm form;
  form.consume_type = ConsumeType::kConsumePassively;
  form.topics = std::move(topics);
  return form;
}

std::string Difference(const StatementForm& mine, const StatementForm& others) {
  return DescribeDifference({mine, "this client", false},
                            {others, "5 of 6 members", true});
}

TEST(DescribeDifferenceTest, AnExpressionThatDiffersIsNamedWithBothSides) {
  EXPECT_EQ(Difference(Form({FormOf("order-events", "a", "TAG")}),
                       Form({FormOf("order-events", "b||a", "TAG")})),
            "topic order-events: this client states TAG a, 5 of 6 members "
            "state TAG a || b");
}

TEST(DescribeDifferenceTest, ATopicThatOneSideLacksIsNamed) {
  const auto pay = FormOf("pay", "*", "TAG");
  const auto ship = FormOf("ship", "*", "TAG");
  EXPECT_EQ(Difference(Form({pay}), Form({pay, ship})),
            "topic ship: this client does not state it, 5 of 6 members state "
            "TAG *");
  EXPECT_EQ(Difference(Form({pay, ship}), Form({ship})),
            "topic pay: this client states TAG *, 5 of 6 members do not state "
            "it");
}

TEST(DescribeDifferenceTest, ModesThatDifferAreNamed) {
  StatementForm pull = Form({});
  pull.consume_type = ConsumeType::kConsumeActively;
  EXPECT_EQ(Difference(pull, Form({})),
            "consume type: this client states CONSUME_ACTIVELY, 5 of 6 members "
            "state CONSUME_PASSIVELY");
  StatementForm broadcasting = Form({});
  broadcasting.message_model = MessageModel::kBroadcasting;
  EXPECT_EQ(Difference(broadcasting, Form({})),
            "message model: this client states BROADCASTING, 5 of 6 members "
            "state CLUSTERING");
}

TEST(DescribeDifferenceTest, FurtherDifferencesAreCounted) {
  const std::string two =
      Difference(Form({FormOf("a", "x", ""), FormOf("b", "x", "")}),
                 Form({FormOf("a", "y", ""), FormOf("c", "y", "")}));
  EXPECT_EQ(two.substr(0, 9), "topic a: ");
  EXPECT_NE(two.find("; and 2 more differences"), std::string::npos) << two;
  const std::string one =
      Difference(Form({FormOf("a", "x", ""), FormOf("b", "x", "")}),
                 Form({FormOf("a", "y", ""), FormOf("b", "y", "")}));
  EXPECT_NE(one.find("; and 1 more difference"), std::string::npos) << one;
  EXPECT_EQ(one.back(), 'e');
}

TEST(DescribeDifferenceTest, TextsAreShortenedAndPrintable) {
  const std::string text = Difference(
      Form({FormOf("a", absl::StrCat("x\n", std::string(63, 'y')), "SQL92")}),
      Form({FormOf("a", std::string(64, 'z'), "SQL92")}));
  EXPECT_NE(text.find(absl::StrCat("SQL92 x\\x0a", std::string(62, 'y'),
                                   "... (65 bytes),")),
            std::string::npos)
      << text;
  EXPECT_EQ(text.substr(text.size() - 70),
            absl::StrCat("SQL92 ", std::string(64, 'z')));
}

TEST(StatementFormPoolTest, EqualFormsHaveOneAddressAndGoWithTheirLastHolder) {
  StatementFormPool pool;
  const StatementForm& a = pool.Hold(Form({FormOf("a", "x||y", "")}));
  const StatementForm& b = pool.Hold(Form({FormOf("a", "y || x", "TAG")}));
  const StatementForm& c = pool.Hold(Form({FormOf("a", "x", "TAG")}));
  EXPECT_EQ(&a, &b);
  EXPECT_NE(&a, &c);
  EXPECT_EQ(pool.size(), 2);
  pool.Release(a);
  EXPECT_EQ(pool.size(), 2);
  pool.Release(b);
  EXPECT_EQ(pool.size(), 1);
  pool.Release(c);
  EXPECT_EQ(pool.size(), 0);
}

}  // namespace
}  // namespace rmq
