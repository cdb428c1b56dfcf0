// The operator's command line against the real broker.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/raw_client.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

ProcessOutcome Cmctl(absl::string_view broker,
                     std::vector<std::string> arguments) {
  ChildProcess::Options options;
  options.command = {RunfilePath("tools/cmctl/cmctl"),
                     absl::StrCat("--broker=", broker)};
  options.command.insert(options.command.end(), arguments.begin(),
                         arguments.end());
  absl::StatusOr<ProcessOutcome> outcome = RunToEnd(std::move(options));
  EXPECT_THAT(outcome, IsOk());
  return outcome.ok() ? *std::move(outcome) : ProcessOutcome{};
}

TEST(CmctlTest, ShowsWhatAHeartbeatRegistered) {
  const auto broker =
      BrokerProcess::Start("127.0.0.1:0", {"--channel_expiry=120s"});
  ASSERT_THAT(broker, IsOk());
  const std::string& address = (*broker)->address();
  pb::HeartbeatRequest heartbeat = ConsumerHeartbeat("10.0.0.1@a", "orders");
  pb::SubscriptionData* const subscription =
      heartbeat.mutable_consumers(0)->add_subscriptions();
  subscription->set_topic("order-events");
  subscription->set_expression("paid || sent");
  heartbeat.add_producers()->set_group("invoices");
  ASSERT_TRUE(SendHeartbeat(address, heartbeat).ok());

  const ProcessOutcome groups = Cmctl(address, {"groups"});
  EXPECT_EQ(groups.exit_code, 0) << groups.err;
  EXPECT_THAT(groups.out, AllOf(HasSubstr("consumer  orders"),
                                HasSubstr("producer  invoices")));

  const ProcessOutcome consumers = Cmctl(address, {"connections", "orders"});
  EXPECT_EQ(consumers.exit_code, 0) << consumers.err;
  EXPECT_THAT(consumers.out,
              AllOf(HasSubstr("CLUSTERING"),
                    HasSubstr("order-events  TAG   paid || sent"),
                    HasSubstr("10.0.0.1@a  127.0.0.1:"), HasSubstr("unary"),
                    HasSubstr("s ago ")));

  const ProcessOutcome producers = Cmctl(
      address, {"connections", "invoices", "--kind=producer", "-o", "json"});
  EXPECT_EQ(producers.exit_code, 0) << producers.err;
  EXPECT_THAT(producers.out, HasSubstr("\"client_id\":\"10.0.0.1@a\""));

  const ProcessOutcome ids = Cmctl(address, {"ids", "orders"});
  EXPECT_EQ(ids.exit_code, 0) << ids.err;
  EXPECT_EQ(ids.out, "10.0.0.1@a\n");

  const ProcessOutcome check = Cmctl(address, {"check-expression", "a || b"});
  EXPECT_EQ(check.exit_code, 0) << check.err;
}

