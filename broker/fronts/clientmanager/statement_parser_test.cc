#include "broker/fronts/clientmanager/statement_parser.h"

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One producer group and one consumer group with one subscription.
pb::HeartbeatRequest GoodHeartbeat() {
  pb::HeartbeatRequest request;
  request.set_client_id("192.0.2.1@1");
  request.set_incarnation(7);
  request.set_stream_number(3);
  request.set_language(pb::LANGUAGE_CODE_GO);
  request.set_version(42);
  request.add_producers()->set_group("payments");
  pb::ConsumerData* const consumer = request.add_consumers();
  consumer->set_group("orders");
  consumer->set_consume_type(pb::CONSUME_TYPE_CONSUME_POP);
  consumer->set_message_model(pb::MESSAGE_MODEL_BROADCASTING);
  consumer->set_consume_from_where(pb::CONSUME_FROM_WHERE_TIMESTAMP);
  consumer->set_unit_mode(true);
  pb::SubscriptionData* const subscription = consumer->add_subscriptions();
  subscription->set_topic("topic");
  subscription->set_expression("a > 1");
  subscription->set_expression_type("SQL92");
  subscription->set_sub_version(-3);
  return request;
}

pb::ConsumerData& Consumer(pb::HeartbeatRequest& request) {
  return *request.mutable_consumers(0);
}

void AddProducers(pb::HeartbeatRequest& request, int count) {
  for (int i = 0; i < count; ++i) {
    request.add_producers()->set_group(absl::StrCat("more-", i));
  }
}

void AddSubscriptions(pb::HeartbeatRequest& request, int count) {
  for (int i = 0; i < count; ++i) {
    Consumer(request).add_subscriptions()->set_topic(absl::StrCat("more-", i));
  }
}

void SetExpiry(pb::HeartbeatRequest& request, int64_t seconds, int32_t nanos) {
  request.mutable_requested_channel_expiry()->set_seconds(seconds);
  request.mutable_requested_channel_expiry()->set_nanos(nanos);
}

absl::Status Parse(const pb::HeartbeatRequest& request) {
  ParsedStatement parsed;
  return parsed.Parse(request, Limits());
}

TEST(ParsedStatementTest, EveryFieldArrives) {
  const pb::HeartbeatRequest request = GoodHeartbeat();
  ParsedStatement parsed;
  ASSERT_THAT(parsed.Parse(request, Limits()), IsOk());
  const HeartbeatStatement& statement = parsed.statement();
  EXPECT_EQ(statement.client_id, "192.0.2.1@1");
  EXPECT_EQ(statement.incarnation, 7);
  EXPECT_EQ(statement.stream_number, 3);
  EXPECT_EQ(statement.language, LanguageCode::kGo);
  EXPECT_EQ(statement.version, 42);
  EXPECT_THAT(statement.producer_groups, ElementsAre("payments"));
  ASSERT_EQ(statement.consumers.size(), 1);
  const ConsumerStatement& consumer = statement.consumers[0];
  EXPECT_EQ(consumer.group, "orders");
  EXPECT_EQ(consumer.modes, (ConsumerModes{ConsumeType::kConsumePop,
                                           MessageModel::kBroadcasting,
                                           ConsumeFromWhere::kTimestamp}));
  EXPECT_TRUE(consumer.unit_mode);
  ASSERT_EQ(consumer.subscriptions.size(), 1);
  EXPECT_EQ(consumer.subscriptions[0].topic, "topic");
  EXPECT_EQ(consumer.subscriptions[0].expression, "a > 1");
  EXPECT_EQ(consumer.subscriptions[0].expression_type, "SQL92");
  EXPECT_EQ(consumer.subscriptions[0].sub_version, -3);
}

