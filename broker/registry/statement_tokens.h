// The tokens of full statements, by which light heartbeats repeat them.
#ifndef BROKER_REGISTRY_STATEMENT_TOKENS_H_
#define BROKER_REGISTRY_STATEMENT_TOKENS_H_

#include <array>
#include <cstdint>

namespace rmq {

// Makes numbers that are never 0 and never the same twice, and that nobody can
// tell from one another without the key: whoever has one, or millions, cannot
// guess the next client's.
//
// They are 1, 2, 3, ... encrypted by Speck64/128, a block cipher of 64 bits,
// which makes each number another one, and no two the same. Reference: Beaulieu
// and others, "The SIMON and SPECK Families of Lightweight Block Ciphers",
// 2013.
//
// The same key gives the same numbers. Not thread-safe.
class StatementTokens {
 public:
  // Drawn by the broker at its start, and told to nobody.
  using Key = std::array<uint32_t, 4>;

  explicit StatementTokens(const Key& key);

  uint64_t Next() {
    uint64_t token;
    do {
      token = Encrypt(++last_);
    } while (token == 0);
    return token;
  }

  // What Next() makes of a number.
  uint64_t Encrypt(uint64_t number) const;

 private:
  static constexpr int kRounds = 27;

  std::array<uint32_t, kRounds> round_keys_;
  uint64_t last_ = 0;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_STATEMENT_TOKENS_H_
