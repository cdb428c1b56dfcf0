// The rules of producer groups, through the ClientTable that owns them.
#include "broker/registry/producer_registry.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ProducerRegistryTest : public ClientTableFixture {
 protected:
  RegisterResult RegisterKnownOnly(ClientChannel& channel,
                                   const TestStatement& stated) {
    const BuiltStatement statement(stated);
    RegisterResult result = table_.Register(
        channel, statement.Admitted(/*take_new_producers=*/false), now_);
    // Copied: these are views into the statement.
    rejected_.clear();
    for (absl::string_view group : result.rejected_producers) {
      rejected_.emplace_back(group);
    }
    result.rejected_producers.clear();
    return result;
  }

  std::vector<std::string> rejected_;
};

TEST_F(ProducerRegistryTest, AJoiningProducerIsTold) {
  Connect(TestStatement("c1").Producer("pay"));
  EXPECT_THAT(TakeEvents(), ElementsAre("producer pay CLIENT_REGISTER c1"));
  EXPECT_THAT(Producers("pay"), ElementsAre("c1"));
}

TEST_F(ProducerRegistryTest, ARenewalTellsNothing) {
  const auto channel = Connect(TestStatement("c1").Producer("pay"));
  TakeEvents();
  Register(*channel, TestStatement("c1").Producer("pay"));
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ProducerRegistryTest, AKnownChannelKeepsItsFirstClientId) {
  const auto channel = Connect(TestStatement("c1").Producer("pay"));
  Register(*channel, TestStatement("c2").Producer("pay"));
  EXPECT_THAT(Producers("pay"), ElementsAre("c1"));
  EXPECT_EQ(table_.FindProducerChannel("c1"), channel);
  EXPECT_EQ(table_.FindProducerChannel("c2"), nullptr);
}

TEST_F(ProducerRegistryTest, TheLastProducerTakesTheGroupWithIt) {
  const auto channel = Connect(TestStatement("c1").Producer("pay"));
  TakeEvents();
  table_.Unregister(*channel, "c1", {"pay"}, {}, now_);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("producer pay CLIENT_UNREGISTER c1 UNREGISTERED",
                          "producer pay UNREGISTER"));
  EXPECT_FALSE(table_.FindProducerGroup("pay").has_value());
}

TEST_F(ProducerRegistryTest, AProducerThatLeavesOthersBehindLeavesTheGroup) {
  const auto a = Connect(TestStatement("c1").Producer("pay"));
  Connect(TestStatement("c2").Producer("pay"));
  TakeEvents();
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("producer pay CLIENT_UNREGISTER c1 DISCONNECTED"));
  EXPECT_EQ(table_.FindProducerGroup("pay")->channels, 1);
}

TEST_F(ProducerRegistryTest, AGroupNameMayBeAnything) {
  Connect(TestStatement("c1").Producer("not a legal name!"));
  EXPECT_THAT(Producers("not a legal name!"), ElementsAre("c1"));
}

