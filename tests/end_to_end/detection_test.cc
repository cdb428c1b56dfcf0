// How soon the peers of a member are pushed that dies, for each way to die:
// within the stated bound, and not before.
#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/mutex_lock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/raw_client.h"
#include "tests/end_to_end/tcp_proxy.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr char kGroup[] = "orders";
// What a victim asks for, if it is to expire soon; and if it is not.
constexpr absl::Duration kShort = absl::Seconds(2);
constexpr absl::Duration kLong = absl::Seconds(55);
// The stated bound beyond the expiry: a tick.
constexpr absl::Duration kTick = absl::Seconds(1);
// What a loaded machine may add.
constexpr absl::Duration kLoad = absl::Seconds(15);
constexpr size_t kPushesOfJoining = 2;

// A member that lives, and when it was pushed. Its one heartbeat holds for
// longer than the test.
class Peer {
 public:
  explicit Peer(absl::string_view broker) : stream_(broker) {
    EXPECT_TRUE(stream_.Send(ConsumerHeartbeat("peer", kGroup)));
    reader_ = std::thread([this] { Read(); });
  }
  ~Peer() {
    stream_.Cancel();
    reader_.join();
  }

  std::vector<absl::Time> pushes() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return pushes_;
  }

 private:
  void Read() ABSL_LOCKS_EXCLUDED(mu_) {
    pb::BrokerFrame frame;
    while (stream_.Receive(&frame)) {
      if (!frame.has_notify_consumer_ids_changed()) continue;
      MutexLock lock(&mu_);
      pushes_.push_back(absl::Now());
    }
  }

  RawStream stream_;
  mutable absl::Mutex mu_;
  std::vector<absl::Time> pushes_ ABSL_GUARDED_BY(mu_);
  std::thread reader_;
};

class DetectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<BrokerProcess>> broker =
        BrokerProcess::Start(
            "127.0.0.1:0", {"--channel_expiry=60s", "--housekeeping_period=10s",
                            "--min_channel_expiry=1s"});
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
    absl::StatusOr<std::unique_ptr<TcpProxy>> proxy =
        TcpProxy::Start("127.0.0.1:0", broker_->address());
    ASSERT_THAT(proxy, IsOk());
    proxy_ = *std::move(proxy);
    peer_ = std::make_unique<Peer>(broker_->address());
    ASSERT_TRUE(Becomes([this] { return broker_->ConsumerIds(kGroup); },
                        ElementsAre("peer")));
  }

  void TearDown() override {
    if (HasFailure() && broker_ != nullptr) {
      std::cerr << "--- the broker's log\n" << broker_->process().err();
    }
  }

  // A victim that is a process of its own.
  void StartVictim(absl::string_view address, absl::Duration expiry) {
    ChildProcess::Options options;
    options.command = {RunfilePath("tests/end_to_end/victim"),
                       std::string(address), kGroup, "victim",
                       absl::FormatDuration(expiry)};
    absl::StatusOr<std::unique_ptr<ChildProcess>> process =
        ChildProcess::Start(std::move(options));
    ASSERT_THAT(process, IsOk());
    victim_ = *std::move(process);
    AwaitJoin();
  }
  // When the victim sent the last heartbeat that it knows to be answered.
  absl::Time VictimHeard() const {
    const std::vector<std::string> lines =
        absl::StrSplit(victim_->out(), '\n', absl::SkipEmpty());
    int64_t nanos = 0;
    EXPECT_TRUE(!lines.empty() && absl::SimpleAtoi(lines.back(), &nanos));
    return absl::FromUnixNanos(nanos);
  }

  // A victim that is a stream of this process, and heartbeats once.
  void OpenVictim(absl::string_view address, absl::Duration expiry) {
    heartbeat_ = ConsumerHeartbeat("victim", kGroup);
    SetExpiry(expiry, &heartbeat_);
    stream_ = std::make_unique<RawStream>(address);
    opened_ = absl::Now();
    ASSERT_TRUE(stream_->Send(heartbeat_));
    AwaitJoin();
  }

  void AwaitJoin() {
    ASSERT_TRUE(Becomes([this] { return broker_->ConsumerIds(kGroup); },
                        UnorderedElementsAre("peer", "victim")));
    // One for the peer's joining, and one for the victim's.
    ASSERT_TRUE(
        Becomes([this] { return peer_->pushes().size(); }, kPushesOfJoining));
  }

  // The peer is pushed no sooner than `least` after `heard`, and no later than
  // `most` after `dead`; the victim has left for `reason`.
  void ExpectDetected(absl::Time heard, absl::Duration least, absl::Time dead,
                      absl::Duration most, absl::string_view reason) {
    ASSERT_TRUE(Becomes([this] { return peer_->pushes().size(); },
                        kPushesOfJoining + 1, most + kLoad));
    const absl::Time pushed = peer_->pushes().back();
    std::cout << "pushed " << pushed - heard << " after the last sign of life, "
              << pushed - dead << " after the death" << std::endl;
    EXPECT_GE(pushed - heard, least);
    EXPECT_LE(pushed - dead, most + kLoad);
    EXPECT_THAT(broker_->ConsumerIds(kGroup), ElementsAre("peer"));
    EXPECT_TRUE(Becomes([this] { return broker_->ReasonsOfLeaving("victim"); },
                        ElementsAre(std::string(reason))));
  }
  void ExpectExpired(absl::Time heard, absl::Time dead) {
    ExpectDetected(heard, kShort, dead, kShort + kTick, "EXPIRED");
  }
  void ExpectDisconnected(absl::Time dead) {
    ExpectDetected(dead, absl::ZeroDuration(), dead, absl::ZeroDuration(),
                   "DISCONNECTED");
  }

  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<TcpProxy> proxy_;
  std::unique_ptr<Peer> peer_;
  std::unique_ptr<ChildProcess> victim_;
  pb::HeartbeatRequest heartbeat_;
  std::unique_ptr<RawStream> stream_;
  absl::Time opened_;
};

