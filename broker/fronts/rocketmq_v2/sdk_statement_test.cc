#include "broker/fronts/rocketmq_v2/sdk_statement.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/definition.pb.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/registry/statement.h"
#include "common/client_types.h"
#include "common/response_code.h"
#include "common/validation.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

constexpr absl::Time kNow = absl::FromUnixMillis(1'700'000'000'123);

struct Parsed {
  CallStatus status;
  SdkStatementPtr statement;
};

Parsed Parse(const std::string& text, const SdkHeaders& headers = {}) {
  v2::Settings settings;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &settings));
  Parsed parsed;
  parsed.status =
      SdkStatement::Parse(settings, headers, Limits(), kNow, &parsed.statement);
  return parsed;
}

v2::Code CodeOfSettings(const std::string& text) {
  return CodeOf(Parse(text).status);
}

std::string Subscribing(const std::string& entries) {
  return absl::StrCat(
      "client_type: PUSH_CONSUMER subscription { group { name: 'g' } ", entries,
      "}");
}

TEST(SdkStatementTest, AConsumerStatesItsGroupAndExpressions) {
  const Parsed parsed = Parse(Subscribing(
      "subscriptions { topic { name: 'T1' } expression { type: TAG } }"
      "subscriptions { topic { name: 'T2' }"
      "                expression { type: SQL expression: 'a > 1' } }"));
  ASSERT_TRUE(parsed.status.ok()) << parsed.status.message;
  const HeartbeatStatement view = parsed.statement->View("c1");
  EXPECT_EQ(view.client_id, "c1");
  ASSERT_EQ(view.consumers.size(), 1);
  const ConsumerStatement& consumer = view.consumers[0];
  EXPECT_EQ(consumer.group, "g");
  EXPECT_EQ(consumer.modes.consume_type, ConsumeType::kConsumePassively);
  EXPECT_EQ(consumer.modes.message_model, MessageModel::kClustering);
  EXPECT_EQ(consumer.modes.consume_from_where, ConsumeFromWhere::kLastOffset);
  ASSERT_EQ(consumer.subscriptions.size(), 2);
  EXPECT_EQ(consumer.subscriptions[0].expression, "*");
  EXPECT_EQ(consumer.subscriptions[0].expression_type, "TAG");
  EXPECT_EQ(consumer.subscriptions[0].sub_version, 1'700'000'000'123);
  EXPECT_EQ(consumer.subscriptions[1].expression_type, "SQL92");
}

TEST(SdkStatementTest, ASimpleConsumerConsumesActively) {
  const Parsed parsed = Parse(
      "client_type: SIMPLE_CONSUMER subscription { group { name: 'g' } }");
  ASSERT_TRUE(parsed.status.ok());
  EXPECT_EQ(parsed.statement->View("c").consumers[0].modes.consume_type,
            ConsumeType::kConsumeActively);
}

TEST(SdkStatementTest, OfATopicThatIsThereTwiceTheLastExpressionCounts) {
  const Parsed parsed = Parse(Subscribing(
      "subscriptions { topic { name: 'T' } expression { expression: 'a' } }"
      "subscriptions { topic { name: 'T' } expression { expression: 'b' } }"));
  const auto consumers = parsed.statement->View("c").consumers;
  ASSERT_EQ(consumers[0].subscriptions.size(), 1);
  EXPECT_EQ(consumers[0].subscriptions[0].expression, "b");
}

TEST(SdkStatementTest, AnSqlExpressionMustNotBeEmpty) {
  EXPECT_EQ(CodeOfSettings(Subscribing("subscriptions { topic { name: 'T' } "
                                       "expression { type: SQL } }")),
            v2::ILLEGAL_FILTER_EXPRESSION);
}

TEST(SdkStatementTest, AProducerIsInTheGroupsOfItsTopicsEachOnce) {
  const Parsed parsed = Parse(
      "client_type: PRODUCER publishing { topics { name: 'T' } "
      "topics { name: 'T' } topics { resource_namespace: 'n' name: 'T' } }");
  ASSERT_TRUE(parsed.status.ok());
  const auto groups = parsed.statement->View("p").producer_groups;
  ASSERT_EQ(groups.size(), 2);
  EXPECT_EQ(groups[0], "T");
  EXPECT_EQ(groups[1], "n%T");
}

TEST(SdkStatementTest, AProducerWithoutTopicsStatesNoGroup) {
  const Parsed parsed = Parse("client_type: PRODUCER publishing {}");
  ASSERT_TRUE(parsed.status.ok());
  EXPECT_FALSE(parsed.statement->has_groups());
}

TEST(SdkStatementTest, WhatIsWrongHasACodeOfItsOwn) {
  EXPECT_EQ(CodeOfSettings("client_type: PRODUCER publishing { topics { } }"),
            v2::ILLEGAL_TOPIC);
  EXPECT_EQ(CodeOfSettings("client_type: PUSH_CONSUMER subscription { }"),
            v2::ILLEGAL_CONSUMER_GROUP);
  EXPECT_EQ(CodeOfSettings("client_type: PUSH_CONSUMER subscription { "
                           "group { name: 'CID_RMQ_SYS_a' } }"),
            v2::ILLEGAL_CONSUMER_GROUP);
  EXPECT_EQ(CodeOfSettings("client_type: PRODUCER subscription { }"),
            v2::BAD_REQUEST);
  EXPECT_EQ(CodeOfSettings("client_type: PUSH_CONSUMER"), v2::BAD_REQUEST);
  EXPECT_EQ(CodeOfSettings("client_type: LITE_PUSH_CONSUMER subscription {}"),
            v2::UNSUPPORTED);
  EXPECT_EQ(CodeOfSettings(""), v2::UNSUPPORTED);
}

