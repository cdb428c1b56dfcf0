#include "broker/registrar/registrar.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/registrar/registrar_options.h"
#include "broker/registrar/registration_state.h"
#include "common/cond_var.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/scripted_etcd.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kKey[] = "/rocketmq-client-manager/c/brokers/broker-a/0";
constexpr absl::Duration kLong = absl::Seconds(20);

// What on_change was told.
class Changes {
 public:
  void Add(bool is_registered) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    changes_.push_back(is_registered);
    added_.SignalAll();
  }
  // The first `count`, once they have come.
  std::vector<bool> Await(size_t count) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    RealClock().AwaitWithDeadline(
        &lock, &added_,
        [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
          return changes_.size() >= count;
        },
        RealClock().TimeNow() + kLong);
    return changes_;
  }

 private:
  absl::Mutex mu_;
  CondVar added_;
  std::vector<bool> changes_ ABSL_GUARDED_BY(mu_);
};

class RegistrarTest : public ::testing::Test {
 protected:
  static DiscoveryEntry EntryAt(const std::string& address) {
    DiscoveryEntry entry;
    entry.cluster = "c";
    entry.broker_name = "broker-a";
    entry.addresses = {{address, false}};
    return entry;
  }

  Registrar::Environment EnvironmentOf(const RegistrarOptions& options) {
    return Registrar::OverEtcd(
        options, [] { return EntryAt("h:1"); },
        [this](bool is_registered) { changes_.Add(is_registered); },
        [this] { return is_to_stop_.load(); }, /*lists_cluster=*/true,
        &RealClock());
  }

  std::unique_ptr<Registrar> New(const std::string& etcd,
                                 absl::Duration lease = absl::Seconds(2)) {
    RegistrarOptions options;
    options.etcd = etcd;
    options.etcd_lease = lease;
    return std::make_unique<Registrar>(options, EnvironmentOf(options));
  }

  Changes changes_;
  std::atomic<bool> is_to_stop_{false};
  ScriptedEtcd etcd_;
};

TEST_F(RegistrarTest, TheBrokerIsRegisteredOnceStartReturnsUntilTheDrain) {
  const auto registrar = New(etcd_.address());
  ASSERT_THAT(registrar->Start(), IsOk());
  EXPECT_THAT(ParseDiscoveryEntry(kDiscoveryPrefix, kKey, etcd_.Value(kKey)),
              IsOk());
  EXPECT_TRUE(registrar->state().is_registered);
  registrar->BeginDrain();
  EXPECT_THAT(changes_.Await(3), ElementsAre(false, true, false));
  EXPECT_EQ(etcd_.Value(kKey), "");
  registrar->Stop(kLong);
  EXPECT_FALSE(registrar->state().is_registered);
}

TEST_F(RegistrarTest, AStopWithdrawsTheEntryIfItHasTime) {
  const auto registrar = New(etcd_.address());
  ASSERT_THAT(registrar->Start(), IsOk());
  registrar->BeginDrain();
  registrar->Stop(kLong);
  EXPECT_EQ(etcd_.Value(kKey), "");
}

TEST_F(RegistrarTest, ADrainThatIsCancelledRegistersTheBrokerAgain) {
  const auto registrar = New(etcd_.address());
  ASSERT_THAT(registrar->Start(), IsOk());
  registrar->SetServing(false);
  EXPECT_THAT(changes_.Await(3), ElementsAre(false, true, false));
  registrar->SetServing(true);
  EXPECT_THAT(changes_.Await(4), ElementsAre(false, true, false, true));
  EXPECT_NE(etcd_.Value(kKey), "");
}

TEST_F(RegistrarTest, AnEtcdThatIsAwayIsNoErrorOfTheStart) {
  const auto registrar = New("127.0.0.1:1");
  EXPECT_THAT(registrar->Start(), IsOk());
  EXPECT_THAT(registrar->state().error,
              StatusIs(absl::StatusCode::kUnavailable));
  registrar->BeginDrain();
  registrar->Stop(kLong);
}

TEST_F(RegistrarTest, ANameThatALivingBrokerHasIsRefusedAfterOneLease) {
  etcd_.Put(kKey, FormatDiscoveryEntry(EntryAt("other:1")));
  const auto registrar = New(etcd_.address());
  EXPECT_THAT(registrar->Start(), StatusIs(absl::StatusCode::kAlreadyExists,
                                           HasSubstr("the broker at other:1")));
}

TEST_F(RegistrarTest, TheBrokersOfTheClusterAreFollowedAlsoDuringADrain) {
  const auto registrar = New(etcd_.address());
  EXPECT_EQ(registrar->cluster(), nullptr);
  ASSERT_THAT(registrar->Start(), IsOk());
  const auto await = [&](size_t brokers) {
    while (registrar->cluster()->size() != brokers) std::this_thread::yield();
  };
  DiscoveryEntry other = EntryAt("h:2");
  other.broker_name = "broker-b";
  const std::string key = DiscoveryKey(kDiscoveryPrefix, other);
  etcd_.Put(key, FormatDiscoveryEntry(other));
  await(2);
  EXPECT_EQ(registrar->cluster()->at(0).broker_name, "broker-a");
  EXPECT_EQ(registrar->cluster()->at(1).addresses, other.addresses);
  registrar->BeginDrain();
  other.broker_id = 1;
  etcd_.Put(DiscoveryKey(kDiscoveryPrefix, other), FormatDiscoveryEntry(other));
  await(3);
  etcd_.Delete(key);
  await(2);
  EXPECT_EQ(registrar->cluster()->at(0).broker_name, "broker-a");
}

TEST_F(RegistrarTest, AStopWhileTheNameIsTakenEndsTheStart) {
  etcd_.Put(kKey, FormatDiscoveryEntry(EntryAt("other:1")));
  const auto registrar = New(etcd_.address(), absl::Minutes(10));
  std::thread stopper([this] {
    changes_.Await(1);
    is_to_stop_ = true;
  });
  EXPECT_THAT(registrar->Start(), IsOk());
  stopper.join();
}

TEST_F(RegistrarTest, AWithdrawalThatFailsIsTriedAgainDuringAStop) {
  const auto registrar = New(etcd_.address());
  ASSERT_THAT(registrar->Start(), IsOk());
  etcd_.Fail(absl::InternalError("just now"), 2);
  registrar->BeginDrain();
  registrar->Stop(kLong);
  EXPECT_EQ(etcd_.Value(kKey), "");
}

TEST_F(RegistrarTest, AStopAtOnceWaitsForNoAnswer) {
  const auto registrar = New(etcd_.address());
  ASSERT_THAT(registrar->Start(), IsOk());
  etcd_.Hang();
  registrar->BeginDrain();
  registrar->Stop(absl::ZeroDuration());
}

}  // namespace
}  // namespace rmq
