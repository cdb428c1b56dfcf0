#include "broker/service/wire.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/io/coded_stream.h"
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

std::string Frame(const pb::HeartbeatRequest& heartbeat, uint64_t request_id) {
  pb::ClientFrame frame;
  frame.set_request_id(request_id);
  *frame.mutable_heartbeat() = heartbeat;
  return frame.SerializeAsString();
}

TEST(FindHeartbeatBytesTest, FindsTheRequestIdAndTheHeartbeat) {
  for (uint64_t request_id : {uint64_t{1}, uint64_t{300}, ~uint64_t{0}}) {
    const std::string frame = Frame(GoodHeartbeat(), request_id);
    const auto found = FindHeartbeatBytes(frame);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->request_id, request_id);
    EXPECT_EQ(found->heartbeat, GoodHeartbeat().SerializeAsString());
  }
}

TEST(FindHeartbeatBytesTest, FindsAnEmptyHeartbeat) {
  const std::string frame = Frame(pb::HeartbeatRequest(), 1);
  const auto found = FindHeartbeatBytes(frame);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->heartbeat, "");
}

TEST(FindHeartbeatBytesTest, WhatMayMeanSomethingElseIsNone) {
  const std::string good = Frame(GoodHeartbeat(), 5);
  pb::ClientFrame other;
  other.set_request_id(5);
  other.mutable_unregister_client()->set_client_id("c1");
  const std::string heartbeat_first = good.substr(2) + good.substr(0, 2);
  for (const std::string& frame :
       {std::string(), Frame(GoodHeartbeat(), 0), other.SerializeAsString(),
        heartbeat_first,
        // Another request id behind, which counts; bytes that are missing.
        good + good.substr(0, 2), good.substr(0, good.size() - 1),
        good.substr(0, 2), good.substr(0, 3)}) {
    EXPECT_FALSE(FindHeartbeatBytes(frame).has_value());
  }
}

TEST(ReadRequestIdTest, ReadsTheNumberThatAFrameBeginsWith) {
  const auto read = [](const std::string& bytes) {
    google::protobuf::io::CodedInputStream input(
        reinterpret_cast<const uint8_t*>(bytes.data()),
        static_cast<int>(bytes.size()));
    return ReadRequestId(&input);
  };
  for (uint64_t request_id : {uint64_t{1}, uint64_t{300}, ~uint64_t{0}}) {
    EXPECT_EQ(read(Frame(GoodHeartbeat(), request_id)), request_id);
  }
  const std::string frame = Frame(GoodHeartbeat(), 300);
  for (const std::string& bytes :
       {std::string(), Frame(GoodHeartbeat(), 0), frame.substr(0, 1),
        frame.substr(0, 2), frame.substr(3)}) {
    EXPECT_EQ(read(bytes), 0);
  }
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
                     "got 1000000000"}),
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

TEST(PageTest, SizesAreZeroToAThousandAndZeroIsTheMost) {
  EXPECT_EQ(*ParsePageSize(0), 1000);
  EXPECT_EQ(*ParsePageSize(1), 1);
  EXPECT_EQ(*ParsePageSize(1000), 1000);
  EXPECT_THAT(ParsePageSize(-1),
              StatusIs(kInvalid, "page_size must be 0 to 1000, got -1"));
  EXPECT_THAT(ParsePageSize(1001),
              StatusIs(kInvalid, "page_size must be 0 to 1000, got 1001"));
}

TEST(PageTest, MemberTokensAreTheCursorTheyWereMadeOf) {
  EXPECT_EQ(MemberPageToken(0), "");
  EXPECT_EQ(*ParseMemberPageToken(""), 0);
  constexpr MemberCursor kLast = std::numeric_limits<MemberCursor>::max();
  EXPECT_EQ(*ParseMemberPageToken(MemberPageToken(kLast)), kLast);
  for (const char* token : {"0", "-1", "x", "1x", "18446744073709551616"}) {
    EXPECT_THAT(ParseMemberPageToken(token),
                StatusIs(kInvalid, absl::StrCat("page_token must be a "
                                                "next_page_token of this "
                                                "method, got \"",
                                                token, "\"")));
  }
}

TEST(PageTest, NameTokensAreNames) {
  EXPECT_THAT(ValidateNamePageToken(""), IsOk());
  EXPECT_THAT(ValidateNamePageToken("orders"), IsOk());
  EXPECT_THAT(ValidateNamePageToken("no name"),
              StatusIs(kInvalid, HasSubstr("got \"no name\"")));
}

TEST(CountItemsTest, IsTheItemsOfAllRepeatedFields) {
  pb::HeartbeatRequest request;
  request.set_client_id("c1");
  EXPECT_EQ(CountItems(request), 0);
  request.add_producers();
  request.add_consumers()->add_subscriptions();
  request.add_consumers();
  EXPECT_EQ(CountItems(request), 3);
}

TEST(FillTest, DurationsKeepTheirNanoseconds) {
  google::protobuf::Duration message;
  FillDuration(absl::Seconds(120) / 4, &message);
  EXPECT_EQ(message.seconds(), 30);
  EXPECT_EQ(message.nanos(), 0);
  FillDuration(absl::Milliseconds(1250), &message);
  EXPECT_EQ(message.seconds(), 1);
  EXPECT_EQ(message.nanos(), 250'000'000);
}

TEST(FillTest, AConnectionHasItsMembersFields) {
  SimulatedClock clock;
  ClientTable table({}, {});
  const auto channel = std::make_shared<FakeClientChannel>();
  ASSERT_THAT(table.Open(channel, clock.TimeNow()), IsOk());
  MemberInfo member;
  member.channel = channel;
  member.client_id = "c1";
  member.language = LanguageCode::kRust;
  member.version = 5;
  member.last_heard = clock.TimeNow() + absl::Milliseconds(1500);
  pb::Connection message;
  FillConnection(member, clock, &message);
  EXPECT_EQ(message.client_id(), "c1");
  EXPECT_EQ(message.remote_address(), "127.0.0.1:50001");
  EXPECT_EQ(message.language(), pb::LANGUAGE_CODE_RUST);
  EXPECT_EQ(message.version(), 5);
  EXPECT_EQ(message.connected_at().seconds(), 1'000'000);
  EXPECT_EQ(message.last_heard_at().seconds(), 1'000'001);
  EXPECT_EQ(message.last_heard_at().nanos(), 500'000'000);
  EXPECT_EQ(message.channel_id(), channel->id());
  EXPECT_TRUE(message.stream());
}

TEST(FillTest, StatusesKeepBothCodes) {
  const CallStatus status = OverLimit("too many");
  pb::Status message;
  FillStatus(status, &message);
  EXPECT_EQ(message.code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(message.response_code(), pb::RESPONSE_CODE_SYSTEM_BUSY);
  EXPECT_EQ(message.message(), "too many");
  EXPECT_EQ(ToGrpcStatus(status).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ToGrpcStatus(status).error_message(), "too many");
}

}  // namespace
}  // namespace rmq
