#include "broker/filter/sql92.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

// "accepted", or what is wrong.
std::string Verdict(absl::string_view expression) {
  const absl::optional<ExpressionError> error = CheckSql92(expression);
  return error.has_value() ? ToString(*error) : "accepted";
}

MATCHER(IsAccepted, "") {
  const std::string verdict = Verdict(arg);
  *result_listener << verdict;
  return verdict == "accepted";
}

MATCHER(IsRefused, "") { return CheckSql92(arg).has_value(); }

MATCHER_P2(IsRefusedAt, position, reason, "") {
  const absl::optional<ExpressionError> error = CheckSql92(arg);
  if (!error.has_value()) return false;
  *result_listener << ToString(*error);
  return error->position == static_cast<size_t>(position) &&
         error->reason == reason;
}

std::string Repeated(int times, absl::string_view text) {
  return absl::StrJoin(std::vector<absl::string_view>(times, text), "");
}

std::string InParentheses(int depth, absl::string_view inner) {
  return absl::StrCat(Repeated(depth, "("), inner, Repeated(depth, ")"));
}

// Precedence and placement.

TEST(Sql92Test, AndBindsTighterThanOr) {
  // Else `1 OR a` would be formed, and be refused at another place.
  EXPECT_THAT("a OR 1 AND b",
              IsRefusedAt(5,
                          "expected a condition or a property, got the"
                          " number \"1\""));
  EXPECT_THAT("a = 1 OR b = 2 AND c = 3", IsAccepted());
}

TEST(Sql92Test, NotBindsTighterThanComparisons) {
  EXPECT_THAT("NOT a = 1", IsAccepted());
  EXPECT_THAT("NOT a > 1",
              IsRefusedAt(0,
                          "expected a number or a property to compare by"
                          " size, got the condition \"NOT a\""));
  EXPECT_THAT("NOT (a > 1)", IsAccepted());
}

TEST(Sql92Test, ComparisonsBySizeBindTighterThanEquality) {
  EXPECT_THAT("a = b > 1", IsAccepted());
  EXPECT_THAT("a > b = TRUE", IsAccepted());
}

TEST(Sql92Test, EqualityGroupsToTheLeft) {
  EXPECT_THAT("a = TRUE = 1", IsAccepted());
  EXPECT_THAT("a IS NULL IS NOT NULL = b <> c", IsAccepted());
}

TEST(Sql92Test, ANegatedOperatorNeedsNotBeforeItself) {
  EXPECT_THAT("a NOT IN ('x')", IsAccepted());
  EXPECT_THAT("NOT a IN ('x')", IsRefused());
  EXPECT_THAT("a NOT = 1",
              IsRefusedAt(6,
                          "expected BETWEEN, IN, CONTAINS, STARTSWITH or"
                          " ENDSWITH after NOT, got \"=\""));
  EXPECT_THAT("a IS NOT", IsRefusedAt(8,
                                      "expected NULL after IS NOT, got the"
                                      " end"));
}

TEST(Sql92Test, ASignOrNotMayFollowASignOrNot) {
  EXPECT_THAT("NOT NOT a", IsAccepted());
  EXPECT_THAT("a = - + -1", IsAccepted());
  EXPECT_THAT("- NOT a = 1", IsAccepted());
  EXPECT_THAT("NOT -a",
              IsRefusedAt(4,
                          "expected a condition or a property, got the"
                          " negation \"-a\""));
}

TEST(Sql92Test, ParenthesesAndPlusLeaveAPropertyAProperty) {
  EXPECT_THAT("((a)) IN ('x')", IsAccepted());
  EXPECT_THAT("+(+a) IN ('x')", IsAccepted());
  EXPECT_THAT("+a", IsAccepted());
}

TEST(Sql92Test, ParenthesesAndPlusLeaveAConstantAConstant) {
  EXPECT_THAT("(TRUE) = (+1)", IsRefused());
  EXPECT_THAT("a BETWEEN (5) AND +1", IsRefused());
}

// What operators take.

