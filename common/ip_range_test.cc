#include "common/ip_range.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

bool Contains(absl::string_view range, absl::string_view address) {
  const auto parsed = IpRange::Parse(range);
  EXPECT_THAT(parsed, IsOk()) << range;
  const absl::optional<IpAddress> inside = IpAddress::Parse(address);
  EXPECT_TRUE(inside.has_value()) << address;
  return parsed.ok() && inside.has_value() && parsed->Contains(*inside);
}

TEST(IpAddressTest, AddressesOfBothKindsAreRead) {
  ASSERT_TRUE(IpAddress::Parse("10.1.2.3").has_value());
  EXPECT_TRUE(IpAddress::Parse("10.1.2.3")->is_v4());
  ASSERT_TRUE(IpAddress::Parse("fe80::1").has_value());
  EXPECT_FALSE(IpAddress::Parse("fe80::1")->is_v4());
}

TEST(IpAddressTest, AnIPv4AddressWrittenAsIPv6IsTheSame) {
  EXPECT_EQ(IpAddress::Parse("::ffff:10.1.2.3"), IpAddress::Parse("10.1.2.3"));
  EXPECT_NE(IpAddress::Parse("::10.1.2.3"), IpAddress::Parse("10.1.2.3"));
}

TEST(IpAddressTest, WhatIsNoAddressIsNothing) {
  for (const absl::string_view text :
       {"", "10", "10.1.2", "10.1.2.256", "10.1.2.3.4", "010.1.2.3", "host",
        "10.1.2.3 ", "[::1]", "fe80::1%eth0",
        ":::", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa"}) {
    EXPECT_FALSE(IpAddress::Parse(text).has_value()) << text;
  }
  EXPECT_FALSE(
      IpAddress::Parse(absl::string_view("10.1.2.3\0", 9)).has_value());
}

TEST(IpAddressTest, AClientsAddressIsThatOfItsPeer) {
  EXPECT_EQ(IpAddress::OfPeer("10.1.2.3:4711"), IpAddress::Parse("10.1.2.3"));
  EXPECT_EQ(IpAddress::OfPeer("[fe80::1]:4711"), IpAddress::Parse("fe80::1"));
  EXPECT_EQ(IpAddress::OfPeer("[fe80::1%eth0]:1"), IpAddress::Parse("fe80::1"));
  EXPECT_EQ(IpAddress::OfPeer("[::ffff:10.1.2.3]:1"),
            IpAddress::Parse("10.1.2.3"));
  EXPECT_FALSE(IpAddress::OfPeer("unix:").has_value());
  EXPECT_FALSE(IpAddress::OfPeer("").has_value());
}

TEST(IpRangeTest, ARangeBeginsAndEndsWhereItsBitsDo) {
  EXPECT_TRUE(Contains("10.0.0.0/8", "10.0.0.0"));
  EXPECT_TRUE(Contains("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(Contains("10.0.0.0/8", "9.255.255.255"));
  EXPECT_FALSE(Contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(Contains("10.1.2.0/31", "10.1.2.1"));
  EXPECT_FALSE(Contains("10.1.2.0/31", "10.1.2.2"));
  EXPECT_TRUE(Contains("fe80::/10", "febf::1"));
  EXPECT_FALSE(Contains("fe80::/10", "fec0::"));
  EXPECT_TRUE(Contains("2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff"));
  EXPECT_FALSE(Contains("2001:db8::/65", "2001:db8::8000:0:0:0"));
  EXPECT_TRUE(Contains("2001:db8::/64", "2001:db8::8000:0:0:0"));
  EXPECT_FALSE(Contains("2001:db8::/64", "2001:db8:0:1::"));
}

TEST(IpRangeTest, AnAddressIsARangeOfOne) {
  EXPECT_TRUE(Contains("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(Contains("10.1.2.3", "10.1.2.2"));
  EXPECT_TRUE(Contains("::1", "::1"));
  EXPECT_FALSE(Contains("::1", "::2"));
  EXPECT_EQ(*IpRange::Parse("10.1.2.3"), *IpRange::Parse("10.1.2.3/32"));
}

TEST(IpRangeTest, ARangeOfAllHasOneKindOfAddress) {
  EXPECT_TRUE(Contains("0.0.0.0/0", "255.1.2.3"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(Contains("::/0", "fe80::1"));
  EXPECT_FALSE(Contains("::/0", "10.1.2.3"));
  EXPECT_TRUE(Contains("10.0.0.0/8", "::ffff:10.1.2.3"));
}

TEST(IpRangeTest, WhatIsNoRangeIsRefused) {
  for (const absl::string_view text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
        "10.0.0.0/ 8", "10.0.0.0/8/8", "::/129", "::/0128", "10/8", "*"}) {
    EXPECT_THAT(IpRange::Parse(text),
                StatusIs(kInvalid, HasSubstr("such as 10.0.0.0/8")))
        << text;
  }
}

TEST(IpRangeTest, BitsBehindThePrefixMustBeZero) {
  EXPECT_THAT(IpRange::Parse("10.1.2.3/8"),
              StatusIs(kInvalid, HasSubstr("behind the first 8 are 0")));
  EXPECT_THAT(IpRange::Parse("fe80::1/64"), StatusIs(kInvalid));
}

}  // namespace
}  // namespace rmq
