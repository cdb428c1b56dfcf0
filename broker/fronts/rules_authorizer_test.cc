#include "broker/fronts/rules_authorizer.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/auth/access.h"
#include "broker/auth/auth_config.h"
#include "broker/auth/auth_rules.h"
#include "broker/auth/authenticate.h"
#include "broker/fronts/auth_options.h"
#include "broker/fronts/denial_log.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/transport_kind.h"
#include "common/security/hmac_sha1.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::HasSubstr;

constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
constexpr auto kPermissionDenied = absl::StatusCode::kPermissionDenied;
constexpr char kAddress[] = "127.0.0.1:40000";
constexpr char kRemote[] = "10.1.2.3:40000";
constexpr char kDate[] = "20231227T194619Z";

MATCHER_P2(Is, code, message, "") {
  *result_listener << arg.message;
  return arg.code == code &&
         ::testing::ExplainMatchResult(HasSubstr(message), arg.message,
                                       result_listener);
}
MATCHER(IsFine, "") {
  *result_listener << arg.message;
  return arg.ok();
}

std::string Sign(absl::string_view user, absl::string_view secret,
                 absl::string_view date = kDate) {
  const HmacSha1Signature signature = *HmacSha1::Create(secret)->Sign(date);
  return absl::StrCat(
      "MQv2-HMAC-SHA1 Credential=", user,
      "/cn/RocketMQ, SignedHeaders=x-mq-date-time, Signature=",
      absl::BytesToHexString(std::string(signature.begin(), signature.end())));
}

const google::protobuf::MethodDescriptor& MethodOf(absl::string_view name) {
  for (const auto* file :
       {pb::HeartbeatRequest::descriptor()->file(),
        pb::ListGroupsRequest::descriptor()->file(),
        apache::rocketmq::v2::ReceiveMessageRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      const auto* const method =
          file->service(i)->FindMethodByName(std::string(name));
      if (method != nullptr) return *method;
    }
  }
  ADD_FAILURE() << "no method " << name;
  std::abort();
}

class RulesAuthorizerTest : public ::testing::Test {
 protected:
  RulesAuthorizerTest() {
    config_.users = {
        {"pay", "12345678"}, {"bill", "87654321"}, {"root", "rootroot", true}};
    config_.certificates = {{"spiffe://site/pay", "pay"}};
    config_.rules = {
        {"pay", "Group:pay*", {AuthAction::kSub}, {}, true},
        {"pay", "Topic:pay-events", {AuthAction::kSub}, {"127.0.0.0/8"}, true},
        {"pay", "Cluster:c1", {AuthAction::kGet}, {}, true},
    };
    Use(AuthMode::kOn);
  }

  void Use(AuthMode mode, AuthOptions options = {}) {
    options.mode = mode;
    authorizer_.emplace(options, "c1", &clock_, &denials_);
    SetRules();
  }
  void SetRules() {
    auto rules = AuthRules::Create(config_);
    ASSERT_TRUE(rules.ok()) << rules.status();
    authorizer_->SetRules(*std::move(rules));
  }

  CallStatus Identify(absl::optional<std::string> authorization,
                      CallerIdentity* identity,
                      TransportKind transport = TransportKind::kPlaintext,
                      absl::string_view address = kAddress,
                      absl::string_view date = kDate) {
    CallerProof proof;
    if (authorization.has_value()) {
      proof.authorization = *authorization;
      proof.date_time = date;
    }
    return authorizer_->IdentifyBy(proof, transport, address, clock_.TimeNow(),
                                   identity);
  }

  CallContext Context(absl::string_view method, absl::string_view user,
                      absl::string_view address = kAddress) {
    return {
        MethodOf(method),
        {address, ClientNetworkOf(address), user, authorizer_->generation()},
        {},
        clock_.TimeNow()};
  }
  CallStatus Check(absl::string_view method, absl::string_view user,
                   const CallResources& resources = {}) {
    return authorizer_->Check(Context(method, user), resources);
  }
  CallStatus CheckConsumer(absl::string_view user, absl::string_view group,
                           std::vector<absl::string_view> topics = {},
                           absl::string_view address = kAddress) {
    return authorizer_->CheckConsumer(Context("Heartbeat", user, address),
                                      group, topics);
  }
  static CallResources Heartbeat(absl::string_view client_id,
                                 absl::string_view producer = "") {
    CallResources resources;
    resources.client_id = client_id;
    resources.consumers_are_asked_apart = true;
    if (!producer.empty()) resources.producer_groups.push_back(producer);
    return resources;
  }

