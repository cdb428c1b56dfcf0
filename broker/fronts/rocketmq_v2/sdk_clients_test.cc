#include "broker/fronts/rocketmq_v2/sdk_clients.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/core/broker_core.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/edge_counters.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_statement.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/registry/client_event.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/table_queries.h"
#include "broker/registry/test_statement.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Two places that are not one network.
constexpr char kHome[] = "10.0.0.1:1000";
constexpr char kHomeAgain[] = "10.0.0.1:2000";
constexpr char kElsewhere[] = "10.9.9.9:1000";

class SdkClientsTest : public ::testing::Test {
 protected:
  SdkClientsTest()
      : core_(BrokerCore::Options(), {}, now_),
        clients_(SdkClients::Options(), {{"TestCluster", "broker-x", 3, 1},
                                         Limits(),
                                         now_,
                                         core_.table(),
                                         core_.processor(),
                                         counters_}) {}

  SdkClients::Who Who(absl::string_view client_id, absl::string_view address,
                      absl::string_view principal = "") {
    headers_.client_id = client_id;
    return {headers_, address, {principal, false}, now_};
  }
  // What "c1" states.
  CallStatus State(absl::string_view address, const std::string& group,
                   absl::string_view principal = "", uint64_t digest = 77) {
    const SdkClients::Who who = Who("c1", address, principal);
    return clients_.State(
        who, SdkStatement::OfConsumer(v2::PUSH_CONSUMER, group, headers_),
        digest);
  }
  // Another statement than "orders".
  CallStatus StateBills(absl::string_view address) {
    return State(address, "bills", "", 78);
  }
  CallStatus StateTopics(const std::string& client_id, int64_t version,
                         const std::string& expression) {
    const SdkClients::Who who = Who(client_id, kHome);
    v2::Settings settings;
    settings.set_client_type(v2::PUSH_CONSUMER);
    settings.mutable_subscription()->mutable_group()->set_name("orders");
    v2::SubscriptionEntry& entry =
        *settings.mutable_subscription()->add_subscriptions();
    entry.mutable_topic()->set_name("T1");
    entry.mutable_expression()->set_expression(expression);
    SdkStatementPtr statement;
    EXPECT_TRUE(SdkStatement::Parse(settings, headers_, Limits(),
                                    absl::FromUnixMillis(version), &statement)
                    .ok());
    return clients_.State(who, statement, 79);
  }
  CallStatus Heartbeat(absl::string_view address, const std::string& group,
                       v2::ClientType type = v2::PUSH_CONSUMER) {
    return clients_.Heartbeat(Who("c1", address), type, group);
  }
  void Scan() { core_.housekeeping().Scan(now_); }

