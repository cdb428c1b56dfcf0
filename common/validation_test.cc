#include "common/validation.h"

#include <string>

#include "common/status_matchers.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ValidateClientIdTest, OneCharacterIsEnough) {
  EXPECT_THAT(ValidateClientId("client_id", "c", Limits()), IsOk());
}

TEST(ValidateClientIdTest, AnEmptyOneIsRefused) {
  EXPECT_THAT(ValidateClientId("client_id", "", Limits()),
              StatusIs(kInvalid, "client_id must not be empty"));
}

TEST(ValidateClientIdTest, TheLongestAllowedIsTaken) {
  EXPECT_THAT(ValidateClientId("client_id", std::string(255, 'c'), Limits()),
              IsOk());
}

TEST(ValidateClientIdTest, OneByteMoreIsRefusedWithBothLengths) {
  EXPECT_THAT(
      ValidateClientId("client_id", std::string(256, 'c'), Limits()),
      StatusIs(kInvalid,
               HasSubstr("client_id must be at most 255 bytes, got 256")));
}

TEST(ValidateClientIdTest, RocketMqsOwnFormIsTaken) {
  EXPECT_THAT(
      ValidateClientId("client_id", "10.0.0.1@4711#8123456789", Limits()),
      IsOk());
}

TEST(ValidateClientIdTest, AnUnprintableByteIsRefusedAndShownEscaped) {
  EXPECT_THAT(
      ValidateClientId("client_id", "a\nb", Limits()),
      StatusIs(kInvalid, "client_id must be printable ASCII, got \"a\\nb\""));
}

TEST(ValidateClientIdTest, AByteBeyondAsciiIsRefused) {
  EXPECT_THAT(ValidateClientId("client_id", "caf\xc3\xa9", Limits()),
              StatusIs(kInvalid));
}

TEST(ValidateGroupTest, EveryLegalCharacterIsTaken) {
  EXPECT_THAT(ValidateGroup("group", "%RETRY%a|B_c-9", Limits()), IsOk());
}

TEST(ValidateGroupTest, ABlankIsRefused) {
  EXPECT_THAT(ValidateGroup("consumers[0].group", "my group", Limits()),
              StatusIs(kInvalid,
                       "consumers[0].group must be letters, digits, '%', '|', "
                       "'_' and '-', got \"my group\""));
}

TEST(ValidateGroupTest, OneHundredAndTwentyBytesAreTakenAndOneMoreIsNot) {
  EXPECT_THAT(ValidateGroup("group", std::string(120, 'g'), Limits()), IsOk());
  EXPECT_THAT(ValidateGroup("group", std::string(121, 'g'), Limits()),
              StatusIs(kInvalid));
}

TEST(ValidateTopicTest, OneHundredAndTwentySevenBytesAreTakenAndOneMoreIsNot) {
  EXPECT_THAT(ValidateTopic("topic", std::string(127, 't'), Limits()), IsOk());
  EXPECT_THAT(ValidateTopic("topic", std::string(128, 't'), Limits()),
              StatusIs(kInvalid));
}

TEST(ValidateTopicTest, ARetryTopicMayBeLongerAsItHoldsAGroup) {
  EXPECT_THAT(
      ValidateTopic("topic", "%RETRY%" + std::string(248, 'g'), Limits()),
      IsOk());
  EXPECT_THAT(
      ValidateTopic("topic", "%RETRY%" + std::string(249, 'g'), Limits()),
      StatusIs(kInvalid));
}

TEST(ValidateTopicTest, ADeadLetterTopicMayBeAsLong) {
  EXPECT_THAT(ValidateTopic("topic", "%DLQ%" + std::string(250, 'g'), Limits()),
              IsOk());
}

TEST(ValidateCountTest, TheLimitIsTakenAndOneMoreIsResourceExhausted) {
  EXPECT_THAT(ValidateCount("groups", 256, 256), IsOk());
  EXPECT_THAT(ValidateCount("groups", 257, 256),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "groups must be at most 256, got 257"));
}

TEST(IsLegalConsumerGroupTest, TheLengthIsBoundWhateverTheConfiguredLimit) {
  EXPECT_TRUE(IsLegalConsumerGroup(std::string(120, 'g')));
  EXPECT_FALSE(IsLegalConsumerGroup(std::string(121, 'g')));
  EXPECT_FALSE(IsLegalConsumerGroup(""));
  EXPECT_FALSE(IsLegalConsumerGroup("a b"));
}