  SimulatedClock clock_;
  AuthConfig config_;
  DenialLog denials_;
  absl::optional<RulesAuthorizer> authorizer_;
};

TEST_F(RulesAuthorizerTest, ASignatureTellsTheUser) {
  CallerIdentity identity;
  EXPECT_THAT(Identify(Sign("pay", "12345678"), &identity), IsFine());
  EXPECT_EQ(identity.user, "pay");
  EXPECT_EQ(identity.generation, authorizer_->generation());
}

// From RocketMQ's own tests: the HMAC-SHA1 of "RocketMQ" by "12345678".
TEST_F(RulesAuthorizerTest, RocketMqsKnownAnswerIsTaken) {
  std::string signature;
  ASSERT_TRUE(absl::Base64Unescape("IUc8rrO/0gDch8CjObLQsW2rsiA=", &signature));
  CallerIdentity identity;
  EXPECT_THAT(
      Identify(absl::StrCat("MQv2-HMAC-SHA1 Credential=pay/cn/RocketMQ, "
                            "SignedHeaders=x-mq-date-time, Signature=",
                            absl::BytesToHexString(signature)),
               &identity, TransportKind::kPlaintext, kAddress, "RocketMQ"),
      IsFine());
  EXPECT_EQ(identity.user, "pay");
}

TEST_F(RulesAuthorizerTest, ACertificateTellsTheUser) {
  CallerProof proof;
  proof.certificate.spiffe_id = "spiffe://site/pay";
  CallerIdentity identity;
  EXPECT_THAT(authorizer_->IdentifyBy(proof, TransportKind::kTls, kRemote,
                                      clock_.TimeNow(), &identity),
              IsFine());
  EXPECT_EQ(identity.user, "pay");
}

TEST_F(RulesAuthorizerTest, WhoDoesNotSayWhoHeIsIsRefused) {
  CallerIdentity identity;
  EXPECT_THAT(Identify(absl::nullopt, &identity),
              Is(kUnauthenticated, "must say who they are"));
  EXPECT_THAT(Identify(Sign("pay", "wrong"), &identity),
              Is(kUnauthenticated, ""));
  EXPECT_EQ(denials_.counters().value(DenialReason::kAnonymous), 1);
  EXPECT_EQ(denials_.counters().value(DenialReason::kUnauthenticated), 1);
}

TEST_F(RulesAuthorizerTest, ALongHeaderIsRefusedAndNotRepeated) {
  CallerIdentity identity;
  const std::string header =
      Sign("pay", std::string(200, 's')) + std::string((8 << 10) + 1, 'x');
  const CallStatus status = Identify(header, &identity);
  EXPECT_EQ(status.code, kUnauthenticated);
  EXPECT_LT(status.message.size(), 300);
}

TEST_F(RulesAuthorizerTest, ASignatureFromAfarNeedsASecuredConnection) {
  CallerIdentity identity;
  const std::string header = Sign("pay", "12345678");
  EXPECT_THAT(Identify(header, &identity, TransportKind::kPlaintext, kRemote),
              Is(kUnauthenticated, "connect by TLS"));
  EXPECT_EQ(denials_.counters().value(DenialReason::kInsecure), 1);
  identity = {};
  EXPECT_THAT(Identify(header, &identity, TransportKind::kTls, kRemote),
              IsFine());
  identity = {};
  EXPECT_THAT(Identify(header, &identity, TransportKind::kLocal, "unix:"),
              IsFine());
  AuthOptions options;
  options.allow_insecure = true;
  Use(AuthMode::kOn, options);
  identity = {};
  EXPECT_THAT(Identify(header, &identity, TransportKind::kPlaintext, kRemote),
              IsFine());
}

TEST_F(RulesAuthorizerTest, ADateIsJudgedWhenAStreamOpensAndNotAgain) {
  AuthOptions options;
  options.date_window = absl::Minutes(15);
  Use(AuthMode::kOn, options);
  CallerIdentity identity;
  EXPECT_THAT(Identify(Sign("pay", "12345678"), &identity),
              Is(kUnauthenticated, ""));
  const std::string date =
      absl::FormatTime("%Y%m%dT%H%M%SZ", clock_.TimeNow(), absl::UTCTimeZone());
  const std::string header = Sign("pay", "12345678", date);
  identity = {};
  const auto identify = [&] {
    return Identify(header, &identity, TransportKind::kPlaintext, kAddress,
                    date);
  };
  EXPECT_THAT(identify(), IsFine());
  clock_.Advance(absl::Hours(1));
  SetRules();
  EXPECT_THAT(identify(), IsFine());
  identity = {};
  EXPECT_THAT(identify(), Is(kUnauthenticated, ""));
}

