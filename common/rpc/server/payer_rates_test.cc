#include "common/rpc/server/payer_rates.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "common/payer.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using Kind = PayerRates::Kind;

constexpr char kPeer[] = "10.0.0.1:40000";
const Payer kPayer = PayerOf("", ClientNetworkOf(kPeer));
const Payer kUser = PayerOf("pay", ClientNetworkOf(kPeer));

PayerRates::Options Rates(int64_t bytes, int64_t groups, int64_t rows) {
  PayerRates::Options options;
  options.max_unary_bytes_rate = bytes;
  options.max_unary_groups_rate = groups;
  options.max_listed_rows_rate = rows;
  return options;
}

class PayerRatesTest : public ::testing::Test {
 protected:
  bool Passes(absl::string_view peer, Kind kind = Kind::kGroups) {
    return rates_.Check(kind, PayerOf("", ClientNetworkOf(peer)), now_).ok();
  }
  void Take(absl::string_view peer, int64_t amount, Kind kind = Kind::kGroups) {
    rates_.Take(kind, PayerOf("", ClientNetworkOf(peer)), amount, now_);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  PayerRates rates_{Rates(1000, 100, 10)};
};

TEST_F(PayerRatesTest, ABurstPassesAndThenNothingUntilSomeIsBack) {
  Take(kPeer, 199);
  EXPECT_TRUE(Passes(kPeer));
  Take(kPeer, 1);
  const CallStatus refused = rates_.Check(Kind::kGroups, kPayer, now_);
  EXPECT_EQ(refused.code, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.response_code, ResponseCode::kSystemBusy);
  EXPECT_EQ(refused.message,
            "groups of unary requests from one address must be at most 100 a "
            "second, come again in 1ms");
  now_ += absl::Milliseconds(1);
  EXPECT_TRUE(Passes(kPeer));
}

TEST_F(PayerRatesTest, WhatOverdrawsIsWaitedFor) {
  Take(kPeer, 400);
  EXPECT_THAT(rates_.Check(Kind::kGroups, kPayer, now_).message,
              HasSubstr("come again in 2s"));
  now_ += absl::Seconds(2);
  EXPECT_FALSE(Passes(kPeer));
  now_ += absl::Milliseconds(1);
  EXPECT_TRUE(Passes(kPeer));
}

TEST_F(PayerRatesTest, EachKindHasItsOwnBucket) {
  Take(kPeer, 2000, Kind::kBytes);
  EXPECT_FALSE(Passes(kPeer, Kind::kBytes));
  EXPECT_TRUE(Passes(kPeer, Kind::kGroups));
  Take(kPeer, 20, Kind::kRows);
  EXPECT_FALSE(Passes(kPeer, Kind::kRows));
  EXPECT_THAT(rates_.Check(Kind::kBytes, kPayer, now_).message,
              HasSubstr("bytes of unary requests and compressed messages"));
  EXPECT_THAT(rates_.Check(Kind::kRows, kPayer, now_).message,
              HasSubstr("rows of listings from one address must be at most 10 "
                        "a second"));
}

TEST_F(PayerRatesTest, AllConnectionsOfAnAddressShareAndOtherAddressesDoNot) {
  Take(kPeer, 200);
  EXPECT_FALSE(Passes("10.0.0.1:1"));
  EXPECT_TRUE(Passes("10.0.0.2:40000"));
}

TEST_F(PayerRatesTest, AUserAndTheOthersAtItsAddressDoNotShare) {
  rates_.Take(Kind::kGroups, kUser, 200, now_);
  EXPECT_TRUE(Passes(kPeer));
  const CallStatus refused = rates_.Check(
      Kind::kGroups, PayerOf("pay", ClientNetworkOf("10.0.0.2:1")), now_);
  EXPECT_THAT(refused.message, HasSubstr("of one user must be at most 100"));
}

TEST_F(PayerRatesTest, AnIpv6NetworkIsOneAddress) {
  Take("[2001:db8::1]:40000", 200);
  EXPECT_FALSE(Passes("[2001:db8::ffff:2]:1"));
  EXPECT_TRUE(Passes("[2001:db8:0:1::1]:1"));
}

TEST_F(PayerRatesTest, ZeroIsNoLimit) {
  PayerRates unlimited(Rates(0, 0, 0));
  for (Kind kind : {Kind::kBytes, Kind::kGroups, Kind::kRows}) {
    unlimited.Take(kind, kPayer, 1'000'000'000, now_);
    EXPECT_TRUE(unlimited.Check(kind, kPayer, now_).ok());
  }
}

TEST_F(PayerRatesTest, BeyondThatManyPayersTheLaterOnesShareTheirBuckets) {
  for (size_t i = 0; i < PayerRates::kMostPayers; ++i) {
    Take(absl::StrCat("10.1.", i / 250, ".", i % 250, ":1"), 200);
  }
  EXPECT_FALSE(Passes("10.1.0.0:1"));
  Take("10.2.0.1:1", 200);
  EXPECT_FALSE(Passes("10.2.0.2:1"));
  // Once the others' buckets are full again they are forgotten.
  now_ += absl::Seconds(2);
  EXPECT_TRUE(Passes("10.2.0.2:1"));
  Take("10.2.0.1:1", 200);
  EXPECT_TRUE(Passes("10.2.0.2:1"));
}

TEST(PayerRatesOptionsTest, DefaultsAndNoLimitsValidateAndNegativesDoNot) {
  EXPECT_THAT(PayerRates::Options().Validate(), IsOk());
  EXPECT_THAT(Rates(0, 0, 0).Validate(), IsOk());
  EXPECT_THAT(Rates(-1, 0, 0).Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("max_unary_bytes_rate must be 0 to")));
  EXPECT_THAT(Rates(0, -1, 0).Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("max_unary_groups_rate must be 0 to")));
  EXPECT_THAT(Rates(0, 0, (int64_t{1} << 40) + 1).Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("max_listed_rows_rate must be 0 to")));
}

}  // namespace
}  // namespace rmq
