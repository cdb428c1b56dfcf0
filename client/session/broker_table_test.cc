#include "client/session/broker_table.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/session/broker_session.h"
#include "client/session/broker_stub.h"
#include "client/testing/fake_broker_stub.h"
#include "client/testing/manual_event_loop.h"
#include "common/status_matchers.h"
#include "glog/logging.h"
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

const BrokerEntry& kA = *new BrokerEntry{"broker-a", 0, "a:1"};
const BrokerEntry& kSlave = *new BrokerEntry{"broker-a", 1, "a:2"};
const BrokerEntry& kB = *new BrokerEntry{"broker-b", 0, "b:1"};

// Ways to one broker.
const BrokerEntry& kWay1 = *new BrokerEntry{"", 0, "way:1"};
const BrokerEntry& kWay2 = *new BrokerEntry{"", 0, "way:2"};
const BrokerEntry& kWay3 = *new BrokerEntry{"", 0, "way:3"};

std::shared_ptr<const v1::HeartbeatRequest> Producer() {
  auto statement = std::make_shared<v1::HeartbeatRequest>();
  statement->add_producers()->set_group("p");
  return statement;
}

std::shared_ptr<const v1::HeartbeatRequest> ProducerAndConsumer() {
  auto statement = std::make_shared<v1::HeartbeatRequest>(*Producer());
  statement->add_consumers()->set_group("orders");
  return statement;
}

class RecordingObserver final : public BrokerTable::Observer {
 public:
  void OnConsumerIdsChanged(const BrokerEntry& broker,
                            absl::string_view group) override {
    changed.push_back(absl::StrCat(broker.name, " ", group));
  }
  void OnHealthChanged(const BrokerHealth& health) override {
    states[health.broker.address] = health.state;
  }
  void OnStopped(const absl::Status& status) override {
    stopped.push_back(status);
  }

  std::vector<std::string> changed;
  absl::flat_hash_map<std::string, BrokerState> states;  // The latest.
  std::vector<absl::Status> stopped;
};

class BrokerTableTest : public ::testing::Test {
 protected:
  // The stub of `address`, and the stream that was opened there last.
  FakeBrokerStub& stub(const std::string& address) {
    CHECK(stubs_.contains(address)) << address;
    return *stubs_[address];
  }
  FakeCall& call(const std::string& address) {
    return *stub(address).calls().back();
  }
  size_t calls(const std::string& address) {
    return stubs_.contains(address) ? stub(address).calls().size() : 0;
  }

  // Lets the stream at `address` stand, and takes the statement.
  void BringOnline(const BrokerEntry& broker) {
    Let(broker);
    Take(broker, /*incarnation=*/0);
  }
  // The two halves of it: the stream stands and the statement leaves; a process
  // of the broker takes it.
  void Let(const BrokerEntry& broker) {
    call(broker.address).CompleteStart();
    call(broker.address).CompleteWrite();
  }
  void Take(const BrokerEntry& broker, uint64_t incarnation) {
    v1::BrokerFrame answer;
    answer.mutable_reply()->set_request_id(
        call(broker.address).written().back().request_id());
    v1::HeartbeatResponse& response =
        *answer.mutable_reply()->mutable_heartbeat();
    response.set_broker_name(broker.name);
    response.set_broker_id(broker.id);
    response.set_broker_incarnation(incarnation);
    response.set_statement_token(1);
    call(broker.address).Deliver(answer);
    loop_.RunPosted();
  }
  // The client states its groups over both ways, and is online over the second,
  // which has replaced the first.
  void TakeTheSecondWay() {
    table_->SetBrokers({kWay1, kWay2});
    table_->SetStatement(ProducerAndConsumer());
    Let(kWay1);
    Take(kWay1, 1);
    Let(kWay2);
    Take(kWay2, 1);
    End(kWay1, EndReason::kReplaced);
    ASSERT_EQ(StateOf(kWay1), BrokerState::kReserve);
    ASSERT_EQ(StateOf(kWay2), BrokerState::kOnline);
  }
  void End(const BrokerEntry& broker, EndReason reason = EndReason::kNone) {
    call(broker.address).Finish(absl::AbortedError("the end"), reason);
    loop_.RunPosted();
  }
  BrokerState StateOf(const BrokerEntry& broker) {
    return observer_.states[broker.address];
  }
  // Lets everything that leaving writes go, and the broker end the stream.
  void LetGo(const std::string& address, const absl::Status& status) {
    while (call(address).writing()) call(address).CompleteWrite();
    ASSERT_TRUE(call(address).half_closed());
    call(address).Finish(status);
    loop_.RunPosted();
  }

