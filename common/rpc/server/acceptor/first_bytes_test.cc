#include "common/rpc/server/acceptor/first_bytes.h"

#include <cstddef>
#include <random>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

TEST(FirstBytesTest, EachPartOfThePrefaceNeedsMoreBytesAndAllOfItIsHttp2) {
  for (size_t size = 0; size < kPreface.size(); ++size) {
    EXPECT_EQ(ProtocolOf(kPreface.substr(0, size)), Protocol::kUnknownYet)
        << size;
  }
  EXPECT_EQ(ProtocolOf(kPreface), Protocol::kHttp2);
  EXPECT_EQ(ProtocolOf(std::string(kPreface) + "more"), Protocol::kHttp2);
}

TEST(FirstBytesTest, APrefaceWithAnyOtherByteIsNotHttp2) {
  for (size_t at = 0; at < kPreface.size(); ++at) {
    std::string bytes(kPreface);
    bytes[at] ^= 0x20;
    EXPECT_NE(ProtocolOf(bytes), Protocol::kHttp2) << at;
    EXPECT_NE(ProtocolOf(bytes), Protocol::kUnknownYet) << at;
  }
}

TEST(FirstBytesTest, AHandshakeRecordIsTls) {
  EXPECT_EQ(ProtocolOf("\x16"), Protocol::kUnknownYet);
  EXPECT_EQ(ProtocolOf("\x16\x03"), Protocol::kTls);
  EXPECT_EQ(ProtocolOf("\x16\x03\x01\x02"), Protocol::kTls);
  EXPECT_EQ(ProtocolOf("\x16\x04"), Protocol::kOther);
}

TEST(FirstBytesTest, AMethodAndASpaceAreHttp1) {
  for (const char* method : {"GET", "POST", "OPTIONS", "PRIX"}) {
    EXPECT_EQ(ProtocolOf(method), Protocol::kUnknownYet) << method;
    EXPECT_EQ(ProtocolOf(std::string(method) + " /"), Protocol::kHttp1);
  }
  EXPECT_EQ(ProtocolOf("LONGNAME"), Protocol::kOther);
  EXPECT_EQ(ProtocolOf("GETS\r\n"), Protocol::kOther);
}

TEST(FirstBytesTest, AnythingElseIsOther) {
  for (const absl::string_view bytes :
       {absl::string_view("SSH-2.0-x"), absl::string_view("\0\0\0\x10", 4),
        absl::string_view("*1\r\n"), absl::string_view("get /")}) {
    EXPECT_EQ(ProtocolOf(bytes), Protocol::kOther) << bytes;
  }
}

TEST(FirstBytesTest, AsManyBytesAsThePrefaceAreAlwaysDecided) {
  std::mt19937 random(20261129);
  for (int i = 0; i < 10'000; ++i) {
    // Nearly all of what is random begins unlike anything: so begin alike.
    std::string bytes(kPreface.substr(0, random() % (kPreface.size() + 1)));
    while (bytes.size() < kMostFirstBytes) {
      bytes += static_cast<char>(i % 2 == 0 ? random() : 'A' + random() % 26);
    }
    EXPECT_NE(ProtocolOf(bytes), Protocol::kUnknownYet) << bytes;
  }
}

}  // namespace
}  // namespace rmq
