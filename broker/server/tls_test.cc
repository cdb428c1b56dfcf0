// The broker over TLS and over Unix sockets.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/broker_controller.h"
#include "broker/server/test_broker.h"
#include "common/real_clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/security/server_tls_options.h"
#include "common/security/test_certificates.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() : directory_(mkdtemp(name_)) {
    options_.server.address = "127.0.0.1:0";
    options_.metrics_address = "";
    options_.server.tls.cert_file = Path("cert.pem");
    options_.server.tls.key_file = Path("key.pem");
    options_.server.tls.client_ca_file = Path("ca.pem");
    options_.server.tls.client_certificates = ClientCertificates::kRequired;
    Write(authority_.IssueLocalhost());
    WriteTestFile(Path("ca.pem"), authority_.certificate());
  }
  ~TlsTest() override {
    broker_ = nullptr;
    for (const char* file : {"cert.pem", "key.pem", "ca.pem"}) {
      unlink(Path(file).c_str());
    }
    EXPECT_EQ(rmdir(directory_.c_str()), 0);
  }

  std::string Path(absl::string_view name) const {
    return absl::StrCat(directory_, "/", name);
  }
  // In two steps, as operators do.
  void Write(const TestCertificate& own) const {
    WriteTestFile(Path("cert.pem"), own.certificate);
    WriteTestFile(Path("key.pem"), own.key);
  }
  void Start() {
    auto broker = BrokerController::Start(options_, &RealClock());
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
  }

  // A connection of its own.
  std::shared_ptr<grpc::Channel> Connect(
      const std::string& address,
      const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(address, credentials, arguments);
  }
  std::shared_ptr<grpc::ChannelCredentials> Credentials(
      const TestCertificate& own) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority_.certificate();
    options.pem_cert_chain = own.certificate;
    options.pem_private_key = own.key;
    return grpc::SslCredentials(options);
  }
  std::shared_ptr<grpc::Channel> ConnectTls(const TestCertificate& own) const {
    return Connect(broker_->address(), Credentials(own));
  }
  std::shared_ptr<grpc::Channel> ConnectTls() {
    return ConnectTls(authority_.IssueLocalhost());
  }

  // Heartbeats once. Fills `shown` with the certificate that the broker shows.
  static grpc::Status Heartbeat(const std::shared_ptr<grpc::Channel>& channel,
                                const std::string& client_id,
                                std::string* shown = nullptr) {
    grpc::ClientContext context;
    SetTestDeadline(context);
    pb::HeartbeatResponse response;
    const grpc::Status status = pb::ClientManager::NewStub(channel)->Heartbeat(
        &context, ConsumerHeartbeat(client_id, "orders"), &response);
    if (shown != nullptr && status.ok()) {
      const auto certificate =
          context.auth_context()->FindPropertyValues("x509_pem_cert").at(0);
      *shown = std::string(certificate.data(), certificate.size());
    }
    return status;
  }
  // The addresses of the clients of the group, as operators see them.
  static std::vector<std::string> RemoteAddresses(
      const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    SetTestDeadline(context);
    pb::ListClientsRequest request;
    pb::ListClientsResponse response;
    EXPECT_TRUE(pb::ClientManagerAdmin::NewStub(channel)
                    ->ListClients(&context, request, &response)
                    .ok());
    std::vector<std::string> addresses;
    for (const auto& client : response.clients()) {
      addresses.push_back(client.channel().remote_address());
    }
    return addresses;
  }

  TestAuthority authority_{"authority"};
  BrokerController::Options options_;
  std::unique_ptr<BrokerController> broker_;

 private:
  char name_[32] = "/tmp/tls_test.XXXXXX";
  const std::string directory_;
};

TEST_F(TlsTest, ClientsWithACertificateAreServedAndOthersAreNot) {
  Start();
  EXPECT_TRUE(Heartbeat(ConnectTls(), "a").ok());
  grpc::SslCredentialsOptions no_certificate;
  no_certificate.pem_root_certs = authority_.certificate();
  EXPECT_FALSE(Heartbeat(Connect(broker_->address(),
                                 grpc::SslCredentials(no_certificate)),
                         "b")
                   .ok());
  EXPECT_FALSE(
      Heartbeat(
          Connect(broker_->address(), PlaintextChannelCredentials().Get()), "c")
          .ok());
  TestAuthority::Subject expired;
  expired.common_name = "expired";
  expired.not_after = -absl::Minutes(1);
  EXPECT_FALSE(Heartbeat(ConnectTls(authority_.Issue(expired)), "d").ok());
}

TEST_F(TlsTest, AClientRefusesABrokerOfAnotherName) {
  TestAuthority::Subject subject;
  subject.common_name = "elsewhere";
  subject.dns_names = {"elsewhere"};
  Write(authority_.Issue(subject));
  Start();
  EXPECT_FALSE(Heartbeat(ConnectTls(), "a").ok());
}

