#include "broker/broker_controller.h"

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/security/server_tls_options.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using Options = BrokerController::Options;

TEST(BrokerControllerTest, DefaultsValidate) {
  EXPECT_THAT(Options().Validate(), IsOk());
}

// TLS that each client needs a certificate for. Validate() reads no file.
void UseTls(Options* options) {
  options->server.tls.cert_file = "cert";
  options->server.tls.key_file = "key";
  options->server.tls.client_ca_file = "ca";
  options->server.tls.client_certificates = ClientCertificates::kRequired;
}

struct BadOption {
  const char* name;
  std::function<void(Options&)> set;
  const char* message;
};

class BadBrokerOptionTest : public ::testing::TestWithParam<BadOption> {};

TEST_P(BadBrokerOptionTest, IsRefusedByNameAndStartsNothing) {
  Options options;
  options.server.address = "127.0.0.1:0";
  GetParam().set(options);
  const auto is_refused = StatusIs(absl::StatusCode::kInvalidArgument,
                                   HasSubstr(GetParam().message));
  EXPECT_THAT(options.Validate(), is_refused);
  SimulatedClock clock;
  EXPECT_THAT(BrokerController::Start(options, &clock), is_refused);
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadBrokerOptionTest,
    ::testing::Values(
        BadOption{"Cluster", [](auto& o) { o.identity.cluster = "a b"; },
                  "cluster must be letters"},
        BadOption{"BrokerName", [](auto& o) { o.identity.broker_name = ""; },
                  "broker_name must not be empty"},
        // Said before what the limit makes of the names.
        BadOption{"Limits", [](auto& o) { o.limits.max_group_bytes = 0; },
                  "max_group_bytes must be at least 1, got 0"},
        BadOption{"Table", [](auto& o) { o.table.max_channels = 0; },
                  "max_channels must be at least 1, got 0"},
        BadOption{
            "NoExpiry",
            [](auto& o) { o.table.channel_expiry = absl::ZeroDuration(); },
            "channel_expiry must be positive, got 0"},
        BadOption{
            "EndlessExpiry",
            [](auto& o) { o.table.channel_expiry = absl::InfiniteDuration(); },
            "channel_expiry must be at most 8760h, got inf"},
        BadOption{"Policy",
                  [](auto& o) { o.policy.max_auto_created_groups = 0; },
                  "max_auto_created_groups must be at least 1, got 0"},
        BadOption{"Notifier",
                  [](auto& o) { o.notifier.notify_window = -absl::Seconds(1); },
                  "notify_window must be 0 to 10m, got -1s"},
        BadOption{"Housekeeping",
                  [](auto& o) { o.housekeeping.period = absl::ZeroDuration(); },
                  "housekeeping_period must be positive, got 0"},
        BadOption{"NegativeSettle",
                  [](auto& o) { o.settle = -absl::Seconds(1); },
                  "settle must be 0 to 8760h, got -1s"},
        BadOption{"EndlessSettle",
                  [](auto& o) { o.settle = absl::InfiniteDuration(); },
                  "settle must be 0 to 8760h, got inf"},
        BadOption{"Server", [](auto& o) { o.server.threads = 0; },
                  "threads must be 1 to 64, got 0"},
        BadOption{"RemoteAddress",
                  [](auto& o) { o.server.address = "0.0.0.0:0"; },
                  "address must be a loopback address"},
        BadOption{"RemoteAddressLikeALoopbackOne",
                  [](auto& o) { o.server.address = "127.0.0.1.example.org:0"; },
                  "unless allow_insecure_remote is set, got "
                  "127.0.0.1.example.org:0"},
        BadOption{"RemoteTlsAddressForEverybody",
                  [](auto& o) {
                    o.server.address = "0.0.0.0:0";
                    o.server.tls.cert_file = "cert";
                    o.server.tls.key_file = "key";
                  },
                  "(nobody must show who he is: see tls_client_cert=required "
                  "and auth=on) "
                  "unless allow_insecure_remote is set, got 0.0.0.0:0"},
        BadOption{"RemotePlaintextBesideTls",
                  [](auto& o) {
                    UseTls(&o);
                    o.server.address = "0.0.0.0:1,plaintext://0.0.0.0:2";
                  },
                  "(it has no TLS: see tls_cert) unless allow_insecure_remote "
                  "is set, got 0.0.0.0:2"},
        BadOption{"RemoteAdminAddress",
                  [](auto& o) { o.server.admin_address = "0.0.0.0:0"; },
                  "admin_address must be a loopback address"},
        BadOption{"TlsWithoutKey",
                  [](auto& o) { o.server.tls.cert_file = "cert"; },
                  "tls_key must be given with tls_cert, and is not"},
        BadOption{"Etcd", [](auto& o) { o.registrar.etcd = "etcd"; },
                  "etcd must be \"host:port\", or several with commas between, "
                  "got \"etcd\""},
        BadOption{"EtcdAndAllAddresses",
                  [](auto& o) {
                    o.server.address = "0.0.0.0:0";
                    o.allow_insecure_remote = true;
                    o.registrar.etcd = "etcd:2379";
                  },
                  "advertised_address must be given with etcd, since others "
                  "cannot dial the address 0.0.0.0:0"},
        BadOption{"RemoteMetricsAddress",
                  [](auto& o) { o.metrics_address = "[::]:0"; },
                  "metrics_address must be a loopback address"},
        BadOption{"MetricsAddress", [](auto& o) { o.metrics_address = "x"; },
                  "metrics_address must be host:port"}),
    [](const auto& test) { return test.param.name; });

