#include "client/client_options.h"

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "client/settable_broker_resolver.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

ClientOptions Good() {
  ClientOptions options;
  options.brokers = {"127.0.0.1:10911"};
  return options;
}

MATCHER_P(IsInvalid, message, "") {
  return ::testing::ExplainMatchResult(
      StatusIs(absl::StatusCode::kInvalidArgument, message), arg,
      result_listener);
}

TEST(ClientOptionsTest, ABrokerIsAllThatIsNeeded) {
  EXPECT_THAT(Good().Validate(), IsOk());
}

TEST(ClientOptionsTest, NoBrokerIsRefused) {
  EXPECT_THAT(
      ClientOptions().Validate(),
      IsInvalid("brokers must not be empty where no resolver is given"));
}

TEST(ClientOptionsTest, ABadAddressIsRefused) {
  ClientOptions options;
  options.brokers = {"127.0.0.1"};
  EXPECT_THAT(options.Validate(),
              IsInvalid("brokers must be \"host:port\", got \"127.0.0.1\""));
}

TEST(ClientOptionsTest, ABrokerTwiceIsRefused) {
  ClientOptions options = Good();
  options.brokers.push_back(options.brokers[0]);
  EXPECT_THAT(options.Validate(),
              IsInvalid("brokers must not name an address twice, got "
                        "\"127.0.0.1:10911\""));
}

TEST(ClientOptionsTest, AResolverStandsInForTheBrokers) {
  ClientOptions options;
  options.resolver = std::make_shared<SettableBrokerResolver>();
  EXPECT_THAT(options.Validate(), IsOk());
  options.brokers = {"127.0.0.1:10911"};
  EXPECT_THAT(options.Validate(),
              IsInvalid("brokers must be empty where a resolver is given, got "
                        "\"127.0.0.1:10911\""));
}

TEST(ClientOptionsTest, AStringMayNameTheResolver) {
  ClientOptions options;
  options.resolver = "dns:///brokers.example.com:10911";
  EXPECT_THAT(options.Validate(), IsOk());
  options.brokers = {"127.0.0.1:10911"};
  EXPECT_THAT(options.Validate(),
              IsInvalid(HasSubstr("must be empty where a resolver is given")));
}

