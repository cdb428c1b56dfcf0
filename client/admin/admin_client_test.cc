#include "client/admin/admin_client.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/security/test_certificates.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(30);

// Pages of one client id: as many as the group's name says, or three. The
// second page is refused at first.
class FakeClientManager final : public pb::ClientManager::Service {
 public:
  grpc::Status GetConsumerListByGroup(
      grpc::ServerContext*, const pb::GetConsumerListByGroupRequest* request,
      pb::GetConsumerListByGroupResponse* response) override {
    int page = 0;
    if (!absl::SimpleAtoi(request->page_token(), &page)) page = 0;
    if (page == 1 && refusals_left_ > 0) {
      --refusals_left_;
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many rows"};
    }
    response->set_broker_name("broker-a");
    response->add_client_ids(absl::StrCat(request->group(), page));
    int pages = 0;
    if (!absl::SimpleAtoi(request->group(), &pages)) pages = 3;
    if (page + 1 < pages) response->set_next_page_token(absl::StrCat(page + 1));
    return grpc::Status::OK;
  }

 private:
  int refusals_left_ = 1;
};

class FakeAdmin final : public pb::ClientManagerAdmin::Service {
 public:
  void EndTest() { test_is_over_.Notify(); }

  grpc::Status GetGroupOnline(grpc::ServerContext* context,
                              const pb::GetGroupOnlineRequest* request,
                              pb::GetGroupOnlineResponse* response) override {
    if (request->group() == "silent") test_is_over_.WaitForNotification();
    if (request->group() == "authorization") {
      const auto& metadata = context->client_metadata();
      const auto found = metadata.find("authorization");
      if (found == metadata.end())
        return {grpc::StatusCode::UNAUTHENTICATED, ""};
      return {grpc::StatusCode::PERMISSION_DENIED,
              std::string(found->second.data(), found->second.size())};
    }
    if (request->group() == "refused") {
      return {grpc::StatusCode::INVALID_ARGUMENT, "group: refused"};
    }
    response->set_consumer(true);
    return grpc::Status::OK;
  }

 private:
  absl::Notification test_is_over_;
};

class AdminClientTest : public ::testing::Test {
 protected:
  explicit AdminClientTest(
      const std::shared_ptr<grpc::ServerCredentials>& credentials =
          PlaintextServerCredentials().Get()) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port_);
    builder.RegisterService(&admin_);
    builder.RegisterService(&client_manager_);
    server_ = builder.BuildAndStart();
  }
  ~AdminClientTest() override {
    admin_.EndTest();
    server_->Shutdown();
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  absl::StatusOr<pb::GetGroupOnlineResponse> AskWhetherOnline(
      const std::string& group, absl::Duration timeout = kPatience) const {
    pb::GetGroupOnlineRequest request;
    request.set_group(group);
    return AdminClient(address(), timeout)
        .Ask<pb::GetGroupOnlineResponse>(request);
  }

 private:
  FakeAdmin admin_;
  FakeClientManager client_manager_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(AdminClientTest, TheMethodIsTheOneThatTakesTheRequest) {
  const auto answer = AskWhetherOnline("orders");
  ASSERT_THAT(answer, IsOk());
  EXPECT_TRUE(answer->consumer());
}

TEST_F(AdminClientTest, AllPagesAreOneResponseAndARefusedPageIsAskedForAgain) {
  pb::GetConsumerListByGroupRequest request;
  request.set_group("g");
  const auto answer = AdminClient(address(), kPatience)
                          .Ask<pb::GetConsumerListByGroupResponse>(request);
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->client_ids(), ElementsAre("g0", "g1", "g2"));
  EXPECT_EQ(answer->broker_name(), "broker-a");
  EXPECT_EQ(answer->next_page_token(), "");
}

TEST_F(AdminClientTest, AnAnswerTakesAtMost4096Calls) {
  const auto ask = [this](int pages) {
    pb::GetConsumerListByGroupRequest request;
    request.set_group(absl::StrCat(pages));
    return AdminClient(address(), kPatience)
        .Ask<pb::GetConsumerListByGroupResponse>(request);
  };
  // One is refused at first.
  const auto most = ask(AdminClient::kMaxCalls - 1);
  ASSERT_THAT(most, IsOk());
  EXPECT_EQ(most->client_ids_size(), AdminClient::kMaxCalls - 1);
  EXPECT_THAT(ask(AdminClient::kMaxCalls + 1),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("more pages than 4096 calls get")));
}

TEST_F(AdminClientTest, ARequestThatSaysHowManyGetsOnePageWithItsToken) {
  pb::GetConsumerListByGroupRequest request;
  request.set_group("g");
  request.set_page_size(1);
  request.set_page_token("1");  // Refused at first.
  const auto answer = AdminClient(address(), kPatience)
                          .Ask<pb::GetConsumerListByGroupResponse>(request);
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->client_ids(), ElementsAre("g1"));
  EXPECT_EQ(answer->next_page_token(), "2");
}

TEST_F(AdminClientTest, ARefusalIsTheBrokersCodeAndMessage) {
  EXPECT_THAT(AskWhetherOnline("refused"),
              StatusIs(absl::StatusCode::kInvalidArgument, "group: refused"));
}