TEST(SdkStatementTest, TopicsAndSubscriptionsHaveLimits) {
  std::string topics;
  for (int i = 0; i <= 256; ++i) {
    absl::StrAppend(&topics, "topics { name: 'T", i, "' }");
  }
  const Parsed parsed =
      Parse(absl::StrCat("client_type: PRODUCER publishing { ", topics, "}"));
  EXPECT_EQ(CodeOf(parsed.status), v2::TOO_MANY_REQUESTS);
  EXPECT_THAT(parsed.status.message, HasSubstr("256"));
}

TEST(SdkStatementTest, TheUserAgentBeatsTheHeaders) {
  SdkHeaders headers;
  headers.language = LanguageCode::kHttp;
  headers.version = "1.0.7";
  const Parsed parsed = Parse(
      "client_type: PRODUCER publishing { topics { name: 'T' } } "
      "user_agent { language: NODE_JS version: '1.0.8' }",
      headers);
  const HeartbeatStatement view = parsed.statement->View("p");
  EXPECT_EQ(view.language, LanguageCode::kNodeJs);
  EXPECT_EQ(view.version, 10008);
  ASSERT_EQ(view.labels.size(), 2);
  EXPECT_EQ(view.labels[0].value, "PRODUCER");
  EXPECT_EQ(view.labels[1].value, "1.0.8");
}

TEST(SdkStatementTest, AVersionThatIsNoPlainTextIsLeftOut) {
  SdkHeaders headers;
  headers.version = "1\n2";
  const Parsed parsed = Parse(
      "client_type: PRODUCER publishing { topics { name: 'T' } }", headers);
  EXPECT_EQ(parsed.statement->View("p").labels.size(), 1);
}

TEST(VersionNumberTest, EachPartHasTwoDigits) {
  EXPECT_EQ(VersionNumber("5.2.0"), 50200);
  EXPECT_EQ(VersionNumber("5.0.1-rc1"), 50001);
  EXPECT_EQ(VersionNumber("5.2"), 50200);
  EXPECT_EQ(VersionNumber("1.99.99"), 19999);
  EXPECT_EQ(VersionNumber("1.100.100"), 19999);
  EXPECT_EQ(VersionNumber(""), 0);
  EXPECT_EQ(VersionNumber("x"), 0);
  EXPECT_EQ(VersionNumber("5"), 0);
  EXPECT_EQ(VersionNumber("99999.1.1"), 0);
}

TEST(SdkStatementTest, TopicsOfAConsumerWithoutSettingsAreInferred) {
  SdkHeaders headers;
  const SdkStatementPtr statement =
      SdkStatement::Inferred(v2::PUSH_CONSUMER, "orders", {"T1"}, headers);
  const HeartbeatStatement view = statement->View("c1");
  ASSERT_EQ(view.consumers.size(), 1);
  ASSERT_EQ(view.consumers[0].subscriptions.size(), 1);
  EXPECT_EQ(view.consumers[0].subscriptions[0].topic, "T1");
  EXPECT_EQ(view.consumers[0].subscriptions[0].expression_type, "INFERRED");
  EXPECT_EQ(view.consumers[0].subscriptions[0].sub_version,
            kInferredSubVersion);
}

TEST(SdkStatementTest, WhatSaysNothingInfersNothing) {
  SdkHeaders headers;
  EXPECT_EQ(SdkStatement::Inferred(v2::PUSH_CONSUMER, "", {"T1"}, headers),
            nullptr);
  EXPECT_EQ(SdkStatement::Inferred(v2::PRODUCER, "orders", {}, headers),
            nullptr);
}

TEST(SdkStatementTest, AStatementIsInferredOfTheSameTypeGroupAndTopicsAlone) {
  SdkHeaders headers;
  const SdkStatementPtr consumer =
      SdkStatement::Inferred(v2::PUSH_CONSUMER, "orders", {"T1"}, headers);
  EXPECT_TRUE(consumer->IsInferredOf(v2::PUSH_CONSUMER, "orders", {"T1"}));
  EXPECT_FALSE(consumer->IsInferredOf(v2::SIMPLE_CONSUMER, "orders", {"T1"}));
  EXPECT_FALSE(consumer->IsInferredOf(v2::PUSH_CONSUMER, "bills", {"T1"}));
  EXPECT_FALSE(
      consumer->IsInferredOf(v2::PUSH_CONSUMER, "orders", {"T1", "T2"}));
  const SdkStatementPtr producer =
      SdkStatement::Inferred(v2::PRODUCER, "", {"T1"}, headers);
  EXPECT_TRUE(producer->IsInferredOf(v2::PRODUCER, "", {"T1"}));
  EXPECT_FALSE(producer->IsInferredOf(v2::PRODUCER, "", {}));
}

}  // namespace
}  // namespace rmq
