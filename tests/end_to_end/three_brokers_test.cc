// Clients of three brokers, each broker behind a proxy: what clients and
// operators see when brokers die, hang, come back, and when the network between
// them swallows, stalls, trickles and refuses.
#include <signal.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/client_runtime.h"
#include "client/settable_broker_resolver.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/raw_client.h"
#include "tests/end_to_end/tcp_proxy.h"
#include "tests/end_to_end/watching_client.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Ne;

constexpr int kBrokers = 3;
constexpr int kClients = 4;
// Every client is in the first; every second one is in the other, too.
constexpr char kGroup[] = "orders";
constexpr char kOtherGroup[] = "invoices";

constexpr absl::Duration kHeartbeatInterval = absl::Milliseconds(500);
constexpr absl::Duration kReplyTimeout = absl::Seconds(1);
constexpr absl::Duration kConnectTimeout = absl::Seconds(2);
constexpr absl::Duration kInitialBackoff = absl::Milliseconds(100);
constexpr absl::Duration kMaxBackoff = absl::Seconds(1);

// What a loaded machine may add to a stated bound.
constexpr absl::Duration kLoad = absl::Seconds(20);
// A client notices a broker that is silently gone by a missing answer.
const absl::Duration kNoticed = kHeartbeatInterval + kReplyTimeout + kLoad;
// A broker notices clients that are silently gone by their silence.
const absl::Duration kExpired =
    BrokerProcess::kChannelExpiry + BrokerProcess::kHousekeepingPeriod + kLoad;
// When a broker can be reached again, a client's attempt may be under way that
// will fail, and the longest pause follow it.
const absl::Duration kBack = kConnectTimeout + kMaxBackoff + kLoad;

class ThreeBrokersTest : public ::testing::Test {
 protected:
  struct Node {
    std::unique_ptr<BrokerProcess> broker;  // Null while it is dead.
    std::unique_ptr<TcpProxy> proxy;        // Clients know its address.
  };

  ThreeBrokersTest() {
    options_.heartbeat_interval = kHeartbeatInterval;
    options_.reply_timeout = kReplyTimeout;
    options_.connect_timeout = kConnectTimeout;
    options_.initial_backoff = kInitialBackoff;
    options_.max_backoff = kMaxBackoff;
    options_.runtime = ClientRuntime::Create();
  }

  void TearDown() override {
    for (int i = 0; HasFailure() && i < kBrokers; ++i) {
      if (nodes_[i].broker == nullptr) continue;
      std::cerr << "--- log of broker " << i << "\n"
                << nodes_[i].broker->process().err();
    }
  }

  // With what is in `broker_flags_`.
  void StartBrokers() {
    for (Node& node : nodes_) {
      auto broker = BrokerProcess::Start(UnusedAddress(), broker_flags_);
      ASSERT_THAT(broker, IsOk());
      node.broker = *std::move(broker);
      auto proxy = TcpProxy::Start(UnusedAddress(), node.broker->address());
      ASSERT_THAT(proxy, IsOk());
      node.proxy = *std::move(proxy);
    }
  }
  // With what is in `options_`, and each with all the brokers.
  void StartAll() {
    StartBrokers();
    for (const Node& node : nodes_) {
      options_.brokers.push_back(node.proxy->address());
    }
    for (int i = 0; i < kClients; ++i) AddClient();
    ASSERT_TRUE(AllIsWell({0, 1, 2}));
  }

  void AddClient() {
    const bool is_in_both = clients_.size() % 2 == 1;
    options_.client_id = absl::StrCat("10.0.0.1@", clients_.size());
    auto client = WatchingClient::Create(options_);
    ASSERT_THAT(client, IsOk());
    for (const char* group : {kGroup, kOtherGroup}) {
      if (group == kOtherGroup && !is_in_both) continue;
      ConsumerOptions consumer;
      consumer.group = group;
      consumer.subscriptions = {{"order-events"}};
      ASSERT_THAT((*client)->client().RegisterConsumer(std::move(consumer)),
                  IsOk());
      members_[group == kGroup ? 0 : 1].push_back(options_.client_id);
    }
    ASSERT_THAT((*client)->client().Start(), IsOk());
    clients_.push_back(*std::move(client));
  }

  TcpProxy& proxy(int i) { return *nodes_[i].proxy; }
  BrokerProcess& broker(int i) { return *nodes_[i].broker; }

