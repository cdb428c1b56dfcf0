// The client as applications use it, against scripted brokers on 127.0.0.1.
#include "client/client.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/client_options.h"
#include "client/client_runtime.h"
#include "client/settable_broker_resolver.h"
#include "client/testing/scripted_broker.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
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
using ::testing::Not;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(30);

// Notes the callbacks, and lets a test wait for the nth of a kind.
class Callbacks {
 public:
  void Install(ClientOptions* options) {
    options->on_consumer_ids_changed =
        [this](const ConsumerIdsChanged& change) {
          MutexLock lock(&mu_);
          changes_.push_back(change.broker.address + " " + change.group);
          told_.SignalAll();
        };
    options->on_broker_health_changed = [this](const BrokerHealth& health) {
      MutexLock lock(&mu_);
      states_.push_back(health.state);
      last_error_ = health.last_error;
      told_.SignalAll();
    };
  }

  std::vector<std::string> AwaitChanges(size_t n) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto reached = [this, n]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return changes_.size() >= n;
    };
    CHECK(RealClock().AwaitWithDeadline(&lock, &told_, reached,
                                        RealClock().TimeNow() + kPatience));
    return changes_;
  }

  void AwaitError(const absl::Status& error) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return last_error_ == error;
    };
    CHECK(RealClock().AwaitWithDeadline(&lock, &told_, reached,
                                        RealClock().TimeNow() + kPatience));
  }

  void AwaitState(BrokerState state) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto reached = [this, state]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return !states_.empty() && states_.back() == state;
    };
    CHECK(RealClock().AwaitWithDeadline(&lock, &told_, reached,
                                        RealClock().TimeNow() + kPatience));
  }

 private:
  absl::Mutex mu_;
  CondVar told_;
  std::vector<std::string> changes_ ABSL_GUARDED_BY(mu_);
  std::vector<BrokerState> states_ ABSL_GUARDED_BY(mu_);
  absl::Status last_error_ ABSL_GUARDED_BY(mu_);
};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    options_.brokers = {broker_.address()};
    // On a busy machine an answer may take its time.
    options_.reply_timeout = kPatience;
    options_.connect_timeout = kPatience;
    callbacks_.Install(&options_);
  }

  // Creates the client with `options_`.
  Client& Make() {
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(options_);
    CHECK(client.ok()) << client.status();
    client_ = *std::move(client);
    return *client_;
  }
  // ... and starts it with one consumer group.
  Client& MakeOnline() {
    Client& client = Make();
    EXPECT_THAT(client.RegisterConsumer(Orders()), IsOk());
    EXPECT_THAT(client.Start(), IsOk());
    callbacks_.AwaitChanges(1);
    return client;
  }

  // Nobody listens there: who did is gone.
  static std::string AddressOfNobody() { return ScriptedBroker().address(); }

  static ConsumerOptions Orders() {
    ConsumerOptions consumer;
    consumer.group = "orders";
    consumer.subscriptions = {{"order-events", "paid || sent"}};
    return consumer;
  }

  ScriptedBroker broker_;
  Callbacks callbacks_;
  ClientOptions options_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, BadOptionsAreRefused) {
  options_.reply_timeout = absl::ZeroDuration();
  EXPECT_THAT(Client::Create(options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "reply_timeout must be positive, got 0"));
}