TEST_F(TlsTest, AStreamLivesThroughANewCertificate) {
  Start();
  TestStream stream(ConnectTls());
  ASSERT_EQ(stream.Call(ConsumerHeartbeat("a", "orders")).status().code(), 0);
  const TestCertificate next = authority_.IssueLocalhost();
  Write(next);
  const absl::Time limit = RealClock().TimeNow() + absl::Seconds(30);
  std::string shown;
  while (shown != next.certificate && RealClock().TimeNow() < limit) {
    ASSERT_TRUE(Heartbeat(ConnectTls(), "b", &shown).ok());
  }
  EXPECT_EQ(shown, next.certificate);
  EXPECT_EQ(stream.Call(ConsumerHeartbeat("a", "orders")).status().code(), 0);
}

TEST_F(TlsTest, EachAddressHasItsOwnSecurity) {
  options_.server.address =
      absl::StrCat("127.0.0.1:0,plaintext://127.0.0.1:0,unix:", Path("socket"));
  Start();
  ASSERT_EQ(broker_->addresses().size(), 3);
  const std::string& plaintext = broker_->addresses()[1];
  const std::string& local = broker_->addresses()[2];
  EXPECT_EQ(local, absl::StrCat("unix:", Path("socket")));
  EXPECT_EQ(options_.server.SecurityText(),
            "TLS, client certificates required; no TLS; Unix socket of this "
            "user");
  const auto none = PlaintextChannelCredentials().Get();
  EXPECT_TRUE(Heartbeat(ConnectTls(), "tls").ok());
  EXPECT_TRUE(Heartbeat(Connect(plaintext, none), "plaintext").ok());
  EXPECT_FALSE(
      Heartbeat(Connect(plaintext, Credentials(authority_.IssueLocalhost())),
                "tls on plaintext")
          .ok());
  EXPECT_TRUE(Heartbeat(Connect(local, none), "local").ok());
  EXPECT_THAT(RemoteAddresses(Connect(local, none)),
              ::testing::UnorderedElementsAre(
                  ::testing::StartsWith("127.0.0.1:"),
                  ::testing::StartsWith("127.0.0.1:"), "unix:"));
}

TEST_F(TlsTest, AnAddressForOperatorsKeepsTheAdminServiceFromOthers) {
  options_.server.tls = {};
  options_.server.address = absl::StrCat("127.0.0.1:0,unix:", Path("socket"));
  options_.server.admin_address = "127.0.0.1:0";
  Start();
  ASSERT_EQ(broker_->addresses().size(), 3);
  const auto none = PlaintextChannelCredentials().Get();
  const auto calls_operators = [&](int address) {
    const auto channel = Connect(broker_->addresses()[address], none);
    EXPECT_TRUE(Heartbeat(channel, "a").ok());
    grpc::ClientContext unary;
    SetTestDeadline(unary);
    pb::ListGroupsRequest request;
    request.set_kind(pb::GROUP_KIND_CONSUMER);
    pb::ListGroupsResponse groups;
    const grpc::Status listed =
        pb::ClientManagerAdmin::NewStub(channel)->ListGroups(&unary, request,
                                                             &groups);
    grpc::ClientContext streaming;
    SetTestDeadline(streaming);
    const auto watch =
        pb::ClientManagerAdmin::NewStub(channel)->Watch(&streaming, {});
    pb::WatchResponse response;
    const bool watches = watch->Read(&response);
    if (watches) streaming.TryCancel();
    const grpc::Status ended = watch->Finish();
    EXPECT_EQ(listed.ok(), watches);
    if (!listed.ok()) {
      EXPECT_EQ(listed.error_code(), grpc::StatusCode::PERMISSION_DENIED);
      EXPECT_THAT(listed.error_message(), HasSubstr("admin_address"));
      EXPECT_EQ(ended.error_code(), grpc::StatusCode::PERMISSION_DENIED);
    }
    return listed.ok();
  };
  EXPECT_FALSE(calls_operators(0));
  EXPECT_TRUE(calls_operators(1));
  EXPECT_TRUE(calls_operators(2));
}

TEST_F(TlsTest, AStreamOverAUnixSocketIsServed) {
  options_.server.tls = {};
  options_.server.address = absl::StrCat("unix:", Path("socket"));
  Start();
  TestStream stream(
      Connect(broker_->address(), PlaintextChannelCredentials().Get()));
  EXPECT_EQ(stream.Call(ConsumerHeartbeat("a", "orders")).status().code(), 0);
  broker_->Shutdown(absl::ZeroDuration());
  EXPECT_NE(access(Path("socket").c_str(), F_OK), 0);
}

TEST_F(TlsTest, WrongFilesEndTheStartInOneLine) {
  Write({authority_.IssueLocalhost().certificate,
         authority_.IssueLocalhost().key});
  EXPECT_THAT(BrokerController::Start(options_, &RealClock()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(Path("key.pem")),
                             HasSubstr("does not fit"), Not(HasSubstr("\n")))));
}

}  // namespace
}  // namespace rmq
