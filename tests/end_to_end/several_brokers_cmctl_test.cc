// The operator's command line against two real brokers.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/raw_client.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class SeveralBrokersCmctlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* const name : {"broker-a", "broker-b"}) {
      auto broker = BrokerProcess::Start(
          "127.0.0.1:0", {absl::StrCat("--broker_name=", name), "--settle=0s",
                          "--channel_expiry=120s"});
      ASSERT_THAT(broker, IsOk());
      brokers_.push_back(*std::move(broker));
    }
  }

  void Register(absl::string_view address, absl::string_view client_id,
                absl::string_view tags) {
    pb::HeartbeatRequest heartbeat = ConsumerHeartbeat(client_id, "orders");
    pb::SubscriptionData* const subscription =
        heartbeat.mutable_consumers(0)->add_subscriptions();
    subscription->set_topic("paid");
    subscription->set_expression(std::string(tags));
    subscription->set_sub_version(++last_sub_version_);
    ASSERT_TRUE(SendHeartbeat(address, heartbeat).ok());
  }

  // Asks both brokers.
  ProcessOutcome Cmctl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), RunfilePath("tools/cmctl/cmctl"));
    for (const auto& broker : brokers_) {
      arguments.push_back(absl::StrCat("--broker=", broker->address()));
    }
    ChildProcess::Options options;
    options.command = std::move(arguments);
    absl::StatusOr<ProcessOutcome> outcome = RunToEnd(std::move(options));
    EXPECT_THAT(outcome, IsOk());
    return outcome.ok() ? *std::move(outcome) : ProcessOutcome{};
  }

  std::vector<std::unique_ptr<BrokerProcess>> brokers_;
  int64_t last_sub_version_ = 0;
};

