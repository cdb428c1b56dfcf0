// A client id belongs to the principal that holds it while a channel of it
// lives: what others try as it changes nothing.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/channel_search.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/closed_channels.h"
#include "broker/registry/duplicate_clients.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/statement.h"
#include "broker/registry/table_queries.h"
#include "broker/registry/table_state.h"
#include "broker/registry/test_statement.h"
#include "broker/registry/warning_queries.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Outcome = RegisterResult::Outcome;

class ClientIdOwnersTest : public ClientTableFixture {
 protected:
  static TestStatement Of(absl::string_view user) {
    return TestStatement("c1").As(user).Incarnation(7).Consumer("orders");
  }

  bool Unregister(ClientChannel& channel, const ClientPrincipal& principal) {
    const absl::string_view group = "orders";
    return table_.Unregister(channel, "c1", {}, {&group, 1}, now_, principal);
  }

  // Of all channels, in the order of their opening.
  std::vector<std::string> PrincipalsFound() {
    ChannelId cursor = 0;
    std::vector<FoundChannel> found;
    table_.FindChannels(ChannelFilter(), ListOrder::kOldestFirst, 10, &cursor,
                        &found);
    std::vector<std::string> principals;
    for (const FoundChannel& channel : found) {
      principals.push_back(channel.summary.principal);
    }
    return principals;
  }

  // Of the group's first member.
  std::string Owner() { return MemberInfos("orders").at(0).principal; }
};

TEST_F(ClientIdOwnersTest, WhoRegistersFirstHoldsTheIdAndIsListed) {
  Connect(Of("pay"));
  EXPECT_EQ(Owner(), "pay");
  EXPECT_THAT(PrincipalsFound(), ElementsAre("pay"));
}

TEST_F(ClientIdOwnersTest, AnotherUsersStreamNeitherReplacesNorDuplicates) {
  const FakeClientChannelPtr held = Connect(Of("pay"));
  TakeEvents();
  for (const uint64_t incarnation : {7, 8, 0}) {
    for (const absl::string_view user : {"thief", ""}) {
      const FakeClientChannelPtr stream = OpenStream();
      EXPECT_EQ(Register(*stream, Of(user).Incarnation(incarnation)).outcome,
                Outcome::kOfAnother);
      EXPECT_TRUE(stream->closed());
    }
  }
  EXPECT_FALSE(held->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_EQ(table_.counts().channels, 1);
}

TEST_F(ClientIdOwnersTest, AnotherUsersUnaryHeartbeatChangesNothing) {
  Connect(Of("pay"));
  const ClientChannelPtr stand_in = StandIn("c1");
  EXPECT_EQ(Register(*stand_in, Of("thief").Consumer("refunds")).outcome,
            Outcome::kOfAnother);
  EXPECT_TRUE(stand_in->closed());
  EXPECT_THAT(Consumers("refunds"), IsEmpty());
  EXPECT_EQ(Owner(), "pay");
}

TEST_F(ClientIdOwnersTest, AStandInInUseStaysWhenAnotherUserIsRefused) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Of("pay"));
  EXPECT_EQ(Register(*StandIn("c1"), Of("thief")).outcome, Outcome::kOfAnother);
  EXPECT_FALSE(stand_in->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(ClientIdOwnersTest, OfUsersWhoseUnaryHeartbeatsRaceTheHolderIsListed) {
  // Nobody holds the id yet, and no heartbeat has been applied.
  const ClientChannelPtr first = StandIn("c1", "thief");
  const ClientChannelPtr second = StandIn("c1", "pay");
  EXPECT_EQ(Register(*first, Of("thief")).outcome, Outcome::kClosed);
  EXPECT_EQ(Register(*second, Of("pay")).outcome, Outcome::kRegistered);
  EXPECT_EQ(Owner(), "pay");
  EXPECT_THAT(PrincipalsFound(), ElementsAre("pay"));
  // Who tries again finds the holder's, and is refused.
  EXPECT_EQ(StandIn("c1", "thief"), second);
  EXPECT_EQ(Register(*second, Of("thief")).outcome, Outcome::kOfAnother);
  EXPECT_THAT(PrincipalsFound(), ElementsAre("pay"));
}

TEST_F(ClientIdOwnersTest, AStandInWithoutAGroupIsFoundAgainByItsUserAlone) {
  const ClientChannelPtr own = StandIn("c1", "pay");
  EXPECT_EQ(StandIn("c1", "pay"), own);
  EXPECT_FALSE(own->closed());
  EXPECT_NE(StandIn("c1", "ship"), own);
  EXPECT_TRUE(own->closed());
  EXPECT_EQ(table_.counts().channels, 1);
}

TEST_F(ClientIdOwnersTest, AKickHoldsTheOneOfSeveralUsersThatGotTheId) {
  StandIn("c1", "thief");
  const ClientChannelPtr held = StandIn("c1", "pay");
  Register(*held, Of("pay"));
  ChannelId cursor = 0;
  std::vector<ClientChannelPtr> matching;
  table_.HoldMatching(ChannelFilter(),
                      {now_ + absl::Seconds(9),
                       std::make_shared<const std::string>("too loud")},
                      now_, &cursor, &matching);
  EXPECT_THAT(matching, ElementsAre(held));
  table_.Close(*held, RemovalReason::kKicked, now_);
  EXPECT_EQ(Register(*StandIn("c1", "pay"), Of("pay")).outcome, Outcome::kHeld);
  EXPECT_EQ(Register(*StandIn("c1", "thief"), Of("thief")).outcome,
            Outcome::kRegistered);
}

TEST_F(ClientIdOwnersTest, AnotherUserCannotUnregisterTheClient) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Of("pay"));
  EXPECT_FALSE(Unregister(*stand_in, {"thief"}));
  EXPECT_FALSE(Unregister(*stand_in, {""}));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_TRUE(Unregister(*stand_in, {"pay"}));
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(ClientIdOwnersTest, TheSameUserReplacesAndDuplicatesAsEverybodyDid) {
  const FakeClientChannelPtr first = Connect(Of("pay"));
  Connect(Of("pay"));
  EXPECT_TRUE(first->closed());
  Connect(Of("pay").Incarnation(8));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ClientIdOwnersTest, AUserTakesOverAnAnonymousId) {
  const FakeClientChannelPtr anonymous = Connect(Of(""));
  EXPECT_EQ(Owner(), "");
  Connect(Of("pay").Incarnation(8));
  EXPECT_EQ(Owner(), "pay");
  EXPECT_EQ(Register(*anonymous, Of("")).outcome, Outcome::kOfAnother);
  EXPECT_FALSE(anonymous->closed());
}