TEST_F(DetectionTest, AProcessThatIsKilledIsNoticedAtOnce) {
  ASSERT_NO_FATAL_FAILURE(StartVictim(broker_->address(), kLong));
  const absl::Time dead = absl::Now();
  victim_->Signal(SIGKILL);
  ExpectDisconnected(dead);
}

TEST_F(DetectionTest, AProcessThatIsStoppedExpires) {
  ASSERT_NO_FATAL_FAILURE(StartVictim(broker_->address(), kShort));
  victim_->Signal(SIGSTOP);
  const absl::Time dead = absl::Now();
  ExpectExpired(VictimHeard(), dead);
}

TEST_F(DetectionTest, AClientWhoseBytesAreSwallowedExpires) {
  ASSERT_NO_FATAL_FAILURE(OpenVictim(proxy_->address(), kShort));
  proxy_->SetMode(TcpProxy::Mode::kSwallowFromClients);
  const absl::Time dead = absl::Now();
  // It lives, and says so to nobody.
  ASSERT_TRUE(stream_->Send(heartbeat_));
  ExpectExpired(opened_, dead);
}

TEST_F(DetectionTest, AHalfCloseIsNoticedAtOnce) {
  ASSERT_NO_FATAL_FAILURE(OpenVictim(broker_->address(), kLong));
  const absl::Time dead = absl::Now();
  stream_->HalfClose();
  ExpectDisconnected(dead);
}

TEST_F(DetectionTest, AHostThatIsGoneWithoutAFinExpires) {
  ASSERT_NO_FATAL_FAILURE(StartVictim(proxy_->address(), kShort));
  // Nothing of it comes any longer, not even its end.
  proxy_->SetMode(TcpProxy::Mode::kSwallow);
  const absl::Time dead = absl::Now();
  victim_->Signal(SIGKILL);
  ExpectExpired(VictimHeard(), dead);
}

TEST_F(DetectionTest, AProxyThatDiesWithItsClientIsNoticedAtOnce) {
  ASSERT_NO_FATAL_FAILURE(OpenVictim(proxy_->address(), kLong));
  const absl::Time dead = absl::Now();
  proxy_->SetMode(TcpProxy::Mode::kRefuse);
  proxy_->CutConnections();
  ExpectDisconnected(dead);
}

TEST_F(DetectionTest, AClientBehindAProxyThatKeepsTheConnectionOpenExpires) {
  ASSERT_NO_FATAL_FAILURE(StartVictim(proxy_->address(), kShort));
  // What the broker writes is still taken: its pings are answered by nobody,
  // but TCP acknowledges them.
  proxy_->SetMode(TcpProxy::Mode::kSwallowFromClients);
  const absl::Time dead = absl::Now();
  victim_->Signal(SIGKILL);
  ExpectExpired(VictimHeard(), dead);
}

}  // namespace
}  // namespace rmq
