#include "common/client_network.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(ClientNetworkTest, AHostIsOneNetworkWhateverItsPort) {
  EXPECT_EQ(ClientNetworkOf("10.0.0.1:1"), ClientNetworkOf("10.0.0.1:65535"));
  EXPECT_NE(ClientNetworkOf("10.0.0.1:1"), ClientNetworkOf("10.0.0.2:1"));
  EXPECT_NE(ClientNetworkOf("10.0.0.1:1"), ClientNetworkOf("1.0.0.10:1"));
}

TEST(ClientNetworkTest, ANetworkOfIpv6IsItsFirst64Bits) {
  EXPECT_EQ(ClientNetworkOf("[2001:db8::1]:40000"),
            ClientNetworkOf("[2001:db8::ffff:ffff:ffff:ffff]:1"));
  EXPECT_NE(ClientNetworkOf("[2001:db8::1]:40000"),
            ClientNetworkOf("[2001:db8:0:1::1]:40000"));
}

TEST(ClientNetworkTest, AZoneIsNoPartOfTheNetwork) {
  EXPECT_EQ(ClientNetworkOf("[fe80::1%eth0]:1"),
            ClientNetworkOf("[fe80::2]:1"));
}

TEST(ClientNetworkTest, AnIpv4HostThatIsWrittenAsIpv6IsTheIpv4Host) {
  EXPECT_EQ(ClientNetworkOf("[::ffff:10.0.0.1]:1"),
            ClientNetworkOf("10.0.0.1:1"));
  EXPECT_NE(ClientNetworkOf("[::ffff:10.0.0.1]:1"),
            ClientNetworkOf("[::ffff:10.0.0.2]:1"));
}

TEST(ClientNetworkTest, WhatIsNoIpAddressIsOneNetwork) {
  for (absl::string_view address :
       {"", "unix:", "unix:/run/broker", ":1", "localhost:1", "10.0.0.256:1",
        "[2001:db8::1::]:1"}) {
    EXPECT_EQ(ClientNetworkOf(address), kNoIpNetwork) << address;
    EXPECT_EQ(HostForMessage(address), "no IP address") << address;
  }
  EXPECT_EQ(ClientNetworkOf(std::string(1000, '1') + ":1"), kNoIpNetwork);
  EXPECT_NE(ClientNetworkOf("[::1]:1"), kNoIpNetwork);
}

TEST(ClientNetworkTest, AMessageNamesTheHost) {
  EXPECT_EQ(HostForMessage("10.0.0.1:1"), "10.0.0.1");
  EXPECT_EQ(HostForMessage("[2001:db8::1]:1"), "[2001:db8::1]");
}

}  // namespace
}  // namespace rmq