TEST(Sql92Test, TheWholeIsAConditionOrAProperty) {
  for (const char* expression : {"a", "TRUE", "NULL", "a = 1", "NOT a"}) {
    EXPECT_THAT(expression, IsAccepted());
  }
  EXPECT_THAT("1", IsRefusedAt(0,
                               "expected a condition or a property, got the"
                               " number \"1\""));
  EXPECT_THAT(" 'x'", IsRefusedAt(1,
                                  "expected a condition or a property, got"
                                  " the string \"'x'\""));
  EXPECT_THAT("-a", IsRefusedAt(0,
                                "expected a condition or a property, got the"
                                " negation \"-a\""));
}

TEST(Sql92Test, OnlyNumbersPropertiesAndNegationsAreComparedBySize) {
  for (const char* sign : {">", ">=", "<", "<="}) {
    for (const char* operand : {"1", "1.5", "b", "-b", "-'x'", "-(a = b)"}) {
      EXPECT_THAT(absl::StrCat("a ", sign, " ", operand), IsAccepted());
      EXPECT_THAT(absl::StrCat(operand, " ", sign, " a"), IsAccepted());
    }
    for (const char* operand : {"'1'", "TRUE", "NULL", "(a = b)", "NOT b"}) {
      EXPECT_THAT(absl::StrCat("a ", sign, " ", operand), IsRefused());
      EXPECT_THAT(absl::StrCat(operand, " ", sign, " a"), IsRefused());
    }
  }
}

TEST(Sql92Test, NullIsNotComparedByEqualSigns) {
  EXPECT_THAT("NULL = a",
              IsRefusedAt(0,
                          "expected IS NULL or IS NOT NULL to test for"
                          " NULL, got \"=\" or \"<>\""));
  EXPECT_THAT("a <> (NULL)", IsRefused());
  EXPECT_THAT("a = -NULL", IsAccepted());
  EXPECT_THAT("a = NOT NULL", IsAccepted());
  EXPECT_THAT("NULL IS NULL", IsAccepted());
}

TEST(Sql92Test, ABooleanBeforeAnotherConstantIsRefusedAndAfterItAccepted) {
  EXPECT_THAT("TRUE = 1",
              IsRefusedAt(7,
                          "expected TRUE, FALSE, a property or a condition"
                          " to compare with \"TRUE\", got the number"
                          " \"1\""));
  EXPECT_THAT("false <> 'x'", IsRefused());
  EXPECT_THAT("1 = TRUE", IsAccepted());
  EXPECT_THAT("'x' <> FALSE", IsAccepted());
}

TEST(Sql92Test, ABooleanIsComparedWithWhatIsNoConstant) {
  EXPECT_THAT("TRUE = FALSE", IsAccepted());
  EXPECT_THAT("TRUE = a", IsAccepted());
  EXPECT_THAT("TRUE = -1", IsAccepted());
  EXPECT_THAT("NOT TRUE = 1", IsAccepted());
}

TEST(Sql92Test, InTakesAPropertyAndStrings) {
  EXPECT_THAT("a IN ('x', 'y')", IsAccepted());
  EXPECT_THAT("'a' IN ('x')",
              IsRefusedAt(0,
                          "expected a property before IN, got the string"
                          " \"'a'\""));
  EXPECT_THAT("-a IN ('x')", IsRefused());
  EXPECT_THAT("a IN 'x'", IsRefusedAt(5,
                                      "expected \"(\" after IN, got"
                                      " \"'x'\""));
  EXPECT_THAT("a IN ()", IsRefusedAt(6,
                                     "expected a string in the list of IN,"
                                     " got \")\""));
  EXPECT_THAT("a IN ('x' 'y')", IsRefusedAt(10,
                                            "expected \",\" or \")\" in the"
                                            " list of IN, got \"'y'\""));
}

TEST(Sql92Test, ContainsTakesAnythingAndAString) {
  for (const char* left : {"a", "'abc'", "1", "NULL", "-a", "(a = b)"}) {
    EXPECT_THAT(absl::StrCat(left, " CONTAINS ''"), IsAccepted());
    EXPECT_THAT(absl::StrCat(left, " NOT STARTSWITH 'x'"), IsAccepted());
  }
  EXPECT_THAT("a endsWith b",
              IsRefusedAt(11, "expected a string after endsWith, got \"b\""));
  EXPECT_THAT("a CONTAINS ('x')", IsRefused());
}

// BETWEEN.

