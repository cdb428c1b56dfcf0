#include "common/kv.h"

#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(KvTest, APlainValueStandsAsItIs) {
  EXPECT_EQ(Kv("group", "orders"), " group=orders");
}

TEST(KvTest, ANumberStandsAsItIs) {
  EXPECT_EQ(Kv("channels", 7), " channels=7");
}

TEST(KvTest, AnEmptyValueIsQuotedSoThatItIsSeen) {
  EXPECT_EQ(Kv("group", ""), " group=\"\"");
}

TEST(KvTest, AValueWithABlankIsQuoted) {
  EXPECT_EQ(Kv("client_id", "a b"), " client_id=\"a b\"");
}

TEST(KvTest, ALineEndCannotForgeALogLine) {
  EXPECT_EQ(Kv("client_id", std::string("a\nleft group=x")),
            " client_id=\"a\\nleft group=x\"");
}

TEST(KvTest, AQuoteIsEscaped) {
  EXPECT_EQ(Kv("client_id", "a\"b"), " client_id=\"a\\\"b\"");
}

}  // namespace
}  // namespace rmq