TEST_F(ClientTest, TheFirstHeartbeatStatesWhoTheClientIsAndAllItsGroups) {
  options_.client_id = "10.0.0.1@billing";
  options_.version = 7;
  options_.requested_channel_expiry = absl::Milliseconds(90500);
  Client& client = Make();
  ASSERT_THAT(client.RegisterProducer("p"), IsOk());
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  ASSERT_THAT(client.Start(), IsOk());
  const v1::HeartbeatRequest heartbeat = broker_.AwaitFrames(1)[0].heartbeat();
  EXPECT_EQ(heartbeat.client_id(), "10.0.0.1@billing");
  EXPECT_EQ(client.client_id(), "10.0.0.1@billing");
  EXPECT_NE(heartbeat.incarnation(), 0u);
  EXPECT_EQ(heartbeat.incarnation(), client.incarnation());
  EXPECT_EQ(heartbeat.language(), v1::LANGUAGE_CODE_CPP);
  EXPECT_EQ(heartbeat.version(), 7);
  EXPECT_EQ(heartbeat.requested_channel_expiry().seconds(), 90);
  EXPECT_EQ(heartbeat.requested_channel_expiry().nanos(), 500000000);
  ASSERT_EQ(heartbeat.producers_size(), 1);
  EXPECT_EQ(heartbeat.producers(0).group(), "p");
  ASSERT_EQ(heartbeat.consumers_size(), 1);
  const v1::ConsumerData& orders = heartbeat.consumers(0);
  EXPECT_EQ(orders.group(), "orders");
  EXPECT_EQ(orders.consume_type(), v1::CONSUME_TYPE_CONSUME_PASSIVELY);
  EXPECT_EQ(orders.message_model(), v1::MESSAGE_MODEL_CLUSTERING);
  EXPECT_EQ(orders.consume_from_where(), v1::CONSUME_FROM_WHERE_LAST_OFFSET);
  ASSERT_EQ(orders.subscriptions_size(), 1);
  EXPECT_EQ(orders.subscriptions(0).topic(), "order-events");
  EXPECT_EQ(orders.subscriptions(0).expression(), "paid || sent");
  EXPECT_EQ(orders.subscriptions(0).expression_type(), "TAG");
}

TEST_F(ClientTest, ALightHeartbeatFollowsTheFullOne) {
  MakeOnline();
  const std::vector<v1::ClientFrame> frames = broker_.AwaitFrames(2);
  EXPECT_NE(frames[1].heartbeat().statement_token(), 0u);
  EXPECT_EQ(frames[1].heartbeat().consumers_size(), 0);
}

TEST_F(ClientTest, ClientsWithoutAGivenIdHaveDifferentOnes) {
  const std::string first = Make().client_id();
  EXPECT_THAT(first, HasSubstr("@"));
  EXPECT_NE(Make().client_id(), first);
}

TEST_F(ClientTest, TheInstanceNameIsTheSecondPartOfTheClientId) {
  options_.instance_name = "billing";
  EXPECT_THAT(Make().client_id(), ::testing::EndsWith("@billing"));
}

TEST_F(ClientTest, TheUnitNameIsTheThirdPartOfTheClientId) {
  options_.instance_name = "billing";
  options_.unit_name = "east";
  EXPECT_THAT(Make().client_id(), ::testing::EndsWith("@billing@east"));
}

TEST_F(ClientTest, ASecondClientOfTheSameIdOnOneRuntimeIsRefused) {
  options_.client_id = "10.0.0.1@billing";
  options_.runtime = ClientRuntime::Create();
  Make();
  EXPECT_THAT(Client::Create(options_),
              StatusIs(absl::StatusCode::kAlreadyExists));
  client_.reset();
  EXPECT_THAT(Client::Create(options_), IsOk());
}

TEST_F(ClientTest, APushIsTold) {
  MakeOnline();
  broker_.Push("orders");
  EXPECT_EQ(callbacks_.AwaitChanges(2)[1], broker_.address() + " orders");
}

TEST_F(ClientTest, PushesDuringACallbackAreToldByOneMore) {
  options_.heartbeat_interval = absl::Milliseconds(100);
  absl::Notification started, release;
  absl::Mutex mu;
  CondVar called;
  int calls = 0;
  options_.on_consumer_ids_changed = [&](const ConsumerIdsChanged&) {
    bool is_first;
    {
      MutexLock lock(&mu);
      is_first = ++calls == 1;
      called.SignalAll();
    }
    if (!is_first) return;
    started.Notify();
    release.WaitForNotification();
  };
  Client& client = Make();
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  ASSERT_THAT(client.Start(), IsOk());
  started.WaitForNotification();
  for (int i = 0; i < 5; ++i) broker_.Push("orders");
  // Heartbeats go on meanwhile. The next one to come is answered behind the
  // pushes; the one after it tells that the answer was read, and so the pushes.
  broker_.AwaitFrames(broker_.AwaitFrames(0).size() + 2);
  release.Notify();
  {
    MutexLock lock(&mu);
    const auto told = [&] { return calls >= 2; };
    ASSERT_TRUE(RealClock().AwaitWithDeadline(
        &lock, &called, told, RealClock().TimeNow() + kPatience));
  }
  ASSERT_THAT(client.Shutdown(kPatience), IsOk());
  EXPECT_EQ(calls, 2);
}