TEST(ClientOptionsTest, AnEmptyStringIsNoResolver) {
  ClientOptions options;
  options.resolver = "";
  EXPECT_THAT(options.Validate(),
              IsInvalid(HasSubstr("where no resolver is given")));
  options.brokers = {"127.0.0.1:10911"};
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST(ClientOptionsTest, AStringThatNamesNoResolverIsRefused) {
  ClientOptions options;
  options.resolver = "brokers.example.com:10911";
  EXPECT_THAT(options.Validate(), IsInvalid(HasSubstr("resolver must be")));
}

TEST(ClientOptionsTest, TheSettingsOfSourcesAreChecked) {
  ClientOptions options = Good();
  options.discovery.dns_interval = absl::ZeroDuration();
  EXPECT_THAT(options.Validate(), IsInvalid(HasSubstr("dns_interval")));
}

TEST(ClientOptionsTest, CredentialsGoInPlainTextToAFixedListOnThisMachineOnly) {
  ClientOptions options;
  options.credentials = Credentials{"pay", "hush", ""};
  options.resolver = "static:///127.0.0.1:1,localhost:2";
  EXPECT_THAT(options.Validate(), IsOk());
  options.resolver = "static:///127.0.0.1:1,10.0.0.1:2";
  EXPECT_THAT(options.Validate(), IsInvalid(HasSubstr("\"10.0.0.1:2\"")));
  options.resolver = "dns:///localhost:1";
  EXPECT_THAT(options.Validate(),
              IsInvalid(HasSubstr("a resolver, which may")));
}

TEST(ClientOptionsTest, TheLengthOfAClientIdIsForBrokersToLimit) {
  ClientOptions options = Good();
  options.client_id = std::string(1000, 'c');
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST(ClientOptionsTest, AClientIdWithAControlCharacterIsRefused) {
  ClientOptions options = Good();
  options.client_id = "a\nb";
  EXPECT_THAT(options.Validate(), IsInvalid(HasSubstr("client_id")));
}

TEST(ClientOptionsTest, AnInstanceNameWithAControlCharacterIsRefused) {
  ClientOptions options = Good();
  options.instance_name = "a\nb";
  EXPECT_THAT(options.Validate(), IsInvalid(HasSubstr("instance_name")));
}

TEST(ClientOptionsTest, AUnitNameWithAControlCharacterIsRefused) {
  ClientOptions options = Good();
  options.unit_name = "a\nb";
  EXPECT_THAT(options.Validate(), IsInvalid(HasSubstr("unit_name")));
}

TEST(ClientOptionsTest, AHeartbeatIntervalOf100MillisecondsIsTheLeast) {
  ClientOptions options = Good();
  options.heartbeat_interval = absl::Milliseconds(100);
  EXPECT_THAT(options.Validate(), IsOk());
  options.heartbeat_interval = absl::Milliseconds(99);
  EXPECT_THAT(options.Validate(),
              IsInvalid("heartbeat_interval must be at least 100ms, got 99ms"));
}

TEST(ClientOptionsTest, ANegativeRequestedExpiryIsRefused) {
  ClientOptions options = Good();
  options.requested_channel_expiry = absl::Milliseconds(-1);
  EXPECT_THAT(options.Validate(),
              IsInvalid("requested_channel_expiry must be finite, and not "
                        "negative, got -1ms"));
}

TEST(ClientOptionsTest, AnInfiniteRequestedExpiryIsRefused) {
  ClientOptions options = Good();
  options.requested_channel_expiry = absl::InfiniteDuration();
  EXPECT_THAT(options.Validate(),
              IsInvalid("requested_channel_expiry must be finite, and not "
                        "negative, got inf"));
}

TEST(ClientOptionsTest, AReplyTimeoutOfZeroIsRefused) {
  ClientOptions options = Good();
  options.reply_timeout = absl::ZeroDuration();
  EXPECT_THAT(options.Validate(),
              IsInvalid("reply_timeout must be positive, got 0"));
}

TEST(ClientOptionsTest, AConnectTimeoutOfZeroIsRefused) {
  ClientOptions options = Good();
  options.connect_timeout = absl::ZeroDuration();
  EXPECT_THAT(options.Validate(),
              IsInvalid("connect_timeout must be positive, got 0"));
}

TEST(ClientOptionsTest, AnInitialBackoffOfZeroIsRefused) {
  ClientOptions options = Good();
  options.initial_backoff = absl::ZeroDuration();
  EXPECT_THAT(options.Validate(),
              IsInvalid("initial_backoff must be positive, got 0"));
}

TEST(ClientOptionsTest, AMaximumBackoffIsAtLeastTheInitial) {
  ClientOptions options = Good();
  options.initial_backoff = absl::Seconds(2);
  options.max_backoff = absl::Seconds(2);
  EXPECT_THAT(options.Validate(), IsOk());
  options.max_backoff = absl::Seconds(1);
  EXPECT_THAT(
      options.Validate(),
      IsInvalid("max_backoff must be at least initial_backoff (2s), got 1s"));
}

TEST(ConsumerOptionsTest, AGroupIsAllThatIsNeeded) {
  ConsumerOptions consumer;
  consumer.group = "orders";
  EXPECT_THAT(consumer.Validate(), IsOk());
}

TEST(ConsumerOptionsTest, NoGroupIsRefused) {
  EXPECT_THAT(ConsumerOptions().Validate(),
              IsInvalid("group must not be empty"));
}

TEST(ConsumerOptionsTest, ATopicTwiceIsRefused) {
  ConsumerOptions consumer;
  consumer.group = "orders";
  consumer.subscriptions = {{"t", "a"}, {"t", "b"}};
  EXPECT_THAT(
      consumer.Validate(),
      IsInvalid("subscriptions must not name a topic twice, got \"t\""));
}

TEST(ConsumerOptionsTest, TheNumberOfSubscriptionsIsForBrokersToLimit) {
  ConsumerOptions consumer;
  consumer.group = "orders";
  for (int i = 0; i < 1025; ++i) {
    consumer.subscriptions.push_back({"t" + std::to_string(i)});
  }
  EXPECT_THAT(consumer.Validate(), IsOk());
}

TEST(ConsumerOptionsTest, TheLengthOfAGroupIsForBrokersToLimit) {
  ConsumerOptions consumer;
  consumer.group = std::string(200, 'g');
  EXPECT_THAT(consumer.Validate(), IsOk());
}

TEST(SubscriptionTest, TheLengthOfATopicIsForBrokersToLimit) {
  EXPECT_THAT((Subscription{std::string(300, 't')}).Validate(), IsOk());
}

TEST(SubscriptionTest, AnExpressionThatIsNotUtf8IsRefused) {
  EXPECT_THAT((Subscription{"t", "a = '\xC3\xA9'", "SQL92"}).Validate(),
              IsOk());
  EXPECT_THAT((Subscription{"t", "\xE9", "SQL92"}).Validate(),
              IsInvalid("expression must be UTF-8, got \"\\xe9\""));
}

TEST(SubscriptionTest, ABadTopicIsRefused) {
  EXPECT_THAT((Subscription{"a b"}).Validate(), IsInvalid(HasSubstr("topic")));
}

TEST(SubscriptionTest, TheExpressionTypeIsTagOrSql92OrEmpty) {
  for (const char* type : {"", "TAG", "SQL92"}) {
    EXPECT_THAT((Subscription{"t", "*", type}).Validate(), IsOk()) << type;
  }
  EXPECT_THAT((Subscription{"t", "*", "sql"}).Validate(),
              IsInvalid("expression_type must be TAG or SQL92, got \"sql\""));
}

TEST(ClientOptionsTest, LabelsAtTheirLimitsAreAccepted) {
  ClientOptions options = Good();
  options.labels[std::string(64, 'k')] = std::string(256, 'v');
  options.labels["zone"] = "";
  options.labels["city"] = "K\xc3\xb6ln";
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST(ClientOptionsTest, ALabelsKeyHas1To64Bytes) {
  ClientOptions options = Good();
  options.labels[""] = "v";
  EXPECT_THAT(options.Validate(),
              IsInvalid("labels[\"\"]: the key must be 1 to 64 bytes, got 0"));
  options.labels = {{std::string(65, 'k'), "v"}};
  EXPECT_THAT(options.Validate(),
              IsInvalid(HasSubstr("the key must be 1 to 64 bytes, got 65")));
}

TEST(ClientOptionsTest, ALabelsValueHasAtMost256Bytes) {
  ClientOptions options = Good();
  options.labels["zone"] = std::string(257, 'v');
  EXPECT_THAT(options.Validate(),
              IsInvalid(HasSubstr(
                  "labels[\"zone\"]: the value must be 0 to 256 bytes")));
  options.labels["zone"] = "a\nb";
  EXPECT_THAT(options.Validate(), IsInvalid(HasSubstr("control characters")));
  options.labels["zone"] = "\xff";
  EXPECT_THAT(options.Validate(), IsInvalid(HasSubstr("UTF-8")));
}

TEST(ClientOptionsTest, ThereAreAtMost16LabelsWithThoseThatAreAdded) {
  ClientOptions options = Good();
  for (int i = 0; i < 16; ++i) options.labels[std::to_string(i)] = "v";
  EXPECT_THAT(options.Validate(), IsOk());
  options.label_host_name = true;
  EXPECT_THAT(options.Validate(),
              IsInvalid("labels must be at most 16 with those that other "
                        "options add, got 17"));
  options.labels.erase("0");
  EXPECT_THAT(options.Validate(), IsOk());
  options.application_version = "1";
  EXPECT_THAT(options.Validate(), IsInvalid(HasSubstr("got 17")));
}

TEST(ClientOptionsTest, ALabelIsNotGivenTwice) {
  ClientOptions options = Good();
  options.labels["host"] = "me";
  EXPECT_THAT(options.Validate(), IsOk());
  options.label_host_name = true;
  EXPECT_THAT(options.Validate(),
              IsInvalid("labels must not have a key that another option adds, "
                        "got \"host\""));
}

}  // namespace
}  // namespace rmq
