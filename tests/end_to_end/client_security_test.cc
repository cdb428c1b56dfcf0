// The client library over TLS and with credentials at the real broker: files
// that change, and users that come and go.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "common/security/credentials.h"
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

using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Ne;

// Long enough for the first pause after a denial, on a busy machine.
constexpr absl::Duration kLongPatience = absl::Seconds(90);

class ClientSecurityTest : public ::testing::Test {
 protected:
  ClientSecurityTest() {
    WriteTestFile(Path("ca.pem"), authority_.certificate());
    WriteCertificate("server", authority_.IssueLocalhost());
    WriteClientCertificate("pay-host");
    WriteCredentials("hush");
    WriteUsers("hush", "ENABLE");
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
  static void WriteCredentials(absl::string_view secret) {
    WriteTestFile(
        Path("credentials"),
        absl::StrCat("access_key: \"pay\" secret_key: \"", secret, "\"\n"));
  }
  static void WriteUsers(absl::string_view secret, absl::string_view status) {
    WriteTestFile(
        Path("users"),
        absl::StrCat(
            "users { name: \"pay\" secret: \"", secret, "\" status: ", status,
            " }\n"
            "users { name: \"root\" secret: \"r\" type: SUPER }\n"
            "rules { user: \"pay\" resource: \"Group:orders\" action: [SUB] "
            "decision: ALLOW }\n"));
  }

  // A broker with mutual TLS and rules.
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
  void StartBrokerWithRules() {
    StartBroker({"--auth=on", "--auth_file=" + Path("users")});
  }

  // A client of the group "orders", and of those too.
  void StartClient(const std::vector<std::string>& more_groups = {}) {
    ClientOptions options;
    options.brokers = {address_};
    options.client_id = "a";
    options.tls.emplace();
    options.tls->ca_file = Path("ca.pem");
    options.tls->cert_file = Path("client-cert.pem");
    options.tls->key_file = Path("client-key.pem");
    options.tls->server_name = "localhost";
    options.credentials.emplace().credentials_file = Path("credentials");
    options.heartbeat_interval = absl::Milliseconds(100);
    options.initial_backoff = absl::Milliseconds(100);
    options.max_backoff = absl::Milliseconds(500);
    absl::StatusOr<std::unique_ptr<Client>> client =
        Client::Create(std::move(options));
    ASSERT_THAT(client, IsOk());
    client_ = *std::move(client);
    std::vector<std::string> groups = more_groups;
    groups.push_back("orders");
    for (const std::string& group : groups) {
      ConsumerOptions consumer;
      consumer.group = group;
      ASSERT_THAT(client_->RegisterConsumer(std::move(consumer)), IsOk());
    }
    ASSERT_THAT(client_->Start(), IsOk());
  }

  BrokerHealth Health() const { return client_->Health()[0]; }
  // For Becomes().
  auto State() const {
    return [this] { return Health().state; };
  }
  auto Error() const {
    return [this] { return Health().last_error.ToString(); };
  }

  const std::string address_ = UnusedAddress();
  TestAuthority authority_{"ca"};
  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientSecurityTest, OverMutualTlsAndWithCredentialsItIsOnline) {
  StartBrokerWithRules();
  StartClient();
  EXPECT_TRUE(Becomes(State(), BrokerState::kOnline));
}

TEST_F(ClientSecurityTest, AGroupThatItMayNotHaveIsSkippedWithTheReason) {
  StartBrokerWithRules();
  StartClient({"bills"});
  ASSERT_TRUE(Becomes(State(), BrokerState::kPartial));
  ASSERT_EQ(Health().skipped_groups.size(), 1u);
  EXPECT_EQ(Health().skipped_groups[0].group, "bills");
}

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

TEST_F(ClientSecurityTest, AUserWhoIsDisabledIsOutAndComesBackByItself) {
  StartBrokerWithRules();
  StartClient();
  ASSERT_TRUE(Becomes(State(), BrokerState::kOnline));
  WriteUsers("hush", "DISABLE");
  ASSERT_TRUE(Becomes(State(), BrokerState::kBackoff));
  EXPECT_THAT(Error()(), HasSubstr("UNAUTHENTICATED"));
  const absl::Duration pause = Health().retry_at - absl::Now();
  EXPECT_GT(pause, absl::Seconds(25));
  EXPECT_LE(pause, absl::Minutes(1));
  WriteUsers("hush", "ENABLE");
  EXPECT_TRUE(Becomes(State(), BrokerState::kOnline, kLongPatience));
}

TEST_F(ClientSecurityTest, ASecretThatIsChangedOnBothSidesLosesOneStream) {
  StartBrokerWithRules();
  StartClient();
  ASSERT_TRUE(Becomes(State(), BrokerState::kOnline));
  WriteCredentials("hush2");
  WriteUsers("hush2", "ENABLE");
  ASSERT_TRUE(Becomes([this] { return Health().reconnects; }, Eq(1)));
  EXPECT_EQ(Health().state, BrokerState::kOnline);
}

}  // namespace
}  // namespace rmq
