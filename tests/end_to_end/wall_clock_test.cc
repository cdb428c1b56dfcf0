// The machine's wall clock is set by an hour, back or forth, under the real
// broker and a real client: nothing that they wait for comes sooner or later.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/consumer_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/raw_client.h"
#include "tests/end_to_end/tcp_proxy.h"

namespace rmq {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kGroup[] = "orders";

// A wall clock that a test sets, for the processes that have its environment.
class WallClock {
 public:
  WallClock()
      : path_(absl::StrCat(::testing::TempDir(), "/wall_clock.", getpid())) {
    const int fd = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_EQ(ftruncate(fd, sizeof(int64_t)), 0);
    void* const mapped = mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE,
                              MAP_SHARED, fd, 0);
    EXPECT_NE(mapped, MAP_FAILED);
    close(fd);
    ahead_ = static_cast<std::atomic<int64_t>*>(mapped);
    ahead_->store(0);
  }
  ~WallClock() {
    munmap(ahead_, sizeof(int64_t));
    unlink(path_.c_str());
  }
  WallClock(const WallClock&) = delete;
  WallClock& operator=(const WallClock&) = delete;

  void SetBy(absl::Duration step) {
    ahead_->fetch_add(absl::ToInt64Nanoseconds(step));
  }

  std::vector<std::string> environment() const {
    return {absl::StrCat("LD_PRELOAD=",
                         RunfilePath("tests/end_to_end/wall_clock_shim.so")),
            absl::StrCat("WALL_CLOCK_FILE=", path_)};
  }

 private:
  const std::string path_;
  std::atomic<int64_t>* ahead_;
};

class WallClockTest : public ::testing::TestWithParam<absl::Duration> {
 protected:
  void SetUp() override {
    auto broker = BrokerProcess::Start("127.0.0.1:0", {"--drain_timeout=5s"},
                                       wall_clock_.environment());
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
  }
  void TearDown() override {
    if (!HasFailure()) return;
    std::cerr << "--- the broker's log\n" << broker_->process().err();
    if (consumer_ != nullptr) {
      std::cerr << "--- the consumer's log\n" << consumer_->process().err();
    }
  }
  void StartConsumer(const std::string& address) {
    auto consumer = ConsumerProcess::Start(address, kGroup, "consumer",
                                           wall_clock_.environment());
    ASSERT_THAT(consumer, IsOk());
    consumer_ = *std::move(consumer);
  }
  void SetTheClock() { wall_clock_.SetBy(GetParam()); }
  std::vector<std::string> Members() const {
    return broker_->ConsumerIds(kGroup);
  }
  int TimesOnline() const { return consumer_->TimesOnline(); }

  WallClock wall_clock_;
  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<ConsumerProcess> consumer_;
};

TEST_P(WallClockTest, TheSilentExpireInTimeTheLivingStayAndAllEndsInTime) {
  StartConsumer(broker_->address());
  ASSERT_TRUE(Becomes([&] { return Members(); }, ElementsAre("consumer")));
  ASSERT_TRUE(
      SendHeartbeat(broker_->address(), ConsumerHeartbeat("silent", kGroup))
          .ok());
  SetTheClock();
  EXPECT_TRUE(Stays([&] { return Members(); }, Contains("silent"),
                    BrokerProcess::kChannelExpiry - absl::Seconds(2)));
  EXPECT_TRUE(Becomes([&] { return Members(); }, Not(Contains("silent"))));
  // The living one has heartbeats to send while one expires after the other.
  EXPECT_TRUE(Stays([&] { return Members(); }, ElementsAre("consumer"),
                    BrokerProcess::kChannelExpiry));
  EXPECT_EQ(TimesOnline(), 1);

  SetTheClock();
  consumer_->process().Signal(SIGTERM);
  EXPECT_EQ(consumer_->process().WaitForExit(kPatience), 0);
  broker_->process().Signal(SIGTERM);
  EXPECT_EQ(broker_->process().WaitForExit(kPatience), 0);
}

TEST_P(WallClockTest, AClientGivesUpASilentBrokerAndConnectsAgainInTime) {
  const auto proxy = TcpProxy::Start("127.0.0.1:0", broker_->address());
  ASSERT_THAT(proxy, IsOk());
  StartConsumer((*proxy)->address());
  ASSERT_TRUE(Becomes([&] { return TimesOnline(); }, Ge(1)));
  (*proxy)->SetMode(TcpProxy::Mode::kSwallow);
  SetTheClock();
  // An answer that does not come; and then two attempts to connect, with a
  // pause before each.
  EXPECT_TRUE(Becomes([&] { return (*proxy)->accepted(); }, Ge(3)));
  SetTheClock();
  (*proxy)->SetMode(TcpProxy::Mode::kPass);
  EXPECT_TRUE(Becomes([&] { return TimesOnline(); }, Ge(2)));
  EXPECT_TRUE(Becomes([&] { return Members(); }, ElementsAre("consumer")));

  // Its end is not held up by a connection that comes to nothing.
  (*proxy)->SetMode(TcpProxy::Mode::kSwallow);
  const int64_t accepted = (*proxy)->accepted();
  EXPECT_TRUE(Becomes([&] { return (*proxy)->accepted(); }, Ge(accepted + 1)));
  SetTheClock();
  consumer_->process().Signal(SIGTERM);
  EXPECT_TRUE(consumer_->process().WaitForExit(kPatience).has_value());
}

INSTANTIATE_TEST_SUITE_P(, WallClockTest,
                         ::testing::Values(-absl::Hours(1), absl::Hours(1)),
                         [](const auto& info) {
                           return info.param < absl::ZeroDuration()
                                      ? "SetBack"
                                      : "SetForth";
                         });

}  // namespace
}  // namespace rmq