TEST(Sql92Test, BetweenTakesALowerBoundUpToTheUpperOne) {
  EXPECT_THAT("a BETWEEN 4 AND 5", IsAccepted());
  EXPECT_THAT("a BETWEEN 5 AND 5", IsAccepted());
  EXPECT_THAT("a BETWEEN 6 AND 5",
              IsRefusedAt(10,
                          "expected a lower bound of at most \"5\", got"
                          " \"6\""));
}

TEST(Sql92Test, NotBetweenTakesTheBoundsInAnyOrder) {
  EXPECT_THAT("a NOT BETWEEN 6 AND 5", IsAccepted());
}

TEST(Sql92Test, BoundsThatAreNotBothConstantsAreNotCompared) {
  EXPECT_THAT("a BETWEEN 5 AND -6", IsAccepted());
  EXPECT_THAT("a BETWEEN -5 AND -6", IsAccepted());
  EXPECT_THAT("a BETWEEN b AND 5", IsAccepted());
  EXPECT_THAT("1 BETWEEN b AND c", IsAccepted());
}

TEST(Sql92Test, IntegerBoundsAreComparedExactly) {
  EXPECT_THAT("a BETWEEN 9007199254740993 AND 9007199254740992", IsRefused());
  EXPECT_THAT("a BETWEEN 9223372036854775806 AND 9223372036854775807",
              IsAccepted());
}

TEST(Sql92Test, AnIntegerAndAFloatBoundAreComparedAsDoubles) {
  EXPECT_THAT("a BETWEEN 5.5 AND 5", IsRefused());
  EXPECT_THAT("a BETWEEN 5 AND 5.5", IsAccepted());
  // Rounded, the integers are 9007199254740992 and 9007199254740996.
  EXPECT_THAT("a BETWEEN 9007199254740993 AND 9007199254740992.0",
              IsAccepted());
  EXPECT_THAT("a BETWEEN 9007199254740995 AND 9007199254740992.0", IsRefused());
}

TEST(Sql92Test, BoundsAreOrderedAsOperandsOfComparisonsAre) {
  for (const char* bound : {"'x'", "TRUE", "NULL", "NOT b", "(b = c)"}) {
    EXPECT_THAT(absl::StrCat("a BETWEEN ", bound, " AND 5"), IsRefused());
    EXPECT_THAT(absl::StrCat("a BETWEEN 1 AND ", bound), IsRefused());
    EXPECT_THAT(absl::StrCat("a NOT BETWEEN ", bound, " AND b"), IsRefused());
    EXPECT_THAT(absl::StrCat("a NOT BETWEEN b AND ", bound), IsRefused());
    EXPECT_THAT(absl::StrCat(bound, " BETWEEN 1 AND 5"), IsRefused());
  }
}

TEST(Sql92Test, TheAndOfBetweenIsItsOwn) {
  EXPECT_THAT("a BETWEEN 1 AND 5 AND b", IsAccepted());
  EXPECT_THAT("a BETWEEN 1 OR 5",
              IsRefusedAt(12,
                          "expected AND between the bounds of BETWEEN, got"
                          " the keyword \"OR\""));
}

// Numbers.

TEST(Sql92Test, IntegersEndAt63Bits) {
  EXPECT_THAT("a = 9223372036854775807", IsAccepted());
  EXPECT_THAT("a = 9223372036854775807L", IsAccepted());
  EXPECT_THAT("a = 9223372036854775808",
              IsRefusedAt(4,
                          "expected an integer of at most"
                          " 9223372036854775807, got"
                          " \"9223372036854775808\""));
  EXPECT_THAT("a = -9223372036854775807", IsAccepted());
  EXPECT_THAT("a = -9223372036854775808", IsRefused());
  EXPECT_THAT("a = 9223372036854775808.", IsAccepted());
}

TEST(Sql92Test, FloatsEndAtTheLargestDouble) {
  EXPECT_THAT("a = 1.7976931348623157E308", IsAccepted());
  // Half way to what would be the next double: the first to be rounded up.
  EXPECT_THAT("a = 1.7976931348623158079e308", IsAccepted());
  EXPECT_THAT("a = 1.7976931348623158080e308",
              IsRefusedAt(4,
                          "expected a float from 4.9E-324 to"
                          " 1.7976931348623157E308, got"
                          " \"1.7976931348623158080e308\""));
  EXPECT_THAT("a = 1e99999999999999999999", IsRefused());
}