TEST_F(ClientIdOwnersTest, WhoIsRefusedAllOfItsGroupsDoesNotTakeTheId) {
  const FakeClientChannelPtr squatter = Connect(Of("thief").Refused("no"));
  EXPECT_FALSE(table_.IsHeldByAnother("c1", "pay"));
  EXPECT_FALSE(squatter->closed());
  const FakeClientChannelPtr held = Connect(Of("pay").Incarnation(8));
  EXPECT_EQ(Owner(), "pay");
  EXPECT_TRUE(squatter->closed());
  EXPECT_THAT(squatter->ends(), ElementsAre(RemovalReason::kDisconnected));
  EXPECT_EQ(squatter->end_detail(), "another user holds the client id \"c1\"");
  // It has no part in how long the id is held.
  table_.Close(*held, RemovalReason::kDisconnected, now_);
  EXPECT_FALSE(table_.IsHeldByAnother("c1", "ship"));
}

TEST_F(ClientIdOwnersTest, HoweverManyHaveTriedTheIdInVainTheyGo) {
  std::vector<FakeClientChannelPtr> squatters;
  for (uint64_t process = 1; process <= 2 * TableState::kMaxLooks; ++process) {
    squatters.push_back(
        Connect(Of("thief").Incarnation(process).Refused("no")));
  }
  // One of the user's own, which may do no more, is none of them.
  const FakeClientChannelPtr own = Connect(Of("pay").Refused("no"));
  Connect(Of("pay").Incarnation(8));
  for (const FakeClientChannelPtr& squatter : squatters) {
    EXPECT_THAT(squatter->ends(), ElementsAre(RemovalReason::kDisconnected));
  }
  EXPECT_FALSE(own->closed());
  EXPECT_EQ(table_.counts().channels, 2);
}

