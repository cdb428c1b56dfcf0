#include "common/loopback_host.h"

#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(LoopbackHostTest, AddressesOfThisMachineAreLoopback) {
  for (const char* const host :
       {"127.0.0.1", "127.255.0.9", "[::1]", "localhost", "LocalHost"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  }
}

TEST(LoopbackHostTest, OtherAddressesAndNamesAreNot) {
  for (const char* const host :
       {"126.255.255.255", "128.0.0.1", "0.0.0.0", "[::]", "[::2]", "::1",
        "localhost.example.com", "broker", "", "["}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

TEST(LoopbackHostTest, AnAddressIsLoopbackIfItsHostIs) {
  EXPECT_TRUE(IsLoopbackAddress("127.0.0.1:10911"));
  EXPECT_TRUE(IsLoopbackAddress("[::1]:10911"));
  EXPECT_TRUE(IsLoopbackAddress("localhost:10911"));
  EXPECT_TRUE(IsLoopbackAddress("unix:/run/broker"));
  EXPECT_FALSE(IsLoopbackAddress("10.0.0.1:10911"));
  EXPECT_FALSE(IsLoopbackAddress("[::2]:10911"));
}

}  // namespace
}  // namespace rmq
