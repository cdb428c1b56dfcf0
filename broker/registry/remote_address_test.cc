#include "broker/registry/remote_address.h"

#include <string>

#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(RemoteAddressTest, OneThatWasNotSetIsEmpty) {
  EXPECT_EQ(RemoteAddress().text(), "");
}

TEST(RemoteAddressTest, TextsUpToTheLimitAndBeyondAreKeptAsCopies) {
  const size_t limit = RemoteAddress::kMaxInline;
  for (size_t length : {size_t{0}, size_t{1}, limit, limit + 1, 10 * limit}) {
    std::string text(length, 'a');
    RemoteAddress address;
    address.Set(text);
    text.assign(length, 'b');
    EXPECT_EQ(address.text(), std::string(length, 'a'));
  }
}

TEST(RemoteAddressTest, AnAddressMayBeSetAgain) {
  const std::string long_text(100, 'a');
  RemoteAddress address;
  address.Set(long_text);
  address.Set("127.0.0.1:5");
  EXPECT_EQ(address.text(), "127.0.0.1:5");
  address.Set(long_text);
  EXPECT_EQ(address.text(), long_text);
}

}  // namespace
}  // namespace rmq