TEST(Sql92Test, FloatsBeginAtTheSmallestDoubleAboveZero) {
  EXPECT_THAT("a = 4.9E-324", IsAccepted());
  // Half of it, and a little more: the first to be rounded up.
  EXPECT_THAT("a = 2.4703282292062328e-324", IsAccepted());
  EXPECT_THAT("a = 2.4703282292062327e-324", IsRefused());
  EXPECT_THAT("a = 0.0", IsRefused());
  EXPECT_THAT("a = 0e5", IsRefused());
  EXPECT_THAT("a = 1e-99999999999999999999", IsRefused());
  EXPECT_THAT("a = 0", IsAccepted());
}

TEST(Sql92Test, ManyDigitsMakeNoOtherNumber) {
  EXPECT_THAT(absl::StrCat("a = 0.", Repeated(400, "0"), "1e400"),
              IsAccepted());
  EXPECT_THAT(absl::StrCat("a = 1", Repeated(400, "0"), ".e-400"),
              IsAccepted());
  EXPECT_THAT(absl::StrCat("a = 1", Repeated(400, "0"), "."), IsRefused());
}

// What follows the expression.

TEST(Sql92Test, OneTokenAfterTheExpressionIsReadAndNoMore) {
  EXPECT_THAT("a = 1 b ?", IsAccepted());
  EXPECT_THAT("a = 1 ?", IsRefusedAt(6,
                                     "expected a name, a constant or an"
                                     " operator, got \"?\""));
  EXPECT_THAT("a = 1)", IsAccepted());
  EXPECT_THAT("a LIKE 'x%", IsAccepted());
  EXPECT_THAT("a = 1 'x''y", IsAccepted());
  EXPECT_THAT("a = 'x''y", IsRefused());
}

TEST(Sql92Test, TheTokenAfterTheExpressionNeedNotBeUsable) {
  EXPECT_THAT("a = 1 0.0", IsAccepted());
  EXPECT_THAT("a = 1 9223372036854775808", IsAccepted());
  EXPECT_THAT("a = 007", IsAccepted());
  EXPECT_THAT("a = 0x1F", IsAccepted());
}

TEST(Sql92Test, AnOperatorAfterTheExpressionMustGoOn) {
  for (const char* rest :
       {"AND", "OR", "=", "<>", "<", "<=", ">", ">=", "IS", "IN", "BETWEEN",
        "CONTAINS", "STARTSWITH", "ENDSWITH", "NOT"}) {
    EXPECT_THAT(absl::StrCat("a ", rest), IsRefused()) << rest;
  }
  for (const char* rest : {"TRUE", "NULL", "+", "-", "(", ")", ",", "1"}) {
    EXPECT_THAT(absl::StrCat("a ", rest), IsAccepted()) << rest;
  }
}

TEST(Sql92Test, TwoMinusSignsAfterTheExpressionAreNoComment) {
  EXPECT_THAT("a = 1 -- c", IsAccepted());
  EXPECT_THAT("a = 1 -- c\n", IsAccepted());
  EXPECT_THAT("a = --1", IsAccepted());
  EXPECT_THAT("a = --1\n", IsRefusedAt(8,
                                       "expected a property, a constant,"
                                       " NOT, \"+\", \"-\" or \"(\", got"
                                       " the end"));
}

// What is wrong, and where.

TEST(Sql92Test, AnEmptyExpressionIsRefusedAtItsEnd) {
  EXPECT_EQ(Verdict(""),
            "at position 0: expected a property, a constant, NOT, \"+\", \"-\""
            " or \"(\", got the end");
  EXPECT_THAT(" /* */ ", IsRefusedAt(7,
                                     "expected a property, a constant, NOT,"
                                     " \"+\", \"-\" or \"(\", got the end"));
  EXPECT_THAT(absl::string_view(), IsRefused());
}

TEST(Sql92Test, AKeywordInPlaceOfANameIsCalledOne) {
  EXPECT_THAT("contains = 1",
              IsRefusedAt(0,
                          "expected a property, a constant, NOT, \"+\","
                          " \"-\" or \"(\", got the keyword \"contains\""));
}