  void Kill(int i) {
    addresses_[i] = broker(i).address();
    broker(i).process().Signal(SIGKILL);
    ASSERT_TRUE(broker(i).process().WaitForExit(kPatience).has_value());
    nodes_[i].broker = nullptr;
  }
  void Restart(int i) {
    auto broker = BrokerProcess::Start(addresses_[i], broker_flags_);
    ASSERT_THAT(broker, IsOk());
    nodes_[i].broker = *std::move(broker);
  }

  // Of each client, with broker `i`.
  std::vector<BrokerState> States(int i) const {
    std::vector<BrokerState> states;
    for (const auto& client : clients_) {
      states.push_back(client->State(nodes_[i].proxy->address()));
    }
    return states;
  }
  // Of each client, with all these brokers together.
  int64_t Reconnects(std::initializer_list<int> brokers) const {
    int64_t reconnects = 0;
    for (const int i : brokers) {
      for (const auto& client : clients_) {
        reconnects += client->Reconnects(nodes_[i].proxy->address());
      }
    }
    return reconnects;
  }

  ::testing::AssertionResult NobodyIsOnlineAt(int i) const {
    return Becomes([&] { return States(i); }, Each(Ne(BrokerState::kOnline)),
                   kNoticed);
  }
  // Every client is online at each of these brokers, registered exactly once in
  // each of its groups, and was told last just that.
  ::testing::AssertionResult AllIsWell(
      std::initializer_list<int> brokers) const {
    return Becomes([&] { return WhatIsWrong(brokers); }, "", kBack);
  }

  ClientOptions options_;
  std::vector<std::string> broker_flags_;
  std::array<std::string, kBrokers> addresses_;  // Of those that were stopped.
  std::vector<std::unique_ptr<WatchingClient>> clients_;

 private:
  std::string WhatIsWrong(std::initializer_list<int> brokers) const {
    for (const int i : brokers) {
      const std::string wrong = WhatIsWrongAt(i);
      if (!wrong.empty()) return absl::StrCat("broker ", i, ": ", wrong);
    }
    return "";
  }
  std::string WhatIsWrongAt(int i) const {
    for (const BrokerState state : States(i)) {
      if (state != BrokerState::kOnline) return "not all are online";
    }
    for (const auto& [group, members] :
         {std::make_pair(kGroup, members_[0]),
          std::make_pair(kOtherGroup, members_[1])}) {
      const auto connections = nodes_[i].broker->ConsumerConnections(group);
      if (!connections.ok()) return connections.status().ToString();
      std::vector<std::string> ids;
      for (const pb::Connection& connection : connections->connections()) {
        ids.push_back(connection.client_id());
      }
      std::sort(ids.begin(), ids.end());
      if (ids != members) {
        return absl::StrCat(group, " has ", absl::StrJoin(ids, " "));
      }
      for (const auto& client : clients_) {
        const std::string& id = client->client().client_id();
        if (std::count(members.begin(), members.end(), id) == 0) continue;
        const std::vector<std::string> told =
            client->LastMembers(nodes_[i].proxy->address(), group);
        if (told != members) {
          return absl::StrCat(id, " was told that ", group, " has ",
                              absl::StrJoin(told, " "));
        }
      }
    }
    return "";
  }

  std::array<Node, kBrokers> nodes_;
  std::array<std::vector<std::string>, 2> members_;
};

TEST_F(ThreeBrokersTest, EachIsKilledAndComesBackWithoutTroublingTheOthers) {
  StartAll();
  Kill(0);
  EXPECT_TRUE(NobodyIsOnlineAt(0));
  AddClient();
  EXPECT_TRUE(AllIsWell({1, 2}));
  Restart(0);
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
  EXPECT_EQ(Reconnects({1, 2}), 0);

  Kill(1);
  EXPECT_TRUE(NobodyIsOnlineAt(1));
  Restart(1);
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
  Kill(2);
  EXPECT_TRUE(NobodyIsOnlineAt(2));
  Restart(2);
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
  // Nobody took part in the life of a new broker twice. The fifth client met
  // the first broker only when that was back.
  EXPECT_EQ(Reconnects({0}), kClients);
  EXPECT_EQ(Reconnects({1, 2}), 2 * (kClients + 1));
}

TEST_F(ThreeBrokersTest, AllAreKilledAtOnceAndComeBackOneAfterAnother) {
  StartAll();
  for (const int i : {0, 1, 2}) Kill(i);
  for (const int i : {0, 1, 2}) EXPECT_TRUE(NobodyIsOnlineAt(i));
  Restart(2);
  EXPECT_TRUE(AllIsWell({2}));
  Restart(0);
  Restart(1);
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
  EXPECT_EQ(Reconnects({0, 1, 2}), 3 * kClients);
}

