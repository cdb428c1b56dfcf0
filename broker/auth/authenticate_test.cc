#include "broker/auth/authenticate.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/auth/auth_config.h"
#include "broker/auth/auth_rules.h"
#include "broker/auth/principal.h"
#include "common/security/hmac_sha1.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
constexpr absl::string_view kDate = "20231227T194619Z";

std::string Sign(absl::string_view access_key, absl::string_view secret,
                 absl::string_view date = kDate) {
  const HmacSha1Signature signature = *HmacSha1::Create(secret)->Sign(date);
  return absl::StrCat(
      "MQv2-HMAC-SHA1 Credential=", access_key,
      "/cn/RocketMQ, SignedHeaders=x-mq-date-time, Signature=",
      absl::BytesToHexString(std::string(signature.begin(), signature.end())));
}

class AuthenticateTest : public ::testing::Test {
 protected:
  AuthenticateTest() {
    config_.users = {{"pay", "12345678"},
                     {"bill", "87654321"},
                     {"old", "12345678", false, false},
                     {"mesh"}};
    config_.certificates = {{"spiffe://site/pay", "pay"},
                            {"pay.site", "pay"},
                            {"bill.site", "bill"},
                            {"Bill", "bill"},
                            {"spiffe://site/old", "old"}};
  }

  absl::StatusOr<Principal> Ask(const CallerProof& proof,
                                absl::Duration window = absl::ZeroDuration()) {
    return Authenticate(**AuthRules::Create(config_), proof, window, now_);
  }
  absl::StatusOr<Principal> AskHeader(
      absl::string_view authorization,
      absl::optional<absl::string_view> date = kDate,
      absl::Duration window = absl::ZeroDuration()) {
    CallerProof proof;
    proof.authorization = authorization;
    proof.date_time = date;
    return Ask(proof, window);
  }
  absl::StatusOr<Principal> AskCertificate(
      absl::string_view spiffe_id, std::vector<absl::string_view> dns_names,
      absl::string_view common_name) {
    CallerProof proof;
    proof.certificate = {spiffe_id, dns_names, common_name};
    return Ask(proof);
  }

  AuthConfig config_;
  const absl::Time now_ = absl::FromCivil(
      absl::CivilSecond(2023, 12, 27, 19, 50, 0), absl::UTCTimeZone());
};

// Expects that `asked` is the user of that name; "" is anonymous.
void ExpectUser(const absl::StatusOr<Principal>& asked,
                absl::string_view user) {
  ASSERT_THAT(asked, IsOk());
  EXPECT_EQ(asked->user, user);
}

TEST_F(AuthenticateTest, WhoShowsNothingIsAnonymous) {
  ExpectUser(Ask(CallerProof()), "");
}

TEST_F(AuthenticateTest, WhoSignsWithTheSecretIsTheUser) {
  ExpectUser(AskHeader(Sign("pay", "12345678")), "pay");
  ExpectUser(AskHeader(Sign("bill", "87654321")), "bill");
}

TEST_F(AuthenticateTest, AnEmptyAccessKeyIsAnonymous) {
  ExpectUser(AskHeader("MQv2-HMAC-SHA1 Credential=, Signature="), "");
}

TEST_F(AuthenticateTest, AWrongSignatureAndAnUnknownUserAreToldAlike) {
  const auto wrong = AskHeader(Sign("pay", "87654321"));
  const auto unknown = AskHeader(Sign("nosuch", "12345678"));
  const auto without_secret = AskHeader(Sign("mesh", "12345678"));
  const auto guess = AskHeader(Sign("nosuch", "nobody"));
  EXPECT_THAT(wrong,
              StatusIs(kUnauthenticated, AllOf(HasSubstr("authorization: "),
                                               Not(HasSubstr("pay")))));
  EXPECT_EQ(unknown.status(), wrong.status());
  EXPECT_EQ(without_secret.status(), wrong.status());
  EXPECT_EQ(guess.status(), wrong.status());
}

TEST_F(AuthenticateTest, ADisabledUserIsToldSoAfterTheRightSignatureOnly) {
  EXPECT_THAT(AskHeader(Sign("old", "12345678")),
              StatusIs(kUnauthenticated, "user \"old\" is disabled"));
  EXPECT_THAT(AskHeader(Sign("old", "wrong")),
              StatusIs(kUnauthenticated, Not(HasSubstr("disabled"))));
  EXPECT_THAT(AskCertificate("spiffe://site/old", {}, ""),
              StatusIs(kUnauthenticated, "user \"old\" is disabled"));
}

