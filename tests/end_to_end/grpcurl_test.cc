// The broker called by hand: grpcurl, which learns the services by reflection.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/eventually.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kService[] = "rocketmq.clientmanager.v1.ClientManager/";
constexpr char kAdmin[] = "rocketmq.clientmanager.v1.ClientManagerAdmin/";

constexpr char kHeartbeat[] = R"json({
  "client_id": "10.0.0.1@hand",
  "language": "LANGUAGE_CODE_OTHER",
  "consumers": [{
    "group": "orders",
    "consume_type": "CONSUME_TYPE_CONSUME_PASSIVELY",
    "message_model": "MESSAGE_MODEL_CLUSTERING",
    "subscriptions": [{"topic": "order-events", "expression": "paid || sent"}]
  }],
  "producers": [{"group": "invoices"}]
})json";

// A field of a JSON answer with a scalar value, or only the field if that is
// empty. Some versions of grpcurl write field_name, others fieldName.
MATCHER_P2(HasField, name, value,
           absl::StrCat("has the field ", name, " ", value)) {
  std::string pattern = absl::StrCat("\"", name, "\": \"?", value);
  for (size_t i = pattern.find('_'); i != std::string::npos;
       i = pattern.find('_', i)) {
    const char letter = pattern[i + 1];
    pattern.replace(
        i, 2,
        absl::StrCat("(_", std::string(1, letter), "|",
                     std::string(1, absl::ascii_toupper(letter)), ")"));
    i += 3;
  }
  return ::testing::ExplainMatchResult(::testing::ContainsRegex(pattern), arg,
                                       result_listener);
}

class GrpcurlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (FindProgram("grpcurl").empty()) {
      GTEST_SKIP() << "grpcurl is not installed (tools/setup --all)";
    }
    // Calls by hand take their time: clients are not to expire in between.
    auto broker = BrokerProcess::Start("127.0.0.1:0", {"--channel_expiry=60s"});
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
  }

  const std::string& address() const { return broker_->address(); }
  const BrokerProcess& broker() const { return *broker_; }

  // grpcurl -plaintext OPTION... ADDRESS WORD...
  ProcessOutcome Grpcurl(const std::vector<std::string>& options,
                         const std::vector<std::string>& words) {
    ChildProcess::Options run;
    run.command = {"grpcurl", "-plaintext"};
    run.command.insert(run.command.end(), options.begin(), options.end());
    run.command.push_back(address());
    run.command.insert(run.command.end(), words.begin(), words.end());
    const absl::StatusOr<ProcessOutcome> outcome = RunToEnd(std::move(run));
    EXPECT_THAT(outcome, IsOk());
    return outcome.ok() ? *outcome : ProcessOutcome{};
  }
  ProcessOutcome Call(absl::string_view service, absl::string_view method,
                      absl::string_view request) {
    return Grpcurl({"-d", std::string(request)},
                   {absl::StrCat(service, method)});
  }

 private:
  std::unique_ptr<BrokerProcess> broker_;
};

TEST_F(GrpcurlTest, ReflectionListsAndDescribesTheServices) {
  const ProcessOutcome list = Grpcurl({}, {"list"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(list.out,
              AllOf(HasSubstr("rocketmq.clientmanager.v1.ClientManager\n"),
                    HasSubstr("rocketmq.clientmanager.v1.ClientManagerAdmin\n"),
                    HasSubstr("grpc.health.v1.Health\n")));

  const ProcessOutcome describe =
      Grpcurl({}, {"describe", "rocketmq.clientmanager.v1.ClientManager"});
  EXPECT_EQ(describe.exit_code, 0) << describe.err;
  EXPECT_THAT(describe.out, AllOf(HasSubstr("rpc Connect ( stream "),
                                  HasSubstr("REQUEST_CODE_HEART_BEAT")));
}

TEST_F(GrpcurlTest, HealthIsServing) {
  for (const char* request :
       {"{}", R"({"service": "rocketmq.clientmanager.v1.ClientManager"})"}) {
    const ProcessOutcome check =
        Call("grpc.health.v1.Health/", "Check", request);
    EXPECT_EQ(check.exit_code, 0) << check.err;
    EXPECT_THAT(check.out, HasSubstr("\"SERVING\""));
  }
}

TEST_F(GrpcurlTest, AHeartbeatRegistersAClientThatEveryCallShows) {
  const ProcessOutcome heartbeat = Call(kService, "Heartbeat", kHeartbeat);
  EXPECT_EQ(heartbeat.exit_code, 0) << heartbeat.err;
  EXPECT_THAT(heartbeat.out, AllOf(HasField("channel_expiry", "60s"),
                                   HasField("suggested_interval", "15s"),
                                   HasField("statement_token", "")));

  const ProcessOutcome ids =
      Call(kService, "GetConsumerListByGroup", R"({"group": "orders"})");
  EXPECT_EQ(ids.exit_code, 0) << ids.err;
  EXPECT_THAT(ids.out, HasSubstr("\"10.0.0.1@hand\""));

  const ProcessOutcome consumers =
      Call(kAdmin, "GetConsumerConnectionList", R"({"group": "orders"})");
  EXPECT_EQ(consumers.exit_code, 0) << consumers.err;
  EXPECT_THAT(consumers.out, AllOf(HasField("client_id", "10.0.0.1@hand"),
                                   HasSubstr("\"paid || sent\""),
                                   HasSubstr("\"LANGUAGE_CODE_OTHER\""),
                                   HasField("last_heard_at", "")));

  const ProcessOutcome producers =
      Call(kAdmin, "GetProducerConnectionList", R"({"group": "invoices"})");
  EXPECT_EQ(producers.exit_code, 0) << producers.err;
  EXPECT_THAT(producers.out, HasField("client_id", "10.0.0.1@hand"));

  const ProcessOutcome groups =
      Call(kAdmin, "ListGroups", R"({"kind": "GROUP_KIND_PRODUCER"})");
  EXPECT_EQ(groups.exit_code, 0) << groups.err;
  EXPECT_THAT(groups.out, HasSubstr("\"invoices\""));
}

TEST_F(GrpcurlTest, AnUnregisteredClientIsGone) {
  ASSERT_EQ(Call(kService, "Heartbeat", kHeartbeat).exit_code, 0);
  constexpr char kUnregister[] =
      R"({"client_id": "10.0.0.1@hand", "consumer_group": "orders"})";
  EXPECT_EQ(Call(kService, "UnregisterClient", kUnregister).exit_code, 0);

  const ProcessOutcome ids =
      Call(kService, "GetConsumerListByGroup", R"({"group": "orders"})");
  EXPECT_NE(ids.exit_code, 0);
  EXPECT_THAT(ids.err, HasSubstr("Code: NotFound"));
  // Safe to repeat.
  EXPECT_EQ(Call(kService, "UnregisterClient", kUnregister).exit_code, 0);
}

TEST_F(GrpcurlTest, CheckClientConfigTellsAGoodTypeFromABadOne) {
  constexpr char kGood[] = R"json({
    "client_id": "c", "group": "orders",
    "subscription": {"topic": "t", "expression": "a || b", "expression_type": "TAG"}
  })json";
  const ProcessOutcome good = Call(kService, "CheckClientConfig", kGood);
  EXPECT_EQ(good.exit_code, 0) << good.err;

  constexpr char kBad[] = R"json({
    "client_id": "c", "group": "orders",
    "subscription": {"topic": "t", "expression": "a", "expression_type": "XPATH"}
  })json";
  const ProcessOutcome bad = Grpcurl(
      {"-v", "-d", kBad}, {absl::StrCat(kService, "CheckClientConfig")});
  EXPECT_NE(bad.exit_code, 0);
  EXPECT_THAT(bad.err,
              AllOf(HasSubstr("Code: InvalidArgument"), HasSubstr("XPATH")));
  // SUBSCRIPTION_PARSE_FAILED.
  EXPECT_THAT(bad.out, HasSubstr("rocketmq-response-code: 23"));
}

