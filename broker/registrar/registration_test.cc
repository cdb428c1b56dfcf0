#include "broker/registrar/registration.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/fake_etcd.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kKey[] = "/p/c/brokers/broker-a/0";

DiscoveryEntry EntryAt(const std::string& address, uint64_t incarnation = 1) {
  DiscoveryEntry entry;
  entry.cluster = "c";
  entry.broker_name = "broker-a";
  entry.addresses = {{address, false}};
  entry.product_version = "0.1.0";
  entry.incarnation = incarnation;
  return entry;
}

class RegistrationTest : public ::testing::Test {
 protected:
  // Runs what is due until `duration` has passed.
  void Pass(absl::Duration duration) {
    const absl::Time end = now_ + duration;
    while (registration_.NextDue() <= end) {
      now_ = std::max(now_, registration_.NextDue());
      registration_.Run([this] { return now_; });
    }
    now_ = end;
  }
  std::vector<std::string> TakeLines() { return std::exchange(lines_, {}); }
  void PutOther(const DiscoveryEntry& entry) {
    etcd_.Put(kKey, FormatDiscoveryEntry(entry));
  }

  FakeEtcd etcd_;
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  std::vector<std::string> lines_;
  Registration registration_{
      &etcd_,
      "/p",
      EntryAt("10.0.0.1:1"),
      absl::Seconds(10),
      [] { return 0.5; },
      [this](Registration::Severity severity, const std::string& line) {
        lines_.push_back(std::string(1, "IWE"[static_cast<int>(severity)]) +
                         " " + line);
      }};
};

TEST_F(RegistrationTest, TheEntryIsPutAndToldOnce) {
  Pass(absl::Minutes(1));
  EXPECT_TRUE(registration_.state().is_registered);
  EXPECT_EQ(registration_.state().puts, 1);
  const auto entry =
      ParseDiscoveryEntry("/p", kKey, etcd_.values().at(kKey).value);
  ASSERT_THAT(entry, IsOk());
  EXPECT_EQ(entry->addresses, EntryAt("10.0.0.1:1").addresses);
  EXPECT_THAT(TakeLines(),
              ElementsAre("I registered in etcd key=/p/c/brokers/broker-a/0 "
                          "addresses=10.0.0.1:1 lease=10s"));
}

TEST_F(RegistrationTest, ThatEtcdIsAwayIsToldOnceAndThatItIsBackToo) {
  Pass(absl::ZeroDuration());
  TakeLines();
  etcd_.set_error(absl::UnavailableError("nobody there"));
  Pass(absl::Minutes(1));
  EXPECT_THAT(TakeLines(),
              ElementsAre(AllOf(StartsWith("W etcd does not take"),
                                HasSubstr("error=\"nobody there\""))));
  EXPECT_FALSE(registration_.state().is_registered);
  EXPECT_GT(registration_.state().failures, 10);
  etcd_.set_error(absl::OkStatus());
  Pass(absl::Seconds(5));
  EXPECT_THAT(TakeLines(), ElementsAre(StartsWith("I etcd answers again"),
                                       StartsWith("I registered in etcd")));
  EXPECT_TRUE(registration_.state().is_registered);
}

TEST_F(RegistrationTest, ErrorsThatAlternateAreOneOutage) {
  Pass(absl::ZeroDuration());
  TakeLines();
  for (int i = 0; i < 5; ++i) {
    etcd_.set_error(absl::UnavailableError("nobody there"));
    Pass(absl::Seconds(5));
    etcd_.set_error(absl::DeadlineExceededError("no answer"));
    Pass(absl::Seconds(5));
    etcd_.set_error(absl::PermissionDeniedError("not you"));
    Pass(absl::Seconds(5));
  }
  etcd_.set_error(absl::OkStatus());
  Pass(absl::Seconds(5));
  EXPECT_THAT(TakeLines(), ElementsAre(HasSubstr("error=\"nobody there\""),
                                       HasSubstr("error=\"not you\""),
                                       StartsWith("I etcd answers again"),
                                       StartsWith("I registered")));
}

TEST_F(RegistrationTest, AnEntryThatWasGoneIsToldWhenItIsPutAgain) {
  Pass(absl::ZeroDuration());
  TakeLines();
  etcd_.EndLease(etcd_.leases().begin()->first);
  Pass(absl::Seconds(10));
  EXPECT_THAT(TakeLines(),
              ElementsAre(StartsWith("W registered in etcd anew")));
}

