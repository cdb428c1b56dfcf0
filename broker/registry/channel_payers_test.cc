#include "broker/registry/channel_payers.h"

#include "absl/time/time.h"
#include "common/payer.h"
#include "common/rate_limit.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr Payer kUser = {1, /*is_principal=*/true};
constexpr Payer kAddress = {1, /*is_principal=*/false};

class ChannelPayersTest : public ::testing::Test {
 protected:
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  // Two changes a second, and three at once.
  ChannelPayers payers_{Rate(2, 3)};
};

TEST_F(ChannelPayersTest, APrincipalAndAnAddressOfOneNumberCountApart) {
  payers_.Add(kUser);
  payers_.Add(kUser);
  payers_.Add(kAddress);
  EXPECT_EQ(payers_.channels(kUser), 2);
  EXPECT_EQ(payers_.channels(kAddress), 1);
}

TEST_F(ChannelPayersTest, APayerWithoutAChannelIsForgotten) {
  payers_.Add(kUser);
  payers_.Add(kUser);
  payers_.Remove(kUser);
  EXPECT_EQ(payers_.size(), 1);
  payers_.Remove(kUser);
  EXPECT_EQ(payers_.size(), 0);
  EXPECT_EQ(payers_.channels(kUser), 0);
}

TEST_F(ChannelPayersTest, AsManyChangesAsTheBurstAndThenOneAfterItsShare) {
  payers_.Add(kUser);
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
  payers_.Add(kUser);
  payers_.Add(kAddress);
  for (int i = 0; i < 3; ++i) payers_.NoteChange(kUser, now_);
  EXPECT_EQ(payers_.MayChangeAt(kAddress, now_), now_);
}

TEST_F(ChannelPayersTest, WhoHasNoChannelHasChangedNothing) {
  for (int i = 0; i < 4; ++i) payers_.NoteChange(kUser, now_);
  EXPECT_EQ(payers_.size(), 0);
  EXPECT_EQ(payers_.MayChangeAt(kUser, now_), now_);
}

}  // namespace
}  // namespace rmq