  std::vector<std::string> Addresses() {
    std::vector<std::string> addresses;
    for (const BrokerHealth& health : table_->Health()) {
      addresses.push_back(health.broker.address);
    }
    return addresses;
  }

  ManualEventLoop loop_;
  RecordingObserver observer_;
  absl::flat_hash_map<std::string, std::shared_ptr<FakeBrokerStub>> stubs_;
  std::unique_ptr<BrokerTable> table_ = std::make_unique<BrokerTable>(
      BrokerSession::Options(), &loop_,
      [this](const std::string& address) {
        return stubs_[address] = std::make_shared<FakeBrokerStub>();
      },
      &observer_, [] { return 0.0; });
};

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

// ---- Several ways to one broker.

TEST_F(BrokerTableTest, TheStreamsOfAllBrokersAreNumberedInOneRow) {
  table_->SetBrokers({kA, kB});
  table_->SetStatement(Producer());
  BringOnline(kB);
  BringOnline(kA);
  End(kB);
  loop_.Advance(absl::Milliseconds(100));
  BringOnline(kB);
  const auto number = [this](const std::string& address, size_t nth) {
    return stub(address).calls()[nth]->written()[0].heartbeat().stream_number();
  };
  EXPECT_EQ(number("a:1", 0), 1u);
  EXPECT_EQ(number("b:1", 0), 2u);
  EXPECT_EQ(number("b:1", 1), 3u);
}

TEST_F(BrokerTableTest, ABrokerThatIsListedAnewGoesOnWithTheNumbers) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->SetBrokers({});
  LetGo("a:1", absl::OkStatus());
  table_->SetBrokers({kA});
  BringOnline(kA);
  EXPECT_EQ(call("a:1").written()[0].heartbeat().stream_number(), 2u);
}

TEST_F(BrokerTableTest, OfTwoWaysToABrokerTheReplacedOneIsKeptInReserve) {
  TakeTheSecondWay();
  loop_.Advance(absl::Seconds(1));
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(calls("way:1"), 1u);
  EXPECT_EQ(calls("way:2"), 1u);
}

TEST_F(BrokerTableTest, AWayMayEndBeforeTheOtherIsAnswered) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  Take(kWay2, 1);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AWayMayEndBeforeItIsAnsweredItself) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  Let(kWay2);
  Take(kWay2, 1);
  Let(kWay1);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(calls("way:1"), 1u);
  End(kWay2);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
}

TEST_F(BrokerTableTest, AWayWhoseSuccessorEndedUnansweredTakesOver) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  End(kWay2);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
}

TEST_F(BrokerTableTest, AWayIsReplacedIfTheOtherTurnsOutToLeadElsewhere) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  Take(kWay2, 2);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReplaced);
}

TEST_F(BrokerTableTest, ABrokerOfTheSameNameIsNoOtherWay) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  Take(kWay2, 2);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReplaced);
}

TEST_F(BrokerTableTest, AReserveTakesOverAtOnceWhenTheOtherWayEnds) {
  TakeTheSecondWay();
  End(kWay2);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
  Let(kWay1);
  Take(kWay1, 1);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AReserveTakesOverWhenTheOtherWayIsListedNoLonger) {
  TakeTheSecondWay();
  table_->SetBrokers({kWay1});
  loop_.RunPosted();
  EXPECT_EQ(StateOf(kWay2), BrokerState::kLeaving);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
  // The broker may end the stream of one that leaves as replaced.
  End(kWay2, EndReason::kReplaced);
  Let(kWay1);
  Take(kWay1, 1);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kOnline);
  EXPECT_THAT(Addresses(), ElementsAre("way:1"));
}

TEST_F(BrokerTableTest, AReserveTakesOverWhenTheOtherWayIsCutOff) {
  TakeTheSecondWay();
  loop_.Advance(absl::Seconds(1));  // A heartbeat that is not answered.
  loop_.Advance(absl::Seconds(3));
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
}

TEST_F(BrokerTableTest, AReserveTakesOverWhenTheOtherWayIsNotForProducers) {
  TakeTheSecondWay();
  table_->SetBrokers({kWay1, {"broker-a", 1, "way:2"}});
  table_->SetStatement(Producer());
  loop_.RunPosted();
  EXPECT_EQ(StateOf(kWay2), BrokerState::kLeaving);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
  Let(kWay1);
  Take(kWay1, 1);
  End(kWay2, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kIdle);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AWayThatComesBackPutsTheOtherInReserve) {
  TakeTheSecondWay();
  End(kWay2);
  Let(kWay1);
  Take(kWay1, 1);
  loop_.Advance(absl::Milliseconds(100));
  Let(kWay2);
  End(kWay1, EndReason::kReplaced);
  Take(kWay2, 1);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
  loop_.Advance(absl::Milliseconds(500));
  EXPECT_EQ(calls("way:1"), 2u);
  EXPECT_EQ(calls("way:2"), 2u);
}