TEST_F(RulesAuthorizerTest, NewRulesHaveAnotherNumberAndAUserGoneIsRefused) {
  CallerIdentity identity;
  const std::string header = Sign("pay", "12345678");
  EXPECT_THAT(Identify(header, &identity), IsFine());
  const uint64_t before = authorizer_->generation();
  config_.users[0].is_enabled = false;
  SetRules();
  EXPECT_GT(authorizer_->generation(), before);
  EXPECT_THAT(Identify(header, &identity), Is(kUnauthenticated, ""));
}

TEST_F(RulesAuthorizerTest, AStreamDoesNotBecomeAnotherUsers) {
  CallerProof proof;
  proof.certificate.spiffe_id = "spiffe://site/pay";
  CallerIdentity identity;
  const auto identify = [&] {
    return authorizer_->IdentifyBy(proof, TransportKind::kTls, kRemote,
                                   clock_.TimeNow(), &identity);
  };
  EXPECT_THAT(identify(), IsFine());
  config_.certificates[0].user = "bill";
  SetRules();
  EXPECT_THAT(identify(), Is(kUnauthenticated, "connect again"));
}

TEST_F(RulesAuthorizerTest, AConsumerNeedsItsGroupAndEachOfItsTopics) {
  EXPECT_THAT(CheckConsumer("pay", "pay-1", {"pay-events"}), IsFine());
  EXPECT_THAT(
      CheckConsumer("pay", "orders"),
      Is(kPermissionDenied, "the user \"pay\" may not SUB Group:orders"));
  EXPECT_THAT(CheckConsumer("pay", "pay-1", {"pay-events", "orders"}),
              Is(kPermissionDenied, "Topic:orders"));
  EXPECT_THAT(CheckConsumer("pay", "pay-1", {"%RETRY%pay-1"}), IsFine());
  EXPECT_THAT(CheckConsumer("bill", "pay-1"), Is(kPermissionDenied, ""));
  EXPECT_THAT(CheckConsumer("root", "orders", {"orders"}), IsFine());
  EXPECT_EQ(denials_.counters().value(DenialReason::kNoRule), 3);
}

TEST_F(RulesAuthorizerTest, ARuleMayHoldForAddressesAlone) {
  EXPECT_THAT(CheckConsumer("pay", "pay-1", {"pay-events"}, kRemote),
              Is(kPermissionDenied, "Topic:pay-events"));
}

TEST_F(RulesAuthorizerTest, AHeartbeatAsksForItsConsumersApart) {
  CallResources resources = Heartbeat("c1", "anything");
  resources.groups.push_back("orders");
  EXPECT_THAT(Check("Heartbeat", "pay", resources), IsFine());
}

TEST_F(RulesAuthorizerTest, WhoMayNotBeInAGroupMayLeaveIt) {
  CallResources resources;
  resources.producer_groups.push_back("orders");
  resources.groups.push_back("orders");
  EXPECT_THAT(Check("UnregisterClient", "pay", resources), IsFine());
}

TEST_F(RulesAuthorizerTest, OperatorsAskForTheCluster) {
  EXPECT_THAT(Check("ListClients", "pay"), IsFine());
  EXPECT_THAT(Check("KickClients", "pay"),
              Is(kPermissionDenied, "may not UPDATE Cluster:c1"));
  EXPECT_THAT(Check("ReloadConfig", "pay"), Is(kPermissionDenied, ""));
  EXPECT_THAT(Check("KickClients", "root"), IsFine());
  CallResources nothing;
  nothing.groups.push_back("");
  EXPECT_THAT(Check("GetGroupMembership", "pay", nothing), IsFine());
  EXPECT_THAT(Check("GetGroupMembership", "bill", nothing),
              Is(kPermissionDenied, "Cluster:c1"));
}

