#include "common/rpc/credentials/server_tls_credentials.h"

#include <sys/stat.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/real_clock.h"
#include "common/security/server_tls_options.h"
#include "common/security/test_certificates.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpc/support/time.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Answers each call with UNIMPLEMENTED, as gRPC does by itself.
class ServerTlsCredentialsTest : public ::testing::Test {
 protected:
  ServerTlsCredentialsTest()
      : directory_(absl::StrCat(
            ::testing::TempDir(), "/",
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    mkdir(directory_.c_str(), 0700);
    options_.cert_file = Path("cert.pem");
    options_.key_file = Path("key.pem");
    Write(authority_.IssueLocalhost());
  }
  ~ServerTlsCredentialsTest() override { server_ = nullptr; }

  std::string Path(absl::string_view name) const {
    return absl::StrCat(directory_, "/", name);
  }
  void Write(const TestCertificate& own) const {
    WriteTestFile(options_.cert_file, own.certificate);
    WriteTestFile(options_.key_file, own.key);
  }
  void AskForCertificates(ClientCertificates asked) {
    options_.client_ca_file = Path("ca.pem");
    options_.client_certificates = asked;
    WriteTestFile(options_.client_ca_file, authority_.certificate());
  }
  void Serve() {
    auto created = ServerTlsCredentials::Create(options_, &RealClock());
    ASSERT_THAT(created, IsOk());
    credentials_ = *std::move(created);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials_->Get(), &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

  // The certificate that the server shows on a new connection; nothing if there
  // is no connection.
  absl::optional<std::string> Connect(
      const absl::optional<TestCertificate>& certificate = absl::nullopt) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority_.certificate();
    if (certificate.has_value()) {
      options.pem_cert_chain = certificate->certificate;
      options.pem_private_key = certificate->key;
    }
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return Call(grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_),
                                          grpc::SslCredentials(options),
                                          arguments));
  }
  absl::optional<std::string> Call(
      const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                      gpr_time_from_seconds(30, GPR_TIMESPAN)));
    const grpc::Slice bytes("request");
    const grpc::ByteBuffer request(&bytes, 1);
    grpc::ByteBuffer response;
    absl::Notification done;
    grpc::Status status;
    grpc::GenericStub(channel).UnaryCall(&context, "/test/Method", {}, &request,
                                         &response, [&](grpc::Status ended) {
                                           status = std::move(ended);
                                           done.Notify();
                                         });
    done.WaitForNotification();
    if (status.error_code() != grpc::StatusCode::UNIMPLEMENTED) {
      return absl::nullopt;
    }
    const std::vector<grpc::string_ref> shown =
        context.auth_context()->FindPropertyValues("x509_pem_cert");
    return std::string(shown.at(0).data(), shown.at(0).size());
  }
  // Connects until the server does what is expected of it after Reload().
  template <typename Condition>
  bool Becomes(const Condition& condition) {
    const absl::Time limit =
        RealClock().TimeNow() + 10 * ServerTlsCredentials::kReloadLimit;
    while (!condition()) {
      if (RealClock().TimeNow() > limit) return false;
    }
    return true;
  }

  const std::string directory_;
  TestAuthority authority_{"authority"};
  ServerTlsOptions options_;
  std::unique_ptr<ServerTlsCredentials> credentials_;
  grpc::CallbackGenericService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(ServerTlsCredentialsTest, WrongFilesAreAnErrorOfTheStart) {
  options_.cert_file = Path("none");
  EXPECT_THAT(
      ServerTlsCredentials::Create(options_, &RealClock()),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("tls_cert ")));
}

TEST_F(ServerTlsCredentialsTest, PathsAreThoseToWatch) {
  AskForCertificates(ClientCertificates::kOptional);
  options_.crl_directory = Path("lists");
  mkdir(options_.crl_directory.c_str(), 0700);
  const auto created = ServerTlsCredentials::Create(options_, &RealClock());
  ASSERT_THAT(created, IsOk());
  EXPECT_THAT((*created)->paths(),
              ElementsAre(Path("cert.pem"), Path("key.pem"), Path("ca.pem"),
                          Path("lists")));
}

TEST_F(ServerTlsCredentialsTest, NewConnectionsGetTheNewCertificate) {
  const TestCertificate first = authority_.IssueLocalhost();
  Write(first);
  Serve();
  EXPECT_EQ(Connect(), first.certificate);
  const TestCertificate second = authority_.IssueLocalhost();
  Write(second);
  ASSERT_THAT(credentials_->Reload(), IsOk());
  EXPECT_TRUE(Becomes([&] { return Connect() == second.certificate; }));
}

