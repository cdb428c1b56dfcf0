#include "common/etcd/lease_keeper.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/etcd/fake_etcd.h"
#include "common/etcd/prefix_watch.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using State = LeaseKeeper::State;

constexpr char kKey[] = "/p/c/brokers/broker-a/0";

class LeaseKeeperTest : public ::testing::Test {
 protected:
  static LeaseKeeper::Options OptionsWith(const std::string& value) {
    LeaseKeeper::Options options;
    options.key = kKey;
    options.value = value;
    return options;
  }

  // Runs what is due until `duration` has passed.
  void Pass(absl::Duration duration, LeaseKeeper* keeper = nullptr) {
    LeaseKeeper& run = keeper == nullptr ? keeper_ : *keeper;
    const absl::Time end = now_ + duration;
    while (run.NextDue() <= end) {
      now_ = std::max(now_, run.NextDue());
      run.Run(now_, [this] { return now_; });
    }
    now_ = end;
  }
  State state() const { return keeper_.status().state; }

  FakeEtcd etcd_;
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  LeaseKeeper keeper_{&etcd_, OptionsWith("mine")};
};

TEST_F(LeaseKeeperTest, TheKeyIsPutOnceUnderALeaseOfTheTimeThatWasAsked) {
  Pass(absl::Minutes(1));
  EXPECT_EQ(state(), State::kPresent);
  EXPECT_EQ(keeper_.status().puts, 1);
  ASSERT_EQ(etcd_.leases().size(), 1u);
  EXPECT_EQ(etcd_.leases().begin()->second, absl::Seconds(10));
  EXPECT_EQ(etcd_.values().at(kKey).value, "mine");
  EXPECT_EQ(etcd_.values().at(kKey).lease, etcd_.leases().begin()->first);
}

TEST_F(LeaseKeeperTest, TheLeaseIsRenewedThreeTimesInItsTime) {
  Pass(absl::ZeroDuration());
  EXPECT_EQ(etcd_.renewals(), 0);
  EXPECT_EQ(keeper_.NextDue(), now_ + absl::Seconds(10) / 3);
  Pass(absl::Seconds(10));
  EXPECT_EQ(etcd_.renewals(), 3);
}

TEST_F(LeaseKeeperTest, ALongLeaseIsLookedAtEachTenSeconds) {
  for (const auto& [lease, pause] :
       {std::make_pair(absl::Seconds(30), absl::Seconds(10)),
        std::make_pair(absl::Seconds(33), absl::Seconds(10)),
        std::make_pair(absl::Minutes(10), absl::Seconds(10))}) {
    LeaseKeeper::Options options = OptionsWith("mine");
    options.lease = lease;
    LeaseKeeper keeper(&etcd_, options);
    Pass(absl::ZeroDuration(), &keeper);
    EXPECT_EQ(keeper.NextDue() - now_, pause) << lease;
    EXPECT_LT(pause, PrefixWatch::Options().loss_grace);
  }
}

TEST_F(LeaseKeeperTest, ALeaseThatIsGoneIsReplacedAtTheNextRenewal) {
  Pass(absl::ZeroDuration());
  etcd_.EndLease(etcd_.leases().begin()->first);
  EXPECT_TRUE(etcd_.values().empty());
  Pass(absl::Seconds(10) / 3);
  EXPECT_EQ(state(), State::kPresent);
  EXPECT_EQ(keeper_.status().puts, 2);
  EXPECT_EQ(etcd_.values().at(kKey).value, "mine");
}

TEST_F(LeaseKeeperTest, AKeyThatWasDeletedIsPutAgain) {
  Pass(absl::ZeroDuration());
  etcd_.Delete(kKey);
  Pass(absl::Seconds(10) / 3);
  EXPECT_EQ(etcd_.values().count(kKey), 1u);
  EXPECT_EQ(keeper_.status().puts, 2);
}

TEST_F(LeaseKeeperTest, AnAnswerThatWasLostLeavesNoSecondPut) {
  etcd_.LoseAnswerOfNextPut();
  Pass(absl::Seconds(2));
  EXPECT_EQ(state(), State::kPresent);
  EXPECT_EQ(etcd_.values().at(kKey).mod_revision, 2);
}

TEST_F(LeaseKeeperTest, TheKeyCountsAsPresentUntilItsLeaseHasEnded) {
  Pass(absl::ZeroDuration());
  etcd_.set_error(absl::UnavailableError("away"));
  Pass(absl::Seconds(9));
  EXPECT_EQ(state(), State::kPresent);
  EXPECT_THAT(keeper_.status().error,
              StatusIs(absl::StatusCode::kUnavailable, "away"));
  Pass(absl::Seconds(5));
  EXPECT_EQ(state(), State::kAbsent);
}

