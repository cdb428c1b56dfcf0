#include "common/security/server_certificates.h"

#include <sys/stat.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "common/real_clock.h"
#include "common/security/server_tls_options.h"
#include "common/security/test_certificates.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Good files in a directory of the test's own; each test spoils one.
class ServerCertificatesTest : public ::testing::Test {
 protected:
  ServerCertificatesTest()
      : directory_(absl::StrCat(
            ::testing::TempDir(), "/",
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    mkdir(directory_.c_str(), 0700);
    mkdir(Path("lists").c_str(), 0700);
    options_.cert_file = Path("cert.pem");
    options_.key_file = Path("key.pem");
    options_.client_ca_file = Path("ca.pem");
    options_.client_certificates = ClientCertificates::kRequired;
    options_.crl_directory = Path("lists");
    WriteTestFile(options_.cert_file, own_.certificate, 0644);
    WriteTestFile(options_.key_file, own_.key);
    WriteTestFile(options_.client_ca_file, authority_.certificate(), 0644);
  }

  std::string Path(absl::string_view name) const {
    return absl::StrCat(directory_, "/", name);
  }
  std::string ListPath() const {
    return Path(absl::StrCat("lists/", authority_.RevocationListName()));
  }
  absl::StatusOr<ServerCertificates> Read() const {
    return ReadServerCertificates(options_, now_);
  }
  // Reading fails with one line that names the flag and the file.
  void ExpectRefused(absl::string_view flag, const std::string& path,
                     const std::string& problem) const {
    EXPECT_THAT(Read(),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(StartsWith(absl::StrCat(flag, " ", path, ": ")),
                               HasSubstr(problem), Not(HasSubstr("\n")))));
  }
  TestCertificate Issue(absl::Duration not_before, absl::Duration not_after) {
    TestAuthority::Subject subject;
    subject.common_name = "server";
    subject.not_before = not_before;
    subject.not_after = not_after;
    return authority_.Issue(subject);
  }

  const absl::Time now_ = RealClock().ClockToWall(RealClock().TimeNow());
  const std::string directory_;
  TestAuthority authority_{"authority"};
  const TestCertificate own_ = authority_.IssueLocalhost();
  ServerTlsOptions options_;
};

TEST_F(ServerCertificatesTest, AChainOfItsIssuersIsGood) {
  WriteTestFile(options_.cert_file,
                absl::StrCat(own_.certificate, authority_.certificate()));
  EXPECT_THAT(Read(), IsOk());
}

TEST_F(ServerCertificatesTest, AChainOfAnotherAuthorityIsRefused) {
  TestAuthority other{"other"};
  WriteTestFile(options_.cert_file,
                absl::StrCat(own_.certificate, other.certificate()));
  ExpectRefused("tls_cert", options_.cert_file,
                "certificate 2, \"CN=other\", has issued none of them");
  WriteTestFile(options_.cert_file,
                absl::StrCat(own_.certificate, authority_.certificate(),
                             own_.certificate));
  ExpectRefused("tls_cert", options_.cert_file,
                "certificate 3, \"CN=localhost\", has issued none of them");
}

TEST_F(ServerCertificatesTest, ClientsAreIssuedByAuthoritiesAlone) {
  TestAuthority other{"other"};
  WriteTestFile(options_.client_ca_file,
                absl::StrCat(authority_.certificate(), other.certificate()));
  EXPECT_THAT(Read(), IsOk());
  WriteTestFile(options_.client_ca_file,
                absl::StrCat(authority_.certificate(), own_.certificate));
  ExpectRefused("tls_client_ca", options_.client_ca_file,
                "certificate 2, \"CN=localhost\", is of none");
}

TEST_F(ServerCertificatesTest, GoodFilesAreReadWhole) {
  const auto read = Read();
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(read->identity, HasSubstr(own_.key));
  EXPECT_THAT(read->identity, HasSubstr(own_.certificate));
  EXPECT_EQ(read->client_ca, authority_.certificate());
  EXPECT_NEAR(absl::ToUnixSeconds(read->not_after),
              absl::ToUnixSeconds(now_ + absl::Hours(24)), 60);
}