TEST(BrokerControllerTest, EveryPartTellsWhatIsWrongWithIt) {
  Options options;
  options.table.max_channels = 0;
  options.server.address = "x";
  options.server.threads = 0;
  options.metrics_address = "y";
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "max_channels must be at least 1, got 0\n"
                       "address must be host:port (an IPv6 host in brackets) "
                       "with a port of 0 to 65535, tls://host:port, "
                       "plaintext://host:port or unix:/path, got \"x\"\n"
                       "metrics_address must be host:port (an IPv6 host in "
                       "brackets) with a port of 0 to 65535, got \"y\""));
}

TEST(BrokerControllerTest, ABrokerSettlesForAHeartbeatInterval) {
  Options options;
  options.table.channel_expiry = absl::Seconds(20);
  EXPECT_EQ(options.effective_settle(), absl::Seconds(5));
  options.settle = absl::ZeroDuration();
  EXPECT_EQ(options.effective_settle(), absl::ZeroDuration());
}

TEST(BrokerControllerTest, LoopbackAddressesNeedNoLeave) {
  Options options;
  for (const char* address :
       {"127.0.0.1:0", "127.1.2.3:0", "localhost:0", "[::1]:0"}) {
    options.server.address = address;
    EXPECT_THAT(options.Validate(), IsOk()) << address;
  }
}

TEST(BrokerControllerTest, ARemoteAddressOfTlsAndKnownClientsNeedsNoLeave) {
  Options options;
  UseTls(&options);
  options.server.address = "0.0.0.0:0";
  EXPECT_THAT(options.Validate(), IsOk());
  options.server.address = "tls://0.0.0.0:0,unix:/run/broker.sock";
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST(BrokerControllerTest, ARemoteAddressHasToBeAskedFor) {
  Options options;
  options.server.address = "0.0.0.0:0";
  options.allow_insecure_remote = true;
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST(BrokerControllerTest, ABrokerThatCannotListenLeavesNothingBehind) {
  SimulatedClock clock;
  Options options;
  options.server.address = "127.0.0.1:0";
  const auto first = BrokerController::Start(options, &clock);
  ASSERT_THAT(first, IsOk());
  options.server.address = (*first)->address();
  EXPECT_THAT(BrokerController::Start(options, &clock),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(BrokerControllerTest, ABrokerIsStoppedByItsDestructor) {
  SimulatedClock clock;
  Options options;
  options.server.address = "127.0.0.1:0";
  {
    const auto broker = BrokerController::Start(options, &clock);
    ASSERT_THAT(broker, IsOk());
    options.server.address = (*broker)->address();
  }
  // The port is free again.
  EXPECT_THAT(BrokerController::Start(options, &clock), IsOk());
}

TEST(BrokerControllerTest, TheAddressesStayTheSameAfterAShutdown) {
  SimulatedClock clock;
  Options options;
  options.server.address = "127.0.0.1:0";
  options.metrics_address = "127.0.0.1:0";
  const auto broker = BrokerController::Start(options, &clock);
  ASSERT_THAT(broker, IsOk());
  const std::string address = (*broker)->address();
  const std::string metrics_address = (*broker)->metrics_address();
  EXPECT_THAT(metrics_address, StartsWith("127.0.0.1:"));
  (*broker)->Shutdown(absl::ZeroDuration());
  EXPECT_EQ((*broker)->address(), address);
  EXPECT_EQ((*broker)->metrics_address(), metrics_address);
}

}  // namespace
}  // namespace rmq
