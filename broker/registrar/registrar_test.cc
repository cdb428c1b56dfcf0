#include "broker/registrar/registrar.h"

#include <memory>
#include <string>
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

  std::unique_ptr<Registrar> New(const std::string& etcd) {
    RegistrarOptions options;
    options.etcd = etcd;
    options.etcd_lease = absl::Seconds(2);
    return std::make_unique<Registrar>(
        options,
        Registrar::OverEtcd(
            options, [] { return EntryAt("h:1"); },
            [this](bool is_registered) { changes_.Add(is_registered); },
            &RealClock()));
  }

  Changes changes_;
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

TEST_F(RegistrarTest, AStopAtOnceWaitsForNoAnswer) {
  const auto registrar = New(etcd_.address());
  ASSERT_THAT(registrar->Start(), IsOk());
  etcd_.Hang();
  registrar->BeginDrain();
  registrar->Stop(absl::ZeroDuration());
}

}  // namespace
}  // namespace rmq
