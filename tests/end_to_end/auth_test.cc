// A broker with rules, as a process: who may what, and who is out when the
// rules change.

#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/server/test_broker.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/security/hmac_sha1.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/eventually.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kDate[] = "20231227T194619Z";
constexpr char kRules[] =
    "users { name: \"pay\" secret: \"12345678\" }\n"
    "users { name: \"bill\" secret: \"87654321\" }\n"
    "users { name: \"root\" secret: \"rootroot\" type: SUPER }\n"
    "rules { user: \"pay\" resource: \"Group:pay*\" action: [SUB]"
    " decision: ALLOW }\n"
    "rules { user: \"pay\" resource: \"Topic:*\" action: [SUB]"
    " decision: ALLOW }\n"
    "rules { user: \"bill\" resource: \"*\" action: [SUB]"
    " decision: ALLOW }\n";

struct Caller {
  absl::string_view user;
  absl::string_view secret;
};
constexpr Caller kPay = {"pay", "12345678"};
constexpr Caller kBill = {"bill", "87654321"};
constexpr Caller kRoot = {"root", "rootroot"};

void SignAs(const Caller& caller, grpc::ClientContext* context) {
  if (caller.user.empty()) return;
  const HmacSha1Signature signature =
      *HmacSha1::Create(caller.secret)->Sign(kDate);
  context->AddMetadata("x-mq-date-time", kDate);
  context->AddMetadata(
      "authorization",
      absl::StrCat("MQv2-HMAC-SHA1 Credential=", caller.user,
                   "/cn/RocketMQ, SignedHeaders=x-mq-date-time, Signature=",
                   absl::BytesToHexString(
                       std::string(signature.begin(), signature.end()))));
}

class AuthTest : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = absl::StrCat(
        ::testing::TempDir(), "/rules.",
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    WriteRules(kRules);
    auto broker = BrokerProcess::Start("127.0.0.1:0", Flags());
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
    channel_ = grpc::CreateChannel(broker_->address(),
                                   PlaintextChannelCredentials().Get());
    clients_ = pb::ClientManager::NewStub(channel_);
    operators_ = pb::ClientManagerAdmin::NewStub(channel_);
  }

  std::vector<std::string> Flags() const {
    return {"--auth=on", absl::StrCat("--auth_file=", file_)};
  }

  void WriteRules(const std::string& rules) {
    const std::string fresh = absl::StrCat(file_, ".new");
    std::ofstream(fresh) << rules;
    ASSERT_EQ(chmod(fresh.c_str(), 0600), 0);
    ASSERT_EQ(std::rename(fresh.c_str(), file_.c_str()), 0);
  }

  grpc::Status Heartbeat(const Caller& caller,
                         const pb::HeartbeatRequest& request,
                         pb::HeartbeatResponse* response) {
    grpc::ClientContext context;
    SetTestDeadline(context);
    SignAs(caller, &context);
    return clients_->Heartbeat(&context, request, response);
  }
  grpc::StatusCode Heartbeat(const Caller& caller, absl::string_view client_id,
                             absl::string_view group) {
    pb::HeartbeatResponse response;
    return Heartbeat(caller, ConsumerHeartbeat(client_id, group), &response)
        .error_code();
  }
  grpc::StatusCode Unregister(const Caller& caller,
                              const std::string& client_id,
                              const std::string& group) {
    grpc::ClientContext context;
    SetTestDeadline(context);
    SignAs(caller, &context);
    pb::UnregisterClientRequest request;
    request.set_client_id(client_id);
    request.set_consumer_group(group);
    pb::UnregisterClientResponse response;
    return clients_->UnregisterClient(&context, request, &response)
        .error_code();
  }
  // As the operator sees them.
  std::vector<std::string> ConsumerIds(const std::string& group) {
    grpc::ClientContext context;
    SetTestDeadline(context);
    SignAs(kRoot, &context);
    pb::GetConsumerListByGroupRequest request;
    request.set_group(group);
    pb::GetConsumerListByGroupResponse response;
    (void)clients_->GetConsumerListByGroup(&context, request, &response);
    return {response.client_ids().begin(), response.client_ids().end()};
  }
  grpc::Status Reload(const Caller& caller,
                      pb::ReloadConfigResponse* response) {
    grpc::ClientContext context;
    SetTestDeadline(context);
    SignAs(caller, &context);
    return operators_->ReloadConfig(&context, {}, response);
  }

  std::string file_;
  std::unique_ptr<BrokerProcess> broker_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<pb::ClientManager::Stub> clients_;
  std::unique_ptr<pb::ClientManagerAdmin::Stub> operators_;
};

TEST_F(AuthTest, WhoIsNotKnownIsRefused) {
  EXPECT_EQ(Heartbeat({}, "c1", "pay"), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Heartbeat({"pay", "wrong"}, "c1", "pay"),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Heartbeat({"nobody", "12345678"}, "c1", "pay"),
            grpc::StatusCode::UNAUTHENTICATED);
  TestStream stream(channel_);
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Heartbeat(kPay, "c1", "pay"), grpc::StatusCode::OK);
  EXPECT_THAT(ConsumerIds("pay"), ElementsAre("c1"));
}

