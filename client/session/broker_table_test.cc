// Brokers that are listed, joined, left and stopped.
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/session/broker_stub.h"
#include "client/session/broker_table.h"
#include "client/session/broker_table_testing.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(BrokerTableTest, EveryBrokerOfTheListIsJoinedAtOnce) {
  table_->SetBrokers({kA, kB});
  EXPECT_EQ(calls("a:1"), 0u);
  table_->SetStatement(ProducerAndConsumer());
  EXPECT_EQ(calls("a:1"), 1u);
  EXPECT_EQ(calls("b:1"), 1u);
}

TEST_F(BrokerTableTest, ABrokerThatIsNewInTheListIsJoinedAndNoOtherDisturbed) {
  table_->SetBrokers({kA});
  table_->SetStatement(ProducerAndConsumer());
  BringOnline(kA);
  table_->SetBrokers({kB, kA});
  EXPECT_EQ(calls("b:1"), 1u);
  BringOnline(kB);
  EXPECT_EQ(calls("a:1"), 1u);
  EXPECT_THAT(call("a:1").written(), SizeIs(1));
  EXPECT_THAT(observer_.changed,
              ElementsAre("broker-a orders", "broker-b orders"));
  EXPECT_THAT(Addresses(), ElementsAre("b:1", "a:1"));
}

TEST_F(BrokerTableTest,
       ABrokerThatIsListedNoLongerIsUnregisteredFromAndClosed) {
  table_->SetBrokers({kA, kB});
  table_->SetStatement(ProducerAndConsumer());
  BringOnline(kA);
  BringOnline(kB);
  table_->SetBrokers({kB});
  ASSERT_THAT(call("a:1").written(), SizeIs(2));
  const v1::UnregisterClientRequest& unregister =
      call("a:1").written()[1].unregister_client();
  EXPECT_EQ(unregister.producer_group(), "p");
  EXPECT_EQ(unregister.consumer_group(), "orders");
  EXPECT_THAT(Addresses(), ElementsAre("b:1", "a:1"));
  LetGo("a:1", absl::OkStatus());
  EXPECT_THAT(Addresses(), ElementsAre("b:1"));
  EXPECT_EQ(observer_.states["a:1"], BrokerState::kStopped);
  EXPECT_EQ(observer_.states["b:1"], BrokerState::kOnline);
  EXPECT_THAT(call("b:1").written(), SizeIs(1));
}

TEST_F(BrokerTableTest, ABrokerThatIsAwayAndListedNoLongerIsNotTriedAgain) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  call("a:1").Finish(absl::UnavailableError("connection refused"));
  table_->SetBrokers({});
  loop_.RunPosted();
  EXPECT_THAT(Addresses(), IsEmpty());
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls("a:1"), 1u);
}

TEST_F(BrokerTableTest, ALeftBrokerThatComesBackIsJoinedOnceTheOldStreamEnded) {
  table_->SetBrokers({kA});
  table_->SetStatement(ProducerAndConsumer());
  BringOnline(kA);
  table_->SetBrokers({});
  table_->SetBrokers({kA});
  EXPECT_EQ(calls("a:1"), 1u);
  EXPECT_THAT(Addresses(), ElementsAre("a:1"));
  LetGo("a:1", absl::OkStatus());
  EXPECT_EQ(calls("a:1"), 2u);
  EXPECT_THAT(Addresses(), ElementsAre("a:1"));
  BringOnline(kA);
  EXPECT_EQ(table_->Health()[0].state, BrokerState::kOnline);
}

TEST_F(BrokerTableTest,
       ABrokerThatDoesNotLetGoIsForgottenAfterTheReplyTimeout) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->SetBrokers({});
  loop_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  EXPECT_THAT(Addresses(), ElementsAre("a:1"));
  loop_.Advance(absl::Milliseconds(1));
  loop_.RunPosted();
  EXPECT_THAT(Addresses(), IsEmpty());
  EXPECT_TRUE(call("a:1").cancelled());
}

TEST_F(BrokerTableTest, TheSameListAgainChangesNothing) {
  table_->SetBrokers({kA, kB});
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->SetBrokers({kA, kB});
  EXPECT_EQ(calls("a:1"), 1u);
  EXPECT_EQ(calls("b:1"), 1u);
  EXPECT_THAT(call("a:1").written(), SizeIs(1));
}