TEST(Sql92Test, OperatorsOfOtherLanguagesAreRefusedWithAHint) {
  EXPECT_THAT("a != 1",
              IsRefusedAt(2,
                          "expected a name, a constant or an operator, got"
                          " \"!\"; \"not equal\" is \"<>\""));
  EXPECT_THAT("a = \"x\"",
              IsRefusedAt(4,
                          "expected a name, a constant or an operator, got"
                          " \"\\\"\"; a string is in single quotes"));
  EXPECT_THAT("\xc3\xb6 = 1",
              IsRefusedAt(0,
                          "expected a name, a constant or an operator, got"
                          " \"\\xc3\\xb6\"; names are ASCII letters, digits,"
                          " \"_\" and \"$\""));
}

TEST(Sql92Test, WhatIsNotClosedIsRefusedWhereItOpens) {
  EXPECT_THAT("a = 'x", IsRefusedAt(4,
                                    "expected a closing \"'\" of the string"
                                    " \"'x\", got the end"));
  EXPECT_THAT("a /* x", IsRefusedAt(2,
                                    "expected a closing \"*/\" of the"
                                    " comment \"/* x\", got the end"));
  EXPECT_THAT("(a = 1", IsRefusedAt(6,
                                    "expected an operator or \")\", got the"
                                    " end"));
}

TEST(Sql92Test, LongPiecesAreCutInMessages) {
  const std::string text = Repeated(60, "x");
  EXPECT_THAT(
      absl::StrCat("(a ", text),
      IsRefusedAt(3, absl::StrCat("expected an operator or \")\", got \"",
                                  text.substr(0, 40), "...\"")));
}

// Any bytes.

TEST(Sql92Test, StringsAndCommentsHoldAnyBytes) {
  EXPECT_THAT(absl::string_view("a = '\0\xff\xc3'/*\0\xff*/", 15),
              IsAccepted());
}

TEST(Sql92Test, EveryByteOutsideAStringIsJudgedAndShownPrintable) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string expression =
        absl::StrCat("a = ", std::string(1, static_cast<char>(byte)), "(");
    const absl::optional<ExpressionError> error = CheckSql92(expression);
    if (!error.has_value()) continue;
    for (const char c : error->reason) {
      EXPECT_TRUE(absl::ascii_isprint(static_cast<unsigned char>(c))) << byte;
    }
  }
}

// Bounds.

TEST(Sql92Test, ParenthesesMayBeAsDeepAsTheBound) {
  EXPECT_THAT(InParentheses(kMaxSql92Depth, "a = 1"), IsAccepted());
}

TEST(Sql92Test, OneParenthesisMoreIsRefused) {
  EXPECT_THAT(InParentheses(kMaxSql92Depth + 1, "a = 1"),
              IsRefusedAt(kMaxSql92Depth,
                          "expected at most 1000 open parentheses, got \"(\""));
}

TEST(Sql92Test, ClosedParenthesesDoNotCount) {
  std::vector<std::string> groups(3, InParentheses(kMaxSql92Depth, "a = 1"));
  EXPECT_THAT(absl::StrJoin(groups, " AND "), IsAccepted());
}

TEST(Sql92Test, DeepParenthesesInEveryOperandNeedLittleStack) {
  for (const char* opening :
       {"a AND (", "a = (", "a > (", "a BETWEEN (", "NOT + - ("}) {
    EXPECT_THAT(Repeated(kMaxSql92Depth, opening), IsRefused());
  }
}

TEST(Sql92Test, SignsAndNotsInARowAreOnlyBoundByTheLength) {
  EXPECT_THAT(absl::StrCat(Repeated(16000, "NOT "), "a"), IsAccepted());
  EXPECT_THAT(absl::StrCat("a = ", Repeated(65000, "-"), "1"), IsAccepted());
  EXPECT_THAT(absl::StrCat(Repeated(65000, "+"), "a"), IsAccepted());
}

TEST(Sql92Test, AnExpressionMayBeAsLongAsTheBound) {
  const std::string beginning = "a = 1";
  EXPECT_THAT(absl::StrCat(beginning,
                           std::string(kMaxSql92Bytes - beginning.size(), ' ')),
              IsAccepted());
}

TEST(Sql92Test, OneByteMoreIsRefusedUnread) {
  EXPECT_THAT(std::string(kMaxSql92Bytes + 1, '?'),
              IsRefusedAt(kMaxSql92Bytes,
                          "expected an expression of at most"
                          " 65536 bytes, got 65537"));
}

}  // namespace
}  // namespace rmq
