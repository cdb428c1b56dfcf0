#include "broker/filter/sql92_lexer.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

using Type = Sql92TokenType;
using TypeAndText = std::pair<Type, std::string>;

// The tokens up to the end or to what is none; the end itself is left out.
std::vector<TypeAndText> Tokens(absl::string_view expression) {
  std::vector<TypeAndText> tokens;
  Sql92Lexer lexer(expression);
  for (;;) {
    const Sql92Token token = lexer.Next();
    if (token.type == Type::kEnd) return tokens;
    tokens.emplace_back(token.type, std::string(token.text));
    if (!IsToken(token.type)) return tokens;
  }
}

TEST(Sql92LexerTest, TokensKnowTheirByteOffset) {
  Sql92Lexer lexer(" a<= 'x'");
  EXPECT_EQ(lexer.Next().position, 1);
  EXPECT_EQ(lexer.Next().position, 2);
  EXPECT_EQ(lexer.Next().position, 5);
  EXPECT_EQ(lexer.Next().position, 8);
}

TEST(Sql92LexerTest, TheEndStaysTheEnd) {
  Sql92Lexer lexer("a");
  lexer.Next();
  EXPECT_EQ(lexer.Next().type, Type::kEnd);
  EXPECT_EQ(lexer.Next().type, Type::kEnd);
}

TEST(Sql92LexerTest, KeywordsAreKnownInAnyCaseAndNamesThatBeginLikeThemAreNot) {
  EXPECT_THAT(Tokens("nOt notx"),
              ElementsAre(Pair(Type::kNot, "nOt"), Pair(Type::kName, "notx")));
}

TEST(Sql92LexerTest, ANameMayHaveADollarAnUnderscoreAndLaterDigits) {
  EXPECT_THAT(Tokens("$_a1 1a"),
              ElementsAre(Pair(Type::kName, "$_a1"), Pair(Type::kInteger, "1"),
                          Pair(Type::kName, "a")));
}

TEST(Sql92LexerTest, AnIntegerMayEndWithAnLOfEitherCase) {
  EXPECT_THAT(
      Tokens("1L 12l 1LL"),
      ElementsAre(Pair(Type::kInteger, "1L"), Pair(Type::kInteger, "12l"),
                  Pair(Type::kInteger, "1L"), Pair(Type::kName, "L")));
}

TEST(Sql92LexerTest, NoIntegerGoesOnAfterALeadingZero) {
  EXPECT_THAT(Tokens("00 0L 0x1F"),
              ElementsAre(Pair(Type::kInteger, "0"), Pair(Type::kInteger, "0"),
                          Pair(Type::kInteger, "0"), Pair(Type::kName, "L"),
                          Pair(Type::kInteger, "0"), Pair(Type::kName, "x1F")));
}

TEST(Sql92LexerTest, AFloatHasAPointOrAnExponent) {
  EXPECT_THAT(
      Tokens("1.5 1. .5 1e3 1.E-3 .5e+3 007.5 00e1"),
      ElementsAre(Pair(Type::kFloat, "1.5"), Pair(Type::kFloat, "1."),
                  Pair(Type::kFloat, ".5"), Pair(Type::kFloat, "1e3"),
                  Pair(Type::kFloat, "1.E-3"), Pair(Type::kFloat, ".5e+3"),
                  Pair(Type::kFloat, "007.5"), Pair(Type::kFloat, "00e1")));
}

TEST(Sql92LexerTest, WithoutDigitsThereIsNoExponent) {
  EXPECT_THAT(Tokens("1e 1.5E+"),
              ElementsAre(Pair(Type::kInteger, "1"), Pair(Type::kName, "e"),
                          Pair(Type::kFloat, "1.5"), Pair(Type::kName, "E"),
                          Pair(Type::kPlus, "+")));
}

TEST(Sql92LexerTest, ASecondPointBeginsASecondFloat) {
  EXPECT_THAT(Tokens("1.2.3 1..5"),
              ElementsAre(Pair(Type::kFloat, "1.2"), Pair(Type::kFloat, ".3"),
                          Pair(Type::kFloat, "1."), Pair(Type::kFloat, ".5")));
}

TEST(Sql92LexerTest, APointAloneIsNoToken) {
  EXPECT_THAT(Tokens("a.b"),
              ElementsAre(Pair(Type::kName, "a"), Pair(Type::kStray, ".")));
}