TEST_F(BrokerTableTest, AReserveComesBackToABrokerThatRestarted) {
  TakeTheSecondWay();
  End(kWay2);
  End(kWay1);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kBackoff);
  loop_.Advance(absl::Milliseconds(200));
  Let(kWay1);
  Take(kWay1, 2);
  Let(kWay2);
  End(kWay1, EndReason::kReplaced);
  Take(kWay2, 2);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AReserveThatLeadsToAnotherBrokerByNowIsOnlineThere) {
  TakeTheSecondWay();
  for (int s = 0; StateOf(kWay1) == BrokerState::kReserve; ++s) {
    ASSERT_LE(s, absl::ToInt64Seconds(BrokerSession::kReserveTime));
    loop_.Advance(absl::Seconds(1));
    if (!call("way:2").writing()) continue;
    call("way:2").CompleteWrite();
    Take(kWay2, 1);
  }
  Let(kWay1);
  Take(kWay1, 2);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kOnline);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, OfThreeWaysTwoAreInReserveAndBothTakeOver) {
  table_->SetBrokers({kWay1, kWay2, kWay3});
  table_->SetStatement(Producer());
  for (const BrokerEntry& way : {kWay1, kWay2, kWay3}) {
    Let(way);
    Take(way, 1);
  }
  End(kWay1, EndReason::kReplaced);
  End(kWay2, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kReserve);
  End(kWay3);
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  Take(kWay2, 1);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AReserveIsReplacedWithTheOtherWay) {
  TakeTheSecondWay();
  End(kWay2, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReplaced);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kReplaced);
}

TEST_F(BrokerTableTest, AReserveIsKickedWithTheOtherWay) {
  TakeTheSecondWay();
  End(kWay2, EndReason::kKicked);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kKicked);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kKicked);
}

TEST_F(BrokerTableTest, AReserveIsNotDisturbedByAnotherBroker) {
  TakeTheSecondWay();
  table_->SetBrokers({kWay1, kWay2, kB});
  Let(kB);
  Take(kB, 5);
  End(kB);
  loop_.Advance(absl::Milliseconds(100));
  End(kB, EndReason::kKicked);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(calls("way:1"), 1u);
}

TEST_F(BrokerTableTest, WaysToAnOlderBrokerSettleToo) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  const BrokerEntry* old = &kWay1;
  const BrokerEntry* current = &kWay2;
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  Take(kWay2, 1);
  // It keeps the stream that came last, and does not say why the other ends.
  int ends = 0;
  for (; StateOf(*old) != BrokerState::kReserve; std::swap(old, current)) {
    ASSERT_LT(++ends, 10);
    End(*old);
    if (StateOf(*old) == BrokerState::kReserve) break;
    loop_.Advance(absl::Milliseconds(100));
    Let(*old);
    Take(*old, 1);
  }
  EXPECT_EQ(ends, 5);
  EXPECT_EQ(StateOf(*current), BrokerState::kOnline);
  call(current->address).Finish(absl::UnavailableError("broken"));
  loop_.RunPosted();
  EXPECT_EQ(StateOf(*old), BrokerState::kConnecting);
}

TEST_F(BrokerTableTest, ShutdownWithAReserveIsOverWhenTheOtherWayLetsGo) {
  TakeTheSecondWay();
  table_->Shutdown();
  EXPECT_EQ(StateOf(kWay1), BrokerState::kStopped);
  LetGo("way:2", absl::OkStatus());
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
  EXPECT_EQ(calls("way:1"), 1u);
}

TEST_F(BrokerTableTest, WithoutAGroupNoReserveTakesOver) {
  TakeTheSecondWay();
  table_->SetStatement(nullptr);
  LetGo("way:2", absl::OkStatus());
  EXPECT_EQ(StateOf(kWay1), BrokerState::kIdle);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kIdle);
  EXPECT_EQ(calls("way:1"), 1u);
}