TEST(ValidateNameFormTest, ANameOfAnyLengthIsTaken) {
  EXPECT_THAT(ValidateNameForm("group", std::string(100'000, 'g')), IsOk());
}

TEST(ValidateNameFormTest, AnEmptyNameAndABlankAreRefused) {
  EXPECT_THAT(
      ValidateNameForm("group", ""),
      StatusIs(absl::StatusCode::kInvalidArgument, "group must not be empty"));
  EXPECT_THAT(ValidateNameForm("group", "a b"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "group must be letters, digits, '%', '|', '_' and '-', "
                       "got \"a b\""));
}

TEST(ValidateClientIdFormTest, AnIdOfAnyLengthIsTaken) {
  EXPECT_THAT(ValidateClientIdForm("client_id", std::string(100'000, 'c')),
              IsOk());
}

TEST(ValidateClientIdFormTest, AnEmptyIdAndAControlCharacterAreRefused) {
  EXPECT_THAT(ValidateClientIdForm("client_id", ""),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "client_id must not be empty"));
  EXPECT_THAT(ValidateClientIdForm("client_id", "a\nb"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "client_id must be printable ASCII, got \"a\\nb\""));
}

TEST(IsUtf8Test, TheFirstAndTheLastCharacterOfEachLengthAreTaken) {
  for (const char* text :
       {"", "\x01", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80",
        "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF", "a\xC3\xA9z"}) {
    EXPECT_TRUE(IsUtf8(text)) << Quoted(text);
  }
}

TEST(IsUtf8Test, WhatIsNoCharacterIsRefused) {
  for (const char* text : {
           "\x80",              // Begins in the middle.
           "\xC3",              // Ends in the middle.
           "\xE2\x82",          //
           "\xC3z",             // Goes on with another character.
           "\xC1\xBF",          // Overlong.
           "\xE0\x9F\xBF",      //
           "\xF0\x8F\xBF\xBF",  //
           "\xED\xA0\x80",      // A surrogate.
           "\xF4\x90\x80\x80",  // Beyond U+10FFFF.
           "\xF5\x80\x80\x80",  //
           "\xFF",              //
       }) {
    EXPECT_FALSE(IsUtf8(text)) << Quoted(text);
  }
}

TEST(QuotedTest, ALongValueIsCutAndCounted) {
  EXPECT_EQ(Quoted(std::string(100, 'x')),
            "\"" + std::string(64, 'x') + "\"... (100 bytes)");
}

TEST(LimitsTest, AZeroLimitIsRefusedByName) {
  Limits limits;
  limits.max_groups_per_client = 0;
  EXPECT_THAT(
      limits.Validate(),
      StatusIs(kInvalid, "max_groups_per_client must be at least 1, got 0"));
}

TEST(LabelTest, AKeyHasOneToSixtyFourBytes) {
  EXPECT_THAT(ValidateLabel("", "v"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "labels[\"\"]: the key must be 1 to 64 bytes, got 0"));
  EXPECT_THAT(ValidateLabel("k", "v"), IsOk());
  EXPECT_THAT(ValidateLabel(std::string(64, 'k'), "v"), IsOk());
  EXPECT_THAT(ValidateLabel(std::string(65, 'k'), "v"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the key must be 1 to 64 bytes, got 65")));
}

TEST(LabelTest, AValueHasAtMostTwoHundredAndFiftySixBytes) {
  EXPECT_THAT(ValidateLabel("k", ""), IsOk());
  EXPECT_THAT(ValidateLabel("k", std::string(256, 'v')), IsOk());
  EXPECT_THAT(
      ValidateLabel("k", std::string(257, 'v')),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "labels[\"k\"]: the value must be 0 to 256 bytes, got 257"));
}

TEST(LabelTest, BothAreUtf8WithoutControlCharacters) {
  for (const char* good :
       {"eu west", "z\xC3\xBCrich", "\xE2\x82\xAC", "\xC2\xA0", "~"}) {
    EXPECT_THAT(ValidateLabel(good, good), IsOk()) << good;
  }
  for (const char* bad :
       {"\n", "a\tb", "\x7F", "\xC2\x9B", "\xFF", "\xC3", "\xED\xA0\x80"}) {
    EXPECT_THAT(ValidateLabel(bad, ""),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("the key must be UTF-8")))
        << bad;
    EXPECT_THAT(ValidateLabel("k", bad),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("the value must be UTF-8")))
        << bad;
  }
}

}  // namespace
}  // namespace rmq