TEST_F(ClientTest, ALostStreamIsSetUpAgainAndTheGroupToldAgain) {
  MakeOnline();
  broker_.EndStream(absl::UnavailableError("going down"));
  callbacks_.AwaitChanges(2);
  broker_.AwaitStreams(2);
  EXPECT_EQ(client_->Health()[0].reconnects, 1);
  EXPECT_EQ(client_->Health()[0].last_error,
            absl::UnavailableError("going down"));
}

TEST_F(ClientTest, AReplacedClientIsTold) {
  MakeOnline();
  broker_.EndStream(absl::AbortedError("a newer stream took over"), "REPLACED");
  callbacks_.AwaitState(BrokerState::kReplaced);
  EXPECT_THAT(client_->Shutdown(kPatience), IsOk());
}

TEST_F(ClientTest, ABrokerThatDoesNotAnswerIsTornDownAndTriedAgain) {
  broker_.StopAnswering();
  options_.reply_timeout = absl::Milliseconds(50);
  options_.initial_backoff = absl::Milliseconds(1);
  Client& client = Make();
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  ASSERT_THAT(client.Start(), IsOk());
  broker_.AwaitEndedStreams(2);
  EXPECT_EQ(client.Health()[0].heartbeat_answered, absl::InfinitePast());
  EXPECT_THAT(client.Health()[0].last_error,
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(ClientTest, AStalledBrokerDelaysNoOther) {
  ScriptedBroker stalled;
  stalled.StopAnswering();
  options_.brokers = {stalled.address(), broker_.address()};
  MakeOnline();
  broker_.AwaitFrames(2);
  const std::vector<BrokerHealth> health = client_->Health();
  ASSERT_THAT(health, SizeIs(2));
  EXPECT_EQ(health[0].broker.address, stalled.address());
  EXPECT_NE(health[0].state, BrokerState::kOnline);
  EXPECT_EQ(health[1].broker.address, broker_.address());
  EXPECT_EQ(health[1].state, BrokerState::kOnline);
  EXPECT_THAT(client_->Shutdown(absl::Milliseconds(1)),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr(stalled.address())));
}

// ---- Groups at run time.

TEST_F(ClientTest, AGroupRegisteredAfterStartIsStated) {
  Client& client = Make();
  ASSERT_THAT(client.Start(), IsOk());
  EXPECT_EQ(client.Health()[0].state, BrokerState::kIdle);
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  EXPECT_EQ(broker_.AwaitFrames(1)[0].heartbeat().consumers(0).group(),
            "orders");
}

TEST_F(ClientTest, SubscribingStatesAGreaterSubVersion) {
  Client& client = MakeOnline();
  ASSERT_THAT(client.Subscribe("orders", {"order-events", "*"}), IsOk());
  const std::vector<v1::ClientFrame> frames =
      broker_.AwaitFrames(2, ScriptedBroker::FullHeartbeats);
  const v1::SubscriptionData& before =
      frames[0].heartbeat().consumers(0).subscriptions(0);
  const v1::SubscriptionData& after =
      frames[1].heartbeat().consumers(0).subscriptions(0);
  EXPECT_EQ(frames[1].heartbeat().consumers(0).subscriptions_size(), 1);
  EXPECT_EQ(after.expression(), "*");
  EXPECT_GT(after.sub_version(), before.sub_version());
}

TEST_F(ClientTest, UnsubscribingLeavesTheTopicOut) {
  Client& client = MakeOnline();
  ASSERT_THAT(client.Unsubscribe("orders", "order-events"), IsOk());
  const v1::HeartbeatRequest heartbeat =
      broker_.AwaitFrames(2, ScriptedBroker::FullHeartbeats)[1].heartbeat();
  EXPECT_EQ(heartbeat.consumers(0).subscriptions_size(), 0);
}

TEST_F(ClientTest, AnUnregisteredGroupIsTakenOutAtTheBroker) {
  Client& client = MakeOnline();
  ASSERT_THAT(client.RegisterProducer("p"), IsOk());
  broker_.AwaitFrames(2, ScriptedBroker::FullHeartbeats);
  ASSERT_THAT(client.UnregisterConsumer("orders"), IsOk());
  const v1::ClientFrame frame =
      broker_.AwaitFrames(1, ScriptedBroker::Unregistrations)[0];
  EXPECT_EQ(frame.unregister_client().consumer_group(), "orders");
  EXPECT_EQ(frame.unregister_client().producer_group(), "");
}

TEST_F(ClientTest, UnregisteringTheLastGroupEndsTheStream) {
  Client& client = Make();
  ASSERT_THAT(client.RegisterProducer("p"), IsOk());
  ASSERT_THAT(client.Start(), IsOk());
  broker_.AwaitFrames(1);
  ASSERT_THAT(client.UnregisterProducer("p"), IsOk());
  broker_.AwaitEndedStreams(1);
  callbacks_.AwaitState(BrokerState::kIdle);
}

TEST_F(ClientTest, AGroupTwiceIsRefused) {
  Client& client = Make();
  ASSERT_THAT(client.RegisterProducer("g"), IsOk());
  EXPECT_THAT(client.RegisterProducer("g"),
              StatusIs(absl::StatusCode::kAlreadyExists));
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  EXPECT_THAT(client.RegisterConsumer(Orders()),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(ClientTest, OneNameMayBeAProducerAndAConsumerGroup) {
  Client& client = Make();
  EXPECT_THAT(client.RegisterProducer("orders"), IsOk());
  EXPECT_THAT(client.RegisterConsumer(Orders()), IsOk());
}

TEST_F(ClientTest, UnknownGroupsAndTopicsAreNotFound) {
  Client& client = Make();
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  EXPECT_THAT(client.UnregisterProducer("g"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(client.UnregisterConsumer("g"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(client.Subscribe("g", {"t"}),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(client.Unsubscribe("g", "t"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(client.Unsubscribe("orders", "t"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ClientTest, BadGroupsAndSubscriptionsAreRefused) {
  Client& client = Make();
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  EXPECT_THAT(client.RegisterProducer("a b"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client.RegisterConsumer(ConsumerOptions()),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client.Subscribe("orders", {"a b"}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ClientTest, AGroupOf200BytesIsStatedSinceTheLimitIsTheBrokers) {
  const std::string group(200, 'g');
  Client& client = Make();
  ASSERT_THAT(client.RegisterProducer(group), IsOk());
  ConsumerOptions consumer = Orders();
  consumer.group = group;
  ASSERT_THAT(client.RegisterConsumer(consumer), IsOk());
  ASSERT_THAT(client.Start(), IsOk());
  const v1::HeartbeatRequest heartbeat = broker_.AwaitFrames(1)[0].heartbeat();
  EXPECT_EQ(heartbeat.producers(0).group(), group);
  EXPECT_EQ(heartbeat.consumers(0).group(), group);
}

TEST_F(ClientTest, TheBrokersRefusalOfAStatementReachesTheApplication) {
  const absl::Status refusal = absl::InvalidArgumentError(
      "producers[0].group must be at most 120 bytes, got 200: \"ggg\"");
  broker_.RefuseFullHeartbeats(refusal);
  Client& client = Make();
  ASSERT_THAT(client.RegisterProducer(std::string(200, 'g')), IsOk());
  ASSERT_THAT(client.Start(), IsOk());
  callbacks_.AwaitError(refusal);
  EXPECT_EQ(client.Health()[0].last_error, refusal);
}

TEST_F(ClientTest, TheNumberOfGroupsIsForBrokersToLimit) {
  Client& client = Make();
  for (int i = 0; i < 257; ++i) {
    ASSERT_THAT(client.RegisterProducer("p" + std::to_string(i)), IsOk());
  }
  EXPECT_THAT(client.RegisterConsumer(Orders()), IsOk());
}

TEST_F(ClientTest, AGroupOf200BytesCanBeAskedFor) {
  const std::string group(200, 'g');
  broker_.SetConsumerIds(group, {"a"});
  EXPECT_THAT(
      Make().GetConsumerIds(broker_.address(), group, kPatience)->client_ids,
      ElementsAre("a"));
}

// ---- Queries.

TEST_F(ClientTest, ConsumerIdsAreReadPageByPage) {
  broker_.SetConsumerIds("orders", {"c", "a", "b", "e", "d"});
  const ConsumerIds ids =
      *Make().GetConsumerIds(broker_.address(), "orders", kPatience);
  EXPECT_THAT(ids.client_ids, ElementsAre("c", "a", "b", "e", "d"));
  EXPECT_EQ(ids.broker, (BrokerEntry{"scripted", 7, broker_.address()}));
}

TEST_F(ClientTest, AnAnswerTellsThatTheBrokerIsSettlingAndACallWhenItHas) {
  broker_.SetConsumerIds("orders", {"a", "b", "c"});
  broker_.SetSettling(absl::Milliseconds(50));
  Client& client = MakeOnline();
  EXPECT_EQ(
      client.GetConsumerIds(broker_.address(), "orders", kPatience)->settling,
      absl::Milliseconds(50));
  EXPECT_THAT(callbacks_.AwaitChanges(2), SizeIs(2));
  broker_.SetSettling(absl::ZeroDuration());
  EXPECT_EQ(
      client.GetConsumerIds(broker_.address(), "orders", kPatience)->settling,
      absl::ZeroDuration());
}

TEST_F(ClientTest, AGroupWithoutAConsumerIsNotFound) {
  EXPECT_THAT(Make().GetConsumerIds(broker_.address(), "orders", kPatience),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("\"orders\" at " + broker_.address())));
}

TEST_F(ClientTest, AQueryWithBadArgumentsIsRefused) {
  Client& client = Make();
  EXPECT_THAT(client.GetConsumerIds("other:1", "orders", kPatience),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("got \"other:1\"")));
  EXPECT_THAT(client.GetConsumerIds(broker_.address(), "a b", kPatience),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      client.GetConsumerIds(broker_.address(), "orders", absl::ZeroDuration()),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "timeout must be positive, got 0"));
}

TEST_F(ClientTest, AQueryEndsAtItsTimeout) {
  broker_.HoldUnaryCalls();
  EXPECT_THAT(Make().GetConsumerIds(broker_.address(), "orders",
                                    absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(ClientTest, ShutdownCancelsAQuery) {
  broker_.HoldUnaryCalls();
  Client& client = Make();
  absl::StatusOr<ConsumerIds> ids;
  std::thread caller([&] {
    ids = client.GetConsumerIds(broker_.address(), "orders", absl::Hours(1));
  });
  broker_.AwaitHeldCalls(1);
  EXPECT_THAT(client.Shutdown(kPatience), IsOk());
  caller.join();
  EXPECT_THAT(ids, StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ClientTest, AnExpressionIsCheckedByTheBroker) {
  Client& client = Make();
  EXPECT_THAT(client.CheckClientConfig(broker_.address(), "orders",
                                       {"t", "a > 1", "SQL92"}, kPatience),
              IsOk());
  EXPECT_THAT(client.CheckClientConfig(broker_.address(), "orders",
                                       {"t", "a >", "SQL92"}, kPatience),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("unexpected end of expression")));
}

// ---- Start and Shutdown.

TEST_F(ClientTest, ABadExpressionFailsStartForItsGroupAndTopic) {
  Client& client = Make();
  ConsumerOptions consumer = Orders();
  consumer.subscriptions = {{"good", "a > 1", "SQL92"},
                            {"tags", "a >"},
                            {"bad", "a >", "SQL92"},
                            {"worse", "b >", "SQL92"}};
  ASSERT_THAT(client.RegisterConsumer(consumer), IsOk());
  const absl::Status status = client.Start();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  for (const char* topic : {"bad", "worse"}) {
    EXPECT_THAT(
        std::string(status.message()),
        HasSubstr(absl::StrCat("subscription of group \"orders\" to topic \"",
                               topic, "\" at ", broker_.address(),
                               ": unexpected end of expression")));
  }
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("good")));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("tags")));
}

TEST_F(ClientTest, AClientThatDidNotStartStartsOnceItsExpressionsAreMended) {
  Client& client = Make();
  ConsumerOptions consumer = Orders();
  consumer.subscriptions = {{"t", "a >", "SQL92"}};
  ASSERT_THAT(client.RegisterConsumer(consumer), IsOk());
  ASSERT_THAT(client.Start(), StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_THAT(client.Subscribe("orders", {"t", "a > 1", "SQL92"}), IsOk());
  EXPECT_THAT(client.Start(), IsOk());
  callbacks_.AwaitChanges(1);
}

TEST_F(ClientTest, AnExpressionIsCheckedByTheFirstBrokerThatAnswers) {
  options_.brokers = {AddressOfNobody(), broker_.address()};
  Client& client = Make();
  ConsumerOptions consumer = Orders();
  consumer.subscriptions = {{"t", "a >", "SQL92"}};
  ASSERT_THAT(client.RegisterConsumer(consumer), IsOk());
  EXPECT_THAT(client.Start(), StatusIs(absl::StatusCode::kInvalidArgument,
                                       HasSubstr(broker_.address())));
}

TEST_F(ClientTest, AnExpressionThatNoBrokerCanCheckKeepsTheClientFromStarting) {
  options_.brokers = {AddressOfNobody()};
  Client& client = Make();
  ConsumerOptions consumer = Orders();
  consumer.subscriptions = {{"t", "a > 1", "SQL92"}};
  ASSERT_THAT(client.RegisterConsumer(consumer), IsOk());
  EXPECT_THAT(client.Start(), StatusIs(absl::StatusCode::kUnavailable,
                                       HasSubstr("to topic \"t\"")));
  EXPECT_EQ(client.Health()[0].state, BrokerState::kIdle);
}

TEST_F(ClientTest, BeforeTheResolversFirstListNoExpressionCanBeChecked) {
  options_.brokers.clear();
  options_.resolver = std::make_shared<SettableBrokerResolver>();
  Client& client = Make();
  ConsumerOptions consumer = Orders();
  consumer.subscriptions = {{"t", "a > 1", "SQL92"}};
  ASSERT_THAT(client.RegisterConsumer(consumer), IsOk());
  EXPECT_THAT(client.Start(), StatusIs(absl::StatusCode::kUnavailable,
                                       HasSubstr("no broker is known yet")));
}

TEST_F(ClientTest, ShutdownEndsAStartThatWaitsForAnAnswer) {
  broker_.HoldUnaryCalls();
  Client& client = Make();
  ConsumerOptions consumer = Orders();
  consumer.subscriptions = {{"t", "a > 1", "SQL92"}};
  ASSERT_THAT(client.RegisterConsumer(consumer), IsOk());
  absl::Status status;
  std::thread caller([&] { status = client.Start(); });
  broker_.AwaitHeldCalls(1);
  EXPECT_THAT(client.Shutdown(kPatience), IsOk());
  caller.join();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ClientTest, StartTwiceIsStartOnce) {
  Client& client = MakeOnline();
  EXPECT_THAT(client.Start(), IsOk());
  EXPECT_THAT(client.Shutdown(kPatience), IsOk());
  broker_.AwaitEndedStreams(1);
}

TEST_F(ClientTest, ShutdownUnregistersEachGroupAndEndsTheStream) {
  Client& client = Make();
  ASSERT_THAT(client.RegisterProducer("p"), IsOk());
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  ASSERT_THAT(client.Start(), IsOk());
  broker_.AwaitFrames(1);
  EXPECT_THAT(client.Shutdown(kPatience), IsOk());
  broker_.AwaitEndedStreams(1);
  const v1::ClientFrame last =
      broker_.AwaitFrames(1, ScriptedBroker::Unregistrations)[0];
  EXPECT_EQ(last.unregister_client().producer_group(), "p");
  EXPECT_EQ(last.unregister_client().consumer_group(), "orders");
  EXPECT_EQ(client.Health()[0].state, BrokerState::kStopped);
}

TEST_F(ClientTest, ShutdownBeforeStartIsOk) {
  Client& client = Make();
  EXPECT_THAT(client.Shutdown(absl::ZeroDuration()), IsOk());
  EXPECT_THAT(client.Start(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(ClientTest, ShutdownTwiceIsShutdownOnce) {
  Client& client = MakeOnline();
  EXPECT_THAT(client.Shutdown(kPatience), IsOk());
  EXPECT_THAT(client.Shutdown(absl::ZeroDuration()), IsOk());
}

TEST_F(ClientTest, AfterShutdownEveryChangeAndQueryFails) {
  Client& client = Make();
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  ASSERT_THAT(client.Shutdown(kPatience), IsOk());
  const auto is_refused = StatusIs(absl::StatusCode::kFailedPrecondition,
                                   "the client is shut down");
  EXPECT_THAT(client.RegisterProducer("p"), is_refused);
  EXPECT_THAT(client.UnregisterProducer("p"), is_refused);
  EXPECT_THAT(client.RegisterConsumer(Orders()), is_refused);
  EXPECT_THAT(client.UnregisterConsumer("orders"), is_refused);
  EXPECT_THAT(client.Subscribe("orders", {"t"}), is_refused);
  EXPECT_THAT(client.Unsubscribe("orders", "t"), is_refused);
  EXPECT_THAT(client.GetConsumerIds(broker_.address(), "orders", kPatience),
              is_refused);
  EXPECT_THAT(
      client.CheckClientConfig(broker_.address(), "orders", {"t"}, kPatience),
      is_refused);
}

TEST_F(ClientTest, ShutdownOfAStalledBrokerReturnsAtItsDeadline) {
  options_.reply_timeout = absl::Hours(1);
  Client& client = MakeOnline();
  broker_.StopAnswering();
  const absl::Time start = RealClock().TimeNow();
  EXPECT_THAT(client.Shutdown(absl::Milliseconds(100)),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr(broker_.address())));
  EXPECT_LT(RealClock().TimeNow() - start, kPatience);
  broker_.AwaitEndedStreams(1);
}

TEST_F(ClientTest, ShutdownInsideACallbackDoesNotWaitForIt) {
  absl::Notification done;
  absl::Status status;
  std::unique_ptr<Client> client;
  options_.on_consumer_ids_changed = [&](const ConsumerIdsChanged&) {
    status = client->Shutdown(kPatience);
    done.Notify();
  };
  client = *Client::Create(options_);
  ASSERT_THAT(client->RegisterConsumer(Orders()), IsOk());
  ASSERT_THAT(client->Start(), IsOk());
  done.WaitForNotification();
  EXPECT_THAT(status, IsOk());
  broker_.AwaitEndedStreams(1);
}

TEST_F(ClientTest, ShutdownTellsOfACallbackThatDoesNotReturnInTime) {
  absl::Notification started, release;
  options_.on_consumer_ids_changed = [&](const ConsumerIdsChanged&) {
    started.Notify();
    release.WaitForNotification();
  };
  Client& client = Make();
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  ASSERT_THAT(client.Start(), IsOk());
  started.WaitForNotification();
  EXPECT_THAT(client.Shutdown(absl::Milliseconds(100)),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       "a callback is still running"));
  release.Notify();
  EXPECT_THAT(client.Shutdown(kPatience), IsOk());
}

TEST_F(ClientTest, ACallbackMayQueryTheBroker) {
  broker_.SetConsumerIds("orders", {"a", "b", "c"});
  absl::Notification done;
  absl::StatusOr<ConsumerIds> ids;
  std::unique_ptr<Client> client;
  options_.on_consumer_ids_changed = [&](const ConsumerIdsChanged& change) {
    ids =
        client->GetConsumerIds(change.broker.address, change.group, kPatience);
    done.Notify();
  };
  client = *Client::Create(options_);
  ASSERT_THAT(client->RegisterConsumer(Orders()), IsOk());
  ASSERT_THAT(client->Start(), IsOk());
  done.WaitForNotification();
  ASSERT_THAT(client->Shutdown(kPatience), IsOk());
  EXPECT_THAT(ids->client_ids, ElementsAre("a", "b", "c"));
}

TEST_F(ClientTest, ADestroyedClientUnregisters) {
  MakeOnline();
  client_.reset();
  broker_.AwaitFrames(1, ScriptedBroker::Unregistrations);
  broker_.AwaitEndedStreams(1);
}

TEST_F(ClientTest, ClientsThatShareARuntimeGoOneByOne) {
  options_.runtime = ClientRuntime::Create();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(*Client::Create(options_));
    ASSERT_THAT(clients.back()->RegisterConsumer(Orders()), IsOk());
    ASSERT_THAT(clients.back()->Start(), IsOk());
  }
  options_.runtime = nullptr;
  broker_.AwaitStreams(3);
  callbacks_.AwaitChanges(3);
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i].reset();
    broker_.AwaitEndedStreams(i + 1);
  }
}

TEST_F(ClientTest, ABrokerThatIsAwayDoesNotHoldUpShutdown) {
  options_.brokers = {AddressOfNobody()};
  Client& client = Make();
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  ASSERT_THAT(client.Start(), IsOk());
  callbacks_.AwaitState(BrokerState::kBackoff);
  EXPECT_THAT(client.Health()[0].last_error,
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(client.Shutdown(kPatience), IsOk());
}

}  // namespace
}  // namespace rmq