TEST_F(ThreeBrokersTest, OneThatHangsIsNoticedAndHoldsNothingUp) {
  StartAll();
  broker(1).process().Signal(SIGSTOP);
  EXPECT_TRUE(NobodyIsOnlineAt(1));
  AddClient();
  EXPECT_TRUE(AllIsWell({0, 2}));
  EXPECT_EQ(Reconnects({0, 2}), 0);

  broker(1).process().Signal(SIGCONT);
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
}

TEST_F(ThreeBrokersTest, OneThatStopsGracefullyIsLeftAloneByTheOthersClients) {
  StartAll();
  addresses_[1] = broker(1).address();
  broker(1).process().Signal(SIGTERM);
  EXPECT_TRUE(NobodyIsOnlineAt(1));
  EXPECT_THAT(broker(1).process().WaitForExit(kPatience),
              ::testing::Optional(0));
  Restart(1);
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
  EXPECT_EQ(Reconnects({0, 2}), 0);
}

TEST_F(ThreeBrokersTest,
       OneThatTheResolverDropsIsLeftAndOneThatItAddsIsJoined) {
  StartBrokers();
  const std::vector<BrokerEntry> entries = {
      {"broker-a", 0, proxy(0).address()},
      {"broker-b", 0, proxy(1).address()},
      {"broker-c", 0, proxy(2).address()},
  };
  const auto resolver = std::make_shared<SettableBrokerResolver>();
  options_.resolver = resolver;
  for (int i = 0; i < kClients; ++i) AddClient();
  ASSERT_THAT(resolver->SetBrokers({entries[0], entries[1]}), IsOk());
  EXPECT_TRUE(AllIsWell({0, 1}));
  EXPECT_EQ(proxy(2).accepted(), 0);

  ASSERT_THAT(resolver->SetBrokers({entries[1], entries[2]}), IsOk());
  EXPECT_TRUE(AllIsWell({1, 2}));
  EXPECT_TRUE(
      Becomes([this] { return broker(0).ConsumerIds(kGroup); }, IsEmpty()));
  EXPECT_TRUE(
      Becomes([this] { return broker(0).ReasonsOfLeaving("10.0.0.1@0"); },
              ElementsAre("UNREGISTERED")));

  ASSERT_THAT(resolver->SetBrokers(entries), IsOk());
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
  EXPECT_EQ(Reconnects({1, 2}), 0);
}

TEST_F(ThreeBrokersTest, OneThatMovesIsFoundAtItsNewAddress) {
  StartBrokers();
  const auto resolver = std::make_shared<SettableBrokerResolver>();
  options_.resolver = resolver;
  for (int i = 0; i < kClients; ++i) AddClient();
  ASSERT_THAT(resolver->SetBrokers({{"broker-a", 0, proxy(0).address()}}),
              IsOk());
  EXPECT_TRUE(AllIsWell({0}));

  Kill(0);
  ASSERT_THAT(resolver->SetBrokers({{"broker-a", 0, proxy(1).address()}}),
              IsOk());
  EXPECT_TRUE(AllIsWell({1}));
}

struct Spoiling {
  TcpProxy::Mode mode;
  const char* name;
};

class SpoiledNetworkTest : public ThreeBrokersTest,
                           public ::testing::WithParamInterface<Spoiling> {};

TEST_P(SpoiledNetworkTest, BothSidesNoticeAndComeTogetherAgain) {
  StartAll();
  proxy(1).SetMode(GetParam().mode);
  EXPECT_TRUE(NobodyIsOnlineAt(1));
  // Of the connections that the broker believes in, nothing is heard.
  EXPECT_TRUE(Becomes([this] { return broker(1).ConsumerIds(kGroup); },
                      IsEmpty(), kExpired));
  EXPECT_TRUE(AllIsWell({0, 2}));

  proxy(1).SetMode(TcpProxy::Mode::kPass);
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
  EXPECT_EQ(Reconnects({0, 2}), 0);
}

INSTANTIATE_TEST_SUITE_P(
    BytesAre, SpoiledNetworkTest,
    ::testing::Values(
        Spoiling{TcpProxy::Mode::kSwallow, "Swallowed"},
        Spoiling{TcpProxy::Mode::kSwallowFromClients, "SwallowedFromClients"},
        Spoiling{TcpProxy::Mode::kSwallowFromBroker, "SwallowedFromTheBroker"},
        Spoiling{TcpProxy::Mode::kStall, "Stalled"}),
    [](const ::testing::TestParamInfo<Spoiling>& info) {
      return info.param.name;
    });