TEST_F(BrokerTableTest, ABrokerThatMovedIsLeftAtItsOldAddress) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->SetBrokers({{"broker-a", 0, "a:9"}});
  EXPECT_EQ(calls("a:9"), 1u);
  EXPECT_EQ(observer_.states["a:1"], BrokerState::kLeaving);
}

TEST_F(BrokerTableTest, ARenamedBrokerKeepsItsStream) {
  table_->SetBrokers({kA});
  table_->SetStatement(ProducerAndConsumer());
  BringOnline(kA);
  table_->SetBrokers({{"broker-x", 0, "a:1"}});
  EXPECT_EQ(calls("a:1"), 1u);
  EXPECT_EQ(table_->Health()[0].broker.name, "broker-x");
}

TEST_F(BrokerTableTest, AKickedClientComesBackWhenTheBrokerIsListedAnew) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  BringOnline(kA);
  call("a:1").Finish(absl::PermissionDeniedError("taken out by an operator"),
                     EndReason::kKicked);
  table_->SetBrokers({kA});
  EXPECT_EQ(table_->Health()[0].state, BrokerState::kKicked);
  table_->SetBrokers({});
  loop_.RunPosted();
  EXPECT_THAT(Addresses(), IsEmpty());
  table_->SetBrokers({kA});
  EXPECT_EQ(table_->Health()[0].state, BrokerState::kConnecting);
}

TEST_F(BrokerTableTest, AtMost1024BrokersAreOnTheirWayOut) {
  table_->SetStatement(Producer());
  std::vector<BrokerEntry> first, second;
  for (int i = 1; i <= 1024; ++i) {
    first.push_back({"", 0, absl::StrCat("first:", i)});
    second.push_back({"", 0, absl::StrCat("second:", i)});
  }
  for (const auto* list : {&first, &second}) {
    table_->SetBrokers(*list);
    for (const BrokerEntry& broker : *list) BringOnline(broker);
  }
  EXPECT_THAT(Addresses(), SizeIs(2048));
  EXPECT_FALSE(call("first:1").cancelled());
  table_->SetBrokers({});
  loop_.RunPosted();
  EXPECT_THAT(Addresses(), SizeIs(1024));
}

// ---- Masters and slaves.

TEST_F(BrokerTableTest, OnlyTheBrokerThatIsSettlingIsReportedWhenItHas) {
  table_->SetBrokers({kA, kB});
  table_->SetStatement(ProducerAndConsumer());
  BringOnline(kA);
  BringOnline(kB);
  observer_.changed.clear();
  table_->NoteSettling("b:1", loop_.Now() + absl::Milliseconds(500));
  table_->NoteSettling("c:1", loop_.Now() + absl::Milliseconds(500));
  loop_.Advance(absl::Milliseconds(500));
  EXPECT_THAT(observer_.changed, ElementsAre("broker-b orders"));
}

TEST_F(BrokerTableTest, AProducerJoinsMastersOnly) {
  table_->SetBrokers({kA, kSlave, kB});
  table_->SetStatement(Producer());
  EXPECT_EQ(calls("a:1"), 1u);
  EXPECT_EQ(calls("a:2"), 0u);
  EXPECT_EQ(calls("b:1"), 1u);
}

TEST_F(BrokerTableTest, AConsumerJoinsSlavesToo) {
  table_->SetBrokers({kA, kSlave});
  table_->SetStatement(ProducerAndConsumer());
  EXPECT_EQ(calls("a:1"), 1u);
  EXPECT_EQ(calls("a:2"), 1u);
}

TEST_F(BrokerTableTest, WithItsFirstConsumerAProducerJoinsTheSlaves) {
  table_->SetBrokers({kA, kSlave});
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->SetStatement(ProducerAndConsumer());
  EXPECT_EQ(calls("a:2"), 1u);
  BringOnline(kSlave);
  EXPECT_EQ(call("a:2").written()[0].heartbeat().consumers_size(), 1);
}

TEST_F(BrokerTableTest, WithoutItsLastConsumerAProducerLeavesTheSlaves) {
  table_->SetBrokers({kA, kSlave});
  table_->SetStatement(ProducerAndConsumer());
  BringOnline(kA);
  BringOnline(kSlave);
  table_->SetStatement(Producer());
  EXPECT_EQ(call("a:2").written()[1].unregister_client().producer_group(), "p");
  LetGo("a:2", absl::OkStatus());
  EXPECT_EQ(observer_.states["a:2"], BrokerState::kIdle);
  EXPECT_EQ(observer_.states["a:1"], BrokerState::kOnline);
  EXPECT_THAT(Addresses(), ElementsAre("a:1", "a:2"));
}

