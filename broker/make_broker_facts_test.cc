#include "broker/make_broker_facts.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/fronts/admin/broker_facts.h"
#include "broker/fronts/auth_options.h"
#include "broker/fronts/clientmanager/broker_identity.h"
#include "broker/fronts/edge_counters.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registrar/registration_state.h"
#include "broker/registry/table_options.h"
#include "broker/server/server_options.h"
#include "common/rpc/server/transport_kind.h"
#include "common/security/server_tls_options.h"
#include "common/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::Contains;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr absl::Time kStarted = absl::FromUnixSeconds(1'000'000);

absl::optional<absl::Time> NoTls() { return absl::nullopt; }

absl::optional<RegistrationState> Registered() {
  RegistrationState state;
  state.key = "/p/c/brokers/b/4";
  return state;
}

TEST(MakeBrokerFactsTest, ABrokerSaysWhatItsOptionsAre) {
  BrokerIdentity identity;
  identity.cluster = "shop";
  identity.broker_name = "broker-b";
  identity.broker_id = 4;
  TableOptions table;
  table.max_channels = 7;
  table.channel_expiry = absl::Seconds(60);
  AuthOptions auth;
  auth.mode = AuthMode::kLog;
  SkipCounters passed_over;
  const BrokerFacts facts = MakeBrokerFacts(
      identity, ServerOptions(), table, auth, kStarted, absl::Seconds(30),
      &passed_over,
      {[] { return std::vector<std::string>(); }, NoTls, Registered});
  EXPECT_EQ(facts.cluster, "shop");
  EXPECT_EQ(facts.broker_name, "broker-b");
  EXPECT_EQ(facts.broker_id, 4);
  EXPECT_EQ(facts.version, kVersion);
  EXPECT_EQ(facts.started, kStarted);
  EXPECT_EQ(facts.settling_until, kStarted + absl::Seconds(30));
  EXPECT_FALSE(facts.certificate_not_after().has_value());
  EXPECT_EQ(facts.registration()->key, "/p/c/brokers/b/4");
  EXPECT_EQ(facts.max_channels, 7);
  EXPECT_EQ(facts.channel_expiry, absl::Seconds(60));
  EXPECT_EQ(facts.auth, AuthMode::kLog);
  EXPECT_FALSE(facts.client_certificates_required);
  passed_over.Count(SkipReason::kNoSuchGroup);
  EXPECT_THAT(facts.passed_over(), Contains(Pair(SkipReason::kNoSuchGroup, 1)));
}

TEST(MakeBrokerFactsTest, EachAddressHasThePortThatWasChosen) {
  ServerOptions server;
  server.address = "tls://0.0.0.0:0,plaintext://127.0.0.1:0";
  server.admin_address = "unix:/run/b";
  server.tls.cert_file = "cert";
  server.tls.key_file = "key";
  server.tls.client_ca_file = "ca";
  server.tls.client_certificates = ClientCertificates::kRequired;
  std::vector<std::string> listening;
  const SkipCounters passed_over;
  const BrokerFacts facts =
      MakeBrokerFacts(BrokerIdentity(), server, TableOptions(), AuthOptions(),
                      kStarted, absl::Seconds(30), &passed_over,
                      {[&] { return listening; }, NoTls, Registered});
  EXPECT_TRUE(facts.client_certificates_required);
  EXPECT_THAT(facts.addresses(), SizeIs(0));
  listening = {"0.0.0.0:5", "127.0.0.1:6", "unix:/run/b"};
  const std::vector<ServedAddressFacts> served = facts.addresses();
  ASSERT_THAT(served, SizeIs(3));
  EXPECT_EQ(served[0].address, "0.0.0.0:5");
  EXPECT_EQ(served[0].kind, TransportKind::kTls);
  EXPECT_TRUE(served[0].is_remote);
  EXPECT_FALSE(served[0].is_for_operators);
  EXPECT_EQ(served[1].kind, TransportKind::kPlaintext);
  EXPECT_FALSE(served[1].is_remote);
  EXPECT_EQ(served[2].kind, TransportKind::kLocal);
  EXPECT_FALSE(served[2].is_remote);
  EXPECT_TRUE(served[2].is_for_operators);
}

}  // namespace
}  // namespace rmq