TEST(CmctlTest, FindsWhatAHeartbeatRegistered) {
  const auto broker =
      BrokerProcess::Start("127.0.0.1:0", {"--channel_expiry=120s"});
  ASSERT_THAT(broker, IsOk());
  const std::string& address = (*broker)->address();
  pb::HeartbeatRequest heartbeat = ConsumerHeartbeat("10.0.0.1@a", "orders");
  pb::SubscriptionData* const subscription =
      heartbeat.mutable_consumers(0)->add_subscriptions();
  subscription->set_topic("order-events");
  subscription->set_expression("*");
  heartbeat.add_producers()->set_group("invoices");
  ASSERT_TRUE(SendHeartbeat(address, heartbeat).ok());

  const struct {
    std::vector<std::string> arguments;
    std::string answer;
  } found[] = {
      {{"producers"}, "invoices  10.0.0.1@a  127.0.0.1:"},
      {{"online", "orders"}, "consumer  yes"},
      {{"online", "invoices", "--kind=producer"}, "producer  yes"},
      {{"topic-groups", "order-events"}, "orders\n"},
      {{"topic-groups", "nothing"},
       "no consumer group subscribes to topic nothing\n"},
      {{"subscription", "orders", "order-events"}, "order-events  TAG   *"},
      {{"consumer-channel", "orders", "10.0.0.1@a"}, " unary"},
      {{"producer-channel", "10.0.0.1@a"}, " unary"},
      {{"available-producer", "invoices"}, " unary"},
      {{"subscription-groups"}, "orders  yes"},
      {{"topics"}, "%RETRY%orders  1            1             RW"},
      {{"policy"}, "reject_pull_consumer_enable          false\n"},
      {{"why", "orders"}, "orders: 0 streams, 1 unary client, message model"},
      {{"why", "orders"}, "told of changes: no\n  its members make unary"},
      {{"connections", "orders"}, "10.0.0.1@a"},
      {{"policy", "-o", "json"}, "\"max_auto_created_groups\": \"100000\""},
  };
  for (const auto& c : found) {
    const ProcessOutcome outcome = Cmctl(address, c.arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr(c.answer));
  }

  const struct {
    std::vector<std::string> arguments;
    std::string error;
  } missing[] = {
      {{"online", "nobody"}, "no group \"nobody\" is online\n"},
      {{"subscription", "orders", "nothing"},
       "consumer group \"orders\" does not subscribe to topic "
       "\"nothing\"\n"},
      {{"consumer-channel", "orders", "b"},
       "client \"b\" has no channel in consumer group \"orders\"\n"},
      {{"producer-channel", "b"}, "client \"b\" is in no producer group\n"},
      {{"connections", "invoices"},
       "no consumer group \"invoices\" is registered; there is a producer "
       "group of that name: --kind=producer\n"},
      {{"available-producer", "orders"},
       "no producer group \"orders\" is registered\n"},
  };
  for (const auto& c : missing) {
    const ProcessOutcome outcome = Cmctl(address, c.arguments);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err, c.error);
  }
}

TEST(CmctlTest, ShowsWhoKnowsWhomAndWhoDiffers) {
  const auto broker =
      BrokerProcess::Start("127.0.0.1:0", {"--channel_expiry=120s"});
  ASSERT_THAT(broker, IsOk());
  const std::string& address = (*broker)->address();
  // Two processes of one client id, which state different subscriptions.
  RawStream streams[] = {RawStream(address), RawStream(address)};
  for (int i = 0; i < 2; ++i) {
    pb::HeartbeatRequest heartbeat = ConsumerHeartbeat("10.0.0.1@a", "orders");
    heartbeat.set_incarnation(i + 1);
    (*heartbeat.mutable_labels())["zone"] = "east";
    pb::SubscriptionData* const subscription =
        heartbeat.mutable_consumers(0)->add_subscriptions();
    subscription->set_topic("order-events");
    subscription->set_expression(i == 0 ? "paid" : "sent");
    ASSERT_TRUE(streams[i].Send(heartbeat));
    pb::BrokerFrame reply;
    ASSERT_TRUE(streams[i].Receive(&reply));
    EXPECT_EQ(reply.reply().heartbeat().warnings_size(), i == 0 ? 0 : 2);
  }

  const struct {
    std::vector<std::string> arguments;
    std::vector<std::string> answers;
  } shown[] = {
      {{"membership", "orders"}, {"10.0.0.1@a", "epoch 1, 2 channels"}},
      {{"membership", "orders", "-o", "json"}, {"\"epoch\": \"1\""}},
      {{"consistency", "orders"}, {"paid", "sent"}},
      {{"duplicates"}, {"10.0.0.1@a"}},
      {{"client", "10.0.0.1@a"}, {"zone=east"}},
  };
  for (const auto& c : shown) {
    const ProcessOutcome outcome = Cmctl(address, c.arguments);
    EXPECT_EQ(outcome.err, "");
    for (const std::string& answer : c.answers) {
      EXPECT_THAT(outcome.out, HasSubstr(answer)) << c.arguments[0];
    }
  }
  for (const char* command : {"membership", "consistency"}) {
    const ProcessOutcome outcome = Cmctl(address, {command, "nobody"});
    EXPECT_EQ(outcome.exit_code, 1) << command;
    EXPECT_EQ(outcome.err, "no consumer group \"nobody\" is registered\n");
  }
}

