// Whose calls are a client's: by its id, its network, and its user.
#include "broker/fronts/rocketmq_v2/sdk_client_key.h"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/assignment/group_assignments.h"
#include "broker/fronts/rocketmq_v2/sdk_clients.h"
#include "broker/fronts/rocketmq_v2/sdk_clients_fixture.h"
#include "broker/fronts/rocketmq_v2/sdk_statement.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/registry/channel_filter.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class SdkClientKeyTest : public SdkClientsTest {
 protected:
  // "c1" of a user, while rules are only tried out.
  SdkClients::Who OnTrial(absl::string_view address,
                          absl::string_view principal) {
    SdkClients::Who who = Who("c1", address, principal);
    who.principal.is_trial = true;
    return who;
  }
  CallStatus StateOnTrial(absl::string_view address, const std::string& group,
                          absl::string_view principal) {
    const SdkClients::Who who = OnTrial(address, principal);
    return clients_.State(
        who, SdkStatement::OfConsumer(v2::PUSH_CONSUMER, group, headers_), 77);
  }
};

TEST(SdkClientKeyOfAddressTest, AnIpv6NetworkIsOneAndAnIpv4AddressIs) {
  const auto key_at = [](absl::string_view address) {
    return SdkClientKey{"c1", ClientNetworkOf(address)};
  };
  EXPECT_TRUE(key_at("[2001:db8::1]:1") == key_at("[2001:db8::2]:2"));
  EXPECT_FALSE(key_at("[2001:db8::1]:1") == key_at("[2001:db8:0:1::1]:1"));
  EXPECT_TRUE(key_at("10.0.0.1:1") == key_at("10.0.0.1:2"));
  EXPECT_FALSE(key_at("10.0.0.1:1") == key_at("10.0.0.2:1"));
}

TEST_F(SdkClientKeyTest, OneIdAtTwoNetworksIsTwoClients) {
  EXPECT_TRUE(State(kHome, "orders").ok());
  EXPECT_TRUE(State(kElsewhere, "bills", "", 78).ok());
  EXPECT_EQ(clients_.members(), 2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
    EXPECT_TRUE(Heartbeat(kElsewhere, "bills").ok());
  }
  EXPECT_EQ(clients_.StatementOf(Who("c1", kHome), 77)->group(), "orders");
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_THAT(Consumers("bills"), ElementsAre("c1"));
  EXPECT_EQ(core_.table().counts().channels, 2);
}