TEST_F(ProducerRegistryTest, ProducersAndConsumersOfOneNameAreApart) {
  const auto channel =
      Connect(TestStatement("c1").Producer("orders").Consumer("orders"));
  table_.Unregister(*channel, "c1", {"orders"}, {}, now_);
  EXPECT_THAT(Producers("orders"), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

// --- The switch against new producers ---

TEST_F(ProducerRegistryTest, ANewProducerThatIsNotTakenIsNamed) {
  const auto channel = OpenStream();
  const RegisterResult result =
      RegisterKnownOnly(*channel, TestStatement("c1").Producer("pay"));
  EXPECT_EQ(result.outcome, RegisterResult::Outcome::kRegistered);
  EXPECT_THAT(rejected_, ElementsAre("pay"));
  EXPECT_FALSE(table_.FindProducerGroup("pay").has_value());
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ProducerRegistryTest, ANewMemberOfAKnownGroupIsNotTakenEither) {
  Connect(TestStatement("c1").Producer("pay"));
  const auto channel = OpenStream();
  RegisterKnownOnly(*channel, TestStatement("c2").Producer("pay"));
  EXPECT_THAT(rejected_, ElementsAre("pay"));
  EXPECT_THAT(Producers("pay"), ElementsAre("c1"));
}

TEST_F(ProducerRegistryTest, AKnownProducerIsRenewedThoughNewOnesAreNotTaken) {
  const auto channel = Connect(TestStatement("c1").Producer("pay"));
  Advance(absl::Seconds(100));
  const RegisterResult result =
      RegisterKnownOnly(*channel, TestStatement("c1").Producer("pay"));
  EXPECT_THAT(rejected_, IsEmpty());
  EXPECT_NE(result.statement_token, 0);
  Advance(absl::Seconds(100));
  Scan();
  EXPECT_THAT(Producers("pay"), ElementsAre("c1"));
}

// --- A producer by client id ---

TEST_F(ProducerRegistryTest, AClientIsFoundWhereItRegisteredLast) {
  const auto a = Connect(TestStatement("c1").Producer("pay"));
  const auto b = Connect(TestStatement("c1").Producer("pay"));
  EXPECT_EQ(table_.FindProducerChannel("c1"), b);
  Register(*a,
           TestStatement("c1").Producer("pay"));  // A renewal moves nothing.
  EXPECT_EQ(table_.FindProducerChannel("c1"), b);
  Register(*a, TestStatement("c1").Producer("pay").Producer("ship"));
  EXPECT_EQ(table_.FindProducerChannel("c1"), a);
}

TEST_F(ProducerRegistryTest, AClientIsFoundWhereItJoinedLastThoughItLeftThat) {
  const auto a = Connect(TestStatement("c1").Producer("pay"));
  Connect(TestStatement("c1").Producer("pay"));
  Register(*a, TestStatement("c1").Producer("pay").Producer("ship"));
  table_.Unregister(*a, "c1", {"ship"}, {}, now_);
  EXPECT_EQ(table_.FindProducerChannel("c1"), a);
}

TEST_F(ProducerRegistryTest, AClientIsFoundAfterItsNewestChannelLeft) {
  const auto a = Connect(TestStatement("c1").Producer("pay"));
  const auto b = Connect(TestStatement("c1").Producer("pay"));
  table_.Close(*b, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.FindProducerChannel("c1"), a);
}

TEST_F(ProducerRegistryTest, LeavingOneGroupDoesNotHideAClientThatIsInAnother) {
  const auto channel =
      Connect(TestStatement("c1").Producer("pay").Producer("ship"));
  table_.Unregister(*channel, "c1", {"ship"}, {}, now_);
  EXPECT_EQ(table_.FindProducerChannel("c1"), channel);
  table_.Unregister(*channel, "c1", {"pay"}, {}, now_);
  EXPECT_EQ(table_.FindProducerChannel("c1"), nullptr);
}

TEST_F(ProducerRegistryTest, AConsumerIsNoProducer) {
  Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(table_.FindProducerChannel("c1"), nullptr);
}

// --- An available producer of a group ---

class AvailableProducerTest : public ProducerRegistryTest {
 protected:
  AvailableProducerTest() {
    for (const char* client : {"c1", "c2", "c3", "c4", "c5"}) {
      channels_.push_back(Connect(TestStatement(client).Producer("pay")));
    }
  }

  std::vector<FakeClientChannelPtr> channels_;
};

TEST_F(AvailableProducerTest, ChannelsComeInTurn) {
  for (int round = 0; round < 2; ++round) {
    for (const FakeClientChannelPtr& channel : channels_) {
      EXPECT_EQ(table_.NextAvailableProducer("pay"), channel);
    }
  }
}

TEST_F(AvailableProducerTest, OnesThatAreNotWritableArePassedOver) {
  channels_[0]->set_writable(false);
  channels_[1]->set_writable(false);
  EXPECT_EQ(table_.NextAvailableProducer("pay"), channels_[2]);
}

TEST_F(AvailableProducerTest, AfterThreeThatAreNotWritableTheThirdIsGiven) {
  for (int i = 0; i < 4; ++i) channels_[i]->set_writable(false);
  EXPECT_EQ(table_.NextAvailableProducer("pay"), channels_[2]);
}

TEST_F(AvailableProducerTest, TheTurnGoesOnWhenTheOneGivenLastHasLeft) {
  ASSERT_EQ(table_.NextAvailableProducer("pay"), channels_[0]);
  ASSERT_EQ(table_.NextAvailableProducer("pay"), channels_[1]);
  table_.Close(*channels_[1], RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.NextAvailableProducer("pay"), channels_[2]);
}

TEST_F(AvailableProducerTest, AGroupOfOneGivesItThoughItIsNotWritable) {
  const auto only = Connect(TestStatement("c9").Producer("ship"));
  only->set_writable(false);
  EXPECT_EQ(table_.NextAvailableProducer("ship"), only);
}

TEST_F(AvailableProducerTest, AnUnknownGroupHasNone) {
  EXPECT_EQ(table_.NextAvailableProducer("unknown"), nullptr);
}

TEST_F(ProducerRegistryTest,
       AProducerIsFoundBeforeAnyNumberOfTheClientsStreams) {
  const auto only = Connect(TestStatement("c1").Producer("pay"));
  for (size_t i = 0; i < 2 * ClientTable::kMaxPiece; ++i) {
    Connect(TestStatement("c1").Incarnation(i + 1).Consumer("orders"));
  }
  EXPECT_EQ(table_.FindProducerChannel("c1"), only);
  table_.Close(*only, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.FindProducerChannel("c1"), nullptr);
}

}  // namespace
}  // namespace rmq