TEST_F(ServerCertificatesTest, ACertificateIsValidFromItsFirstToItsLastSecond) {
  const absl::Time since = absl::FromUnixSeconds(absl::ToUnixSeconds(now_));
  const TestCertificate brief = Issue(absl::ZeroDuration(), absl::Hours(1));
  WriteTestFile(options_.cert_file, brief.certificate);
  WriteTestFile(options_.key_file, brief.key);
  EXPECT_THAT(ReadServerCertificates(options_, since - absl::Minutes(1)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("certificate 1 of 1 must be valid now")));
  const auto read = ReadServerCertificates(options_, since + absl::Minutes(1));
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(ReadServerCertificates(options_, read->not_after), IsOk());
  EXPECT_THAT(
      ReadServerCertificates(options_, read->not_after + absl::Seconds(1)),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr(options_.cert_file), HasSubstr("expired at"))));
}

TEST_F(ServerCertificatesTest, TheFirstThatExpiresCounts) {
  const TestCertificate soon = Issue(-absl::Hours(1), absl::Hours(2));
  WriteTestFile(options_.cert_file,
                absl::StrCat(soon.certificate, authority_.certificate()));
  WriteTestFile(options_.key_file, soon.key);
  const auto read = Read();
  ASSERT_THAT(read, IsOk());
  EXPECT_NEAR(absl::ToUnixSeconds(read->not_after),
              absl::ToUnixSeconds(now_ + absl::Hours(2)), 60);
}

TEST_F(ServerCertificatesTest, FilesThatAreNotThereAreNamed) {
  options_.cert_file = Path("none");
  ExpectRefused("tls_cert", Path("none"), "cannot be read: No such file");
  options_.cert_file = directory_;
  ExpectRefused("tls_cert", directory_, "must be a file");
  options_.cert_file = Path("cert.pem");
  options_.key_file = Path("none");
  ExpectRefused("tls_key", Path("none"), "No such file");
  options_.key_file = Path("key.pem");
  options_.client_ca_file = Path("none");
  ExpectRefused("tls_client_ca", Path("none"), "No such file");
  options_.client_ca_file = Path("ca.pem");
  options_.crl_directory = Path("none");
  ExpectRefused("tls_crl_directory", Path("none"), "must be a directory");
}

TEST_F(ServerCertificatesTest, HalfWrittenFilesAreRefused) {
  WriteTestFile(options_.cert_file, own_.certificate.substr(0, 300));
  ExpectRefused("tls_cert", options_.cert_file,
                "certificate 1 of 1 is damaged or not written to its end");
  WriteTestFile(options_.cert_file,
                own_.certificate +
                    own_.certificate.substr(0, own_.certificate.size() - 30));
  ExpectRefused("tls_cert", options_.cert_file, "certificate 2 of 2");
  WriteTestFile(options_.cert_file, "");
  ExpectRefused("tls_cert", options_.cert_file, "must have a certificate");
  WriteTestFile(options_.cert_file, own_.certificate);
  WriteTestFile(options_.key_file, own_.key.substr(0, 100));
  ExpectRefused("tls_key", options_.key_file, "must have a private key");
  WriteTestFile(options_.key_file, own_.key);
  WriteTestFile(options_.client_ca_file,
                authority_.certificate().substr(0, 300));
  ExpectRefused("tls_client_ca", options_.client_ca_file, "is damaged");
}

TEST_F(ServerCertificatesTest, AFileOfAMebibyteIsReadAndALongerOneIsNot) {
  std::string padded = own_.certificate;
  padded.resize(1024 * 1024, '\n');
  WriteTestFile(options_.cert_file, padded);
  EXPECT_THAT(Read(), IsOk());
  WriteTestFile(options_.cert_file, padded + "\n");
  ExpectRefused("tls_cert", options_.cert_file, "at most 1048576 bytes");
}

TEST_F(ServerCertificatesTest, AKeyMustFitTheCertificate) {
  WriteTestFile(options_.key_file, authority_.IssueLocalhost().key);
  ExpectRefused("tls_key", options_.key_file, "does not fit it");
}

