#include "common/security/mqv2_authorization.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/security/hmac_sha1.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::string_view kSignature =
    "00112233445566778899aabbccddeeff01234567";

std::string Header(absl::string_view credential,
                   absl::string_view signature = kSignature) {
  return absl::StrCat("MQv2-HMAC-SHA1 Credential=", credential,
                      ", SignedHeaders=x-mq-date-time, Signature=", signature);
}

TEST(Mqv2AuthorizationTest, TheAccessKeyEndsAtTheFirstSlash) {
  for (const absl::string_view credential :
       {"pay", "pay/", "pay/cn-hangzhou/RocketMQ", "pay//Rocketmq"}) {
    const auto parsed = ParseMqv2Authorization(Header(credential));
    ASSERT_THAT(parsed, IsOk()) << credential;
    EXPECT_EQ(parsed->access_key, "pay");
  }
}

TEST(Mqv2AuthorizationTest, TheSignatureIsReadWithoutRegardToCase) {
  const auto lower = ParseMqv2Authorization(Header("pay"));
  const auto upper =
      ParseMqv2Authorization(Header("pay", absl::AsciiStrToUpper(kSignature)));
  ASSERT_THAT(lower, IsOk());
  ASSERT_THAT(upper, IsOk());
  EXPECT_EQ(lower->signature, upper->signature);
  EXPECT_EQ(absl::BytesToHexString(
                std::string(lower->signature.begin(), lower->signature.end())),
            kSignature);
}

TEST(Mqv2AuthorizationTest, AHeaderThatWasSignedIsVerified) {
  const auto key = HmacSha1::Create("12345678");
  ASSERT_THAT(key, IsOk());
  const auto signature = key->Sign("20231227T194619Z");
  ASSERT_THAT(signature, IsOk());
  const auto parsed = ParseMqv2Authorization(
      Header("pay", absl::BytesToHexString(
                        std::string(signature->begin(), signature->end()))));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_TRUE(key->Verify("20231227T194619Z", parsed->signature));
}

TEST(Mqv2AuthorizationTest, AnEmptyCredentialIsAClientWithoutCredentials) {
  for (const absl::string_view header :
       {"MQv2-HMAC-SHA1 Credential=, SignedHeaders=x-mq-date-time, Signature=",
        "MQv2-HMAC-SHA1 Credential=//Rocketmq, Signature=00",
        "MQv2-HMAC-SHA1 Credential="}) {
    const auto parsed = ParseMqv2Authorization(header);
    ASSERT_THAT(parsed, IsOk()) << header;
    EXPECT_EQ(parsed->access_key, "");
  }
}

TEST(Mqv2AuthorizationTest, PartsMayStandInAnyOrderAndOthersAreIgnored) {
  const auto parsed = ParseMqv2Authorization(absl::StrCat(
      "mqv2-hmac-sha1 Signature=", kSignature, ",Other=a=b,Credential=pay"));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->access_key, "pay");
}

TEST(Mqv2AuthorizationTest, WhatIsWrongIsNamed) {
  struct Case {
    std::string header;
    absl::string_view error;
  };
  for (const auto& [header, error] : {
           Case{"", "the scheme must be MQv2-HMAC-SHA1"},
           Case{"MQv2-HMAC-SHA1", "the scheme must be MQv2-HMAC-SHA1"},
           Case{"Bearer topsecret", "the scheme must be MQv2-HMAC-SHA1"},
           Case{"MQv2-HMAC-SHA1 ", "each part must be NAME=VALUE"},
           Case{"MQv2-HMAC-SHA1 Credential", "each part must be NAME=VALUE"},
           Case{"MQv2-HMAC-SHA1 Credential=pay,,", "must be NAME=VALUE"},
           Case{"MQv2-HMAC-SHA1 Signature=00", "Credential is missing"},
           Case{"MQv2-HMAC-SHA1 Credential=pay", "Signature must be 40"},
           Case{absl::StrCat(Header("pay"), ", Credential=root"),
                "Credential is there twice"},
           Case{"MQv2-HMAC-SHA1 Credential=pay, SignedHeaders=host",
                "SignedHeaders must be x-mq-date-time"},
           Case{Header("p\ty"), "must be printable ASCII"},
       }) {
    EXPECT_THAT(ParseMqv2Authorization(header),
                StatusIs(kInvalid, AllOf(HasSubstr("authorization: "),
                                         HasSubstr(std::string(error)),
                                         Not(HasSubstr("topsecret")))))
        << header;
  }
}