TEST_F(GrpcurlTest, BadInputIsToldFieldValueAndRule) {
  const ProcessOutcome no_client =
      Call(kService, "Heartbeat", R"({"consumers": [{"group": "orders"}]})");
  EXPECT_NE(no_client.exit_code, 0);
  EXPECT_THAT(no_client.err, AllOf(HasSubstr("Code: InvalidArgument"),
                                   HasSubstr("Message: client_id must ")));

  const ProcessOutcome bad_group =
      Call(kService, "Heartbeat",
           R"({"client_id": "c", "consumers": [{"group": "a b"}]})");
  EXPECT_NE(bad_group.exit_code, 0);
  EXPECT_THAT(bad_group.err, AllOf(HasSubstr("consumers[0].group must be "),
                                   HasSubstr("got \"a b\"")));
  EXPECT_THAT(broker().ConsumerIds("orders"), IsEmpty());
}

TEST_F(GrpcurlTest, AConnectStreamHeldOpenFromAFifoIsAMemberUntilItIsClosed) {
  const std::string fifo =
      absl::StrCat(::testing::TempDir(), "/connect-frames");
  (void)std::remove(fifo.c_str());
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const absl::StatusOr<std::unique_ptr<ChildProcess>> grpcurl =
      ChildProcess::Start({{"grpcurl", "-plaintext", "-emit-defaults", "-d",
                            "@", address(), absl::StrCat(kService, "Connect")},
                           {},
                           fifo});
  ASSERT_THAT(grpcurl, IsOk());
  const int frames = open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(frames, 0);
  const std::string frame =
      absl::StrCat(R"({"request_id": 7, "heartbeat": )", kHeartbeat, "}\n");
  ASSERT_EQ(write(frames, frame.data(), frame.size()),
            static_cast<ssize_t>(frame.size()));

  // The reply, and the push of its own joining.
  EXPECT_TRUE(Becomes(
      [&] { return (*grpcurl)->out(); },
      AllOf(HasField("request_id", "7"), HasField("statement_token", ""),
            HasField("notify_consumer_ids_changed", ""))));
  EXPECT_THAT(broker().ConsumerIds("orders"), ElementsAre("10.0.0.1@hand"));

  // Another client, by another call, is pushed too.
  const size_t before = (*grpcurl)->out().size();
  ASSERT_EQ(
      Call(kService, "Heartbeat",
           R"({"client_id": "other", "consumers": [{"group": "orders"}]})")
          .exit_code,
      0);
  EXPECT_TRUE(Becomes([&] { return (*grpcurl)->out().substr(before); },
                      HasSubstr("\"group\": \"orders\"")));
  EXPECT_THAT(broker().ConsumerIds("orders"),
              UnorderedElementsAre("10.0.0.1@hand", "other"));

  close(frames);
  EXPECT_EQ((*grpcurl)->WaitForExit(kPatience), 0) << (*grpcurl)->err();
  EXPECT_TRUE(Becomes([&] { return broker().ConsumerIds("orders"); },
                      ElementsAre("other")));
  EXPECT_TRUE(
      Becomes([&] { return broker().ReasonsOfLeaving("10.0.0.1@hand"); },
              // One line for its producer group and its consumer group.
              ElementsAre("DISCONNECTED")));
}

}  // namespace
}  // namespace rmq
