#include "common/rpc/credentials/channel_security.h"

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/file_changes.h"
#include "common/real_clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/security/credentials.h"
#include "common/security/test_certificates.h"
#include "common/security/tls_options.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using testing::HasSubstr;

class ChannelSecurityTest : public testing::Test {
 protected:
  ChannelSecurityTest() {
    tls_.ca_file = testing::TempDir() + "/security_ca.pem";
    tls_.cert_file = testing::TempDir() + "/security_cert.pem";
    tls_.key_file = testing::TempDir() + "/security_key.pem";
    WriteTestFile(tls_.ca_file, authority_.certificate());
    Write(authority_.IssueLocalhost());
  }

  void Write(const TestCertificate& certificate) {
    WriteTestFile(tls_.cert_file, certificate.certificate);
    WriteTestFile(tls_.key_file, certificate.key);
  }

  std::shared_ptr<ChannelSecurity> Create() {
    auto security = ChannelSecurity::Create(tls_, absl::nullopt, &clock_);
    EXPECT_THAT(security, IsOk());
    return *std::move(security);
  }

  TestAuthority authority_{"ca"};
  TlsOptions tls_;
  // Certificates are of the machine's time.
  SimulatedClock clock_{RealClock().ClockToWall(RealClock().TimeNow())};
};

TEST_F(ChannelSecurityTest, WithoutTlsChannelsAreInPlainText) {
  const auto security =
      ChannelSecurity::Create(absl::nullopt, absl::nullopt, &clock_);
  ASSERT_THAT(security, IsOk());
  EXPECT_EQ((*security)->credentials().Get(),
            PlaintextChannelCredentials().Get());
  EXPECT_EQ(ChannelSecurity::Plaintext()->credentials().Get(),
            PlaintextChannelCredentials().Get());
}

TEST_F(ChannelSecurityTest, AFileThatCannotBeUsedIsAnError) {
  tls_.ca_file += ".not";
  EXPECT_THAT(
      ChannelSecurity::Create(tls_, absl::nullopt, &clock_),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(tls_.ca_file)));
  EXPECT_THAT(ChannelSecurity::Create(absl::nullopt,
                                      Credentials{"", "", "/no/such"}, &clock_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such")));
}

TEST_F(ChannelSecurityTest, CredentialsStayWhileTheFilesDo) {
  const auto security = Create();
  const auto credentials = security->credentials().Get();
  const uint64_t generation = security->credentials().generation();
  clock_.Advance(FileChanges::kPeriod);
  EXPECT_EQ(security->credentials().generation(), generation);
  EXPECT_EQ(security->credentials().Get(), credentials);
}

TEST_F(ChannelSecurityTest, FilesThatChangeAreNewCredentials) {
  const auto security = Create();
  const auto credentials = security->credentials().Get();
  const uint64_t generation = security->credentials().generation();
  Write(authority_.IssueLocalhost());
  clock_.Advance(FileChanges::kPeriod);
  EXPECT_GT(security->credentials().generation(), generation);
  EXPECT_NE(security->credentials().Get(), credentials);
}

TEST_F(ChannelSecurityTest, FilesThatAreWrongLaterChangeNothing) {
  const auto security = Create();
  const auto credentials = security->credentials().Get();
  const uint64_t generation = security->credentials().generation();
  const TestCertificate next = authority_.IssueLocalhost();
  WriteTestFile(tls_.cert_file, next.certificate);  // With the earlier key.
  clock_.Advance(FileChanges::kPeriod);
  EXPECT_EQ(security->credentials().Get(), credentials);
  EXPECT_EQ(security->credentials().generation(), generation);
  WriteTestFile(tls_.key_file, next.key);
  clock_.Advance(FileChanges::kPeriod);
  EXPECT_GT(security->credentials().generation(), generation);
}

TEST_F(ChannelSecurityTest, AServerNameIsAnArgumentOfChannels) {
  const auto arguments_of = [](ChannelSecurity& security) {
    grpc::ChannelArguments arguments;
    const size_t before = arguments.c_channel_args().num_args;
    security.AddArguments(&arguments);
    return arguments.c_channel_args().num_args - before;
  };
  EXPECT_EQ(arguments_of(*Create()), 0u);
  tls_.server_name = "broker.example";
  EXPECT_EQ(arguments_of(*Create()), 1u);
}

}  // namespace
}  // namespace rmq
