// Clients of RocketMQ 5's protocol that say who they are, over TLS, as each of
// its SDKs writes it.
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "apache/rocketmq/v2/service.grpc.pb.h"
#include "broker/broker_controller.h"
#include "broker/fronts/auth_options.h"
#include "broker/server/test_broker.h"
#include "broker/server/test_sdk_client.h"
#include "broker/server/test_users.h"
#include "common/real_clock.h"
#include "common/security/test_certificates.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kRules[] = R"pb(
  users { name: "pay" secret: "12345678" }
  users { name: "bill" secret: "87654321" }
  users { name: "read" secret: "readread" }
  users { name: "root" secret: "rootroot" type: SUPER }
  rules {
    user: "pay"
    resource: "Group:orders"
    action: [ SUB ]
    decision: ALLOW
  }
  rules {
    user: "pay"
    resource: "Topic:*"
    action: [ SUB, PUB ]
    decision: ALLOW
  }
  rules {
    user: "read"
    resource: "Group:orders"
    action: [ SUB ]
    decision: ALLOW
  }
  rules {
    user: "read"
    resource: "Topic:*"
    action: [ GET ]
    decision: ALLOW
  }
  rules {
    user: "bill"
    resource: "*"
    action: [ SUB, PUB ]
    decision: ALLOW
  }
)pb";

using Metadata = TestMetadata;

Metadata AsPay() { return Signed("pay", "12345678"); }
Metadata AsBill() { return Signed("bill", "87654321"); }

class SdkAuthTest : public ::testing::Test {
 protected:
  SdkAuthTest() : directory_(mkdtemp(name_)) {
    const TestCertificate own = authority_.IssueLocalhost();
    WriteTestFile(Path("cert.pem"), own.certificate);
    WriteTestFile(Path("key.pem"), own.key);
    BrokerController::Options options = TestBroker::DefaultOptions();
    options.server.tls.cert_file = Path("cert.pem");
    options.server.tls.key_file = Path("key.pem");
    options.auth.mode = AuthMode::kOn;
    options.auth.file = rules_.path();
    auto broker = BrokerController::Start(options, &RealClock());
    EXPECT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
    grpc::SslCredentialsOptions trusted;
    trusted.pem_root_certs = authority_.certificate();
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    connection_ = grpc::CreateCustomChannel(
        broker_->address(), grpc::SslCredentials(trusted), arguments);
  }
  ~SdkAuthTest() override {
    broker_ = nullptr;
    for (const char* file : {"cert.pem", "key.pem"}) {
      unlink(Path(file).c_str());
    }
    rmdir(directory_.c_str());
  }

  std::string Path(absl::string_view name) const {
    return absl::StrCat(directory_, "/", name);
  }
  TestSdkClient ClientAs(const std::string& client_id,
                         const Metadata& metadata) const {
    return TestSdkClient(connection_, client_id, metadata);
  }
  // As the operator sees them.
  std::vector<std::string> Members(const std::string& group) {
    grpc::ClientContext context;
    SetTestDeadline(context);
    for (const auto& [key, value] : Signed("root", "rootroot")) {
      context.AddMetadata(key, value);
    }
    pb::GetConsumerListByGroupRequest request;
    request.set_group(group);
    pb::GetConsumerListByGroupResponse response;
    (void)pb::ClientManager::NewStub(connection_)
        ->GetConsumerListByGroup(&context, request, &response);
    return {response.client_ids().begin(), response.client_ids().end()};
  }

  const TestRulesFile rules_{kRules};
  TestAuthority authority_{"authority"};
  std::unique_ptr<BrokerController> broker_;
  std::shared_ptr<grpc::Channel> connection_;

 private:
  char name_[32] = "/tmp/sdk_auth_test.XXXXXX";
  const std::string directory_;
};

TEST_F(SdkAuthTest, TheHeaderOfEachSdkSaysWhoCalls) {
  const absl::string_view secret = "12345678";
  const std::vector<std::pair<std::string, Metadata>> sdks = {
      {"java", Signed("pay", secret)},
      {"python", Signed("pay", secret, "", "20231227T194619Z", false)},
      {"go", Signed("pay", secret, "//Rocketmq", "20231227T194619Z", false)},
      {"rust", Signed("pay", secret, "", "2023-12-27T19:46:19Z", false)},
      {"cpp", Signed("pay", secret, "/cn-hangzhou/Rocketmq")},
  };
  for (const auto& [sdk, metadata] : sdks) {
    TestSdkClient client = ClientAs(sdk, metadata);
    EXPECT_EQ(client.State(kConsumerSettings).status().code(), v2::OK) << sdk;
    EXPECT_EQ(client.Heartbeat(kConsumerHeartbeat).code(), v2::OK) << sdk;
    EXPECT_THAT(Members("orders"), ElementsAre(sdk));
    EXPECT_EQ(client.Terminate().code(), v2::OK) << sdk;
  }
}

