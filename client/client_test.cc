// What a client states, and what it reports.
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/client_runtime.h"
#include "client/testing/client_fixture.h"
#include "client/testing/scripted_broker.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

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

TEST_F(ClientTest, AKickedClientIsToldAndComesBackAfterItsTime) {
  MakeOnline();
  broker_.EndStream(absl::PermissionDeniedError("KICKED: by ops"), "KICKED",
                    "300");
  callbacks_.AwaitState(BrokerState::kKicked);
  broker_.AwaitStreams(2);
  EXPECT_EQ(client_->Health()[0].last_end, EndReason::kKicked);
  EXPECT_EQ(client_->Health()[0].last_error,
            absl::PermissionDeniedError("KICKED: by ops"));
}

TEST_F(ClientTest, TheTimeToComeBackIsOneOfTheWallClock) {
  MakeOnline();
  const auto now = [] {
    return RealClock().ClockToWall(RealClock().TimeNow());
  };
  const absl::Time before = now();
  broker_.EndStream(absl::UnavailableError("DRAINED"), "DRAINED", "600000");
  callbacks_.AwaitState(BrokerState::kBackoff);
  const absl::Time retry_at = client_->Health()[0].retry_at;
  EXPECT_GT(retry_at, before + absl::Minutes(10));
  EXPECT_LT(retry_at, now() + absl::Minutes(11) + absl::Seconds(1));
}

TEST_F(ClientTest, ReconnectBringsAKickedClientBack) {
  MakeOnline();
  broker_.EndStream(absl::PermissionDeniedError("KICKED"), "KICKED");
  callbacks_.AwaitState(BrokerState::kKicked);
  EXPECT_EQ(client_->Health()[0].retry_at, absl::InfiniteFuture());
  client_->Reconnect();
  broker_.AwaitStreams(2);
  callbacks_.AwaitState(BrokerState::kOnline);
  broker_.EndStream(absl::PermissionDeniedError("KICKED"), "KICKED");
  callbacks_.AwaitState(BrokerState::kKicked);
  EXPECT_THAT(client_->Reconnect(broker_.address()), IsOk());
  broker_.AwaitStreams(3);
}

TEST_F(ClientTest, ReconnectRefusesAnAddressThatIsNotTheClients) {
  Client& client = Make();
  for (const char* address : {"", "elsewhere:1"}) {
    EXPECT_THAT(client.Reconnect(address),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("address must be that of one of")));
  }
  ASSERT_THAT(client.Shutdown(kPatience), IsOk());
  EXPECT_THAT(client.Reconnect(broker_.address()),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  client.Reconnect();
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

}  // namespace
}  // namespace rmq
