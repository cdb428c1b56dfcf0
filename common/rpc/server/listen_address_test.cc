#include "common/rpc/server/listen_address.h"

#include <string>
#include <tuple>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/server/transport_kind.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ListenAddressTest, HostAndPortAreToldApart) {
  for (const auto& [address, host, port] :
       {std::tuple("127.0.0.1:10911", "127.0.0.1", 10911),
        std::tuple("localhost:0", "localhost", 0),
        std::tuple("[::1]:65535", "[::1]", 65535),
        std::tuple("broker-a.example.org:1", "broker-a.example.org", 1)}) {
    const absl::StatusOr<ListenAddress> parsed =
        ParseListenAddress("address", address);
    ASSERT_THAT(parsed, IsOk());
    EXPECT_EQ(parsed->host, host);
    EXPECT_EQ(parsed->port, port);
  }
}

TEST(ListenAddressTest, WhatIsNoHostAndPortIsRefusedWithTheValue) {
  for (const char* address :
       {"", ":", ":10911", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1:1x", "localhost:http",
        "::1:10911", "unix:/tmp/socket", "ipv4:127.0.0.1:10911", "[::1]"}) {
    EXPECT_THAT(ParseListenAddress("address", address),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("address must be host:port")))
        << address;
  }
  EXPECT_THAT(ParseListenAddress("metrics_address", "nowhere"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("metrics_address must be"),
                             HasSubstr("got \"nowhere\""))));
}

TEST(ListenAddressTest, AServersAddressSaysHowItIsSecured) {
  for (const auto& [address, bare, kind, text] :
       {std::tuple("127.0.0.1:1", TransportKind::kPlaintext,
                   TransportKind::kPlaintext, "127.0.0.1:1"),
        std::tuple("127.0.0.1:1", TransportKind::kTls, TransportKind::kTls,
                   "127.0.0.1:1"),
        std::tuple("tls://[::1]:0", TransportKind::kPlaintext,
                   TransportKind::kTls, "[::1]:0"),
        std::tuple("plaintext://localhost:2", TransportKind::kTls,
                   TransportKind::kPlaintext, "localhost:2"),
        std::tuple("unix:/run/broker.sock", TransportKind::kTls,
                   TransportKind::kLocal, "unix:/run/broker.sock")}) {
    const absl::StatusOr<ListenAddress> parsed =
        ParseServerAddress("address", address, bare);
    ASSERT_THAT(parsed, IsOk());
    EXPECT_EQ(parsed->kind, kind) << address;
    EXPECT_EQ(TextOf(*parsed), text);
  }
}

TEST(ListenAddressTest, WhatIsNoServersAddressIsRefusedWithTheValue) {
  for (const char* address :
       {"", "127.0.0.1", "tls://", "tls://127.0.0.1", "TLS://127.0.0.1:1",
        "ssl://127.0.0.1:1", "tls://unix:/tmp/s", "tls://plaintext://h:1"}) {
    EXPECT_THAT(
        ParseServerAddress("address", address, TransportKind::kPlaintext),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 AllOf(HasSubstr("plaintext://host:port or unix:/path"),
                       HasSubstr(absl::StrCat("got \"", address, "\"")))));
  }
}

TEST(ListenAddressTest, TheFileOfASocketIsAnAbsolutePathOf107BytesAtMost) {
  const std::string longest = "/" + std::string(106, 'x');
  EXPECT_THAT(ParseServerAddress("address", "unix:" + longest,
                                 TransportKind::kPlaintext),
              IsOk());
  for (const std::string& path :
       {longest + "x", std::string("socket"), std::string("/run/"),
        std::string(), std::string("//")}) {
    EXPECT_THAT(ParseServerAddress("address", "unix:" + path,
                                   TransportKind::kPlaintext),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("absolute path of a file, of at most 107")))
        << path;
  }
}

TEST(ListenAddressTest, OnlyThisMachinesOwnAddressesAreLoopback) {
  for (const char* address : {"127.0.0.1:1", "127.255.255.255:1", "[::1]:1",
                              "localhost:1", "LocalHost:1", "unix:/run/s"}) {
    EXPECT_TRUE(IsLoopback(
        *ParseServerAddress("address", address, TransportKind::kPlaintext)))
        << address;
  }
  for (const char* address :
       {"0.0.0.0:1", "126.255.255.255:1", "128.0.0.1:1", "[::]:1", "[::2]:1",
        "10.0.0.1:1", "broker:1", "127.0.0.1.example.org:1", "[127.0.0.1]:1",
        "localhost.example.org:1"}) {
    EXPECT_FALSE(IsLoopback(*ParseListenAddress("address", address)))
        << address;
  }
}

}  // namespace
}  // namespace rmq
