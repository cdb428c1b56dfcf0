#include "broker/registry/statement_tokens.h"

#include <cstddef>

namespace rmq {
namespace {

uint32_t RotateLeft(uint32_t word, int bits) {
  return (word << bits) | (word >> (32 - bits));
}
uint32_t RotateRight(uint32_t word, int bits) {
  return (word >> bits) | (word << (32 - bits));
}

// A round of the cipher, and of its key schedule.
void Round(uint32_t key, uint32_t* high, uint32_t* low) {
  *high = (RotateRight(*high, 8) + *low) ^ key;
  *low = RotateLeft(*low, 3) ^ *high;
}

}  // namespace

StatementTokens::StatementTokens(const Key& key) {
  uint32_t low = key[0];
  std::array<uint32_t, 3> high = {key[1], key[2], key[3]};
  for (uint32_t round = 0; round < kRounds; ++round) {
    round_keys_[round] = low;
    Round(round, &high[round % high.size()], &low);
  }
}

uint64_t StatementTokens::Encrypt(uint64_t number) const {
  auto high = static_cast<uint32_t>(number >> 32);
  auto low = static_cast<uint32_t>(number);
  for (const uint32_t key : round_keys_) Round(key, &high, &low);
  return (uint64_t{high} << 32) | low;
}

}  // namespace rmq