// A broker behind several ways, each of which may break and delays what it
// carries for as long as it likes: the next thing that happens is drawn.
class SeveralWaysTest : public BrokerTableTest,
                        public ::testing::WithParamInterface<int> {
 protected:
  static constexpr int kWays = 3;

  // One stream, and what is on the way to either side.
  struct Link {
    std::shared_ptr<FakeCall> call;
    int way = 0;
    bool started = false;
    size_t heard = 0;  // Frames that the broker has read.
    uint64_t number = 0;
    bool stands = false;  // At the broker.
    std::deque<v1::BrokerFrame> replies;
    bool replaced = false;  // Told after the replies.
  };

  static BrokerEntry Way(int way) {
    return {"", 0, absl::StrCat("way:", way + 1)};
  }

  void FindNewStreams() {
    for (int way = 0; way < kWays; ++way) {
      const auto& all = stub(Way(way).address).calls();
      for (; seen_[way] < all.size(); ++seen_[way]) {
        links_.emplace_back();
        links_.back().call = all[seen_[way]];
        links_.back().way = way;
      }
    }
  }

  void Hear(Link* link) {
    const v1::ClientFrame& frame = link->call->written()[link->heard++];
    v1::BrokerFrame answer;
    answer.mutable_reply()->set_request_id(frame.request_id());
    if (frame.heartbeat().statement_token() == 0 && !link->stands) {
      link->number = frame.heartbeat().stream_number();
      for (Link& other : links_) {
        if (!other.stands) continue;
        if (other.number > link->number) {
          link->replaced = true;
          return;
        }
        other.stands = false;
        other.replaced = true;
      }
      link->stands = true;
    }
    v1::HeartbeatResponse& response =
        *answer.mutable_reply()->mutable_heartbeat();
    response.set_broker_name("broker");
    response.set_broker_incarnation(1);
    response.set_statement_token(1);
    response.add_features(v1::FEATURE_END_REASON);
    link->replies.push_back(answer);
  }

  // All that can happen now.
  std::vector<std::function<void()>> Choices() {
    std::vector<std::function<void()>> choices;
    for (Link& link : links_) {
      if (link.call->cancelled()) {
        link.stands = false;
        continue;
      }
      if (!link.started) {
        choices.push_back([&link] {
          link.started = true;
          link.call->CompleteStart();
        });
      }
      if (link.call->writing()) {
        choices.push_back([&link] { link.call->CompleteWrite(); });
      }
      if (link.heard < link.call->written().size() && !link.replaced) {
        choices.push_back([this, &link] { Hear(&link); });
      }
      if (!link.replies.empty()) {
        choices.push_back([&link] {
          const v1::BrokerFrame reply = link.replies.front();
          link.replies.pop_front();
          link.call->Deliver(reply);
        });
      } else if (link.replaced) {
        choices.push_back([&link] {
          link.call->Finish(absl::AbortedError("REPLACED"),
                            EndReason::kReplaced);
        });
      }
    }
    return choices;
  }

  void Run(absl::Duration duration, bool breaks) {
    for (const absl::Time end = loop_.Now() + duration; loop_.Now() < end;) {
      FindNewStreams();
      auto choices = Choices();
      if (breaks) {
        for (Link& link : links_) {
          if (link.call->cancelled() || absl::Bernoulli(draws_, 0.9)) continue;
          choices.push_back([&link] {
            link.stands = false;
            link.call->Finish(absl::UnavailableError("broken"));
          });
        }
      }
      // Time passes also while there is something to do, and now and then much.
      if (choices.empty() || absl::Bernoulli(draws_, 0.2)) {
        loop_.Advance(absl::Milliseconds(absl::Uniform(draws_, 1, 20)));
      } else {
        choices[absl::Uniform<size_t>(draws_, 0, choices.size())]();
      }
      if (absl::Bernoulli(draws_, 0.5)) loop_.RunPosted();
    }
    loop_.RunPosted();
  }

  std::mt19937 draws_{static_cast<uint32_t>(GetParam())};
  std::list<Link> links_;  // Choices hold addresses.
  size_t seen_[kWays] = {};
};

TEST_P(SeveralWaysTest, InTheEndOneWayIsOnlineAndTheOthersAreInReserve) {
  std::vector<BrokerEntry> ways;
  for (int way = 0; way < kWays; ++way) ways.push_back(Way(way));
  table_->SetBrokers(ways);
  table_->SetStatement(ProducerAndConsumer());
  Run(absl::Seconds(5), /*breaks=*/true);
  Run(absl::Seconds(10), /*breaks=*/false);
  FindNewStreams();
  const size_t streams = links_.size();
  Run(absl::Seconds(10), /*breaks=*/false);
  std::vector<BrokerState> states;
  for (const BrokerEntry& way : ways) states.push_back(StateOf(way));
  EXPECT_THAT(states, ::testing::UnorderedElementsAre(BrokerState::kOnline,
                                                      BrokerState::kReserve,
                                                      BrokerState::kReserve));
  FindNewStreams();
  EXPECT_EQ(links_.size(), streams);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SeveralWaysTest, ::testing::Range(0, 20));

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