TEST_F(LeaseKeeperTest, WhileEtcdIsAwayItIsAskedMoreAndMoreSeldom) {
  etcd_.set_error(absl::UnavailableError("away"));
  Pass(absl::Seconds(60));
  // Pauses of 0.375, 0.75, 1.5 s, and then of three quarters of a third of the
  // lease.
  EXPECT_GE(keeper_.status().failures, 20);
  EXPECT_LE(keeper_.status().failures, 30);
  etcd_.set_error(absl::OkStatus());
  Pass(absl::Seconds(10) / 3);
  EXPECT_EQ(state(), State::kPresent);
  EXPECT_THAT(keeper_.status().error, IsOk());
}

TEST_F(LeaseKeeperTest, AKeyOfAnotherIsLeftAloneAndTakenWhenItEnds) {
  etcd_.Put(kKey, "another");
  Pass(absl::Seconds(30));
  EXPECT_EQ(state(), State::kHeldByOther);
  EXPECT_EQ(keeper_.status().holder, "another");
  EXPECT_EQ(etcd_.values().at(kKey).value, "another");
  etcd_.Delete(kKey);
  Pass(absl::Seconds(1));
  EXPECT_EQ(state(), State::kPresent);
}

TEST_F(LeaseKeeperTest, AKeyOfAnObsoleteHolderIsTakenAtOnce) {
  etcd_.Put(kKey, "former");
  LeaseKeeper::Options options = OptionsWith("mine");
  options.is_obsolete = [](const std::string& value) {
    return value == "former";
  };
  LeaseKeeper keeper(&etcd_, options);
  Pass(absl::ZeroDuration(), &keeper);
  EXPECT_EQ(keeper.status().state, State::kPresent);
  EXPECT_EQ(etcd_.values().at(kKey).value, "mine");
}

TEST_F(LeaseKeeperTest, OneOfTwoHasTheKey) {
  LeaseKeeper other(&etcd_, OptionsWith("other"));
  Pass(absl::ZeroDuration());
  Pass(absl::ZeroDuration(), &other);
  EXPECT_EQ(state(), State::kPresent);
  EXPECT_EQ(other.status().state, State::kHeldByOther);
  EXPECT_EQ(other.status().holder, "mine");
}

TEST_F(LeaseKeeperTest, WithdrawingDeletesTheKeyForGood) {
  Pass(absl::ZeroDuration());
  EXPECT_THAT(keeper_.Withdraw(now_), IsOk());
  EXPECT_TRUE(etcd_.values().empty());
  EXPECT_TRUE(etcd_.leases().empty());
  Pass(absl::Minutes(1));
  EXPECT_TRUE(etcd_.values().empty());
  EXPECT_THAT(keeper_.Withdraw(now_), IsOk());
}

TEST_F(LeaseKeeperTest, WithdrawingWhatIsGoneSucceeds) {
  Pass(absl::ZeroDuration());
  etcd_.EndLease(etcd_.leases().begin()->first);
  EXPECT_THAT(keeper_.Withdraw(now_), IsOk());
}

TEST_F(LeaseKeeperTest, AWithdrawalThatFailsIsToldAndMayBeTriedAgain) {
  Pass(absl::ZeroDuration());
  etcd_.set_error(absl::UnavailableError("away"));
  EXPECT_THAT(keeper_.Withdraw(now_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("away")));
  EXPECT_EQ(state(), State::kPresent);
  etcd_.set_error(absl::OkStatus());
  EXPECT_THAT(keeper_.Withdraw(now_), IsOk());
  EXPECT_TRUE(etcd_.values().empty());
  EXPECT_EQ(state(), State::kAbsent);
}

// While etcd is away it ends no lease.
TEST_F(LeaseKeeperTest, AKeyWhoseLeaseHasEndedIsWithdrawnWhenEtcdSaysSo) {
  Pass(absl::ZeroDuration());
  etcd_.set_error(absl::UnavailableError("away"));
  const absl::Time end = now_ + absl::Seconds(10);
  EXPECT_THAT(keeper_.Withdraw(end - absl::Nanoseconds(1)),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(state(), State::kPresent);
  EXPECT_THAT(keeper_.Withdraw(end), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(state(), State::kAbsent);
  EXPECT_TRUE(keeper_.has_lease());
  etcd_.set_error(absl::OkStatus());
  EXPECT_EQ(etcd_.values().count(kKey), 1u);
  EXPECT_THAT(keeper_.Withdraw(end), IsOk());
  EXPECT_TRUE(etcd_.values().empty());
  EXPECT_FALSE(keeper_.has_lease());
}

}  // namespace
}  // namespace rmq
