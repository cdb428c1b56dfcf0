// The tokens of full statements, by which light heartbeats repeat them.
#ifndef BROKER_REGISTRY_STATEMENT_TOKENS_H_
#define BROKER_REGISTRY_STATEMENT_TOKENS_H_

#include <array>
#include <cstdint>

namespace rmq {

// Makes tokens that are never 0 and never repeat. Without the key nobody can
// guess the token of another client, however many tokens they have seen.
//
// The tokens are 1, 2, 3, ... encrypted by Speck64/128, a block cipher of 64
// bits: different numbers have different tokens. Reference: Beaulieu
// and others, "The SIMON and SPECK Families of Lightweight Block Ciphers",
// 2013.
//
// The same key gives the same numbers. Not thread-safe.
class StatementTokens {
 public:
  // Drawn by the broker at its start, and kept secret.
  using Key = std::array<uint32_t, 4>;

  explicit StatementTokens(const Key& key);

  uint64_t Next() {
    uint64_t token;
    do {
      token = Encrypt(++last_);
    } while (token == 0);
    return token;
  }

  // The token of a number.
  uint64_t Encrypt(uint64_t number) const;

 private:
  static constexpr int kRounds = 27;

  std::array<uint32_t, kRounds> round_keys_;
  uint64_t last_ = 0;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_STATEMENT_TOKENS_H_