TEST_F(RegistrationTest, WhoWasNotRegisteredWithdrawsSilently) {
  PutOther(EntryAt("10.0.0.2:1"));
  Pass(absl::ZeroDuration());
  TakeLines();
  etcd_.set_error(absl::CancelledError("cancelled"));
  registration_.Want(false);
  Pass(absl::ZeroDuration());
  EXPECT_THAT(TakeLines(), IsEmpty());
}

TEST_F(RegistrationTest, ADrainWithdrawsTheEntryAtOnceAndItsEndPutsItAgain) {
  Pass(absl::ZeroDuration());
  TakeLines();
  registration_.Want(false);
  EXPECT_EQ(registration_.NextDue(), absl::InfinitePast());
  Pass(absl::ZeroDuration());
  EXPECT_THAT(etcd_.values(), IsEmpty());
  EXPECT_FALSE(registration_.state().is_registered);
  EXPECT_THAT(TakeLines(), ElementsAre(StartsWith("I withdrawn from etcd")));
  EXPECT_EQ(registration_.NextDue(), absl::InfiniteFuture());
  registration_.Want(true);
  Pass(absl::ZeroDuration());
  EXPECT_EQ(etcd_.values().count(kKey), 1u);
  EXPECT_EQ(registration_.state().puts, 2);
}

TEST_F(RegistrationTest, AWithdrawalThatFailsIsToldOnceAndTriedAgain) {
  Pass(absl::ZeroDuration());
  TakeLines();
  etcd_.set_error(absl::UnavailableError("away"));
  registration_.Want(false);
  Pass(absl::Seconds(2));
  EXPECT_THAT(TakeLines(),
              ElementsAre(AllOf(StartsWith("W not withdrawn"),
                                HasSubstr("lease=10s error=away"))));
  // After 0, 0.19, 0.56, 1.31 s.
  EXPECT_EQ(registration_.failed_withdrawals(), 4);
  EXPECT_TRUE(registration_.state().is_registered);
  EXPECT_THAT(registration_.state().error,
              StatusIs(absl::StatusCode::kUnavailable));
  etcd_.set_error(absl::OkStatus());
  Pass(Registration::kLongestWithdrawalPause);
  EXPECT_THAT(etcd_.values(), IsEmpty());
  EXPECT_FALSE(registration_.state().is_registered);
  EXPECT_THAT(registration_.state().error, IsOk());
  EXPECT_THAT(TakeLines(), ElementsAre(StartsWith("I withdrawn from etcd")));
  EXPECT_EQ(registration_.NextDue(), absl::InfiniteFuture());
}

