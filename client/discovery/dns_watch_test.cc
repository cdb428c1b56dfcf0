#include "client/discovery/dns_watch.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/discovery/discovery_options.h"
#include "client/discovery/host_lookup.h"
#include "client/discovery/known_brokers.h"
#include "client/discovery/recording_listener.h"
#include "client/testing/manual_event_loop.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Answer = HostLookup::Answer;

constexpr absl::Duration kTick = absl::Milliseconds(1);

// Is answered by the test.
class HeldLookup final : public HostLookup {
 public:
  void LookUp(const std::string& host,
              std::function<void(Answer)> on_answer) override {
    hosts.push_back(host);
    on_answer_ = std::move(on_answer);
  }

  void Reply(Answer answer) {
    std::exchange(on_answer_, nullptr)(std::move(answer));
  }

  bool is_asked() const { return on_answer_ != nullptr; }

  std::vector<std::string> hosts;  // Of all questions.

 private:
  std::function<void(Answer)> on_answer_;
};

class DnsWatchTest : public ::testing::Test {
 protected:
  DnsWatchTest() {
    known_.AddListener(lists_);
    loop_.Post([this] { watch_.Ask(); });
    loop_.RunPosted();
  }

  static DiscoveryOptions Options() {
    DiscoveryOptions options;
    options.dns_interval = absl::Seconds(30);
    options.dns_timeout = absl::Seconds(5);
    return options;
  }

  void Reply(Answer answer) {
    lookup_.Reply(std::move(answer));
    loop_.RunPosted();
  }
  void Reply(std::vector<std::string> addresses) {
    Reply(Answer(std::move(addresses)));
  }

  // The pause after which it is asked again.
  absl::Duration Pause() {
    EXPECT_FALSE(lookup_.is_asked());
    const absl::Duration pause = loop_.NextTimer() - loop_.Now();
    loop_.Advance(pause - kTick);
    EXPECT_FALSE(lookup_.is_asked());
    loop_.Advance(kTick);
    EXPECT_TRUE(lookup_.is_asked());
    return pause;
  }

  double random_ = 0;
  SimulatedClock clock_;
  ManualEventLoop loop_;
  HeldLookup lookup_;
  KnownBrokers known_{"dns:///brokers:10911", &clock_};
  DnsWatch watch_{"brokers:10911", Options(), &lookup_,
                  &loop_,          &known_,   [this] { return random_; }};
  std::shared_ptr<RecordingListener> lists_ =
      std::make_shared<RecordingListener>();
};

TEST(BrokersAtTest, EachAddressIsABrokerWithoutAName) {
  EXPECT_THAT(BrokersAt({"10.0.0.2", "::1", "10.0.0.1", "10.0.0.2"}, "7"),
              ElementsAre(BrokerEntry{"", 0, "10.0.0.1:7"},
                          BrokerEntry{"", 0, "10.0.0.2:7"},
                          BrokerEntry{"", 0, "[::1]:7"}));
}

TEST_F(DnsWatchTest, TheNameIsAskedForWithoutThePort) {
  EXPECT_THAT(lookup_.hosts, ElementsAre("brokers"));
  EXPECT_THAT(lists_->lists(), IsEmpty());
}

TEST_F(DnsWatchTest, AllAddressesAreBrokers) {
  Reply({"10.0.0.1", "::1"});
  EXPECT_THAT(lists_->lists(), ElementsAre("10.0.0.1:10911,[::1]:10911"));
}

TEST_F(DnsWatchTest, AnotherOrderOfTheAnswerIsNoOtherList) {
  Reply({"10.0.0.1", "10.0.0.2"});
  Pause();
  Reply({"10.0.0.2", "10.0.0.1"});
  EXPECT_THAT(lists_->lists(), ElementsAre("10.0.0.1:10911,10.0.0.2:10911"));
}

TEST_F(DnsWatchTest, ThePauseAfterAnAnswerIsDrawnFromHalfToAllOfTheInterval) {
  Reply({"10.0.0.1"});
  EXPECT_EQ(Pause(), absl::Seconds(15));
  random_ = 0.5;
  Reply({"10.0.0.1"});
  EXPECT_EQ(Pause(), absl::Seconds(22.5));
}

TEST_F(DnsWatchTest, AMovedNameIsFollowed) {
  Reply({"10.0.0.1"});
  Pause();
  Reply({"10.0.0.2"});
  EXPECT_THAT(lists_->lists(), ElementsAre("10.0.0.1:10911", "10.0.0.2:10911"));
}

TEST_F(DnsWatchTest, AFailureLeavesTheListThatWas) {
  Reply({"10.0.0.1"});
  Pause();
  Reply(absl::NotFoundError("no such host"));
  EXPECT_THAT(lists_->lists(), ElementsAre("10.0.0.1:10911"));
  EXPECT_THAT(known_.Status().error,
              StatusIs(absl::StatusCode::kNotFound, "no such host"));
  EXPECT_EQ(known_.Status().brokers, 1);
  Pause();
  Reply({"10.0.0.1"});
  EXPECT_THAT(known_.Status().error, IsOk());
}

TEST_F(DnsWatchTest, PausesAfterFailuresGrowUpToTheIntervalAndBeginAnew) {
  random_ = 0.999'999'999;
  for (int seconds : {1, 2, 4, 8, 16, 30, 30}) {
    Reply(absl::UnavailableError("away"));
    EXPECT_NEAR(absl::ToDoubleSeconds(Pause()), seconds, 0.001);
  }
  Reply({"10.0.0.1"});
  Pause();
  Reply(absl::UnavailableError("away"));
  EXPECT_NEAR(absl::ToDoubleSeconds(Pause()), 1, 0.001);
}

TEST_F(DnsWatchTest, ASilentServerIsToldAfterTheTimeoutAndWaitedFor) {
  loop_.Advance(absl::Seconds(5) - kTick);
  EXPECT_THAT(known_.Status().error, IsOk());
  loop_.Advance(kTick);
  EXPECT_THAT(known_.Status().error,
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr("\"brokers\": no answer for 5s")));
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(lookup_.hosts.size(), 1);  // One question at a time.
  Reply({"10.0.0.1"});
  EXPECT_THAT(known_.Status().error, IsOk());
  EXPECT_THAT(lists_->lists(), ElementsAre("10.0.0.1:10911"));
  Pause();
}

TEST_F(DnsWatchTest, ASilentServerLeavesTheErrorThatWas) {
  Reply(absl::UnavailableError("no server answers"));
  Pause();
  loop_.Advance(absl::Seconds(10));
  EXPECT_THAT(known_.Status().error,
              StatusIs(absl::StatusCode::kUnavailable, "no server answers"));
}

TEST_F(DnsWatchTest, AnAnswerInTimeIsNoFailureLater) {
  Reply({"10.0.0.1"});
  loop_.Advance(absl::Seconds(10));
  EXPECT_THAT(known_.Status().error, IsOk());
}

TEST_F(DnsWatchTest, MoreAddressesThanAClientTakesAreAFailure) {
  std::vector<std::string> addresses;
  for (int i = 0; i < 1024; ++i) {
    addresses.push_back(absl::StrCat("10.0.", i / 256, ".", i % 256));
  }
  Reply(addresses);
  EXPECT_EQ(known_.Status().brokers, 1024);
  Pause();
  addresses.push_back("10.1.0.0");
  Reply(addresses);
  EXPECT_EQ(known_.Status().brokers, 1024);
  EXPECT_THAT(known_.Status().error,
              StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace rmq
