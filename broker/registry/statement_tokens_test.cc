#include "broker/registry/statement_tokens.h"

#include <cstdint>

#include "absl/container/flat_hash_set.h"
#include "absl/numeric/bits.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

// Key, number and token of the test vector in the paper on Speck.
constexpr StatementTokens::Key kKey = {0x03020100, 0x0b0a0908, 0x13121110,
                                       0x1b1a1918};

TEST(StatementTokensTest, ANumberIsEncryptedAsThePublishedCipherDoes) {
  EXPECT_EQ(StatementTokens(kKey).Encrypt(0x3b7265747475432d),
            0x8c6fa548454e028b);
}

TEST(StatementTokensTest, TheSameKeyGivesTheSameTokens) {
  StatementTokens one(kKey);
  StatementTokens other(kKey);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(one.Next(), other.Next());
}

TEST(StatementTokensTest, AnotherKeyGivesOthers) {
  StatementTokens one(kKey);
  StatementTokens::Key key = kKey;
  key[0] ^= 1;
  StatementTokens other(key);
  for (int i = 0; i < 10; ++i) EXPECT_NE(one.Next(), other.Next());
}

TEST(StatementTokensTest, NoTokenIsZeroOrComesTwice) {
  StatementTokens tokens(kKey);
  absl::flat_hash_set<uint64_t> all;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t token = tokens.Next();
    ASSERT_NE(token, 0);
    ASSERT_TRUE(all.insert(token).second);
  }
}

TEST(StatementTokensTest, OfTwoTokensInARowAboutHalfTheBitsDiffer) {
  StatementTokens tokens(kKey);
  uint64_t last = tokens.Next();
  int64_t differing = 0;
  constexpr int kPairs = 10'000;
  for (int i = 0; i < kPairs; ++i) {
    const uint64_t next = tokens.Next();
    differing += absl::popcount(last ^ next);
    last = next;
  }
  EXPECT_NEAR(static_cast<double>(differing) / kPairs, 32, 0.5);
}

}  // namespace
}  // namespace rmq
