#include "broker/make_discovery_entry.h"

#include "absl/time/time.h"
#include "broker/fronts/clientmanager/broker_identity.h"
#include "broker/server/server_options.h"
#include "common/discovery/discovery_entry.h"
#include "common/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

TEST(MakeDiscoveryEntryTest, ABrokerSaysWhatItIsAndWhereItListens) {
  BrokerIdentity identity;
  identity.cluster = "shop";
  identity.broker_name = "broker-b";
  identity.broker_id = 4;
  identity.incarnation = 9;
  ServerOptions server;
  server.address = "127.0.0.1:0,unix:/run/b";
  const ServedFacts served = {{"127.0.0.1:5", "unix:/run/b"},
                              {"a.Service", "another.Service"},
                              absl::FromUnixSeconds(7)};
  const DiscoveryEntry entry = MakeDiscoveryEntry(identity, server, {}, served);
  EXPECT_EQ(entry.cluster, "shop");
  EXPECT_EQ(entry.broker_name, "broker-b");
  EXPECT_EQ(entry.broker_id, 4u);
  EXPECT_EQ(entry.incarnation, 9u);
  EXPECT_THAT(entry.addresses,
              ElementsAre(DiscoveryAddress{"127.0.0.1:5", false}));
  EXPECT_EQ(entry.fronts, served.fronts);
  EXPECT_EQ(entry.product_version, kVersion);
  EXPECT_EQ(entry.since, absl::FromUnixSeconds(7));
  EXPECT_THAT(
      MakeDiscoveryEntry(identity, server, {"b.site:1"}, served).addresses,
      ElementsAre(DiscoveryAddress{"b.site:1", false}));
}

}  // namespace
}  // namespace rmq