TEST(CmctlTest, ListsLongerThanAPageAreShownWhole) {
  const auto broker =
      BrokerProcess::Start("127.0.0.1:0", {"--channel_expiry=120s"});
  ASSERT_THAT(broker, IsOk());
  const std::string& address = (*broker)->address();
  // 1,200 groups of one topic; a page has 1,000, a client 256.
  for (int client = 0; client < 6; ++client) {
    pb::HeartbeatRequest heartbeat =
        ConsumerHeartbeat(absl::StrCat("c", client), absl::StrCat("g", client));
    heartbeat.clear_consumers();
    for (int i = 0; i < 200; ++i) {
      const std::string group = absl::StrCat("g", client * 200 + i);
      pb::ConsumerData* const consumer = heartbeat.add_consumers();
      consumer->set_group(group);
      consumer->set_message_model(pb::MESSAGE_MODEL_CLUSTERING);
      consumer->add_subscriptions()->set_topic("t");
      if (i < 50) heartbeat.add_producers()->set_group(group);
    }
    ASSERT_TRUE(SendHeartbeat(address, heartbeat).ok());
  }
  const struct {
    std::vector<std::string> arguments;
    int lines;
  } cases[] = {
      {{"groups"}, 1 + 1200 + 300},
      {{"topic-groups", "t"}, 1200},
      {{"subscription-groups"}, 1 + 1200},
      {{"topics"}, 1 + 1200},
      {{"producers"}, 1 + 300},
  };
  for (const auto& c : cases) {
    const ProcessOutcome outcome = Cmctl(address, c.arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), c.lines)
        << c.arguments.front();
  }
}

TEST(CmctlTest, TheBrokersRefusalsAreSaidAsTheyAre) {
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  const ProcessOutcome unknown =
      Cmctl((*broker)->address(), {"connections", "nobody"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(unknown.out, "");
  EXPECT_EQ(unknown.err, "no consumer group \"nobody\" is registered\n");

  const ProcessOutcome bad = Cmctl((*broker)->address(), {"ids", "a b"});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, StartsWith("group must be "));
}

TEST(CmctlTest, NobodyListeningIsSaidInOneLine) {
  const std::string address = UnusedAddress();
  const ProcessOutcome outcome = Cmctl(address, {"groups"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            absl::StrCat("cannot reach ", address,
                         ": connection refused; is the broker running?\n"));
}

TEST(CmctlTest, WatchTellsWhatHappensALineAnEvent) {
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  const std::string& address = (*broker)->address();
  ASSERT_TRUE(
      SendHeartbeat(address, ConsumerHeartbeat("10.0.0.1@a", "orders")).ok());
  ASSERT_TRUE(
      SendHeartbeat(address, ConsumerHeartbeat("10.0.0.1@b", "bills")).ok());

  // The first revision is 1.
  const ProcessOutcome lines =
      Cmctl(address, {"watch", "orders", "--from=1", "--timeout=2s"});
  EXPECT_EQ(lines.exit_code, 0) << lines.err;
  EXPECT_THAT(lines.out,
              AllOf(HasSubstr(" -- connected\n"),
                    HasSubstr(" CLIENT_REGISTER revision="),
                    HasSubstr(" kind=consumer group=orders "
                              "client_id=10.0.0.1@a remote=127.0.0.1:"),
                    Not(HasSubstr("bills"))));

  const ProcessOutcome json =
      Cmctl(address, {"watch", "-o", "json", "--timeout=2s"});
  EXPECT_EQ(json.exit_code, 0) << json.err;
  EXPECT_THAT(json.out, AllOf(HasSubstr("{\"state\":{\"connected\":true"),
                              HasSubstr("{\"synced\":{\"revision\":")));

  const ProcessOutcome future =
      Cmctl(address, {"watch", "--from=1000000", "--timeout=2s"});
  EXPECT_EQ(future.exit_code, 0) << future.err;
  EXPECT_THAT(future.out, HasSubstr(" -- events are lost from_revision=1000000 "
                                    "reason="));
}

}  // namespace
}  // namespace rmq