TEST_F(ClientIdOwnersTest, OfTwoUsersNeitherIsADuplicateOrAReplacement) {
  const FakeClientChannelPtr squatter =
      Connect(Of("thief").StreamNumber(9).Refused("no"));
  // The same incarnation, and a smaller number.
  const FakeClientChannelPtr waiting = OpenStream("pay");
  const RegisterResult result =
      Register(*waiting, Of("pay").StreamNumber(1).Refused("not yet"));
  EXPECT_EQ(result.outcome, Outcome::kRegistered);
  EXPECT_THAT(result.warnings, IsEmpty());
  EXPECT_FALSE(squatter->closed());
  EXPECT_FALSE(squatter->attention());
  EXPECT_THAT(listener_.TakeWarnings(), IsEmpty());
  // Operators see both, each with its user.
  const std::vector<DuplicateClientInfo> listed =
      table_.ListDuplicateClientIds("", 10);
  ASSERT_EQ(listed.size(), 1);
  EXPECT_EQ(listed[0].streams, 2);
  EXPECT_THAT(PrincipalsFound(), ElementsAre("thief", "pay"));
}

TEST_F(ClientIdOwnersTest, WhoWasClosedIsListedWithItsUser) {
  const FakeClientChannelPtr stream = Connect(Of("thief").Refused("no"));
  Connect(Of("pay").Incarnation(8));
  uint64_t cursor = 0;
  std::vector<ClosedChannelPtr> found;
  table_.FindClosedChannels(ChannelFilter(), ListOrder::kOldestFirst, 10,
                            &cursor, &found);
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found[0]->summary.principal, "thief");
}

TEST_F(ClientIdOwnersTest, AKickOfWhoTriedTheIdInVainHoldsNobodyElse) {
  Connect(Of("thief").Incarnation(0).Refused("no"));
  ChannelId cursor = 0;
  std::vector<ClientChannelPtr> matching;
  ChannelFilter everybody;
  table_.HoldMatching(everybody,
                      {now_ + absl::Seconds(9),
                       std::make_shared<const std::string>("too loud")},
                      now_, &cursor, &matching);
  ASSERT_EQ(matching.size(), 1);
  table_.Close(*matching[0], RemovalReason::kKicked, now_);
  EXPECT_EQ(
      Register(*OpenStream("thief"), Of("thief").Incarnation(0).Refused("no"))
          .outcome,
      Outcome::kHeld);
  EXPECT_EQ(Register(*OpenStream("pay"), Of("pay").Incarnation(0)).outcome,
            Outcome::kRegistered);
}

TEST_F(ClientIdOwnersTest, WhoHasOneGroupOrAProducerTakesTheId) {
  Connect(Of("pay").Refused("no").Consumer("bills"));
  EXPECT_TRUE(table_.IsHeldByAnother("c1", "thief"));
  EXPECT_FALSE(table_.IsHeldByAnother("c1", "pay"));
  EXPECT_FALSE(table_.IsHeldByAnother("c2", "thief"));
  TestStatement producer = TestStatement("c3").As("pay").Consumer("orders");
  Connect(producer.Refused("no").Producer("makers"));
  EXPECT_TRUE(table_.IsHeldByAnother("c3", ""));
}

TEST_F(ClientIdOwnersTest, WhoMayNotBeInAGroupAnyMoreHoldsTheIdStill) {
  const FakeClientChannelPtr stream = Connect(Of("pay"));
  Register(*stream, Of("pay").Refused("no"));
  EXPECT_TRUE(table_.IsHeldByAnother("c1", "thief"));
}

TEST_F(ClientIdOwnersTest, AnIdIsFreeOnceItsLastChannelIsGone) {
  const FakeClientChannelPtr held = Connect(Of("pay"));
  table_.Close(*held, RemovalReason::kDisconnected, now_);
  Connect(Of("ship"));
  EXPECT_EQ(Owner(), "ship");
}

TEST_F(ClientIdOwnersTest, WhileRulesAreTriedOutNobodyIsRefused) {
  Connect(Of("").As("pay", /*only_tried_out=*/true));
  EXPECT_EQ(Owner(), "pay");
  EXPECT_EQ(Register(*OpenStream(), Of("").As("ship", true)).outcome,
            Outcome::kRegistered);
  EXPECT_EQ(Owner(), "ship");
}