TEST_F(RegistrationTest, AWithdrawalIsTriedUntilEtcdAnswersWhateverTheLease) {
  Pass(absl::ZeroDuration());
  TakeLines();
  etcd_.set_error(absl::UnavailableError("away"));
  registration_.Want(false);
  Pass(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_TRUE(registration_.state().is_registered);
  Pass(Registration::kLongestWithdrawalPause);
  EXPECT_FALSE(registration_.state().is_registered);
  Pass(absl::Minutes(10));
  EXPECT_LE(registration_.NextDue(),
            now_ + Registration::kLongestWithdrawalPause);
  EXPECT_THAT(TakeLines(), ElementsAre(StartsWith("W not withdrawn")));
  etcd_.set_error(absl::OkStatus());
  EXPECT_EQ(etcd_.values().count(kKey), 1u);
  Pass(Registration::kLongestWithdrawalPause);
  EXPECT_THAT(etcd_.values(), IsEmpty());
  EXPECT_THAT(TakeLines(), ElementsAre(StartsWith("I withdrawn from etcd")));
  EXPECT_EQ(registration_.NextDue(), absl::InfiniteFuture());
}

TEST_F(RegistrationTest, AnEntryWhoseLeaseEndedInAnOutageIsWithdrawnAfterIt) {
  Pass(absl::ZeroDuration());
  etcd_.set_error(absl::UnavailableError("away"));
  Pass(absl::Minutes(1));
  EXPECT_FALSE(registration_.state().is_registered);
  TakeLines();
  registration_.Want(false);
  Pass(absl::Minutes(1));
  EXPECT_THAT(registration_.state().error,
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(TakeLines(), IsEmpty());
  etcd_.set_error(absl::OkStatus());
  Pass(Registration::kLongestWithdrawalPause);
  EXPECT_THAT(etcd_.values(), IsEmpty());
  EXPECT_THAT(TakeLines(), ElementsAre(StartsWith("I withdrawn from etcd")));
}

TEST_F(RegistrationTest, WhatWasNeverPutIsNotSaidToBeWithdrawn) {
  etcd_.set_error(absl::UnavailableError("away"));
  Pass(absl::Seconds(5));
  TakeLines();
  registration_.Want(false);
  Pass(absl::Seconds(5));
  EXPECT_THAT(TakeLines(), IsEmpty());
  EXPECT_EQ(registration_.NextDue(), absl::InfiniteFuture());
}

TEST_F(RegistrationTest, ADrainThatIsCancelledEndsAWithdrawalThatFailed) {
  Pass(absl::ZeroDuration());
  etcd_.set_error(absl::UnavailableError("away"));
  registration_.Want(false);
  Pass(absl::Seconds(1));
  etcd_.set_error(absl::OkStatus());
  registration_.Want(true);
  EXPECT_EQ(registration_.NextDue(), absl::InfinitePast());
  TakeLines();
  Pass(absl::Minutes(1));
  EXPECT_THAT(TakeLines(), ElementsAre(StartsWith("I etcd answers again"),
                                       StartsWith("I registered in etcd")));
  EXPECT_TRUE(registration_.state().is_registered);
  EXPECT_EQ(registration_.state().puts, 2);
  EXPECT_EQ(etcd_.values().count(kKey), 1u);
}

TEST_F(RegistrationTest, TheStateHasTheTimeOfItsLastChange) {
  const absl::Time began = now_;
  Pass(absl::Minutes(1));
  EXPECT_EQ(registration_.state().key, kKey);
  EXPECT_EQ(registration_.state().lease, absl::Seconds(10));
  EXPECT_EQ(registration_.state().since, began);
  registration_.Want(false);
  const absl::Time withdrawn = now_;
  Pass(absl::Minutes(1));
  EXPECT_EQ(registration_.state().since, withdrawn);
  PutOther(EntryAt("10.0.0.2:1"));
  registration_.Want(true);
  const absl::Time held = now_;
  Pass(absl::Minutes(1));
  EXPECT_EQ(registration_.state().since, held);
}

TEST_F(RegistrationTest, AnotherBrokerOfTheNameIsNamedAndLeftAlone) {
  PutOther(EntryAt("10.0.0.2:1"));
  Pass(absl::Minutes(1));
  EXPECT_FALSE(registration_.state().is_registered);
  EXPECT_THAT(registration_.state().holder,
              AllOf(HasSubstr("10.0.0.2:1"), HasSubstr("version 0.1.0"),
                    HasSubstr("since 1970-01-01T00:00:00Z")));
  EXPECT_THAT(TakeLines(), ElementsAre(AllOf(StartsWith("E another broker"),
                                             HasSubstr("10.0.0.2:1"))));
  EXPECT_THAT(NameInUse(EntryAt("10.0.0.1:1"), registration_.state()),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr("got \"broker-a\" 0 in \"c\""),
                             HasSubstr("the broker at 10.0.0.2:1"))));
}

TEST_F(RegistrationTest, AnEntryOfTheSameAddressesIsThatOfAFormerProcess) {
  PutOther(EntryAt("10.0.0.1:1", /*incarnation=*/2));
  Pass(absl::ZeroDuration());
  EXPECT_TRUE(registration_.state().is_registered);
}

TEST_F(RegistrationTest, OnceItsEntryWasPutTheBrokerTakesNoOthers) {
  Pass(absl::ZeroDuration());
  PutOther(EntryAt("10.0.0.1:1", /*incarnation=*/2));
  Pass(absl::Seconds(30));
  EXPECT_FALSE(registration_.state().is_registered);
  EXPECT_THAT(registration_.state().holder, HasSubstr("10.0.0.1:1"));
}

TEST_F(RegistrationTest, WhatIsNoEntryIsLeftAloneAndSaidSo) {
  etcd_.Put(kKey, "mine!");
  Pass(absl::Seconds(30));
  EXPECT_EQ(etcd_.values().at(kKey).value, "mine!");
  EXPECT_THAT(registration_.state().holder, HasSubstr("is no broker's entry"));
}

}  // namespace
}  // namespace rmq
