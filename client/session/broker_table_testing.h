// What the tests of BrokerTable share: a table over fake stubs and a loop that
// is stepped by hand.
#ifndef CLIENT_SESSION_BROKER_TABLE_TESTING_H_
#define CLIENT_SESSION_BROKER_TABLE_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/broker_warning.h"
#include "client/client_options.h"
#include "client/session/broker_session.h"
#include "client/session/broker_stub.h"
#include "client/session/broker_table.h"
#include "client/session/group_membership.h"
#include "client/testing/fake_broker_stub.h"
#include "client/testing/manual_event_loop.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

inline const BrokerEntry& kA = *new BrokerEntry{"broker-a", 0, "a:1"};
inline const BrokerEntry& kSlave = *new BrokerEntry{"broker-a", 1, "a:2"};
inline const BrokerEntry& kB = *new BrokerEntry{"broker-b", 0, "b:1"};

// Ways to one broker.
inline const BrokerEntry& kWay1 = *new BrokerEntry{"", 0, "way:1"};
inline const BrokerEntry& kWay2 = *new BrokerEntry{"", 0, "way:2"};
inline const BrokerEntry& kWay3 = *new BrokerEntry{"", 0, "way:3"};

inline std::shared_ptr<const rocketmq::clientmanager::v1::HeartbeatRequest>
Producer() {
  auto statement =
      std::make_shared<rocketmq::clientmanager::v1::HeartbeatRequest>();
  statement->add_producers()->set_group("p");
  return statement;
}

inline std::shared_ptr<const rocketmq::clientmanager::v1::HeartbeatRequest>
ProducerAndConsumer() {
  auto statement =
      std::make_shared<rocketmq::clientmanager::v1::HeartbeatRequest>(
          *Producer());
  statement->add_consumers()->set_group("orders");
  return statement;
}

class RecordingTableObserver final : public BrokerTable::Observer {
 public:
  void OnConsumerIdsChanged(const BrokerEntry& broker,
                            absl::string_view group) override {
    changed.push_back(absl::StrCat(broker.name, " ", group));
  }
  void OnMembershipChanged(const BrokerEntry& broker, absl::string_view group,
                           const MembershipReport&, absl::Time) override {
    memberships.push_back(absl::StrCat(broker.name, " ", group));
  }
  void OnMembershipEnded(const BrokerEntry& broker,
                         absl::string_view group) override {
    ended.push_back(absl::StrCat(broker.name, " ", group));
  }
  void OnWarning(const BrokerWarning& warning) override {
    warnings.push_back(absl::StrCat(warning.broker.name, " ", warning.message));
  }
  void OnHealthChanged(const BrokerHealth& health) override {
    states[health.broker.address] = health.state;
  }
  void OnStopped(const absl::Status& status) override {
    stopped.push_back(status);
  }

  std::vector<std::string> changed;
  std::vector<std::string> memberships;
  std::vector<std::string> ended;
  std::vector<std::string> warnings;
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
    rocketmq::clientmanager::v1::BrokerFrame answer;
    answer.mutable_reply()->set_request_id(
        call(broker.address).written().back().request_id());
    rocketmq::clientmanager::v1::HeartbeatResponse& response =
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
  double random_ = 0.0;
  RecordingTableObserver observer_;
  absl::flat_hash_map<std::string, std::shared_ptr<FakeBrokerStub>> stubs_;
  std::unique_ptr<BrokerTable> table_ = std::make_unique<BrokerTable>(
      BrokerSession::Options(ClientOptions()), &loop_,
      [this](const std::string& address) {
        return stubs_[address] = std::make_shared<FakeBrokerStub>();
      },
      &observer_, [this] { return random_; });
};

}  // namespace rmq

#endif  // CLIENT_SESSION_BROKER_TABLE_TESTING_H_
