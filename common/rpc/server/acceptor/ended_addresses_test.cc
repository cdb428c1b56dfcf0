#include "common/rpc/server/acceptor/ended_addresses.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Time kNow = absl::UnixEpoch();
constexpr absl::Duration kMoment = absl::Nanoseconds(1);

TEST(EndedAddressesTest, OneEndMakesAnAddressSuspectForAPeriod) {
  EndedAddresses addresses;
  EXPECT_FALSE(addresses.IsSuspect(1, kNow));
  addresses.Note(1, kNow);
  EXPECT_TRUE(addresses.IsSuspect(1, kNow));
  EXPECT_FALSE(addresses.IsSuspect(2, kNow));
  const absl::Time over = kNow + EndedAddresses::kPeriod;
  EXPECT_TRUE(addresses.IsSuspect(1, over - kMoment));
  EXPECT_FALSE(addresses.IsSuspect(1, over));
}

TEST(EndedAddressesTest, ThreeEndsWithinAPeriodHoldAnAddressForSomeTime) {
  EndedAddresses addresses;
  const absl::Time last = kNow + EndedAddresses::kPeriod - kMoment;
  addresses.Note(1, kNow);
  addresses.Note(1, kNow);
  EXPECT_FALSE(addresses.IsHeld(1, kNow));
  addresses.Note(1, last);
  EXPECT_TRUE(addresses.IsHeld(1, last));
  EXPECT_FALSE(addresses.IsHeld(2, last));
  EXPECT_TRUE(addresses.IsHeld(1, last + EndedAddresses::kHold - kMoment));
  EXPECT_FALSE(addresses.IsHeld(1, last + EndedAddresses::kHold));
}

TEST(EndedAddressesTest, ThreeEndsInAPeriodOrMoreHoldNobody) {
  EndedAddresses addresses;
  addresses.Note(1, kNow);
  addresses.Note(1, kNow);
  addresses.Note(1, kNow + EndedAddresses::kPeriod);
  EXPECT_FALSE(addresses.IsHeld(1, kNow + EndedAddresses::kPeriod));
}

TEST(EndedAddressesTest, BeyondTheMostTheOneEndedLongestAgoIsForgotten) {
  EndedAddresses addresses;
  addresses.Note(0, kNow);
  const absl::Time later = kNow + absl::Seconds(1);
  for (size_t i = 1; i < EndedAddresses::kMost; ++i) {
    addresses.Note(i, later);
  }
  EXPECT_TRUE(addresses.IsSuspect(0, later));
  constexpr ClientNetwork kMore = EndedAddresses::kMost;
  addresses.Note(kMore, later);
  EXPECT_FALSE(addresses.IsSuspect(0, later));
  EXPECT_TRUE(addresses.IsSuspect(1, later));
  EXPECT_TRUE(addresses.IsSuspect(kMore, later));
}

}  // namespace
}  // namespace rmq
