#include "broker/registry/channel_expiries.h"

#include "absl/time/time.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/table_options.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Duration kUsual = absl::Seconds(120);

absl::Time At(double seconds) {
  return absl::FromUnixSeconds(1000) + absl::Seconds(seconds);
}

class ChannelExpiriesTest : public ::testing::Test {
 protected:
  absl::Duration Shortest() const { return expiries_.Outlook().shortest; }

  ChannelRecord a_{ChannelKind::kStream};
  ChannelRecord b_{ChannelKind::kStream};
  ChannelExpiries expiries_{TableOptions()};
};

TEST_F(ChannelExpiriesTest, AChannelHasTheUsualExpiryUntilItIsGivenAnother) {
  EXPECT_EQ(expiries_.Of(a_), kUsual);
  expiries_.Set(a_, absl::Seconds(10));
  EXPECT_EQ(expiries_.Of(a_), absl::Seconds(10));
  EXPECT_EQ(expiries_.Of(b_), kUsual);
}

TEST_F(ChannelExpiriesTest, AChannelWithTheUsualExpiryCostsNothing) {
  expiries_.Set(a_, kUsual);
  EXPECT_EQ(a_.exceptions, nullptr);
  expiries_.Set(a_, absl::Seconds(10));
  expiries_.Set(a_, kUsual);
  EXPECT_EQ(a_.exceptions, nullptr);
}

TEST_F(ChannelExpiriesTest, OnlyAShorterExpiryMustBeFiledAnew) {
  EXPECT_FALSE(expiries_.Set(a_, kUsual));
  EXPECT_FALSE(expiries_.Set(a_, absl::Seconds(121)));
  EXPECT_TRUE(expiries_.Set(a_, kUsual));
  EXPECT_TRUE(expiries_.Set(a_, absl::Seconds(119)));
  EXPECT_FALSE(expiries_.Set(a_, absl::Seconds(119)));
}

TEST_F(ChannelExpiriesTest, TheShortestIsThatOfTheChannelsThatAreThere) {
  EXPECT_EQ(Shortest(), kUsual);
  expiries_.Set(a_, absl::Seconds(20));
  expiries_.Set(b_, absl::Seconds(10));
  EXPECT_EQ(Shortest(), absl::Seconds(10));
  expiries_.Remove(b_);
  EXPECT_EQ(Shortest(), absl::Seconds(20));
  expiries_.Set(a_, absl::Seconds(30));
  EXPECT_EQ(Shortest(), absl::Seconds(30));
  expiries_.Remove(a_);
  EXPECT_EQ(Shortest(), kUsual);
}

TEST_F(ChannelExpiriesTest, TwoChannelsMayHaveTheSameExpiry) {
  expiries_.Set(a_, absl::Seconds(10));
  expiries_.Set(b_, absl::Seconds(10));
  expiries_.Remove(a_);
  EXPECT_EQ(Shortest(), absl::Seconds(10));
}

TEST_F(ChannelExpiriesTest, ALongerExpiryThanTheUsualIsNotTheShortest) {
  expiries_.Set(a_, absl::Minutes(30));
  EXPECT_EQ(Shortest(), kUsual);
}

TEST_F(ChannelExpiriesTest, TheFirstDeadlineIsDueWhenItsSecondIsOver) {
  EXPECT_EQ(expiries_.Outlook().next_due, absl::InfiniteFuture());
  expiries_.Set(a_, absl::Seconds(10));
  expiries_.File(a_, At(0.25), At(0.25));
  expiries_.File(b_, At(0.25), At(0.25));
  EXPECT_EQ(expiries_.Outlook().next_due, At(11));
  expiries_.Remove(a_);
  EXPECT_EQ(expiries_.Outlook().next_due, At(121));
  expiries_.Remove(b_);
  EXPECT_EQ(expiries_.Outlook().next_due, absl::InfiniteFuture());
}

TEST_F(ChannelExpiriesTest, WhatMayBeLookedAtIsNotWaitedFor) {
  expiries_.File(a_, At(0), At(0));
  expiries_.CollectDue(At(120));
  EXPECT_EQ(expiries_.Outlook().next_due, absl::InfiniteFuture());
  EXPECT_EQ(expiries_.PopDue(), &a_);
}

TEST_F(ChannelExpiriesTest, NothingIsFiledBeforeNow) {
  expiries_.Set(a_, absl::Seconds(10));
  expiries_.File(a_, At(0), At(50));
  EXPECT_EQ(expiries_.Outlook().next_due, At(51));
}

TEST_F(ChannelExpiriesTest, AChannelThatIsFiledAnewIsDueOnce) {
  expiries_.File(a_, At(0), At(0));
  expiries_.Set(a_, absl::Seconds(10));
  expiries_.FileAnew(a_, At(0), At(0));
  expiries_.CollectDue(At(10));
  EXPECT_EQ(expiries_.PopDue(), &a_);
  expiries_.CollectDue(At(200));
  EXPECT_EQ(expiries_.PopDue(), nullptr);
}

}  // namespace
}  // namespace rmq
