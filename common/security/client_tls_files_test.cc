#include "common/security/client_tls_files.h"

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/real_clock.h"
#include "common/security/test_certificates.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using testing::HasSubstr;

constexpr absl::StatusCode kBad = absl::StatusCode::kFailedPrecondition;

class ClientTlsFilesTest : public testing::Test {
 protected:
  ClientTlsFilesTest() {
    tls_.ca_file = testing::TempDir() + "/ca.pem";
    tls_.cert_file = testing::TempDir() + "/cert.pem";
    tls_.key_file = testing::TempDir() + "/key.pem";
    WriteTestFile(tls_.ca_file, authority_.certificate(), 0644);
    WriteTestFile(tls_.cert_file, client_.certificate, 0644);
    WriteTestFile(tls_.key_file, client_.key);
  }

  absl::StatusOr<ClientTlsFiles> Read(
      absl::Duration later = absl::ZeroDuration()) {
    return ReadClientTlsFiles(
        tls_, RealClock().ClockToWall(RealClock().TimeNow()) + later);
  }

  TestAuthority authority_{"ca"};
  TestCertificate client_ = authority_.IssueLocalhost();
  TlsOptions tls_;
};

TEST_F(ClientTlsFilesTest, GoodFilesAreRead) {
  const auto files = Read();
  ASSERT_THAT(files, IsOk());
  EXPECT_EQ(files->authorities, authority_.certificate());
  EXPECT_EQ(files->certificate, client_.certificate);
  EXPECT_EQ(files->key, client_.key);
}

TEST_F(ClientTlsFilesTest, NoFileNeedsToBeGiven) {
  tls_ = {};
  const auto files = Read();
  ASSERT_THAT(files, IsOk());
  EXPECT_EQ(files->authorities + files->certificate + files->key, "");
}

TEST_F(ClientTlsFilesTest, AChainAndManyAuthoritiesAreRead) {
  TestAuthority other("other");
  WriteTestFile(tls_.ca_file, authority_.certificate() + other.certificate());
  WriteTestFile(tls_.cert_file, client_.certificate + authority_.certificate());
  EXPECT_THAT(Read(), IsOk());
}

TEST_F(ClientTlsFilesTest, AFileThatIsNotThereIsNamed) {
  for (std::string* const file :
       {&tls_.ca_file, &tls_.cert_file, &tls_.key_file}) {
    const std::string path = *file;
    *file = path + ".not";
    EXPECT_THAT(Read(), StatusIs(kBad, HasSubstr(*file)));
    *file = path;
  }
}

TEST_F(ClientTlsFilesTest, AFileThatIsHalfWrittenIsRefused) {
  WriteTestFile(tls_.ca_file, authority_.certificate().substr(0, 300));
  EXPECT_THAT(Read(),
              StatusIs(kBad, HasSubstr("tls.ca_file " + tls_.ca_file +
                                       ": certificate 1 of 1 is damaged")));
  WriteTestFile(tls_.ca_file, "");
  EXPECT_THAT(Read(), StatusIs(kBad, HasSubstr("and has none")));
  WriteTestFile(tls_.ca_file, authority_.certificate());

  WriteTestFile(tls_.cert_file,
                client_.certificate + authority_.certificate().substr(0, 300));
  EXPECT_THAT(Read(),
              StatusIs(kBad, HasSubstr("certificate 2 of 2 is damaged")));
  WriteTestFile(tls_.cert_file, client_.certificate);

  WriteTestFile(tls_.key_file, client_.key.substr(0, client_.key.size() / 2));
  EXPECT_THAT(Read(), StatusIs(kBad, HasSubstr("must have a private key")));
}

TEST_F(ClientTlsFilesTest, AKeyOfAnotherCertificateIsRefused) {
  WriteTestFile(tls_.key_file, authority_.IssueLocalhost().key);
  EXPECT_THAT(
      Read(),
      StatusIs(kBad, HasSubstr("tls.key_file " + tls_.key_file +
                               ": must be the key of the certificate")));
}

TEST_F(ClientTlsFilesTest, AKeyThatOthersMayReadIsRefused) {
  WriteTestFile(tls_.key_file, client_.key, 0640);
  EXPECT_THAT(Read(), IsOk());
  WriteTestFile(tls_.key_file, client_.key, 0644);
  EXPECT_THAT(Read(), StatusIs(kBad, HasSubstr("has 0644")));
}

TEST_F(ClientTlsFilesTest, AnEncryptedKeyIsRefused) {
  // `openssl genpkey -algorithm ed25519 -aes256 -pass pass:x`.
  WriteTestFile(tls_.key_file, R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgsaDuI3Fq6DQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEDWOxv94feFtNlV2FN1imdwEQI0a
tdm5G0z59OlcX52sXOJqhYSkYmvP9bH9NA1NU7NYO8r/QOlgoiUy0oxW9AVitts5
cosTNge6khoIR0iKPSY=
-----END ENCRYPTED PRIVATE KEY-----
)");
  EXPECT_THAT(Read(), StatusIs(kBad, HasSubstr("without a passphrase")));
}

TEST_F(ClientTlsFilesTest, ACertificateOutOfItsDatesIsRefused) {
  EXPECT_THAT(Read(absl::Hours(23)), IsOk());
  EXPECT_THAT(Read(absl::Hours(25)),
              StatusIs(kBad, HasSubstr("and expired at")));
  EXPECT_THAT(Read(-absl::Hours(2)),
              StatusIs(kBad, HasSubstr("and is not before")));
}

TEST_F(ClientTlsFilesTest, AnAuthorityThatHasExpiredHarmsNoOther) {
  tls_.cert_file = tls_.key_file = "";
  EXPECT_THAT(Read(absl::Hours(24 * 365 * 200)), IsOk());
}

}  // namespace
}  // namespace rmq