TEST(Mqv2AuthorizationTest, ASignatureHas40HexadecimalDigits) {
  std::string signature(kSignature);
  EXPECT_THAT(ParseMqv2Authorization(Header("pay", signature)), IsOk());
  EXPECT_THAT(ParseMqv2Authorization(Header("pay", signature.substr(1))),
              StatusIs(kInvalid, HasSubstr("got 39 bytes")));
  EXPECT_THAT(ParseMqv2Authorization(Header("pay", signature + "0")),
              StatusIs(kInvalid, HasSubstr("got 41 bytes")));
  signature[7] = 'g';
  EXPECT_THAT(ParseMqv2Authorization(Header("pay", signature)),
              StatusIs(kInvalid, HasSubstr("hexadecimal")));
}

TEST(Mqv2AuthorizationTest, AHeaderHas8KilobytesAtMost) {
  std::string header = absl::StrCat(Header("pay"), ", Other=");
  header.resize(kMaxAuthorizationBytes, 'x');
  EXPECT_THAT(ParseMqv2Authorization(header), IsOk());
  header.push_back('x');
  EXPECT_THAT(
      ParseMqv2Authorization(header),
      StatusIs(kInvalid, HasSubstr("must be at most 8192 bytes, got 8193")));
}

TEST(Mqv2DateTimeTest, ADateHas1To64PrintableCharacters) {
  EXPECT_THAT(ValidateMqv2DateTime("x"), IsOk());
  EXPECT_THAT(ValidateMqv2DateTime(std::string(64, 'x')), IsOk());
  EXPECT_THAT(ValidateMqv2DateTime(""), StatusIs(kInvalid));
  EXPECT_THAT(ValidateMqv2DateTime(std::string(65, 'x')), StatusIs(kInvalid));
  EXPECT_THAT(ValidateMqv2DateTime("2023\n"),
              StatusIs(kInvalid, HasSubstr(R"(got "2023\n")")));
}

// Reference: the same key and text as in RocketMQ's own tests of
// AclSigner.calSignature().
TEST(Mqv2SigningTest, AHeaderHasTheSignatureOfRocketMq) {
  const auto key = HmacSha1::Create("12345678");
  ASSERT_THAT(key, IsOk());
  const auto signature = key->Sign("RocketMQ");
  ASSERT_THAT(signature, IsOk());
  EXPECT_EQ(FormatMqv2Authorization("pay", *signature),
            "MQv2-HMAC-SHA1 Credential=pay//RocketMQ, "
            "SignedHeaders=x-mq-date-time, "
            "Signature=21473CAEB3BFD200DC87C0A339B2D0B16DABB220");
}

TEST(Mqv2SigningTest, WhatIsFormattedIsParsed) {
  HmacSha1Signature signature;
  for (size_t i = 0; i < signature.size(); ++i) {
    signature[i] = static_cast<unsigned char>(13 * i);
  }
  const auto parsed =
      ParseMqv2Authorization(FormatMqv2Authorization("pay", signature));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->access_key, "pay");
  EXPECT_EQ(parsed->signature, signature);
}

TEST(Mqv2SigningTest, ATimeIsInUtc) {
  EXPECT_EQ(FormatMqv2DateTime(absl::FromUnixSeconds(1703706379)),
            "20231227T194619Z");
}

class Mqv2WindowTest : public ::testing::Test {
 protected:
  absl::Status Check(absl::string_view date_time) {
    return CheckMqv2DateTime(date_time, now_, absl::Minutes(15));
  }

  const absl::Time now_ = absl::FromCivil(
      absl::CivilSecond(2023, 12, 27, 19, 46, 19), absl::UTCTimeZone());
};

TEST_F(Mqv2WindowTest, BothFormsOfADateAreRead) {
  EXPECT_THAT(Check("20231227T194619Z"), IsOk());
  EXPECT_THAT(Check("2023-12-27T19:46:19Z"), IsOk());
  EXPECT_THAT(Check("2023-12-27T19:46:19.25Z"), IsOk());
  EXPECT_THAT(Check("2023-12-28T03:46:19+08:00"), IsOk());
}

TEST_F(Mqv2WindowTest, ADateIsAtMostTheWindowAway) {
  EXPECT_THAT(Check("20231227T193119Z"), IsOk());
  EXPECT_THAT(Check("20231227T200119Z"), IsOk());
  EXPECT_THAT(Check("20231227T200120Z"), StatusIs(kInvalid));
  EXPECT_THAT(
      Check("20231227T193118Z"),
      StatusIs(kInvalid,
               "x-mq-date-time must be at most 15m away from this broker's "
               "time, which is 2023-12-27T19:46:19+00:00, got "
               "2023-12-27T19:31:18+00:00"));
}

TEST_F(Mqv2WindowTest, WhatIsNoDateIsRefused) {
  for (const absl::string_view text :
       {"", "now", "20231227", "20231327T194619Z", "20231227T194619",
        "1703706379", "infinite-past", "infinite-future"}) {
    EXPECT_THAT(Check(text), StatusIs(kInvalid)) << text;
  }
}

}  // namespace
}  // namespace rmq
