#include "broker/registry/channel_payers.h"

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "broker/registry/principals.h"
#include "common/payer.h"
#include "common/rate_limit.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr Payer kAddress = {1, /*is_principal=*/false};

class ChannelPayersTest : public ::testing::Test {
 protected:
  // As a channel opens and closes.
  void Open(const Payer& payer) {
    if (payer.is_principal) principals_.Take("pay");
    payers_.Add(payer);
  }
  void Close(const Payer& payer) {
    payers_.Remove(payer, now_);
    if (payer.is_principal) principals_.Drop(kNumber);
  }
  void ChangeAsOftenAsItMay(const Payer& payer) {
    while (payers_.MayChangeAt(payer, now_) == now_) {
      payers_.NoteChange(payer, now_);
    }
  }

  static constexpr Principals::Number kNumber = 1;
  static constexpr Payer kUser = {kNumber, /*is_principal=*/true};

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  Principals principals_;
  // Two changes a second, and three at once.
  ChannelPayers payers_{Rate(2, 3), &principals_};
};

TEST_F(ChannelPayersTest, APrincipalAndAnAddressOfOneNumberCountApart) {
  Open(kUser);
  Open(kUser);
  Open(kAddress);
  EXPECT_EQ(payers_.channels(kUser), 2);
  EXPECT_EQ(payers_.channels(kAddress), 1);
}

TEST_F(ChannelPayersTest, APayerWithoutAChannelIsForgotten) {
  Open(kUser);
  Open(kUser);
  Close(kUser);
  EXPECT_EQ(payers_.size(), 1);
  Close(kUser);
  EXPECT_EQ(payers_.size(), 0);
  EXPECT_EQ(payers_.channels(kUser), 0);
  EXPECT_EQ(principals_.size(), 0);
}

TEST_F(ChannelPayersTest, AsManyChangesAsTheBurstAndThenOneAfterItsShare) {
  Open(kUser);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(payers_.MayBeOver(now_)) << i;
    EXPECT_EQ(payers_.MayChangeAt(kUser, now_), now_) << i;
    payers_.NoteChange(kUser, now_);
  }
  EXPECT_TRUE(payers_.MayBeOver(now_));
  const absl::Time again = now_ + absl::Milliseconds(500);
  EXPECT_EQ(payers_.MayChangeAt(kUser, now_), again);
  EXPECT_TRUE(payers_.MayBeOver(again - absl::Nanoseconds(1)));
  EXPECT_FALSE(payers_.MayBeOver(again));
  EXPECT_EQ(payers_.MayChangeAt(kUser, again), again);
}

TEST_F(ChannelPayersTest, WhoChangesOftenCostsOthersNothing) {
  Open(kUser);
  Open(kAddress);
  for (int i = 0; i < 3; ++i) payers_.NoteChange(kUser, now_);
  EXPECT_EQ(payers_.MayChangeAt(kAddress, now_), now_);
}

TEST_F(ChannelPayersTest, WhoHasNoChannelHasChangedNothing) {
  for (int i = 0; i < 4; ++i) payers_.NoteChange(kUser, now_);
  EXPECT_EQ(payers_.size(), 0);
  EXPECT_EQ(payers_.MayChangeAt(kUser, now_), now_);
}

TEST_F(ChannelPayersTest, WhoClosesItsChannelsAndComesBackHasNoNewRate) {
  for (const Payer& payer : {kUser, kAddress}) {
    Open(payer);
    ChangeAsOftenAsItMay(payer);
    Close(payer);
    EXPECT_EQ(payers_.channels(payer), 0);
    Open(payer);
    EXPECT_EQ(payers_.MayChangeAt(payer, now_), now_ + absl::Milliseconds(500));
    now_ += absl::Milliseconds(1500);
    Close(payer);
    EXPECT_EQ(payers_.size(), 0);
    EXPECT_EQ(principals_.size(), 0);
  }
}

TEST_F(ChannelPayersTest, TheNumberOfAUserWhoseRateIsKeptIsNobodyElses) {
  Open(kUser);
  ChangeAsOftenAsItMay(kUser);
  Close(kUser);
  EXPECT_NE(principals_.Take("ship"), kNumber);
  EXPECT_EQ(principals_.Find("pay"), kNumber);
}

TEST_F(ChannelPayersTest, ARateThatIsFullyAvailableIsForgottenWhenOthersWait) {
  Open(kUser);
  ChangeAsOftenAsItMay(kUser);
  Close(kUser);
  now_ += absl::Milliseconds(1500);
  Open(kAddress);
  ChangeAsOftenAsItMay(kAddress);
  Close(kAddress);
  EXPECT_EQ(payers_.size(), 1);
  EXPECT_EQ(principals_.size(), 0);
}

TEST_F(ChannelPayersTest, SoManyWithoutAChannelAreKeptAndTheFirstOnesGo) {
  const auto pass = [this](uint64_t number) {
    const Payer payer = {number, /*is_principal=*/false};
    Open(payer);
    ChangeAsOftenAsItMay(payer);
    Close(payer);
    now_ += absl::Nanoseconds(1);
  };
  for (size_t i = 0; i < ChannelPayers::kMostWithoutChannel; ++i) pass(i);
  EXPECT_EQ(payers_.size(), ChannelPayers::kMostWithoutChannel);
  EXPECT_GT(payers_.MayChangeAt({0, false}, now_), now_);
  pass(ChannelPayers::kMostWithoutChannel);
  EXPECT_EQ(payers_.size(), ChannelPayers::kMostWithoutChannel);
  EXPECT_EQ(payers_.MayChangeAt({0, false}, now_), now_);
  EXPECT_GT(payers_.MayChangeAt({1, false}, now_), now_);
}

}  // namespace
}  // namespace rmq