TEST(ParsedStatementTest, SubscriptionsGoToTheirOwnGroups) {
  pb::HeartbeatRequest request;
  for (int i = 0; i < 3; ++i) {
    pb::ConsumerData* const consumer = request.add_consumers();
    consumer->set_group(absl::StrCat("group-", i));
    for (int j = 0; j < i; ++j) {
      consumer->add_subscriptions()->set_topic(absl::StrCat("topic-", i, j));
    }
  }
  ParsedStatement parsed;
  ASSERT_THAT(parsed.Parse(request, Limits()), IsOk());
  const auto consumers = parsed.statement().consumers;
  ASSERT_EQ(consumers.size(), 3);
  EXPECT_TRUE(consumers[0].subscriptions.empty());
  ASSERT_EQ(consumers[1].subscriptions.size(), 1);
  EXPECT_EQ(consumers[1].subscriptions[0].topic, "topic-10");
  ASSERT_EQ(consumers[2].subscriptions.size(), 2);
  EXPECT_EQ(consumers[2].subscriptions[1].topic, "topic-21");
}

TEST(ParsedStatementTest, AnAbsentExpressionTypeIsTag) {
  pb::HeartbeatRequest request = GoodHeartbeat();
  Consumer(request).mutable_subscriptions(0)->clear_expression_type();
  ParsedStatement parsed;
  ASSERT_THAT(parsed.Parse(request, Limits()), IsOk());
  EXPECT_EQ(parsed.statement().consumers[0].subscriptions[0].expression_type,
            "TAG");
}

// What is wrong with a heartbeat that is good otherwise.
struct BadStatement {
  const char* name;
  std::function<void(pb::HeartbeatRequest&)> spoil;
  absl::StatusCode code;
  const char* message;  // Part of it: field, value, rule.
};

class BadStatementTest : public ::testing::TestWithParam<BadStatement> {};

TEST_P(BadStatementTest, IsRefusedWithFieldValueAndRule) {
  pb::HeartbeatRequest request = GoodHeartbeat();
  ASSERT_THAT(Parse(request), IsOk());
  GetParam().spoil(request);
  EXPECT_THAT(Parse(request),
              StatusIs(GetParam().code, HasSubstr(GetParam().message)));
}

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kExhausted = absl::StatusCode::kResourceExhausted;