TEST_F(RulesAuthorizerTest, ClientIdsAndGroupsFitTheirPatterns) {
  config_.client_id_pattern = "${user}|*";
  config_.group_pattern = "${user}%*";
  config_.rules = {{"pay", "Group:*", {AuthAction::kSub}, {}, true}};
  SetRules();
  EXPECT_THAT(Check("Heartbeat", "pay", Heartbeat("pay|1", "pay%p")), IsFine());
  EXPECT_THAT(Check("Heartbeat", "pay", Heartbeat("bill|1")),
              Is(kPermissionDenied, "client id \"bill|1\""));
  EXPECT_THAT(Check("Heartbeat", "pay", Heartbeat("pay|1", "bill%p")),
              Is(kPermissionDenied, "producer group \"bill%p\""));
  EXPECT_THAT(CheckConsumer("pay", "pay%c"), IsFine());
  EXPECT_THAT(CheckConsumer("pay", "bill%c"),
              Is(kPermissionDenied, "consumer group \"bill%c\""));
  EXPECT_EQ(denials_.counters().value(DenialReason::kPattern), 3);
}

TEST_F(RulesAuthorizerTest, ClientsOfRocketmq5sProtocolFitThePatternsToo) {
  config_.client_id_pattern = "${user}|*";
  config_.group_pattern = "${user}%*";
  config_.rules = {{"pay", "Group:*", {AuthAction::kSub}, {}, true}};
  SetRules();
  const auto receive = [this](absl::string_view client_id,
                              absl::string_view group) {
    CallResources resources;
    resources.client_id = client_id;
    resources.groups = {group};
    return Check("ReceiveMessage", "pay", resources);
  };
  EXPECT_THAT(receive("pay|1", "pay%c"), IsFine());
  EXPECT_THAT(receive("bill|1", "pay%c"),
              Is(kPermissionDenied, "client id \"bill|1\""));
  EXPECT_THAT(receive("pay|1", "bill%c"),
              Is(kPermissionDenied, "consumer group \"bill%c\""));
}

TEST_F(RulesAuthorizerTest, InTheModeLogEverythingPassesAndIsCounted) {
  Use(AuthMode::kLog);
  CallerIdentity identity;
  EXPECT_THAT(Identify(Sign("pay", "wrong"), &identity), IsFine());
  EXPECT_EQ(identity.user, "");
  EXPECT_TRUE(identity.is_trial);
  identity = {};
  EXPECT_THAT(Identify(Sign("pay", "12345678"), &identity), IsFine());
  EXPECT_EQ(identity.user, "pay");
  EXPECT_THAT(Check("KickClients", "pay"), IsFine());
  EXPECT_THAT(CheckConsumer("bill", "pay-1"), IsFine());
  EXPECT_EQ(denials_.counters().value(DenialReason::kUnauthenticated), 1);
  EXPECT_EQ(denials_.counters().value(DenialReason::kNoRule), 2);
}

TEST_F(RulesAuthorizerTest, RulesMayBeReplacedWhileOthersAreAsked) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> askers;
  for (int i = 0; i < 2; ++i) {
    askers.emplace_back([&] {
      uint64_t last = 0;
      while (!stop) {
        CallerIdentity identity;
        EXPECT_TRUE(Identify(Sign("pay", "12345678"), &identity).ok());
        EXPECT_GE(identity.generation, last);
        last = identity.generation;
        EXPECT_TRUE(CheckConsumer("pay", "pay-1", {"pay-events"}).ok());
        EXPECT_FALSE(CheckConsumer("bill", "pay-1").ok());
      }
    });
  }
  for (int i = 0; i < 200; ++i) SetRules();
  stop = true;
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(authorizer_->generation(), 201);
}

TEST(AuthOptionsTest, RulesNeedAFileAndAFileNeedsRules) {
  AuthOptions options;
  EXPECT_TRUE(options.Validate().ok());
  options.mode = AuthMode::kOn;
  EXPECT_THAT(std::string(options.Validate().message()),
              HasSubstr("auth_file must be given if auth is on"));
  options.file = "rules.txt";
  EXPECT_TRUE(options.Validate().ok());
  options.mode = AuthMode::kOff;
  EXPECT_THAT(std::string(options.Validate().message()),
              HasSubstr("auth_file must be empty if auth is off"));
  options.mode = AuthMode::kLog;
  options.date_window = -absl::Nanoseconds(1);
  EXPECT_THAT(std::string(options.Validate().message()),
              HasSubstr("auth_date_window must be 0 to"));
}

}  // namespace
}  // namespace rmq
