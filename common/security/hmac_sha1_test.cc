#include "common/security/hmac_sha1.h"

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "common/status_matchers.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

std::string Text(const HmacSha1Signature& signature) {
  return std::string(signature.begin(), signature.end());
}

HmacSha1 KeyOf(absl::string_view secret) {
  absl::StatusOr<HmacSha1> key = HmacSha1::Create(secret);
  EXPECT_THAT(key, IsOk());
  return *std::move(key);
}

TEST(HmacSha1Test, RocketMqsKnownAnswer) {
  const auto signature = KeyOf("12345678").Sign("RocketMQ");
  ASSERT_THAT(signature, IsOk());
  EXPECT_EQ(absl::Base64Escape(Text(*signature)),
            "IUc8rrO/0gDch8CjObLQsW2rsiA=");
}

// RFC 2202, section 3: cases 1, 2, 6 and 7.
TEST(HmacSha1Test, TheRfcsKnownAnswers) {
  struct Case {
    std::string key, text;
    absl::string_view hex;
  };
  for (const Case& known : std::vector<Case>{
           {std::string(20, '\x0b'), "Hi There",
            "b617318655057264e28bc0b6fb378c8ef146be00"},
           {"Jefe", "what do ya want for nothing?",
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
           {std::string(80, '\xaa'),
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
           {std::string(80, '\xaa'),
            "Test Using Larger Than Block-Size Key and Larger Than One "
            "Block-Size Data",
            "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
       }) {
    const auto signature = KeyOf(known.key).Sign(known.text);
    ASSERT_THAT(signature, IsOk());
    EXPECT_EQ(absl::BytesToHexString(Text(*signature)), known.hex);
  }
}

TEST(HmacSha1Test, AKeySignsAnyNumberOfTextsAlike) {
  const HmacSha1 key = KeyOf("secret");
  const auto first = key.Sign("a");
  ASSERT_THAT(key.Sign("b"), IsOk());
  const auto again = key.Sign("a");
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(*first, *again);
}

TEST(HmacSha1Test, AnEmptyTextIsSigned) {
  const HmacSha1 key = KeyOf("secret");
  const auto signature = key.Sign("");
  ASSERT_THAT(signature, IsOk());
  EXPECT_TRUE(key.Verify("", *signature));
}

TEST(HmacSha1Test, ASignatureWithOneBitChangedIsNotThatOfTheText) {
  const HmacSha1 key = KeyOf("12345678");
  const auto signature = key.Sign("20231227T194619Z");
  ASSERT_THAT(signature, IsOk());
  EXPECT_TRUE(key.Verify("20231227T194619Z", *signature));
  for (size_t bit = 0; bit < 8 * signature->size(); ++bit) {
    HmacSha1Signature changed = *signature;
    changed[bit / 8] ^= static_cast<unsigned char>(1 << bit % 8);
    EXPECT_FALSE(key.Verify("20231227T194619Z", changed)) << bit;
  }
}

TEST(HmacSha1Test, ThreadsMaySignWithOneKeyAtOnce) {
  const HmacSha1 key = KeyOf("12345678");
  const auto expected = key.Sign("RocketMQ");
  ASSERT_THAT(expected, IsOk());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) {
        if (!key.Verify("RocketMQ", *expected)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(HmacSha1Test, ASignatureHoldsForItsTextAndItsKeyAlone) {
  const HmacSha1 key = KeyOf("12345678");
  const auto signature = key.Sign("20231227T194619Z");
  ASSERT_THAT(signature, IsOk());
  EXPECT_FALSE(key.Verify("20231227T194618Z", *signature));
  EXPECT_FALSE(KeyOf("12345679").Verify("20231227T194619Z", *signature));
}

}  // namespace
}  // namespace rmq