TEST_F(AuthTest, AGroupThatTheRulesDoNotAllowIsSkippedWithTheReason) {
  pb::HeartbeatRequest request = ConsumerHeartbeat("c1", "pay");
  *request.add_consumers() = ConsumerHeartbeat("c1", "orders").consumers(0);
  pb::HeartbeatResponse response;
  ASSERT_TRUE(Heartbeat(kPay, request, &response).ok());
  ASSERT_THAT(response.skipped_groups(), SizeIs(1));
  const pb::SkippedGroup& skipped = response.skipped_groups(0);
  EXPECT_EQ(skipped.group(), "orders");
  EXPECT_EQ(skipped.reason(), pb::SkippedGroup::REASON_PERMISSION_DENIED);
  EXPECT_THAT(skipped.message(),
              HasSubstr("the user \"pay\" may not SUB Group:orders"));
  EXPECT_EQ(response.statement_token(), 0);
  EXPECT_TRUE(
      Becomes([&] { return broker_->process().err(); },
              HasSubstr("denied principal=pay resource=Group:orders action=SUB "
                        "address=127.0.0.1:")));
}

TEST_F(AuthTest, AnotherUserCannotActAsAClient) {
  ASSERT_EQ(Heartbeat(kPay, "c1", "pay"), grpc::StatusCode::OK);
  EXPECT_EQ(Heartbeat(kBill, "c1", "pay"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Unregister(kBill, "c1", "pay"),
            grpc::StatusCode::PERMISSION_DENIED);
  TestStream stream(channel_, [](grpc::ClientContext* c) { SignAs(kBill, c); });
  EXPECT_EQ(stream.Call(ConsumerHeartbeat("c1", "pay")).status().code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(ConsumerIds("pay"), ElementsAre("c1"));
  EXPECT_EQ(Unregister(kPay, "c1", "pay"), grpc::StatusCode::OK);
  EXPECT_EQ(Heartbeat(kBill, "c1", "pay"), grpc::StatusCode::OK);
}

TEST_F(AuthTest, OperatorsSeeWhoHoldsAClientId) {
  ASSERT_EQ(Heartbeat(kPay, "c1", "pay"), grpc::StatusCode::OK);
  grpc::ClientContext context;
  SetTestDeadline(context);
  SignAs(kRoot, &context);
  pb::GetConsumerConnectionListRequest request;
  request.set_group("pay");
  pb::GetConsumerConnectionListResponse response;
  ASSERT_TRUE(
      operators_->GetConsumerConnectionList(&context, request, &response).ok());
  ASSERT_THAT(response.connections(), SizeIs(1));
  EXPECT_EQ(response.connections(0).principal(), "pay");
}

TEST_F(AuthTest, AUserWhoIsDisabledIsOutInMidStream) {
  TestStream stream(channel_, [](grpc::ClientContext* c) { SignAs(kPay, c); });
  pb::HeartbeatRequest light;
  light.set_statement_token(stream.Call(ConsumerHeartbeat("c1", "pay"))
                                .heartbeat()
                                .statement_token());
  ASSERT_NE(light.statement_token(), 0);
  ASSERT_FALSE(stream.Call(light).heartbeat().full_statement_needed());
  const std::string rules = kRules;
  WriteRules(
      absl::StrCat("users { name: \"pay\" secret: \"12345678\" "
                   "status: DISABLE }\n",
                   rules.substr(rules.find('\n') + 1)));
  EXPECT_TRUE(Becomes([&] { return broker_->process().err(); },
                      HasSubstr("reloaded name=auth")));
  stream.Write(FrameOf(light));
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(Becomes([&] { return ConsumerIds("pay"); }, SizeIs(0)));
  EXPECT_EQ(Heartbeat(kPay, "c2", "pay"), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Heartbeat(kBill, "c2", "pay"), grpc::StatusCode::OK);
}

TEST_F(AuthTest, AGroupThatIsTakenAwayIsLeftWithTheNextStatement) {
  TestStream stream(channel_, [](grpc::ClientContext* c) { SignAs(kPay, c); });
  pb::HeartbeatRequest light;
  light.set_statement_token(stream.Call(ConsumerHeartbeat("c1", "pay"))
                                .heartbeat()
                                .statement_token());
  WriteRules(absl::StrCat(kRules,
                          "rules { user: \"pay\" resource: \"Group:pay\" "
                          "action: [SUB] decision: DENY }\n"));
  EXPECT_TRUE(Becomes([&] { return broker_->process().err(); },
                      HasSubstr("reloaded name=auth")));
  EXPECT_TRUE(stream.Call(light).heartbeat().full_statement_needed());
  EXPECT_EQ(stream.Call(ConsumerHeartbeat("c1", "pay"))
                .heartbeat()
                .skipped_groups_size(),
            1);
  EXPECT_THAT(ConsumerIds("pay"), SizeIs(0));
}

TEST_F(AuthTest, RulesThatAreWrongChangeNothingAndAreTold) {
  WriteRules(absl::StrCat(kRules, "users { name: \"pay\" }\n"));
  EXPECT_TRUE(Becomes([&] { return broker_->process().err(); },
                      HasSubstr("not reloaded")));
  EXPECT_EQ(Heartbeat(kPay, "c1", "pay"), grpc::StatusCode::OK);
  pb::ReloadConfigResponse response;
  EXPECT_EQ(Reload(kPay, &response).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  ASSERT_TRUE(Reload(kRoot, &response).ok());
  ASSERT_THAT(response.files(), SizeIs(1));
  EXPECT_EQ(response.files(0).name(), "auth");
  EXPECT_GE(response.files(0).failures(), 1);
  EXPECT_THAT(response.files(0).error(), HasSubstr("pay"));
  EXPECT_TRUE(Becomes([&] { return broker_->process().err(); },
                      HasSubstr("reload asked peer=")));
}

TEST_F(AuthTest, AFileThatOthersMayReadIsRefusedAtTheStart) {
  ASSERT_EQ(chmod(file_.c_str(), 0644), 0);
  EXPECT_THAT(BrokerProcess::Start("127.0.0.1:0", Flags()).status().message(),
              HasSubstr(file_));
}

}  // namespace
}  // namespace rmq
