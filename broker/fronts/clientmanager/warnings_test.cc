// Warnings in answers to heartbeats, and streams that are refused because
// another process uses their client id.
#include <cstdint>
#include <string>
#include <utility>

#include "broker/broker_controller.h"
#include "broker/registry/consistency_rule.h"
#include "broker/registry/duplicate_clients.h"
#include "broker/server/test_broker.h"
#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

pb::HeartbeatRequest Process(uint64_t incarnation,
                             const std::string& tags = "*") {
  pb::HeartbeatRequest request = ConsumerHeartbeat("c1", "orders");
  request.set_incarnation(incarnation);
  auto& consumer = *request.mutable_consumers(0);
  consumer.clear_subscriptions();
  consumer.add_subscriptions()->set_topic("pay");
  consumer.mutable_subscriptions(0)->set_expression(tags);
  return request;
}

pb::HeartbeatRequest Member(const std::string& client_id,
                            const std::string& tags) {
  pb::HeartbeatRequest request = Process(0, tags);
  request.set_client_id(client_id);
  return request;
}

TEST(WarningsTest, TheSecondProcessIsWarnedAndTheFirstInItsRepeatedHeartbeat) {
  TestBroker broker;
  const auto first = broker.Connect();
  const auto second = broker.Connect();
  EXPECT_THAT(first->Call(Process(1)).heartbeat().warnings(), IsEmpty());
  const pb::Reply reply = second->Call(Process(2));
  ASSERT_EQ(reply.heartbeat().warnings_size(), 1);
  const pb::Warning& warning = reply.heartbeat().warnings(0);
  EXPECT_EQ(warning.kind(), pb::Warning::KIND_DUPLICATE_CLIENT_ID);
  EXPECT_THAT(warning.message(), HasSubstr("from 127.0.0.1:"));
  EXPECT_THAT(warning.message(), HasSubstr("\"c1\""));
  EXPECT_EQ(first->Call(Process(1)).heartbeat().warnings_size(), 1);
  EXPECT_EQ(first->Call(Process(1)).heartbeat().warnings_size(), 1);
}

TEST(WarningsTest, ALightHeartbeatIsToldWhatIsNewOnce) {
  TestBroker broker;
  const auto first = broker.Connect();
  const auto second = broker.Connect();
  pb::HeartbeatRequest light;
  light.set_statement_token(
      first->Call(Process(1)).heartbeat().statement_token());
  EXPECT_THAT(first->Call(light).heartbeat().warnings(), IsEmpty());
  second->Call(Process(2));
  const pb::Reply told = first->Call(light);
  ASSERT_EQ(told.heartbeat().warnings_size(), 1);
  EXPECT_FALSE(told.heartbeat().full_statement_needed());
  EXPECT_THAT(first->Call(light).heartbeat().warnings(), IsEmpty());
}

TEST(WarningsTest, AMemberThatDiffersIsWarned) {
  TestBroker broker;
  const auto first = broker.Connect();
  const auto second = broker.Connect();
  first->Call(Member("c1", "a"));
  const pb::Reply reply = second->Call(Member("c2", "b"));
  ASSERT_EQ(reply.heartbeat().warnings_size(), 1);
  const pb::Warning& warning = reply.heartbeat().warnings(0);
  EXPECT_EQ(warning.kind(), pb::Warning::KIND_INCONSISTENT_SUBSCRIPTION);
  EXPECT_EQ(warning.group(), "orders");
  EXPECT_EQ(warning.message(),
            "group orders: topic pay: this client states TAG b, 1 of 2 members "
            "states TAG a");
  ASSERT_EQ(warning.client_ids_size(), 1);
  EXPECT_EQ(warning.client_ids(0), "c1");
  EXPECT_NE(reply.heartbeat().statement_token(), 0);
}

TEST(WarningsTest, AGroupThatRejectsSkipsWhatDiffersWithTheReason) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  SubscriptionGroupConfig config;
  config.group = "orders";
  config.consistency.policy = ConsistencyRule::Policy::kReject;
  options.policy.subscription_groups.push_back(config);
  TestBroker broker(options);
  const auto first = broker.Connect();
  const auto second = broker.Connect();
  first->Call(Member("c1", "a"));
  const pb::Reply reply = second->Call(Member("c2", "b"));
  EXPECT_THAT(reply.heartbeat().warnings(), IsEmpty());
  ASSERT_EQ(reply.heartbeat().skipped_groups_size(), 1);
  const pb::SkippedGroup& skipped = reply.heartbeat().skipped_groups(0);
  EXPECT_EQ(skipped.reason(),
            pb::SkippedGroup::REASON_INCONSISTENT_SUBSCRIPTION);
  EXPECT_EQ(skipped.group(), "orders");
  EXPECT_THAT(skipped.message(),
              HasSubstr("topic pay: this client states TAG b"));
  EXPECT_EQ(reply.heartbeat().statement_token(), 0);
}

TEST(WarningsTest, WithOldestWinsTheSecondProcessIsRefusedAndItsStreamEnds) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.table.duplicate_client_id_policy =
      DuplicateClientIdPolicy::kOldestWins;
  TestBroker broker(options);
  const auto first = broker.Connect();
  const auto second = broker.Connect();
  first->Call(Process(1));
  const pb::Reply reply = second->Call(Process(2));
  EXPECT_EQ(reply.status().code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(reply.status().response_code(), pb::RESPONSE_CODE_SYSTEM_ERROR);
  EXPECT_THAT(reply.status().message(), HasSubstr("from 127.0.0.1:"));
  const grpc::Status end = second->Finish();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(end.error_message(), reply.status().message());
  EXPECT_FALSE(first->Call(Process(1)).has_status());
}

}  // namespace
}  // namespace rmq