TEST_F(AuthenticateTest, TheSignedDateMustBeThere) {
  const std::string header = Sign("pay", "12345678");
  EXPECT_THAT(AskHeader(header, absl::nullopt),
              StatusIs(kUnauthenticated, HasSubstr("x-mq-date-time")));
  EXPECT_THAT(AskHeader(header, "20231227T194620Z"),
              StatusIs(kUnauthenticated, HasSubstr("signature")));
}

TEST_F(AuthenticateTest, TheDateIsJudgedIfThereIsAWindow) {
  const std::string header = Sign("pay", "12345678");
  ExpectUser(AskHeader(header, kDate, absl::Seconds(221)), "pay");
  EXPECT_THAT(AskHeader(header, kDate, absl::Seconds(220)),
              StatusIs(kUnauthenticated, HasSubstr("must be at most 3m40s")));
  const std::string words = Sign("pay", "12345678", "yesterday");
  ExpectUser(AskHeader(words, "yesterday"), "pay");
  EXPECT_THAT(AskHeader(words, "yesterday", absl::Hours(15)),
              StatusIs(kUnauthenticated, HasSubstr("got \"yesterday\"")));
}

TEST_F(AuthenticateTest, ABadHeaderIsToldWithoutItsValues) {
  EXPECT_THAT(AskHeader("Basic topsecret"),
              StatusIs(kUnauthenticated, AllOf(HasSubstr("the scheme must be"),
                                               Not(HasSubstr("topsecret")))));
}

TEST_F(AuthenticateTest, ACertificateIsItsSpiffeIdsUser) {
  ExpectUser(AskCertificate("spiffe://site/pay", {"bill.site"}, "Bill"), "pay");
}

TEST_F(AuthenticateTest, WithASpiffeIdTheOtherNamesDoNotCount) {
  ExpectUser(AskCertificate("spiffe://site/other", {"bill.site"}, "Bill"), "");
}

TEST_F(AuthenticateTest, ACertificateWithoutSpiffeIdIsItsDnsNamesUser) {
  ExpectUser(AskCertificate("", {"host7.site", "PAY.site"}, "Bill"), "pay");
  ExpectUser(AskCertificate("", {"host7.site"}, "Bill"), "");
}

TEST_F(AuthenticateTest, DnsNamesOfSeveralUsersAreNobodys) {
  EXPECT_THAT(AskCertificate("", {"pay.site", "other", "bill.site"}, ""),
              StatusIs(kUnauthenticated, HasSubstr("several users")));
}

TEST_F(AuthenticateTest, ACertificateWithoutOtherNamesIsItsCommonNamesUser) {
  ExpectUser(AskCertificate("", {}, "Bill"), "bill");
  ExpectUser(AskCertificate("", {}, "bill"), "");
}

TEST_F(AuthenticateTest, OtherNamesDoNotPassForASpiffeId) {
  ExpectUser(AskCertificate("", {}, "spiffe://site/pay"), "");
  ExpectUser(AskCertificate("", {"spiffe://site/pay"}, ""), "");
}

TEST_F(AuthenticateTest, ACertificateCountsBeforeASignature) {
  CallerProof proof;
  proof.certificate.spiffe_id = "spiffe://site/pay";
  const std::string header = Sign("bill", "87654321");
  proof.authorization = header;
  proof.date_time = kDate;
  ExpectUser(Ask(proof), "pay");
}

TEST_F(AuthenticateTest, ACertificateOfNobodyLeavesItToTheSignature) {
  CallerProof proof;
  proof.certificate.spiffe_id = "spiffe://site/mesh-proxy";
  const std::string header = Sign("bill", "87654321");
  proof.authorization = header;
  proof.date_time = kDate;
  ExpectUser(Ask(proof), "bill");
}

TEST_F(AuthenticateTest, AnotherSecretEndsWhatTheOldOneSigned) {
  const std::string header = Sign("pay", "12345678");
  ExpectUser(AskHeader(header), "pay");
  config_.users[0].secret = "changed";
  EXPECT_THAT(AskHeader(header), StatusIs(kUnauthenticated));
}

}  // namespace
}  // namespace rmq