TEST_F(BrokerTableTest, ASlaveThatBecomesTheMasterIsJoinedByAProducer) {
  table_->SetBrokers({kA, kSlave});
  table_->SetStatement(Producer());
  table_->SetBrokers({{"broker-a", 0, "a:2"}});
  EXPECT_EQ(calls("a:2"), 1u);
}

// ---- Stopping.

TEST_F(BrokerTableTest, ShutdownIsOverWhenEveryBrokerHasLetGo) {
  table_->SetBrokers({kA, kB});
  table_->SetStatement(Producer());
  BringOnline(kA);
  BringOnline(kB);
  table_->Shutdown();
  LetGo("a:1", absl::OkStatus());
  EXPECT_THAT(observer_.stopped, IsEmpty());
  LetGo("b:1", absl::OkStatus());
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerTableTest, TheFirstErrorIsWhatShutdownTells) {
  table_->SetBrokers({kA, kB});
  table_->SetStatement(Producer());
  BringOnline(kA);
  BringOnline(kB);
  table_->Shutdown();
  LetGo("b:1", absl::UnavailableError("connection reset"));
  LetGo("a:1", absl::InternalError("another"));
  EXPECT_THAT(observer_.stopped,
              ElementsAre(StatusIs(absl::StatusCode::kUnavailable,
                                   "unregistering at b:1: connection reset")));
}

TEST_F(BrokerTableTest, ShutdownWaitsForABrokerThatIsBeingLeft) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->SetBrokers({});
  table_->Shutdown();
  EXPECT_THAT(observer_.stopped, IsEmpty());
  LetGo("a:1", absl::OkStatus());
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerTableTest, ShutdownWithoutABrokerIsOverAtOnce) {
  table_->Shutdown();
  table_->Shutdown();
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerTableTest, AbandonEndsAllAtOnce) {
  table_->SetBrokers({kA, kB});
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->Abandon();
  EXPECT_TRUE(call("a:1").cancelled());
  EXPECT_TRUE(call("b:1").cancelled());
  EXPECT_THAT(observer_.stopped,
              ElementsAre(StatusIs(absl::StatusCode::kDeadlineExceeded,
                                   HasSubstr("unregistering at a:1"))));
}

TEST_F(BrokerTableTest, AListAfterShutdownChangesNothing) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  table_->Shutdown();
  table_->SetBrokers({kA, kB});
  loop_.RunPosted();
  EXPECT_EQ(calls("a:1"), 1u);
  EXPECT_EQ(calls("b:1"), 0u);
  EXPECT_THAT(Addresses(), ElementsAre("a:1"));
}

TEST_F(BrokerTableTest, TheTableMayGoWhileABrokerIsBeingLeft) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  table_->SetBrokers({});  // Posts.
  table_ = nullptr;
  loop_.RunPosted();
  EXPECT_TRUE(call("a:1").cancelled());
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
}

// ---- Calls.

TEST_F(BrokerTableTest, OnlyBrokersOfTheListAreFound) {
  table_->SetBrokers({kA, kB});
  table_->SetStatement(Producer());
  BringOnline(kA);
  EXPECT_EQ(table_->FindStub("a:1"), stubs_["a:1"]);
  EXPECT_EQ(table_->FindStub("c:1"), nullptr);
  table_->SetBrokers({kB});
  EXPECT_EQ(table_->FindStub("a:1"), nullptr);
  EXPECT_THAT(table_->Stubs(), SizeIs(1));
}

TEST_F(BrokerTableTest, CallsToABrokerAreCancelledWhenItHasBeenLeft) {
  table_->SetBrokers({kA, kB});
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->SetBrokers({kB});
  EXPECT_FALSE(stub("a:1").calls_cancelled());
  LetGo("a:1", absl::OkStatus());
  EXPECT_TRUE(stub("a:1").calls_cancelled());
  EXPECT_FALSE(stub("b:1").calls_cancelled());
}

TEST_F(BrokerTableTest, CallsAreCancelledByShutdown) {
  table_->SetBrokers({kA});
  table_->Shutdown();
  EXPECT_TRUE(stub("a:1").calls_cancelled());
}

}  // namespace
}  // namespace rmq