TEST_F(SeveralBrokersCmctlTest, LookUpsShowTheRowsOfBoth) {
  Register(brokers_[0]->address(), "c0", "a");
  Register(brokers_[1]->address(), "c1", "a");
  ProcessOutcome outcome = Cmctl({"ids", "orders"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(StartsWith("BROKER"),
                    HasSubstr(absl::StrCat(brokers_[0]->address(), "  c0\n")),
                    HasSubstr(absl::StrCat(brokers_[1]->address(), "  c1\n"))));
  outcome = Cmctl({"broker"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(ContainsRegex("broker-a +0 .* serving"),
                                 ContainsRegex("broker-b +0 .* serving"),
                                 HasSubstr("1 of 200000")));
}

TEST_F(SeveralBrokersCmctlTest, ABrokerThatIsGoneIsSaid) {
  const std::string gone = brokers_[1]->address();
  brokers_[1]->process().Signal(9);
  ASSERT_TRUE(
      brokers_[1]->process().WaitForExit(absl::Seconds(30)).has_value());
  const ProcessOutcome outcome = Cmctl({"groups"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, StartsWith(absl::StrCat("cannot reach ", gone)));
  EXPECT_THAT(outcome.out, HasSubstr("no group is registered"));
}

TEST_F(SeveralBrokersCmctlTest, StatusAndDoctorSayWhereBrokersDisagree) {
  Register(brokers_[0]->address(), "c0", "a");
  Register(brokers_[1]->address(), "c0", "a");
  ProcessOutcome status = Cmctl({"status"});
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_THAT(status.out,
              HasSubstr("the brokers agree: 1 client and 1 consumer group of 2 "
                        "brokers\n"));
  EXPECT_EQ(Cmctl({"doctor"}).exit_code, 0);

  Register(brokers_[1]->address(), "c0", "b");
  status = Cmctl({"status"});
  EXPECT_EQ(status.exit_code, 4) << status.err;
  EXPECT_THAT(status.out, AllOf(HasSubstr("THE BROKERS DISAGREE"),
                                ContainsRegex("subscriptions +orders +")));
  status = Cmctl({"status", "-o", "json"});
  EXPECT_EQ(status.exit_code, 4);
  EXPECT_THAT(status.out, HasSubstr("\"agree\": false"));
  ProcessOutcome doctor = Cmctl({"doctor"});
  EXPECT_EQ(doctor.exit_code, 4) << doctor.err;
  EXPECT_THAT(doctor.out, AllOf(HasSubstr("WARNING  disagreement\n"),
                                HasSubstr("21 checks of 2 brokers: 0 errors, 1 "
                                          "warning and 0 notes\n")));
  // Members of one group that differ are worse.
  Register(brokers_[1]->address(), "c1", "a");
  doctor = Cmctl({"doctor"});
  EXPECT_EQ(doctor.exit_code, 4) << doctor.err;
  EXPECT_THAT(doctor.out, HasSubstr("ERROR  subscriptions\n"));
}

TEST_F(SeveralBrokersCmctlTest, AClusterIsAskedThroughItsSource) {
  ChildProcess::Options options;
  options.command = {
      RunfilePath("tools/cmctl/cmctl"), "broker",
      absl::StrCat("--cluster=static:///", brokers_[0]->address(), ",",
                   brokers_[1]->address())};
  const auto outcome = RunToEnd(std::move(options));
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit_code, 0) << outcome->err;
  EXPECT_THAT(outcome->out,
              AllOf(HasSubstr("broker-a"), HasSubstr("broker-b")));
}

TEST_F(SeveralBrokersCmctlTest, AWatchTellsOfBothBrokersAndWhichIsAway) {
  const std::string there = brokers_[0]->address();
  const std::string gone = brokers_[1]->address();
  Register(there, "c0", "a");
  ProcessOutcome watch = Cmctl({"watch", "--timeout=2s"});
  EXPECT_EQ(watch.exit_code, 0) << watch.err;
  for (const std::string& broker : {there, gone}) {
    EXPECT_THAT(
        watch.out,
        AllOf(HasSubstr(absl::StrCat(" -- connected broker=", broker, "\n")),
              HasSubstr(absl::StrCat(
                  " -- the members are known broker=", broker, " revision="))));
  }
  brokers_[1]->process().Signal(9);
  ASSERT_TRUE(
      brokers_[1]->process().WaitForExit(absl::Seconds(30)).has_value());
  watch = Cmctl({"watch", "--timeout=2s", "-o", "json"});
  EXPECT_EQ(watch.exit_code, 0) << watch.err;
  EXPECT_THAT(watch.out,
              AllOf(HasSubstr(absl::StrCat("{\"broker\":\"", there,
                                           "\",\"state\":{\"connected\":true")),
                    HasSubstr(absl::StrCat(
                        "{\"broker\":\"", gone,
                        "\",\"state\":{\"connected\":false,\"error\":"))));
}

TEST_F(SeveralBrokersCmctlTest, SeveralBrokersAreDrainedIfThatIsAskedFor) {
  Register(brokers_[0]->address(), "c0", "a");
  EXPECT_EQ(Cmctl({"drain", "--for=0s"}).exit_code, 2);
  EXPECT_THAT(Cmctl({"broker"}).out, HasSubstr(" serving "));
  ProcessOutcome drain = Cmctl({"drain", "--for=0s", "--all", "--timeout=30s"});
  EXPECT_EQ(drain.exit_code, 0) << drain.err;
  for (const auto& broker : brokers_) {
    EXPECT_THAT(drain.out, HasSubstr(absl::StrCat(broker->address(),
                                                  ": drained: all clients")));
  }
  // What is the same at several brokers is explained once.
  EXPECT_THAT(Cmctl({"doctor"}).out,
              HasSubstr(absl::StrCat(
                  "WARNING  draining\n  ", brokers_[0]->address(),
                  ": it drains, or is drained: it takes no clients\n  ",
                  brokers_[1]->address(),
                  ": it drains, or is drained: it takes no clients\n"
                  "  What it means: ")));
  drain = Cmctl({"drain", "--cancel", "--all"});
  EXPECT_EQ(drain.exit_code, 0) << drain.err;
  EXPECT_THAT(drain.out, HasSubstr(": the broker takes clients, and has 0\n"));
}

// PyYAML reads YAML 1.1, in which more words are no text.
TEST_F(SeveralBrokersCmctlTest, YamlIsWhatJsonIs) {
  Register(brokers_[0]->address(), "yes", "*");
  Register(brokers_[1]->address(), "1e3: \"#", "a || no");
  const std::string compare = R"(
import json, sys
try:
    import yaml
except ImportError:
    print("no yaml"); sys.exit(0)
a, b = json.loads(sys.argv[1]), yaml.safe_load(sys.argv[2])
assert a == b, (a, b)
print("same")
)";
  for (const char* const command : {"connections", "consistency"}) {
    ChildProcess::Options options;
    options.command = {"python3", "-c", compare,
                       Cmctl({command, "orders", "-o", "json"}).out,
                       Cmctl({command, "orders", "-o", "yaml"}).out};
    const auto outcome = RunToEnd(std::move(options));
    ASSERT_THAT(outcome, IsOk());
    if (outcome->out == "no yaml\n") {
      GTEST_SKIP() << "SKIPPED: python3 has no yaml";
    }
    EXPECT_EQ(outcome->out, "same\n") << outcome->err;
  }
}

}  // namespace
}  // namespace rmq
