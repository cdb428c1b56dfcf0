// The client library and cmctl over TLS at the real broker.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "common/security/test_certificates.h"
#include "common/security/tls_options.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/eventually.h"

namespace rmq {
namespace {

using ::testing::Ne;

class ClientSecurityTest : public ::testing::Test {
 protected:
  ClientSecurityTest() {
    WriteTestFile(Path("ca.pem"), authority_.certificate());
    WriteCertificate("server", authority_.IssueLocalhost());
    WriteClientCertificate("pay-host");
  }

  void TearDown() override {
    client_ = nullptr;
    if (HasFailure() && broker_ != nullptr) {
      std::cerr << "--- the broker's log\n" << broker_->process().err();
    }
  }

  static std::string Path(absl::string_view name) {
    return absl::StrCat(testing::TempDir(), "/", name);
  }
  static void WriteCertificate(absl::string_view name,
                               const TestCertificate& certificate) {
    WriteTestFile(Path(absl::StrCat(name, "-cert.pem")),
                  certificate.certificate);
    WriteTestFile(Path(absl::StrCat(name, "-key.pem")), certificate.key);
  }
  void WriteClientCertificate(const std::string& common_name,
                              TestAuthority* authority = nullptr) {
    TestAuthority::Subject subject;
    subject.common_name = common_name;
    WriteCertificate(
        "client",
        (authority != nullptr ? *authority : authority_).Issue(subject));
  }
  // A broker with mutual TLS.
  void StartBroker(const std::vector<std::string>& more_flags = {}) {
    std::vector<std::string> flags = {
        "--tls_cert=" + Path("server-cert.pem"),
        "--tls_key=" + Path("server-key.pem"),
        "--tls_client_ca=" + Path("ca.pem"),
        "--tls_client_cert=required",
        "--channel_expiry=120s",
    };
    flags.insert(flags.end(), more_flags.begin(), more_flags.end());
    absl::StatusOr<std::unique_ptr<BrokerProcess>> broker =
        BrokerProcess::Start("tls://" + address_, flags);
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
  }
  // A client of the group "orders".
  void StartClient() {
    ClientOptions options;
    options.brokers = {address_};
    options.client_id = "a";
    options.tls.emplace();
    options.tls->ca_file = Path("ca.pem");
    options.tls->cert_file = Path("client-cert.pem");
    options.tls->key_file = Path("client-key.pem");
    options.tls->server_name = "localhost";
    options.heartbeat_interval = absl::Milliseconds(100);
    options.initial_backoff = absl::Milliseconds(100);
    options.max_backoff = absl::Milliseconds(500);
    absl::StatusOr<std::unique_ptr<Client>> client =
        Client::Create(std::move(options));
    ASSERT_THAT(client, IsOk());
    client_ = *std::move(client);
    ConsumerOptions consumer;
    consumer.group = "orders";
    ASSERT_THAT(client_->RegisterConsumer(std::move(consumer)), IsOk());
    ASSERT_THAT(client_->Start(), IsOk());
  }

  BrokerHealth Health() const { return client_->Health()[0]; }
  // For Becomes().
  auto State() const {
    return [this] { return Health().state; };
  }

  const std::string address_ = UnusedAddress();
  TestAuthority authority_{"ca"};
  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientSecurityTest, OperatorsAskOverTlsAndOverAUnixSocket) {
  const std::string socket = absl::StrCat("/tmp/client_security_", getpid());
  StartBroker({"--address=unix:" + socket});
  StartClient();
  ASSERT_TRUE(Becomes(State(), BrokerState::kOnline));
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{
           {"--broker=" + address_, "--tls_ca=" + Path("ca.pem"),
            "--tls_cert=" + Path("client-cert.pem"),
            "--tls_key=" + Path("client-key.pem"),
            "--tls_server_name=localhost"},
           {"--broker=unix:" + socket}}) {
    ChildProcess::Options cmctl;
    cmctl.command = {RunfilePath("tools/cmctl/cmctl"), "ids", "orders"};
    cmctl.command.insert(cmctl.command.end(), options.begin(), options.end());
    const auto outcome = RunToEnd(std::move(cmctl));
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->out, "a\n") << outcome->err;
  }
}

TEST_F(ClientSecurityTest, ConnectionsUseTheCertificateOfTheirTime) {
  StartBroker();
  StartClient();
  ASSERT_TRUE(Becomes(State(), BrokerState::kOnline));
  // Of an authority that the broker does not know. The stream that stands goes
  // on.
  TestAuthority other("other");
  WriteClientCertificate("stranger", &other);
  EXPECT_TRUE(Stays(State(), BrokerState::kOnline, absl::Seconds(2)));
  // The next one is refused, until there is a good certificate again.
  broker_ = nullptr;
  StartBroker();
  EXPECT_TRUE(Stays(State(), Ne(BrokerState::kOnline), absl::Seconds(3)));
  WriteClientCertificate("pay-host");
  EXPECT_TRUE(Becomes(State(), BrokerState::kOnline));
}

}  // namespace
}  // namespace rmq