TEST_F(ThreeBrokersTest, AReconnectReplacesTheClientsOwnOlderStream) {
  // So the broker still has the older one, half-open as it is.
  broker_flags_ = {"--channel_expiry=120s"};
  StartAll();
  proxy(1).SetMode(TcpProxy::Mode::kSwallow);
  EXPECT_TRUE(NobodyIsOnlineAt(1));
  EXPECT_EQ(broker(1).ConsumerIds(kGroup).size(), size_t{kClients});

  proxy(1).SetMode(TcpProxy::Mode::kPass);
  EXPECT_TRUE(
      Becomes([this] { return broker(1).ReasonsOfLeaving("10.0.0.1@0"); },
              ElementsAre("REPLACED"), kBack));
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
}

TEST_F(ThreeBrokersTest, AClientThatWasReplacedIsToldAndStaysAway) {
  broker_flags_ = {"--channel_expiry=120s"};  // The newer stream says no more.
  StartAll();
  const int64_t before = proxy(1).accepted();
  // What another stream of the same process would say.
  Client& replaced = clients_[0]->client();
  pb::HeartbeatRequest heartbeat =
      ConsumerHeartbeat(replaced.client_id(), kGroup);
  heartbeat.set_incarnation(replaced.incarnation());
  RawStream newer(broker(1).address());
  ASSERT_TRUE(newer.Send(heartbeat));
  const std::string& address = proxy(1).address();
  EXPECT_TRUE(Becomes([&] { return clients_[0]->State(address); },
                      BrokerState::kReplaced));

  // The newer one is in its place, and for longer than any pause the older one
  // does not come back.
  EXPECT_TRUE(AllIsWell({0, 2}));
  EXPECT_TRUE(Stays([&] { return broker(1).ConsumerIds(kGroup).size(); },
                    size_t{kClients}, 2 * kMaxBackoff));
  EXPECT_EQ(clients_[0]->State(address), BrokerState::kReplaced);
  EXPECT_EQ(proxy(1).accepted(), before);
  EXPECT_EQ(Reconnects({0, 1, 2}), 0);
}

TEST_F(ThreeBrokersTest, AConnectionThatTricklesIsKeptAndTellsInTheEnd) {
  options_.reply_timeout = options_.connect_timeout = kPatience;
  StartAll();
  proxy(1).SetMode(TcpProxy::Mode::kTrickle);
  AddClient();
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
  EXPECT_EQ(Reconnects({0, 1, 2}), 0);
}

TEST_F(ThreeBrokersTest, ABrokerThatRefusesConnectionsIsFoundAgain) {
  StartAll();
  proxy(1).SetMode(TcpProxy::Mode::kRefuse);
  proxy(1).CutConnections();
  EXPECT_TRUE(NobodyIsOnlineAt(1));
  EXPECT_TRUE(
      Becomes([this] { return broker(1).ConsumerIds(kGroup); }, IsEmpty()));
  AddClient();
  EXPECT_TRUE(AllIsWell({0, 2}));

  proxy(1).SetMode(TcpProxy::Mode::kPass);
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
  EXPECT_EQ(Reconnects({0, 2}), 0);
}

TEST_F(ThreeBrokersTest, ABrokerThatHangsUpAtOnceIsNotHammered) {
  StartAll();
  const int64_t before = proxy(1).accepted();
  const absl::Time begun = absl::Now();
  proxy(1).SetMode(TcpProxy::Mode::kHangUp);
  proxy(1).CutConnections();
  // Each client has begun to wait for its longest.
  EXPECT_TRUE(Becomes([&] { return proxy(1).accepted() - before; },
                      ::testing::Ge(7 * kClients)));
  // The pauses double: 50 ms at least, 100, 200, 400, and half of the longest
  // from then on.
  const double most_a_client =
      6 + absl::FDivDuration(absl::Now() - begun, kMaxBackoff / 2);
  EXPECT_THAT(static_cast<double>(proxy(1).accepted() - before),
              Le(kClients * most_a_client));

  proxy(1).SetMode(TcpProxy::Mode::kPass);
  EXPECT_TRUE(AllIsWell({0, 1, 2}));
}

}  // namespace
}  // namespace rmq
