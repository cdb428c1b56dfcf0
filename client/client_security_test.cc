// A client over TLS, with credentials, at a server of gRPC.
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/testing/client_fixture.h"
#include "client/testing/scripted_broker.h"
#include "common/security/hmac_sha1.h"
#include "common/security/mqv2_authorization.h"
#include "common/security/test_certificates.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/security/server_credentials.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using testing::HasSubstr;

class ClientSecurityTest : public ClientTest {
 protected:
  ClientSecurityTest() {
    ca_file_ = testing::TempDir() + "/client_ca.pem";
    WriteTestFile(ca_file_, authority_.certificate());
    options_.initial_backoff = absl::Milliseconds(1);
    options_.max_backoff = absl::Milliseconds(100);
  }

  // A broker with a certificate of `name` that asks for one of the authority.
  void Serve(const std::string& name) {
    TestAuthority::Subject subject;
    subject.common_name = name;
    subject.dns_names = {name};
    const TestCertificate server = authority_.Issue(subject);
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = authority_.certificate();
    options.pem_key_cert_pairs.push_back({server.key, server.certificate});
    tls_broker_ =
        std::make_unique<ScriptedBroker>(grpc::SslServerCredentials(options));
    options_.brokers = {tls_broker_->address()};
    options_.tls.emplace();
    options_.tls->ca_file = ca_file_;
    options_.tls->server_name = name;
  }

  // The client shows a certificate of this name from now on.
  void WriteCertificate(const std::string& common_name) {
    options_.tls->cert_file = testing::TempDir() + "/client_cert.pem";
    options_.tls->key_file = testing::TempDir() + "/client_key.pem";
    TestAuthority::Subject subject;
    subject.common_name = common_name;
    const TestCertificate client = authority_.Issue(subject);
    WriteTestFile(options_.tls->cert_file, client.certificate);
    WriteTestFile(options_.tls->key_file, client.key);
  }

  // The error that the client meets at the broker.
  std::string AwaitFailure() {
    Client& client = Make();
    EXPECT_THAT(client.RegisterConsumer(Orders()), IsOk());
    EXPECT_THAT(client.Start(), IsOk());
    callbacks_.AwaitState(BrokerState::kBackoff);
    return std::string(client.Health()[0].last_error.message());
  }

  TestAuthority authority_{"ca"};
  std::string ca_file_;
  std::unique_ptr<ScriptedBroker> tls_broker_;
};

TEST_F(ClientSecurityTest, OverTlsItSaysWhoItIs) {
  Serve("broker.example");
  WriteCertificate("pay-host");
  options_.credentials = Credentials{"pay", "hush", ""};
  MakeOnline();
  const ScriptedBroker::Caller caller = tls_broker_->AwaitCallers(1)[0];
  EXPECT_EQ(caller.common_name, "pay-host");
  const auto parsed = ParseMqv2Authorization(caller.authorization);
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->access_key, "pay");
  const auto key = HmacSha1::Create("hush");
  ASSERT_THAT(key, IsOk());
  EXPECT_TRUE(key->Verify(caller.date_time, parsed->signature));
}

TEST_F(ClientSecurityTest, WithoutCredentialsItSaysNothing) {
  Serve("broker.example");
  MakeOnline();
  const ScriptedBroker::Caller caller = tls_broker_->AwaitCallers(1)[0];
  EXPECT_EQ(caller.common_name, "");
  EXPECT_EQ(caller.authorization, "");
  EXPECT_EQ(caller.date_time, "");
}

TEST_F(ClientSecurityTest, ACertificateOfAnotherAuthorityIsNoBroker) {
  Serve("broker.example");
  WriteTestFile(ca_file_, TestAuthority("other").certificate());
  EXPECT_THAT(AwaitFailure(), HasSubstr("certificate verify failed"));
}

TEST_F(ClientSecurityTest, ACertificateOfAnotherNameIsNoBroker) {
  Serve("broker.example");
  options_.tls->server_name = "other.example";
  EXPECT_THAT(AwaitFailure(), HasSubstr("other.example"));
}

TEST_F(ClientSecurityTest, BrokersFoundByANameHaveCertificatesOfThatName) {
  Serve("localhost");
  const std::string address = tls_broker_->address();
  options_.brokers.clear();
  options_.resolver =
      absl::StrCat("dns:///localhost", address.substr(address.rfind(':')));
  options_.tls->server_name.clear();
  MakeOnline();
}

TEST_F(ClientSecurityTest, ANameOfTheCertificatesMayBeGivenWithAResolver) {
  Serve("broker.example");
  const std::string address = tls_broker_->address();
  options_.brokers.clear();
  options_.resolver =
      absl::StrCat("dns:///localhost", address.substr(address.rfind(':')));
  MakeOnline();
}

TEST_F(ClientSecurityTest, AFileThatCannotBeUsedIsAnErrorOfCreate) {
  options_.tls.emplace();
  options_.tls->ca_file = "/no/such";
  EXPECT_THAT(
      Client::Create(options_),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("/no/such")));
  options_.tls.reset();
  options_.credentials = Credentials{"", "", "/no/such"};
  EXPECT_THAT(Client::Create(options_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such")));
}

TEST_F(ClientSecurityTest, CredentialsDoNotLeaveTheMachineInPlainText) {
  options_.credentials = Credentials{"pay", "hush", ""};
  EXPECT_THAT(Client::Create(options_), IsOk());
  options_.brokers = {"192.0.2.1:10911"};
  EXPECT_THAT(Client::Create(options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("allow_insecure_credentials")));
  options_.allow_insecure_credentials = true;
  EXPECT_THAT(Client::Create(options_), IsOk());
}

TEST_F(ClientSecurityTest, ConnectionsUseTheFilesOfTheirTime) {
  Serve("broker.example");
  WriteCertificate("before");
  MakeOnline();
  EXPECT_EQ(tls_broker_->AwaitCallers(1)[0].common_name, "before");
  WriteCertificate("after");
  // The files are looked at once a second.
  std::string name;
  for (size_t streams = 2; name != "after" && streams < 10'000; ++streams) {
    tls_broker_->EndStream(absl::UnavailableError("again"));
    name = tls_broker_->AwaitCallers(streams).back().common_name;
  }
  EXPECT_EQ(name, "after");
}

}  // namespace
}  // namespace rmq
