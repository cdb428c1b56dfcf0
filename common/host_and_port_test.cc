#include "common/host_and_port.h"

#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(HostAndPortTest, NamesAndAddressesWithAPortAreTaken) {
  for (const char* const good : {"a:1", "10.0.0.1:65535", "[::1]:2379",
                                 "[fe80::1%1]:1", "a_b.c-d:2379"}) {
    EXPECT_TRUE(IsHostAndPort(good)) << good;
  }
}

TEST(HostAndPortTest, AnythingElseIsNot) {
  for (const char* const bad :
       {"", "a", "a:", ":1", "a:0", "a:65536", "a:+1", "a: 1", "a b:1",
        "http://a:1", "[]:1", "[::1:1", "::1:1", "a:99999999999"}) {
    EXPECT_FALSE(IsHostAndPort(bad)) << bad;
  }
}

}  // namespace
}  // namespace rmq
