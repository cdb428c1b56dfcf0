#include "client/broker_table.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/broker_session.h"
#include "client/fake_broker_stub.h"
#include "client/manual_event_loop.h"
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
    call(broker.address).CompleteStart();
    call(broker.address).CompleteWrite();
    v1::BrokerFrame answer;
    answer.mutable_reply()->set_request_id(
        call(broker.address).written().back().request_id());
    v1::HeartbeatResponse& response =
        *answer.mutable_reply()->mutable_heartbeat();
    response.set_broker_name(broker.name);
    response.set_broker_id(broker.id);
    response.set_statement_token(1);
    call(broker.address).Deliver(answer);
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
  call("a:1").Finish(absl::PermissionDeniedError("taken out by an operator"));
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