TEST(Sql92LexerTest, SignsAreAsLongAsCanBe) {
  EXPECT_THAT(
      Tokens("<><=>=<>>=="),
      ElementsAre(Pair(Type::kNotEqual, "<>"), Pair(Type::kLessOrEqual, "<="),
                  Pair(Type::kGreaterOrEqual, ">="),
                  Pair(Type::kNotEqual, "<>"),
                  Pair(Type::kGreaterOrEqual, ">="), Pair(Type::kEqual, "=")));
}

TEST(Sql92LexerTest, ADoubledQuoteIsPartOfTheString) {
  EXPECT_THAT(
      Tokens("'' '''' 'it''s' 'x' 'y'"),
      ElementsAre(Pair(Type::kString, "''"), Pair(Type::kString, "''''"),
                  Pair(Type::kString, "'it''s'"), Pair(Type::kString, "'x'"),
                  Pair(Type::kString, "'y'")));
}

TEST(Sql92LexerTest, AStringThatADoubledQuoteLeavesOpenEndsBeforeIt) {
  EXPECT_THAT(Tokens("'x''y"), ElementsAre(Pair(Type::kString, "'x'"),
                                           Pair(Type::kUnclosedString, "'y")));
  EXPECT_THAT(Tokens("'x''''y"),
              ElementsAre(Pair(Type::kString, "'x'''"),
                          Pair(Type::kUnclosedString, "'y")));
}

TEST(Sql92LexerTest, AStringHoldsAnyOtherByte) {
  const std::string text("'\0\n\\\"\xff'", 7);
  EXPECT_THAT(Tokens(text), ElementsAre(Pair(Type::kString, text)));
}

TEST(Sql92LexerTest, ABlockCommentEndsAtTheFirstEnd) {
  EXPECT_THAT(Tokens("/**/a/***/b/*/*/c/* '*/d*/"),
              ElementsAre(Pair(Type::kName, "a"), Pair(Type::kName, "b"),
                          Pair(Type::kName, "c"), Pair(Type::kName, "d"),
                          Pair(Type::kStray, "*")));
}

TEST(Sql92LexerTest, ABlockCommentNeedsItsOwnStarToEnd) {
  EXPECT_THAT(
      Tokens("a /*/"),
      ElementsAre(Pair(Type::kName, "a"), Pair(Type::kUnclosedComment, "/*/")));
}

TEST(Sql92LexerTest, ALineCommentEndsWithEitherLineEnd) {
  EXPECT_THAT(Tokens("a--b\nc-- '\rd--\r\ne"),
              ElementsAre(Pair(Type::kName, "a"), Pair(Type::kName, "c"),
                          Pair(Type::kName, "d"), Pair(Type::kName, "e")));
}

TEST(Sql92LexerTest, WithoutALineEndTwoMinusSignsAreJustThat) {
  EXPECT_THAT(Tokens("--x\n--1"),
              ElementsAre(Pair(Type::kMinus, "-"), Pair(Type::kMinus, "-"),
                          Pair(Type::kInteger, "1")));
}

TEST(Sql92LexerTest, WhiteSpaceHasNoVerticalTab) {
  EXPECT_THAT(Tokens(" \t\n\r\fa\v"),
              ElementsAre(Pair(Type::kName, "a"), Pair(Type::kStray, "\v")));
}

TEST(Sql92LexerTest, BytesBeyondAsciiAreStrayTogether) {
  EXPECT_THAT(Tokens("\xc3\xb6\xffx"),
              ElementsAre(Pair(Type::kStray, "\xc3\xb6\xff")));
}

TEST(Sql92LexerTest, ANulIsStray) {
  EXPECT_THAT(Tokens(absl::string_view("a\0", 2)),
              ElementsAre(Pair(Type::kName, "a"),
                          Pair(Type::kStray, std::string(1, '\0'))));
}

TEST(Sql92LexerTest, WhatIsNoTokenIsFoundAgain) {
  Sql92Lexer lexer("?a");
  EXPECT_EQ(lexer.Next().type, Type::kStray);
  EXPECT_EQ(lexer.Next().type, Type::kStray);
}

}  // namespace
}  // namespace rmq