TEST_F(SdkAuthTest, HeadersWithoutCredentialsAreToldInTheBody) {
  for (const char* const credential : {"", "//Rocketmq"}) {
    TestSdkClient client = ClientAs("c1", Signed("", "nobody's", credential));
    EXPECT_EQ(client.Heartbeat(kConsumerHeartbeat).code(), v2::UNAUTHORIZED);
    EXPECT_EQ(client.QueryRoute("topic { name: 'T1' }").status().code(),
              v2::UNAUTHORIZED);
    EXPECT_EQ(client.State(kConsumerSettings).status().code(),
              v2::UNAUTHORIZED);
  }
  EXPECT_THAT(Members("orders"), IsEmpty());
}

TEST_F(SdkAuthTest, ASignatureByAnotherSecretIsToldInTheBody) {
  TestSdkClient client = ClientAs("c1", Signed("pay", "another secret"));
  EXPECT_EQ(client.Heartbeat(kConsumerHeartbeat).code(), v2::UNAUTHORIZED);
  EXPECT_EQ(client.State(kConsumerSettings).status().code(), v2::UNAUTHORIZED);
}

TEST_F(SdkAuthTest, AGroupThatTheRulesDoNotAllowIsToldInTheBody) {
  TestSdkClient client = ClientAs("c1", AsPay());
  const v2::TelemetryCommand answer = client.State(R"pb(
    settings {
      client_type: PUSH_CONSUMER
      subscription { group { name: "payments" } }
    })pb");
  EXPECT_EQ(answer.status().code(), v2::FORBIDDEN);
  EXPECT_EQ(
      client.Heartbeat("client_type: PUSH_CONSUMER group { name: 'payments' }")
          .code(),
      v2::FORBIDDEN);
  EXPECT_THAT(Members("payments"), IsEmpty());
}

TEST_F(SdkAuthTest, ATopicWhoseRouteAUserMayAskIsNotItsByAHeartbeat) {
  TestSdkClient client = ClientAs("c1", Signed("read", "readread"));
  EXPECT_EQ(client.Heartbeat(kConsumerHeartbeat).code(), v2::OK);
  EXPECT_THAT(Members("orders"), ElementsAre("c1"));
  EXPECT_EQ(client.Terminate().code(), v2::OK);

  TestSdkClient other = ClientAs("c2", Signed("read", "readread"));
  EXPECT_EQ(other.QueryRoute("topic { name: 'T1' }").status().code(), v2::OK);
  EXPECT_EQ(other.Heartbeat(kConsumerHeartbeat).code(), v2::FORBIDDEN);
  EXPECT_EQ(other.Heartbeat(kProducerHeartbeat).code(), v2::FORBIDDEN);
  EXPECT_THAT(Members("orders"), IsEmpty());
}

TEST_F(SdkAuthTest, AnotherUserCannotBeAClientNorEndIt) {
  TestSdkClient client = ClientAs("c1", AsPay());
  EXPECT_EQ(client.State(kConsumerSettings).status().code(), v2::OK);
  TestSdkClient other = ClientAs("c1", AsBill());
  EXPECT_EQ(other.Heartbeat(kConsumerHeartbeat).code(), v2::FORBIDDEN);
  EXPECT_NE(other.State(kProducerSettings).status().code(), v2::OK);
  EXPECT_EQ(other.Terminate().code(), v2::OK);
  EXPECT_THAT(Members("orders"), ElementsAre("c1"));
  // What the other one said left no trace.
  EXPECT_EQ(client.Heartbeat(kConsumerHeartbeat).code(), v2::OK);
  EXPECT_EQ(client.State(kConsumerSettings).status().code(), v2::OK);
  EXPECT_THAT(Members("orders"), ElementsAre("c1"));
}

TEST_F(SdkAuthTest, AnotherUsersStreamIsNotAskedForTheStacksOfAClient) {
  TestSdkClient client = ClientAs("c1", AsPay());
  EXPECT_EQ(client.State(kConsumerSettings).status().code(), v2::OK);
  TestSdkClient other = ClientAs("c1", AsBill());
  other.OpenStream();
  other.AwaitInitialMetadata();
  grpc::ClientContext context;
  SetTestDeadline(context);
  for (const auto& [key, value] : Signed("root", "rootroot")) {
    context.AddMetadata(key, value);
  }
  pb::PrintThreadStackTraceRequest request;
  request.set_client_id("c1");
  const auto admin = pb::ClientManagerAdmin::NewStub(connection_);
  const auto call = admin->PrintThreadStackTrace(&context, request);
  EXPECT_TRUE(client.ReadCommand().has_print_thread_stack_trace_command());
  context.TryCancel();
  pb::PrintThreadStackTraceResponse response;
  EXPECT_FALSE(call->Read(&response));
  (void)call->Finish();
}

}  // namespace
}  // namespace rmq