TEST_F(AdminClientTest, ABrokerThatDoesNotAnswerIsGivenUpAfterTheTimeout) {
  EXPECT_THAT(
      AskWhetherOnline("silent", absl::Milliseconds(50)),
      StatusIs(absl::StatusCode::kDeadlineExceeded,
               absl::StrCat("no answer from ", address(), " within 50ms")));
}

TEST_F(AdminClientTest, AMethodThatTheBrokerDoesNotOfferIsSaid) {
  EXPECT_THAT(AdminClient(address(), kPatience).Ask(pb::ListTopicsRequest()),
              StatusIs(absl::StatusCode::kUnimplemented,
                       StartsWith(absl::StrCat(address(), " does not offer"))));
}

TEST_F(AdminClientTest, AMessageThatIsNoRequestIsRefused) {
  EXPECT_THAT(AdminClient(address(), kPatience).Ask(pb::Channel()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "no method takes a rocketmq.clientmanager.v1.Channel"));
  // Of a method that streams.
  EXPECT_THAT(
      AdminClient(address(), kPatience).Ask(pb::ClientFrame()),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ClientFrame")));
}

TEST_F(AdminClientTest, AMethodWithOneResponseIsNotStreamed) {
  const AdminStreamEnd end =
      AdminClient(address(), kPatience)
          .Stream(pb::GetGroupOnlineRequest(),
                  [](const google::protobuf::Message&) { FAIL(); });
  EXPECT_THAT(end.status, StatusIs(absl::StatusCode::kInvalidArgument,
                                   HasSubstr("GetGroupOnlineRequest")));
  EXPECT_EQ(end.reason, "");
  EXPECT_EQ(end.retry_after, absl::ZeroDuration());
}

TEST_F(AdminClientTest, AResponseOfAnotherTypeIsRefused) {
  pb::GetGroupOnlineRequest request;
  EXPECT_THAT(
      AdminClient(address(), kPatience).Ask<pb::ListTopicsResponse>(request),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "rocketmq.clientmanager.v1.GetGroupOnlineRequest is not "
               "answered with "
               "rocketmq.clientmanager.v1.ListTopicsResponse"));
}

TEST(AdminClientWithoutBrokerTest, ABrokerThatIsNotThereIsAskedAfter) {
  // Port 1 (tcpmux) is nobody's.
  EXPECT_THAT(
      AdminClient("127.0.0.1:1", kPatience).Ask(pb::GetPolicyRequest()),
      StatusIs(absl::StatusCode::kUnavailable,
               "cannot reach 127.0.0.1:1: connection refused; is the broker "
               "running?"));
}

TestAuthority& Authority() {
  static TestAuthority& authority = *new TestAuthority("ca");
  return authority;
}

std::shared_ptr<grpc::ServerCredentials> LocalhostCredentials() {
  const TestCertificate certificate = Authority().IssueLocalhost();
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back(
      {certificate.key, certificate.certificate});
  return grpc::SslServerCredentials(options);
}

class TlsAdminClientTest : public AdminClientTest {
 protected:
  TlsAdminClientTest() : AdminClientTest(LocalhostCredentials()) {
    options_.tls.emplace();
    options_.tls->ca_file = testing::TempDir() + "/admin_ca.pem";
    options_.tls->server_name = "localhost";
    WriteTestFile(options_.tls->ca_file, Authority().certificate());
  }

  absl::Status Ask() const {
    auto client = AdminClient::Create(address(), kPatience, options_);
    if (!client.ok()) return client.status();
    pb::GetGroupOnlineRequest request;
    request.set_group("authorization");
    return (*client)->Ask<pb::GetGroupOnlineResponse>(request).status();
  }

  AdminClientOptions options_;
};

TEST_F(TlsAdminClientTest, OverTlsACallSaysWhoAsks) {
  EXPECT_THAT(Ask(), StatusIs(absl::StatusCode::kUnauthenticated));
  options_.credentials = Credentials{"ops", "hush", ""};
  EXPECT_THAT(Ask(), StatusIs(absl::StatusCode::kPermissionDenied,
                              StartsWith("MQv2-HMAC-SHA1 Credential=ops/")));
}

TEST_F(TlsAdminClientTest, AnotherCertificateIsUnavailableWithTheReason) {
  options_.tls->server_name = "other.example";
  EXPECT_THAT(Ask(), StatusIs(absl::StatusCode::kUnavailable,
                              HasSubstr("other.example")));
  WriteTestFile(options_.tls->ca_file, TestAuthority("other").certificate());
  EXPECT_THAT(Ask(), StatusIs(absl::StatusCode::kUnavailable,
                              HasSubstr("certificate verify failed")));
}

TEST_F(TlsAdminClientTest, InPlainTextItIsAskedWhetherBothSpeakTls) {
  options_.tls.reset();
  EXPECT_THAT(Ask(), StatusIs(absl::StatusCode::kUnavailable,
                              HasSubstr("does one side speak TLS")));
}

TEST_F(TlsAdminClientTest, OptionsAreCheckedBeforeAnythingIsAsked) {
  options_.tls->ca_file = "/no/such";
  EXPECT_THAT(Ask(), StatusIs(absl::StatusCode::kFailedPrecondition));
  options_.tls.reset();
  options_.credentials = Credentials{"ops", "", ""};
  EXPECT_THAT(Ask(), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rmq