TEST_F(ClientIdOwnersTest, AChannelLeavesAGroupThatItIsRefused) {
  TestStatement both = TestStatement("c1").Consumer("orders").Consumer("bills");
  const FakeClientChannelPtr stream = Connect(both);
  TakeEvents();
  both.Refused("no");
  EXPECT_EQ(Register(*stream, both).statement_token, 0);
  EXPECT_THAT(Consumers("bills"), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_FALSE(stream->closed());
}

TEST_F(ClientIdOwnersTest, AStandInThatIsRefusedItsOnlyGroupGoes) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Of("pay"));
  Register(*stand_in, Of("pay").Refused("no"));
  EXPECT_TRUE(stand_in->closed());
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

class OldestWinsTest : public ClientTableFixture {
 protected:
  static ClientTable::Options OldestWins() {
    ClientTable::Options options;
    options.duplicate_client_id_policy = DuplicateClientIdPolicy::kOldestWins;
    return options;
  }
  OldestWinsTest() : ClientTableFixture(OldestWins()) {}

  // The outcome of a new stream's first heartbeat.
  Outcome Try(const TestStatement& stated) {
    return Register(*OpenStreamFor(stated), stated).outcome;
  }

  static TestStatement Of(absl::string_view user, uint64_t incarnation) {
    return TestStatement("c1").As(user).Incarnation(incarnation).Consumer("g");
  }
};

TEST_F(OldestWinsTest, WhoCouldNotTakeTheIdKeepsNobodyOut) {
  Connect(Of("thief", 7).Refused("no"));
  const FakeClientChannelPtr first = Connect(Of("pay", 8));
  EXPECT_FALSE(first->closed());
  EXPECT_EQ(Try(Of("pay", 9)), Outcome::kDuplicateClientId);
  // The holder's next process comes when its first one is gone.
  table_.Close(*first, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(Try(Of("pay", 9)), Outcome::kRegistered);
}

TEST_F(OldestWinsTest, WhoTriesTheIdWhileItsUserWaitsForRightsKeepsNobodyOut) {
  Connect(Of("thief", 7).Refused("no"));
  EXPECT_EQ(Try(Of("pay", 8).Refused("not yet")), Outcome::kRegistered);
  EXPECT_EQ(Try(Of("pay", 9)), Outcome::kDuplicateClientId);
  EXPECT_EQ(Try(Of("ship", 9)), Outcome::kRegistered);
}

TEST_F(OldestWinsTest, WhileRulesAreTriedOutAnAnonymousProcessIsTheOldest) {
  Connect(Of("", 7));
  EXPECT_EQ(Try(Of("", 8).As("pay", true)), Outcome::kDuplicateClientId);
}

class NewestWinsTest : public ClientTableFixture {
 protected:
  static ClientTable::Options NewestWins() {
    ClientTable::Options options;
    options.duplicate_client_id_policy = DuplicateClientIdPolicy::kNewestWins;
    return options;
  }
  NewestWinsTest() : ClientTableFixture(NewestWins()) {}
};

TEST_F(NewestWinsTest, WhoTriesAnIdReplacesNoOtherUsersStream) {
  const auto of = [](absl::string_view user, uint64_t incarnation) {
    return TestStatement("c1").As(user).Incarnation(incarnation).Consumer("g");
  };
  const FakeClientChannelPtr waiting = Connect(of("pay", 1).Refused("no"));
  Connect(of("thief", 2).Refused("no"));
  EXPECT_FALSE(waiting->closed());
  Connect(of("pay", 3).Refused("no"));
  EXPECT_THAT(waiting->ends(), ElementsAre(RemovalReason::kReplaced));
}

class FewChangesTest : public ClientTableFixture {
 protected:
  static ClientTable::Options OneChange() {
    ClientTable::Options options;
    options.max_statement_changes = 1;
    return options;
  }
  FewChangesTest() : ClientTableFixture(OneChange()) {}
};

TEST_F(FewChangesTest, ARefusedGroupIsLeftHoweverOftenTheStatementChanges) {
  TestStatement both = TestStatement("c1").Consumer("bills").Consumer("orders");
  const FakeClientChannelPtr stream = Connect(both);
  const auto change = [&](absl::string_view topic) {
    both.consumers[1].subscriptions = {{std::string(topic)}};
    return Register(*stream, both).outcome;
  };
  int changes = 0;
  while (change(std::to_string(changes)) == Outcome::kRegistered) ++changes;
  both.consumers[0].refusal = "no";
  EXPECT_EQ(change("another"), Outcome::kTooManyChanges);
  EXPECT_THAT(Consumers("bills"), IsEmpty());
}

}  // namespace
}  // namespace rmq