TEST_F(ServerCertificatesTest, AKeyMustNotBeReadableByOthers) {
  for (const int mode : {0600, 0400, 0640, 0440}) {
    WriteTestFile(options_.key_file, own_.key, mode);
    EXPECT_THAT(Read(), IsOk()) << mode;
  }
  WriteTestFile(options_.key_file, own_.key, 0644);
  ExpectRefused("tls_key", options_.key_file, "and has 0644");
  WriteTestFile(options_.key_file, own_.key, 0660);
  ExpectRefused("tls_key", options_.key_file, "and has 0660");
}

TEST_F(ServerCertificatesTest, AKeyMustNotHaveAPassphrase) {
  WriteTestFile(options_.key_file,
                "-----BEGIN RSA PRIVATE KEY-----\n"
                "Proc-Type: 4,ENCRYPTED\n"
                "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
                "AAAA\n-----END RSA PRIVATE KEY-----\n");
  ExpectRefused("tls_key", options_.key_file, "without a passphrase");
}

TEST_F(ServerCertificatesTest, AnAuthorityThatHasExpiredIsRefused) {
  const TestCertificate old = Issue(-absl::Hours(2), -absl::Hours(1));
  WriteTestFile(options_.client_ca_file,
                authority_.certificate() + old.certificate);
  ExpectRefused("tls_client_ca", options_.client_ca_file,
                "certificate 2 of 2 must be valid now");
}

TEST_F(ServerCertificatesTest, TheDigestTellsWhetherTheListsHaveChanged) {
  const auto before = Read();
  ASSERT_THAT(before, IsOk());
  WriteTestFile(ListPath(), authority_.RevocationList({}));
  const auto empty = Read();
  ASSERT_THAT(empty, IsOk());
  EXPECT_FALSE(*empty == *before);
  EXPECT_TRUE(*Read() == *empty);
  WriteTestFile(ListPath(), authority_.RevocationList({own_.certificate}));
  const auto revoked = Read();
  ASSERT_THAT(revoked, IsOk());
  EXPECT_FALSE(*revoked == *empty);
}

TEST_F(ServerCertificatesTest, AListThatNobodyFindsIsRefused) {
  WriteTestFile(Path("lists/README"), "What is here.\n");
  EXPECT_THAT(Read(), IsOk());
  WriteTestFile(Path("lists/crl.pem"), authority_.RevocationList({}));
  ExpectRefused("tls_crl_directory", Path("lists"),
                absl::StrCat("must have a file ",
                             authority_.RevocationListName(), ", by which"));
  WriteTestFile(ListPath(), authority_.RevocationList({}));
  EXPECT_THAT(Read(), IsOk());
}

TEST_F(ServerCertificatesTest, AListBehindAGapIsRefused) {
  std::string second = ListPath();
  second.back() = '1';
  WriteTestFile(second, authority_.RevocationList({own_.certificate}));
  ExpectRefused("tls_crl_directory", Path("lists"),
                absl::StrCat("must have a file ",
                             authority_.RevocationListName(), ", since lists"));
  WriteTestFile(ListPath(), authority_.RevocationList({}));
  EXPECT_THAT(Read(), IsOk());
}

TEST_F(ServerCertificatesTest, ADamagedOrExpiredOrForgedListIsRefused) {
  WriteTestFile(ListPath(), authority_.RevocationList({}).substr(0, 200));
  ExpectRefused("tls_crl_directory", ListPath(), "not written to its end");
  WriteTestFile(ListPath(), authority_.RevocationList({}, -absl::Seconds(30)));
  ExpectRefused("tls_crl_directory", ListPath(), "was to be replaced by");
  TestAuthority other("authority");
  WriteTestFile(ListPath(), other.RevocationList({}));
  ExpectRefused("tls_crl_directory", ListPath(), "must be signed by");
}

TEST_F(ServerCertificatesTest, TooManyListsAreRefused) {
  for (size_t i = 0; i < ServerCertificates::kMostLists; ++i) {
    WriteTestFile(Path(absl::StrCat("lists/", i)), "");
  }
  EXPECT_THAT(Read(), IsOk());
  WriteTestFile(Path("lists/more"), "");
  ExpectRefused("tls_crl_directory", Path("lists"), "at most 1000 files");
}

}  // namespace
}  // namespace rmq