INSTANTIATE_TEST_SUITE_P(
    Groups, BadStatementTest,
    ::testing::Values(
        BadStatement{"None",
                     [](auto& r) {
                       r.clear_producers();
                       r.clear_consumers();
                     },
                     kInvalid,
                     "must state at least one group in producers or consumers"},
        BadStatement{"EmptyProducerGroup", [](auto& r) { r.add_producers(); },
                     kInvalid, "producers[1].group must not be empty"},
        BadStatement{"LongProducerGroup",
                     [](auto& r) {
                       r.add_producers()->set_group(std::string(121, 'x'));
                     },
                     kInvalid,
                     "producers[1].group must be at most 120 bytes, got 121"},
        BadStatement{"ProducerGroupOutOfTheAlphabet",
                     [](auto& r) { r.add_producers()->set_group("a.b"); },
                     kInvalid,
                     "producers[1].group must be letters, digits, '%', '|', "
                     "'_' and '-', got \"a.b\""},
        BadStatement{"EmptyConsumerGroup", [](auto& r) { r.add_consumers(); },
                     kInvalid, "consumers[1].group must not be empty"},
        BadStatement{"LongConsumerGroup",
                     [](auto& r) {
                       r.add_consumers()->set_group(std::string(121, 'x'));
                     },
                     kInvalid,
                     "consumers[1].group must be at most 120 bytes, got 121"},
        BadStatement{
            "ConsumerGroupOutOfTheAlphabet",
            [](auto& r) { r.add_consumers()->set_group("caf\xc3\xa9"); },
            kInvalid,
            "consumers[1].group must be letters, digits, '%', '|', "
            "'_' and '-', got \"caf\\xc3\\xa9\""},
        BadStatement{"ProducerGroupTwice",
                     [](auto& r) { r.add_producers()->set_group("payments"); },
                     kInvalid,
                     "producers: group \"payments\" must not be stated twice"},
        BadStatement{"ConsumerGroupTwice",
                     [](auto& r) { r.add_consumers()->set_group("orders"); },
                     kInvalid,
                     "consumers: group \"orders\" must not be stated twice"},
        BadStatement{"GroupTwiceAmongMany",
                     [](auto& r) {
                       AddProducers(r, 20);
                       r.add_producers()->set_group("more-3");
                     },
                     kInvalid,
                     "producers: group \"more-3\" must not be stated twice"},
        BadStatement{"TooMany", [](auto& r) { AddProducers(r, 255); },
                     kExhausted,
                     "producers and consumers together must be at most 256, "
                     "got 257"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Subscriptions, BadStatementTest,
    ::testing::Values(
        BadStatement{"EmptyTopic",
                     [](auto& r) { Consumer(r).add_subscriptions(); }, kInvalid,
                     "consumers[0].subscriptions[1].topic must not be empty"},
        BadStatement{"LongTopic",
                     [](auto& r) {
                       Consumer(r).add_subscriptions()->set_topic(
                           std::string(128, 'x'));
                     },
                     kInvalid,
                     "consumers[0].subscriptions[1].topic must be at most 127 "
                     "bytes, got 128"},
        BadStatement{"LongRetryTopic",
                     [](auto& r) {
                       Consumer(r).add_subscriptions()->set_topic(
                           "%RETRY%" + std::string(249, 'x'));
                     },
                     kInvalid, "topic must be at most 255 bytes, got 256"},
        BadStatement{
            "TopicOutOfTheAlphabet",
            [](auto& r) { Consumer(r).add_subscriptions()->set_topic("a/b"); },
            kInvalid,
            "consumers[0].subscriptions[1].topic must be letters, "
            "digits, '%', '|', '_' and '-', got \"a/b\""},
        BadStatement{
            "ExpressionTypeOfTheBroker",
            [](auto& r) {
              Consumer(r).mutable_subscriptions(0)->set_expression_type(
                  "INFERRED");
            },
            kInvalid,
            "consumers[0].subscriptions[0].expression_type must not be "
            "\"INFERRED\""},
        BadStatement{"TopicTwice",
                     [](auto& r) {
                       Consumer(r).add_subscriptions()->set_topic("topic");
                     },
                     kInvalid,
                     "consumers[0].subscriptions: topic \"topic\" must not be "
                     "stated twice"},
        BadStatement{"TopicTwiceAmongMany",
                     [](auto& r) {
                       AddSubscriptions(r, 20);
                       Consumer(r).add_subscriptions()->set_topic("more-19");
                     },
                     kInvalid, "topic \"more-19\" must not be stated twice"},
        BadStatement{"TooMany", [](auto& r) { AddSubscriptions(r, 1024); },
                     kExhausted,
                     "consumers[0].subscriptions must be at most 1024, got "
                     "1025"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Values, BadStatementTest,
    ::testing::Values(
        BadStatement{
            "UnknownLanguage",
            [](auto& r) { r.set_language(static_cast<pb::LanguageCode>(15)); },
            kInvalid, "language must be a value of its enum, got 15"},
        BadStatement{
            "NegativeLanguage",
            [](auto& r) { r.set_language(static_cast<pb::LanguageCode>(-1)); },
            kInvalid, "language must be a value of its enum, got -1"},
        BadStatement{"UnknownConsumeType",
                     [](auto& r) {
                       Consumer(r).set_consume_type(
                           static_cast<pb::ConsumeType>(4));
                     },
                     kInvalid,
                     "consumers[0].consume_type must be a value of its enum, "
                     "got 4"},
        BadStatement{"UnknownMessageModel",
                     [](auto& r) {
                       Consumer(r).set_message_model(
                           static_cast<pb::MessageModel>(3));
                     },
                     kInvalid,
                     "consumers[0].message_model must be a value of its enum, "
                     "got 3"},
        BadStatement{"UnknownConsumeFromWhere",
                     [](auto& r) {
                       Consumer(r).set_consume_from_where(
                           static_cast<pb::ConsumeFromWhere>(4));
                     },
                     kInvalid,
                     "consumers[0].consume_from_where must be a value of its "
                     "enum, got 4"},
        BadStatement{"ZeroExpiry", [](auto& r) { SetExpiry(r, 0, 0); },
                     kInvalid,
                     "requested_channel_expiry must be positive, got 0"},
        BadStatement{"NegativeExpiry", [](auto& r) { SetExpiry(r, -1, 0); },
                     kInvalid,
                     "requested_channel_expiry must be positive, got -1s"},
        BadStatement{"NegativeExpiryNanos",
                     [](auto& r) { SetExpiry(r, 0, -1); }, kInvalid,
                     "requested_channel_expiry.nanos must be 0 to 999999999, "
                     "got -1"},
        BadStatement{"TooManyExpiryNanos",
                     [](auto& r) { SetExpiry(r, 1, 1'000'000'000); }, kInvalid,
                     "requested_channel_expiry.nanos must be 0 to 999999999, "
                     "got 1000000000"},
        BadStatement{"SeventeenLabels",
                     [](auto& r) {
                       for (int i = 0; i < 17; ++i) {
                         (*r.mutable_labels())[absl::StrCat("k", i)] = "";
                       }
                     },
                     absl::StatusCode::kResourceExhausted,
                     "labels must be at most 16, got 17"},
        BadStatement{"BadLabel",
                     [](auto& r) { (*r.mutable_labels())["zone"] = "a\n"; },
                     kInvalid,
                     "labels[\"zone\"]: the value must be UTF-8 without "
                     "control characters, got \"a\\n\""}),
    [](const auto& test) { return test.param.name; });

struct GoodStatement {
  const char* name;
  std::function<void(pb::HeartbeatRequest&)> change;
};

class GoodStatementTest : public ::testing::TestWithParam<GoodStatement> {};

TEST_P(GoodStatementTest, IsTaken) {
  pb::HeartbeatRequest request = GoodHeartbeat();
  GetParam().change(request);
  EXPECT_THAT(Parse(request), IsOk());
}

INSTANTIATE_TEST_SUITE_P(
    AtTheEdge, GoodStatementTest,
    ::testing::Values(
        GoodStatement{"ProducersOnly", [](auto& r) { r.clear_consumers(); }},
        GoodStatement{"ConsumersOnly", [](auto& r) { r.clear_producers(); }},
        GoodStatement{"OneNameAsProducerAndConsumer",
                      [](auto& r) { r.add_producers()->set_group("orders"); }},
        GoodStatement{"OneTopicInTwoGroups",
                      [](auto& r) {
                        pb::ConsumerData* const consumer = r.add_consumers();
                        consumer->set_group("others");
                        consumer->add_subscriptions()->set_topic("topic");
                      }},
        GoodStatement{"LongestGroup",
                      [](auto& r) {
                        r.add_producers()->set_group(std::string(120, 'x'));
                        r.add_consumers()->set_group(std::string(120, 'x'));
                      }},
        GoodStatement{
            "WholeAlphabet",
            [](auto& r) { r.add_producers()->set_group("aZ09%|_-"); }},
        GoodStatement{"LongestTopics",
                      [](auto& r) {
                        Consumer(r).add_subscriptions()->set_topic(
                            std::string(127, 'x'));
                        Consumer(r).add_subscriptions()->set_topic(
                            "%RETRY%" + std::string(248, 'x'));
                        Consumer(r).add_subscriptions()->set_topic(
                            "%DLQ%" + std::string(250, 'x'));
                      }},
        GoodStatement{"MostGroups", [](auto& r) { AddProducers(r, 254); }},
        GoodStatement{"MostSubscriptions",
                      [](auto& r) { AddSubscriptions(r, 1023); }},
        GoodStatement{"ConsumerWithoutSubscriptions",
                      [](auto& r) { Consumer(r).clear_subscriptions(); }},
        GoodStatement{"NothingToldOfItself",
                      [](auto& r) {
                        r.clear_language();
                        r.clear_version();
                        r.clear_incarnation();
                        Consumer(r).clear_consume_type();
                        Consumer(r).clear_message_model();
                        Consumer(r).clear_consume_from_where();
                      }},
        GoodStatement{
            "LastLanguage",
            [](auto& r) { r.set_language(pb::LANGUAGE_CODE_NODE_JS); }},
        GoodStatement{"ShortestExpiry", [](auto& r) { SetExpiry(r, 0, 1); }},
        GoodStatement{"LongestExpiry",
                      [](auto& r) {
                        SetExpiry(r, std::numeric_limits<int64_t>::max(),
                                  999'999'999);
                      }}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace rmq