  std::vector<std::string> Members(GroupKind kind, absl::string_view group) {
    std::vector<std::string> ids;
    MemberCursor cursor = 0;
    for (const MemberInfo& member :
         core_.table().ListMembers(kind, group, 100, &cursor)) {
      ids.push_back(member.client_id);
    }
    return ids;
  }
  std::vector<std::string> Consumers(absl::string_view group) {
    return Members(GroupKind::kConsumer, group);
  }
  std::vector<std::string> Producers(absl::string_view group) {
    return Members(GroupKind::kProducer, group);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  EdgeCounters counters_;
  BrokerCore core_;
  SdkHeaders headers_;
  SdkClients clients_;
};

TEST_F(SdkClientsTest, AGoodbyeOfTheClientEndsItFromAnyConnection) {
  EXPECT_TRUE(State(kHome, "orders").ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_TRUE(clients_.Terminate(Who("c1", kHomeAgain)).ok());
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(SdkClientsTest, AGoodbyeFromAnotherAddressIsOkAndEndsNobody) {
  EXPECT_TRUE(State(kHome, "orders").ok());
  EXPECT_TRUE(clients_.Terminate(Who("c1", kElsewhere)).ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(SdkClientsTest, APrincipalSaysGoodbyeFromAnyAddressAndNobodyElseDoes) {
  EXPECT_TRUE(State(kHome, "orders", "alice").ok());
  for (const char* const other : {"", "bob"}) {
    EXPECT_TRUE(clients_.Terminate(Who("c1", kHome, other)).ok());
    EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  }
  EXPECT_TRUE(clients_.Terminate(Who("c1", kElsewhere, "alice")).ok());
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(SdkClientsTest, AStreamFromAnotherAddressDoesNotShortenTheExpiry) {
  const SdkClients::StreamNumber own = clients_.OpenStream(Who("c1", kHome));
  EXPECT_TRUE(State(kHome, "orders").ok());
  const SdkClients::StreamNumber other =
      clients_.OpenStream(Who("c1", kElsewhere));
  EXPECT_EQ(other, 0);
  clients_.CloseStream("c1", other, now_);
  now_ += absl::Seconds(100);
  Scan();
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  // Its own stream's end does.
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  clients_.CloseStream("c1", own, now_);
  now_ += absl::Seconds(36);
  Scan();
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(SdkClientsTest, AGoodbyeBeforeAClientIsThereKeepsOnlyItsSenderOut) {
  clients_.OpenStream(Who("c1", kElsewhere));
  EXPECT_TRUE(clients_.Terminate(Who("c1", kElsewhere)).ok());
  EXPECT_TRUE(Heartbeat(kElsewhere, "orders").ok());
  EXPECT_THAT(Consumers("orders"), IsEmpty());
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(SdkClientsTest, AProducerThatStatesNoTopicAnyMoreLeavesItsTopics) {
  const SdkClients::Who who = Who("c1", kHome);
  EXPECT_TRUE(
      clients_.State(who, SdkStatement::OfProducer({"T1"}, headers_), 1).ok());
  EXPECT_THAT(Producers("T1"), ElementsAre("c1"));
  EXPECT_TRUE(
      clients_.State(who, SdkStatement::OfProducer({}, headers_), 2).ok());
  EXPECT_THAT(Producers("T1"), IsEmpty());
  EXPECT_TRUE(
      clients_.State(who, SdkStatement::OfProducer({"T2"}, headers_), 3).ok());
  EXPECT_THAT(Producers("T2"), ElementsAre("c1"));
}

TEST_F(SdkClientsTest, WhoStatesNoTopicTakesNobodyElseOutOfItsGroups) {
  for (const char* const owner : {"alice", ""}) {
    EXPECT_TRUE(State(kHome, "orders", owner).ok());
    EXPECT_FALSE(clients_
                     .State(Who("c1", kElsewhere, "bob"),
                            SdkStatement::OfProducer({}, headers_), 78)
                     .ok());
    EXPECT_FALSE(clients_
                     .State(Who("c1", kElsewhere),
                            SdkStatement::OfProducer({}, headers_), 79)
                     .ok());
    EXPECT_EQ(clients_.StatementOf("c1")->group(), "orders");
    EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
    EXPECT_TRUE(clients_.Terminate(Who("c1", kHome, owner)).ok());
    now_ += absl::Seconds(31);
  }
}

TEST_F(SdkClientsTest, WhileRulesAreTriedOutAddressesCountAsWithoutRules) {
  const auto tried = [this](absl::string_view address,
                            absl::string_view principal) {
    SdkClients::Who who = Who("c1", address, principal);
    who.principal.is_trial = true;
    return who;
  };
  EXPECT_TRUE(clients_
                  .State(tried(kHome, "alice"),
                         SdkStatement::OfConsumer(v2::PUSH_CONSUMER, "orders",
                                                  headers_),
                         77)
                  .ok());
  EXPECT_TRUE(clients_.Terminate(tried(kElsewhere, "")).ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_TRUE(clients_.Terminate(tried(kHome, "")).ok());
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(SdkClientsTest, AConsumerWithoutSettingsIsNoProducerOfNoTopic) {
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_FALSE(Heartbeat(kHome, "", v2::PRODUCER).ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(SdkClientsTest, AConsumerWithoutSettingsIsInTheGroupThatItNamesNow) {
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_TRUE(Heartbeat(kHome, "bills").ok());
  EXPECT_THAT(Consumers("bills"), ElementsAre("c1"));
}

TEST_F(SdkClientsTest, TopicsThatAnotherOneAskedForAreNotTheProducers) {
  clients_.NoteTopic(Who("c1", kElsewhere), "T9");
  clients_.NoteTopic(Who("c1", kHome), "T1");
  EXPECT_TRUE(Heartbeat(kHome, "", v2::PRODUCER).ok());
  // Nor those asked for once it is there.
  clients_.NoteTopic(Who("c1", kElsewhere), "T8");
  EXPECT_TRUE(Heartbeat(kHome, "", v2::PRODUCER).ok());
  EXPECT_THAT(Producers("T1"), ElementsAre("c1"));
  EXPECT_THAT(Producers("T8"), IsEmpty());
  EXPECT_THAT(Producers("T9"), IsEmpty());
}

TEST_F(SdkClientsTest, AHeartbeatFromAnotherAddressMovesNobodyToAnotherGroup) {
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_TRUE(Heartbeat(kElsewhere, "payments").ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_THAT(Consumers("payments"), IsEmpty());
}

TEST_F(SdkClientsTest, TheSameSettingsFromAnotherAddressKeepAClientAlive) {
  EXPECT_TRUE(State(kHome, "orders").ok());
  now_ += absl::Seconds(30);
  EXPECT_TRUE(State(kElsewhere, "orders").ok());
  now_ += absl::Seconds(30);
  Scan();
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  // They move nobody.
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_TRUE(clients_.Terminate(Who("c1", kElsewhere)).ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(SdkClientsTest, OtherSettingsFromAnotherAddressAreForbidden) {
  const SdkClients::StreamNumber own = clients_.OpenStream(Who("c1", kHome));
  EXPECT_TRUE(State(kHome, "orders").ok());
  EXPECT_EQ(CodeOf(StateBills(kElsewhere)), v2::FORBIDDEN);
  EXPECT_EQ(clients_.StatementOf("c1")->group(), "orders");
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_THAT(Consumers("bills"), IsEmpty());
  // Heard at home after its stream has ended: it is still there.
  clients_.CloseStream("c1", own, now_);
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_EQ(CodeOf(StateBills(kElsewhere)), v2::FORBIDDEN);
}

TEST_F(SdkClientsTest, AClientWhoseStreamHasEndedMovesAtOnce) {
  const SdkClients::StreamNumber old = clients_.OpenStream(Who("c1", kHome));
  EXPECT_TRUE(State(kHome, "orders").ok());
  clients_.CloseStream("c1", old, now_);
  const SdkClients::StreamNumber stream =
      clients_.OpenStream(Who("c1", kElsewhere));
  EXPECT_NE(stream, 0);
  EXPECT_EQ(clients_.StreamOf("c1"), stream);
  EXPECT_TRUE(StateBills(kElsewhere).ok());
  EXPECT_THAT(Consumers("bills"), ElementsAre("c1"));
  // It has a stream, so that the usual expiry holds.
  now_ += absl::Seconds(100);
  Scan();
  EXPECT_THAT(Consumers("bills"), ElementsAre("c1"));
  // The old address is another one's now.
  EXPECT_TRUE(clients_.Terminate(Who("c1", kHome)).ok());
  EXPECT_THAT(Consumers("bills"), ElementsAre("c1"));
  EXPECT_TRUE(clients_.Terminate(Who("c1", kElsewhere)).ok());
  EXPECT_THAT(Consumers("bills"), IsEmpty());
}

TEST_F(SdkClientsTest, AClientThatIsSilentAtHomeForTheLostExpiryHasMoved) {
  const SdkClients::StreamNumber old = clients_.OpenStream(Who("c1", kHome));
  EXPECT_TRUE(State(kHome, "orders").ok());
  now_ += absl::Seconds(35) - absl::Milliseconds(1);
  EXPECT_TRUE(Heartbeat(kElsewhere, "orders").ok());
  EXPECT_EQ(CodeOf(StateBills(kElsewhere)), v2::FORBIDDEN);
  now_ += absl::Milliseconds(1);
  EXPECT_TRUE(StateBills(kElsewhere).ok());
  EXPECT_THAT(Consumers("bills"), ElementsAre("c1"));
  // The stream that it has left behind is none of its own.
  EXPECT_EQ(clients_.StreamOf("c1"), 0);
  clients_.CloseStream("c1", old, now_);
  EXPECT_EQ(CodeOf(State(kHome, "orders")), v2::FORBIDDEN);
}

TEST_F(SdkClientsTest, AnotherPrincipalDoesNotTakeAnAnonymousClientsId) {
  EXPECT_TRUE(State(kHome, "orders").ok());
  EXPECT_EQ(CodeOf(clients_.Heartbeat(Who("c1", kHome, "bob"),
                                      v2::PUSH_CONSUMER, "orders")),
            v2::FORBIDDEN);
  EXPECT_EQ(CodeOf(State(kHome, "orders", "bob")), v2::FORBIDDEN);
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  // Once it has gone.
  now_ += absl::Seconds(36);
  EXPECT_TRUE(State(kHome, "orders", "bob").ok());
  EXPECT_EQ(CodeOf(Heartbeat(kHome, "orders")), v2::FORBIDDEN);
}

TEST_F(SdkClientsTest, ALeaveOfAllGroupsIsToldToNativeMembersAtOnce) {
  const auto native = std::make_shared<FakeClientChannel>();
  ASSERT_TRUE(core_.table().Open(native, now_).ok());
  TestStatement stated("native");
  stated.Consumer("orders");
  const BuiltStatement built(stated);
  core_.processor().Heartbeat(*native, *built, now_);
  EXPECT_TRUE(State(kHome, "orders").ok());
  native->TakePushes();
  EXPECT_TRUE(
      clients_
          .State(Who("c1", kHome), SdkStatement::OfProducer({}, headers_), 78)
          .ok());
  EXPECT_THAT(native->TakePushes(), ElementsAre("orders"));
}

TEST_F(SdkClientsTest, TopicsThatAConsumerAsksForAreInferred) {
  clients_.NoteTopic(Who("c1", kHome), "T1");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  const auto inferred = core_.table().FindSubscription("orders", "T1");
  ASSERT_TRUE(inferred.has_value());
  EXPECT_EQ(inferred->expression_type, "INFERRED");
  EXPECT_EQ(inferred->expression, "");
  // Each one that it asks for later, too.
  clients_.NoteTopic(Who("c1", kHome), "T2");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_THAT(core_.table().GroupsOfTopic("T2", "", 10), ElementsAre("orders"));
}

TEST_F(SdkClientsTest, AnInferredTopicCountsOnlyWhereNobodyStatesIt) {
  // The lowest version there is but one.
  EXPECT_TRUE(
      StateTopics("c2", std::numeric_limits<int64_t>::min() / 2, "a").ok());
  clients_.NoteTopic(Who("c1", kHome), "T1");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_EQ(core_.table().FindSubscription("orders", "T1")->expression, "a");
  EXPECT_TRUE(clients_.Terminate(Who("c2", kHome)).ok());
  EXPECT_EQ(core_.table().FindSubscription("orders", "T1")->expression_type,
            "INFERRED");
  EXPECT_TRUE(StateTopics("c3", 1, "b").ok());
  EXPECT_EQ(core_.table().FindSubscription("orders", "T1")->expression, "b");
}

TEST_F(SdkClientsTest, SettingsReplaceWhatWasInferred) {
  clients_.NoteTopic(Who("c1", kHome), "T1");
  clients_.NoteTopic(Who("c1", kHome), "T2");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_TRUE(StateTopics("c1", 1, "a").ok());
  EXPECT_EQ(core_.table().FindSubscription("orders", "T1")->expression, "a");
  EXPECT_FALSE(core_.table().FindSubscription("orders", "T2").has_value());
  // Nothing more is inferred.
  clients_.NoteTopic(Who("c1", kHome), "T3");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_FALSE(core_.table().FindSubscription("orders", "T3").has_value());
}

TEST_F(SdkClientsTest, WhatIsInferredMakesNoGroupInconsistent) {
  EXPECT_TRUE(StateTopics("c2", 1, "a").ok());
  clients_.NoteTopic(Who("c1", kHome), "T1");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_EQ(core_.table().FindConsistency("orders")->camps.size(), 1);
}

TEST_F(SdkClientsTest, OfAnAddressHalfIsKeptAndTheOthersStay) {
  clients_.NoteTopic(Who("first", kHome), "T1");
  for (size_t i = 0; i <= SdkClients::kMostIdleOfNetwork; ++i) {
    clients_.NoteTopic(Who(absl::StrCat("c", i), kElsewhere), "T1");
  }
  EXPECT_EQ(clients_.idle(), SdkClients::kMostIdleOfNetwork + 1);
  EXPECT_TRUE(clients_.Heartbeat(Who("first", kHome), v2::PRODUCER, "").ok());
  EXPECT_EQ(CodeOf(clients_.Heartbeat(Who("c0", kElsewhere), v2::PRODUCER, "")),
            v2::UNRECOGNIZED_CLIENT_TYPE);
}

TEST_F(SdkClientsTest, OfAllAddressesTheOneHeardLongestAgoIsForgotten) {
  clients_.NoteTopic(Who("first", kHome), "T1");
  for (size_t i = 0; i < SdkClients::kMostIdle; ++i) {
    clients_.NoteTopic(
        Who(absl::StrCat("c", i), absl::StrCat("10.1.0.", i % 4, ":1")), "T1");
  }
  EXPECT_EQ(clients_.idle(), SdkClients::kMostIdle);
  EXPECT_EQ(CodeOf(clients_.Heartbeat(Who("first", kHome), v2::PRODUCER, "")),
            v2::UNRECOGNIZED_CLIENT_TYPE);
}

}  // namespace
}  // namespace rmq
