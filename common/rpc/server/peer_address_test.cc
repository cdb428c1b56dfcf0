#include "common/rpc/server/peer_address.h"

#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(PeerAddressTest, IsHostAndPortWithoutTheScheme) {
  EXPECT_EQ(PeerAddress("ipv4:192.0.2.1:4711"), "192.0.2.1:4711");
  EXPECT_EQ(PeerAddress("ipv6:%5B::1%5D:4711"), "[::1]:4711");
  EXPECT_EQ(PeerAddress("ipv6:[::1]:4711"), "[::1]:4711");
  EXPECT_EQ(PeerAddress("unix:/tmp/socket"), "unix:/tmp/socket");
  EXPECT_EQ(PeerAddress(""), "");
}

TEST(HostOfTest, IsWhatStandsBeforeThePort) {
  EXPECT_EQ(HostOf("192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(HostOf("[::1]:4711"), "[::1]");
  EXPECT_EQ(HostOf("nonsense"), "nonsense");
}

}  // namespace
}  // namespace rmq
