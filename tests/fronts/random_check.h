// Plays operations at this broker's core with the clients of both fronts, and
// at the model of both, and compares.
#ifndef TESTS_FRONTS_RANDOM_CHECK_H_
#define TESTS_FRONTS_RANDOM_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "tests/fronts/both_sides.h"
#include "tests/fronts/operations.h"
#include "tests/model/sdk_model.h"

namespace rmq::fronts {

struct Failure {
  uint64_t seed = 0;
  // The shrunk operations; the last one differs.
  std::vector<Operation> operations;
  // What each of them stated.
  std::vector<std::string> words;
  std::string difference;
};

// Plays the worlds `seed`, `seed` + 1, ..., `worlds` of them. After each
// operation its outcome, its events and pushes, and all that can be asked are
// compared; after the last, everybody falls silent, and nobody may be left.
// Returns the first difference. `options` are the model's.
absl::optional<Failure> CheckRandomly(uint64_t seed, int64_t worlds,
                                      const model::SdkOptions& options,
                                      Happened* happened);

// For the reader: the seed, the numbered operations in words, the difference.
std::string ToString(const Failure& failure);

}  // namespace rmq::fronts

#endif  // TESTS_FRONTS_RANDOM_CHECK_H_
