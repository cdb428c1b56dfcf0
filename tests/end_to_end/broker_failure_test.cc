// A broker that stops, dies, hangs or cannot start: what its clients see.
#include <signal.h>
#include <sys/resource.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/consumer_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/raw_client.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr char kGroup[] = "orders";
// A broker waits for so long for connections that their clients leave open.
constexpr char kDrainTimeout[] = "--drain_timeout=1s";

class BrokerRestartTest : public ::testing::TestWithParam<int> {};

TEST_P(BrokerRestartTest, ClientsComeBackAndAreRegisteredExactlyOnce) {
  auto broker = BrokerProcess::Start(UnusedAddress());
  ASSERT_THAT(broker, IsOk());
  const std::string address = (*broker)->address();
  std::vector<std::unique_ptr<ConsumerProcess>> consumers;
  for (const char* client_id : {"a", "b", "c"}) {
    auto consumer = ConsumerProcess::Start(address, kGroup, client_id);
    ASSERT_THAT(consumer, IsOk());
    consumers.push_back(*std::move(consumer));
  }
  for (const auto& consumer : consumers) {
    ASSERT_TRUE(Becomes([&] { return consumer->Members(); },
                        ElementsAre("a", "b", "c")));
  }

  (*broker)->process().Signal(GetParam());
  ASSERT_TRUE((*broker)->process().WaitForExit(kPatience).has_value());
  broker = BrokerProcess::Start(address);
  ASSERT_THAT(broker, IsOk());

  for (const auto& consumer : consumers) {
    EXPECT_TRUE(Becomes([&] { return consumer->TimesOnline(); }, 2));
  }
  EXPECT_THAT((*broker)->ConsumerIds(kGroup),
              UnorderedElementsAre("a", "b", "c"));
  for (const auto& consumer : consumers) {
    EXPECT_TRUE(Becomes([&] { return consumer->Members(); },
                        ElementsAre("a", "b", "c")));
  }
  // Each of them took part in the new broker's life once.
  for (const char* client_id : {"a", "b", "c"}) {
    EXPECT_THAT((*broker)->ReasonsOfLeaving(client_id), ::testing::IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(HoweverItEnded, BrokerRestartTest,
                         ::testing::Values(SIGKILL, SIGTERM),
                         [](const ::testing::TestParamInfo<int>& info) {
                           return info.param == SIGKILL ? "Killed" : "Stopped";
                         });

TEST(BrokerStopTest, StreamsEndUnavailableAndTheBrokerWithZero) {
  const auto broker = BrokerProcess::Start("127.0.0.1:0", {kDrainTimeout});
  ASSERT_THAT(broker, IsOk());
  RawStream first((*broker)->address());
  RawStream second((*broker)->address());
  ASSERT_TRUE(first.Send(ConsumerHeartbeat("first", kGroup)));
  ASSERT_TRUE(second.Send(ConsumerHeartbeat("second", kGroup)));
  ASSERT_TRUE(Becomes([&] { return (*broker)->ConsumerIds(kGroup); },
                      UnorderedElementsAre("first", "second")));

  (*broker)->process().Signal(SIGTERM);
  EXPECT_EQ(first.WaitForEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(second.WaitForEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT((*broker)->process().WaitForExit(kPatience), Optional(0));
  EXPECT_THAT((*broker)->process().err(), HasSubstr("] stopped\n"));
}

TEST(BrokerStopTest, AClientThatDoesNotReadHoldsNothingUp) {
  const auto broker = BrokerProcess::Start("127.0.0.1:0", {kDrainTimeout});
  ASSERT_THAT(broker, IsOk());
  const auto consumer =
      ConsumerProcess::Start((*broker)->address(), kGroup, "stopped");
  ASSERT_THAT(consumer, IsOk());
  ASSERT_TRUE(Becomes([&] { return (*broker)->ConsumerIds(kGroup); },
                      ElementsAre("stopped")));
  (*consumer)->process().Signal(SIGSTOP);

  (*broker)->process().Signal(SIGTERM);
  EXPECT_THAT((*broker)->process().WaitForExit(kPatience), Optional(0));
}

TEST(BrokerPauseTest, ABrokerThatHungExpiresNobody) {
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  ASSERT_TRUE(
      SendHeartbeat((*broker)->address(), ConsumerHeartbeat("unary", kGroup))
          .ok());
  RawStream stream((*broker)->address());
  ASSERT_TRUE(stream.Send(ConsumerHeartbeat("stream", kGroup)));
  ASSERT_TRUE(Becomes([&] { return (*broker)->ConsumerIds(kGroup); },
                      UnorderedElementsAre("unary", "stream")));

  (*broker)->process().Signal(SIGSTOP);
  // Nothing to wait for: the time must pass.
  absl::SleepFor(BrokerProcess::kChannelExpiry +
                 2 * BrokerProcess::kHousekeepingPeriod);
  (*broker)->process().Signal(SIGCONT);
  // Over the first ticks of housekeeping after it.
  EXPECT_TRUE(Stays([&] { return (*broker)->ConsumerIds(kGroup); },
                    UnorderedElementsAre("unary", "stream"),
                    2 * BrokerProcess::kHousekeepingPeriod));
}

TEST(BrokerStartTest, AnAddressInUseIsOneLineAndExitCodeOne) {
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  const auto second =
      RunToEnd({{RunfilePath("broker/broker"),
                 absl::StrCat("--address=", (*broker)->address()),
                 "--metrics_address=127.0.0.1:0"}});
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->exit_code, 1);
  EXPECT_EQ(second->out, "");
  EXPECT_THAT(second->err,
              AllOf(StartsWith("broker: "), HasSubstr((*broker)->address())));
  EXPECT_EQ(second->err.find('\n'), second->err.size() - 1) << second->err;
}

TEST(BrokerStartTest, ConnectionsAreNotBoundByTheSoftLimitOfOpenFiles) {
  rlimit ours;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &ours), 0);
  rlimit few = ours;
  few.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);  // The broker inherits it.
  const auto broker = BrokerProcess::Start();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &ours), 0);
  ASSERT_THAT(broker, IsOk());

  std::vector<std::unique_ptr<RawStream>> streams;
  for (int i = 0; i < 80; ++i) {
    streams.push_back(std::make_unique<RawStream>((*broker)->address()));
    ASSERT_TRUE(
        streams.back()->Send(ConsumerHeartbeat(absl::StrCat(i), kGroup)));
    pb::BrokerFrame frame;
    ASSERT_TRUE(streams.back()->Receive(&frame)) << "stream " << i;
  }
  EXPECT_EQ((*broker)->ConsumerIds(kGroup).size(), streams.size());
}

TEST(BrokerStartTest, HelpListsItsOwnFlagsOnly) {
  const auto help = RunToEnd({{RunfilePath("broker/broker"), "--help"}});
  ASSERT_THAT(help, IsOk());
  EXPECT_THAT(help->out,
              AllOf(HasSubstr("--address"), HasSubstr("--channel_expiry"),
                    ::testing::Not(HasSubstr("logtostderr"))));
}

}  // namespace
}  // namespace rmq