TEST_F(ServerTlsCredentialsTest, WrongNewFilesChangeNothing) {
  const TestCertificate first = authority_.IssueLocalhost();
  Write(first);
  Serve();
  const absl::Time not_after = credentials_->not_after();
  TestAuthority::Subject expired;
  expired.common_name = "localhost";
  expired.not_after = -absl::Minutes(1);
  Write(authority_.Issue(expired));
  EXPECT_THAT(
      credentials_->Reload(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("expired at")));
  EXPECT_EQ(credentials_->not_after(), not_after);
  EXPECT_EQ(Connect(), first.certificate);
  // The key of another certificate, as when one of the two files is written.
  WriteTestFile(options_.cert_file, first.certificate);
  EXPECT_THAT(credentials_->Reload(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("does not fit it")));
  Write(first);
  EXPECT_THAT(credentials_->Reload(), IsOk());
  EXPECT_EQ(Connect(), first.certificate);
}

TEST_F(ServerTlsCredentialsTest, TheDateIsThatOfTheNewCertificate) {
  Serve();
  TestAuthority::Subject brief;
  brief.common_name = "localhost";
  brief.not_after = absl::Hours(2);
  Write(authority_.Issue(brief));
  ASSERT_THAT(credentials_->Reload(), IsOk());
  EXPECT_NEAR(
      absl::ToUnixSeconds(credentials_->not_after()),
      absl::ToUnixSeconds(RealClock().ClockToWall(RealClock().TimeNow()) +
                          absl::Hours(2)),
      60);
}

TEST_F(ServerTlsCredentialsTest, ARequiredCertificateIsRequired) {
  AskForCertificates(ClientCertificates::kRequired);
  Serve();
  EXPECT_FALSE(Connect().has_value());
  EXPECT_TRUE(Connect(authority_.IssueLocalhost()).has_value());
  TestAuthority other("other");
  EXPECT_FALSE(Connect(other.IssueLocalhost()).has_value());
}

TEST_F(ServerTlsCredentialsTest, AnOptionalCertificateMayBeMissingNotWrong) {
  AskForCertificates(ClientCertificates::kOptional);
  Serve();
  EXPECT_TRUE(Connect().has_value());
  EXPECT_TRUE(Connect(authority_.IssueLocalhost()).has_value());
  TestAuthority other("other");
  EXPECT_FALSE(Connect(other.IssueLocalhost()).has_value());
}

TEST_F(ServerTlsCredentialsTest, ANewAuthorityTakesTheOldOnesPlace) {
  AskForCertificates(ClientCertificates::kRequired);
  Serve();
  TestAuthority other("other");
  const TestCertificate of_other = other.IssueLocalhost();
  EXPECT_FALSE(Connect(of_other).has_value());
  WriteTestFile(options_.client_ca_file, other.certificate());
  ASSERT_THAT(credentials_->Reload(), IsOk());
  EXPECT_TRUE(Becomes([&] { return Connect(of_other).has_value(); }));
  EXPECT_FALSE(Connect(authority_.IssueLocalhost()).has_value());
}

TEST_F(ServerTlsCredentialsTest, ARevokedCertificateIsRefusedFromTheReloadOn) {
  AskForCertificates(ClientCertificates::kRequired);
  options_.crl_directory = Path("lists");
  mkdir(options_.crl_directory.c_str(), 0700);
  const std::string list =
      absl::StrCat(Path("lists/"), authority_.RevocationListName());
  WriteTestFile(list, authority_.RevocationList({}));
  Serve();
  const TestCertificate revoked = authority_.IssueLocalhost();
  const TestCertificate other = authority_.IssueLocalhost();
  EXPECT_TRUE(Connect(revoked).has_value());
  WriteTestFile(list, authority_.RevocationList({revoked.certificate}));
  ASSERT_THAT(credentials_->Reload(), IsOk());
  EXPECT_TRUE(Becomes([&] { return !Connect(revoked).has_value(); }));
  EXPECT_TRUE(Connect(other).has_value());
}

TEST_F(ServerTlsCredentialsTest, AnOpenConnectionOutlivesItsCertificate) {
  Serve();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = authority_.certificate();
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("localhost");
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel =
      grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_),
                                grpc::SslCredentials(options), arguments);
  const absl::optional<std::string> first = Call(channel);
  ASSERT_TRUE(first.has_value());
  const TestCertificate second = authority_.IssueLocalhost();
  Write(second);
  ASSERT_THAT(credentials_->Reload(), IsOk());
  EXPECT_TRUE(Becomes([&] { return Connect() == second.certificate; }));
  EXPECT_EQ(Call(channel), first);
}

}  // namespace
}  // namespace rmq