TEST_F(SdkClientKeyTest, AGoodbyeEndsTheClientOfItsNetworkAlone) {
  EXPECT_TRUE(State(kHome, "orders").ok());
  EXPECT_TRUE(Terminate(kElsewhere).ok());
  EXPECT_TRUE(State(kElsewhere, "orders").ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
  EXPECT_TRUE(Terminate(kHome).ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  // Nor does it keep the other one out.
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_TRUE(Heartbeat(kElsewhere, "orders").ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(SdkClientKeyTest, AnIdAtTwoNetworksIsOnceInItsGroupsListAndShares) {
  EXPECT_TRUE(State(kHome, "orders").ok());
  EXPECT_TRUE(State(kElsewhere, "orders").ok());
  EXPECT_TRUE(StateTopics("c2", 1, "a").ok());
  EXPECT_THAT(core_.table().ReadMembership("orders")->client_ids,
              UnorderedElementsAre("c1", "c2"));
  GroupAssignments assignments(GroupAssignments::Options(), &core_.table());
  const std::vector<TopicQueue> queues = {{"b", 0}, {"b", 1}, {"b", 2}};
  const auto share_of = [&](absl::string_view client_id) {
    return assignments.ShareOf("orders", client_id, "T1", queues, now_);
  };
  EXPECT_THAT(share_of("c1"), ElementsAre(0, 1));
  EXPECT_THAT(share_of("c2"), ElementsAre(2));
  // As long as it is at one of them.
  EXPECT_TRUE(Terminate(kHome).ok());
  EXPECT_THAT(share_of("c1"), ElementsAre(0, 1));
  EXPECT_TRUE(Terminate(kElsewhere).ok());
  now_ += absl::Seconds(1);
  EXPECT_THAT(share_of("c2"), ElementsAre(0, 1, 2));
}

TEST_F(SdkClientKeyTest, AKickOfAnIdHoldsItAtAllItsNetworks) {
  EXPECT_TRUE(State(kHome, "orders").ok());
  EXPECT_TRUE(State(kElsewhere, "orders").ok());
  ChannelFilter filter;
  filter.client_id = "c1";
  const auto kicked =
      core_.kicker().Kick(filter, absl::Minutes(1), "maintenance", now_);
  ASSERT_TRUE(kicked.ok());
  EXPECT_EQ(*kicked, 2);
  EXPECT_THAT(Consumers("orders"), IsEmpty());
  for (const char* const address : {kHome, kElsewhere, "10.5.5.5:1000"}) {
    EXPECT_EQ(CodeOf(Heartbeat(address, "orders")), v2::FORBIDDEN);
    EXPECT_EQ(CodeOf(State(address, "orders")), v2::FORBIDDEN);
  }
  EXPECT_THAT(Consumers("orders"), IsEmpty());
  now_ += absl::Minutes(1);
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_TRUE(Heartbeat(kElsewhere, "orders").ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(SdkClientKeyTest, AStreamsEndShortensTheExpiryAtItsNetworkAlone) {
  const SdkClients::StreamNumber here = clients_.OpenStream(Who("c1", kHome));
  const SdkClients::StreamNumber there =
      clients_.OpenStream(Who("c1", kElsewhere));
  EXPECT_NE(here, there);
  EXPECT_EQ(clients_.StreamOf(Who("c1", kHome).key()), here);
  EXPECT_TRUE(State(kHome, "orders").ok());
  EXPECT_TRUE(State(kElsewhere, "bills", "", 78).ok());
  CloseStream(kElsewhere, here);
  CloseStream(kElsewhere, there);
  now_ += absl::Seconds(36);
  Scan();
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_THAT(Consumers("bills"), IsEmpty());
  now_ += absl::Seconds(64);
  Scan();
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  CloseStream(kHome, here);
  now_ += absl::Seconds(36);
  Scan();
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(SdkClientKeyTest,
       AClientWhoseAddressChangesIsAnotherAndTheOldOneExpires) {
  const SdkClients::StreamNumber old = clients_.OpenStream(Who("c1", kHome));
  EXPECT_TRUE(State(kHome, "orders").ok());
  CloseStream(kHome, old);
  clients_.OpenStream(Who("c1", kElsewhere));
  EXPECT_TRUE(State(kElsewhere, "bills", "", 78).ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  now_ += absl::Seconds(36);
  Scan();
  EXPECT_THAT(Consumers("orders"), IsEmpty());
  EXPECT_THAT(Consumers("bills"), ElementsAre("c1"));
}

// --- Several users at one network ---

TEST_F(SdkClientKeyTest, WhatAnotherUserSaysAtTheSameNetworkChangesNothing) {
  const SdkClients::StreamNumber own =
      clients_.OpenStream(Who("c1", kHome, "alice"));
  EXPECT_TRUE(State(kHome, "orders", "alice").ok());
  for (const char* const other : {"", "bob"}) {
    const SdkClients::Who who = Who("c1", kHomeAgain, other);
    EXPECT_EQ(clients_.StatementOf(who, 77), nullptr);
    EXPECT_EQ(clients_.StatementBy(who, v2::PRODUCER, ""), nullptr);
    const SdkClients::StreamNumber stream = clients_.OpenStream(who);
    EXPECT_EQ(clients_.StreamOf(who.key()), own);
    clients_.CloseStream(who.key(), stream, now_);
    clients_.NoteTopic(who, "T1");
    EXPECT_TRUE(Terminate(kHomeAgain, other).ok());
    EXPECT_EQ(CodeOf(Heartbeat(kHomeAgain, "bills", v2::PUSH_CONSUMER, other)),
              v2::FORBIDDEN);
    EXPECT_EQ(CodeOf(State(kHomeAgain, "bills", other, 78)), v2::FORBIDDEN);
    // The same settings too, and those of no group.
    EXPECT_EQ(CodeOf(State(kHomeAgain, "orders", other)), v2::FORBIDDEN);
    EXPECT_EQ(
        CodeOf(clients_.State(who, SdkStatement::OfProducer({}, headers_), 79)),
        v2::FORBIDDEN);
  }
  EXPECT_EQ(clients_.StatementOf(Who("c1", kHome, "alice"), 77)->group(),
            "orders");
  EXPECT_THAT(Consumers("bills"), IsEmpty());
  now_ += absl::Seconds(100);
  Scan();
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_TRUE(Terminate(kHomeAgain, "alice").ok());
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(SdkClientKeyTest, AUserHoldsItsIdAtAllNetworks) {
  EXPECT_TRUE(State(kHome, "orders", "alice").ok());
  for (const char* const other : {"", "bob"}) {
    EXPECT_EQ(CodeOf(State(kElsewhere, "bills", other, 78)), v2::FORBIDDEN);
    EXPECT_EQ(CodeOf(Heartbeat(kElsewhere, "bills", v2::PUSH_CONSUMER, other)),
              v2::FORBIDDEN);
    // Nor is it asked what its threads do.
    const SdkClients::Who who = Who("c1", kElsewhere, other);
    clients_.OpenStream(who);
    EXPECT_EQ(clients_.StreamOf(who.key()), 0);
  }
  EXPECT_THAT(Consumers("bills"), IsEmpty());
  // Its own is another client there.
  EXPECT_TRUE(State(kElsewhere, "bills", "alice", 78).ok());
  EXPECT_THAT(Consumers("bills"), ElementsAre("c1"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(SdkClientKeyTest, AUserTakesOverWhatIsAnonymousAtItsNetwork) {
  const SdkClients::StreamNumber stream = clients_.OpenStream(Who("c1", kHome));
  EXPECT_TRUE(StateTopics("c1", 1, "a").ok());
  EXPECT_TRUE(Heartbeat(kHome, "orders", v2::PUSH_CONSUMER, "bob").ok());
  EXPECT_EQ(core_.table().FindSubscription("orders", "T1")->expression, "a");
  EXPECT_EQ(clients_.StreamOf(Who("c1", kHome).key()), stream);
  EXPECT_EQ(CodeOf(Heartbeat(kHome, "orders")), v2::FORBIDDEN);
  EXPECT_TRUE(State(kHome, "bills", "bob", 78).ok());
  EXPECT_THAT(Consumers("bills"), ElementsAre("c1"));
}

TEST_F(SdkClientKeyTest, AGoodbyeBeforeAClientIsThereKeepsOnlyItsSenderOut) {
  const auto say = [this](absl::string_view principal) {
    return Heartbeat(kHome, "orders", v2::PUSH_CONSUMER, principal);
  };
  clients_.OpenStream(Who("c1", kHome, "bob"));
  EXPECT_TRUE(Terminate(kHome, "bob").ok());
  EXPECT_TRUE(say("bob").ok());
  EXPECT_THAT(Consumers("orders"), IsEmpty());
  EXPECT_TRUE(say("alice").ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(SdkClientKeyTest, WhileRulesAreTriedOutAllAtANetworkAreOne) {
  EXPECT_TRUE(StateOnTrial(kHome, "orders", "alice").ok());
  EXPECT_TRUE(
      clients_.Heartbeat(OnTrial(kHome, "bob"), v2::PUSH_CONSUMER, "orders")
          .ok());
  EXPECT_TRUE(clients_.Terminate(OnTrial(kElsewhere, "")).ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_TRUE(clients_.Terminate(OnTrial(kHome, "")).ok());
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(SdkClientKeyTest, WhileRulesAreTriedOutAStreamsEndIsRefusedNobody) {
  const SdkClients::Who alice = OnTrial(kHome, "alice");
  const SdkClients::StreamNumber stream = clients_.OpenStream(alice);
  EXPECT_TRUE(StateOnTrial(kHome, "orders", "alice").ok());
  // Who holds the id from now on.
  EXPECT_TRUE(StateOnTrial(kElsewhere, "bills", "bob").ok());
  clients_.CloseStream(alice.key(), stream, now_);
  now_ += absl::Seconds(36);
  Scan();
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(SdkClientKeyTest, WhileRulesAreTriedOutEachStreamIsItsClients) {
  const SdkClients::Who alice = OnTrial(kHome, "alice");
  const SdkClients::StreamNumber stream = clients_.OpenStream(alice);
  EXPECT_TRUE(StateOnTrial(kElsewhere, "bills", "bob").ok());
  EXPECT_EQ(clients_.StreamOf(alice.key()), stream);
}

TEST_F(SdkClientKeyTest, RulesThatHoldAfterTheirTrialLoseNoSettings) {
  EXPECT_TRUE(StateOnTrial(kHome, "orders", "alice").ok());
  EXPECT_TRUE(Heartbeat(kHome, "stale", v2::PUSH_CONSUMER, "alice").ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_THAT(Consumers("stale"), IsEmpty());
}

TEST_F(SdkClientKeyTest, TopicsThatAnotherOneAskedForAreNotTheProducers) {
  const auto say = [this] {
    return Heartbeat(kHome, "", v2::PRODUCER, "alice");
  };
  clients_.NoteTopic(Who("c1", kElsewhere, "alice"), "T8");
  clients_.NoteTopic(Who("c1", kHome, "bob"), "T9");
  clients_.NoteTopic(Who("c1", kHome, "alice"), "T1");
  EXPECT_TRUE(say().ok());
  // Nor those asked for once it is there.
  clients_.NoteTopic(Who("c1", kElsewhere, "alice"), "T8");
  clients_.NoteTopic(Who("c1", kHome, "bob"), "T9");
  EXPECT_TRUE(say().ok());
  EXPECT_THAT(Producers("T1"), ElementsAre("c1"));
  EXPECT_THAT(Producers("T8"), IsEmpty());
  EXPECT_THAT(Producers("T9"), IsEmpty());
}

}  // namespace
}  // namespace rmq
