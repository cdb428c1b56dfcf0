// Start and shutdown of a client.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/client_runtime.h"
#include "client/settable_broker_resolver.h"
#include "client/testing/client_fixture.h"
#include "client/testing/scripted_broker.h"
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
using ::testing::Not;

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
