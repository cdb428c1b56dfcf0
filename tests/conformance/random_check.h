// Holds this broker against the model in random operations, and makes the
// shortest script that it can of a difference.
#ifndef TESTS_CONFORMANCE_RANDOM_CHECK_H_
#define TESTS_CONFORMANCE_RANDOM_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "tests/conformance/java_model.h"
#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

struct Failure {
  uint64_t seed = 0;
  Config config;
  // The shrunk operations; the last one, or a look-up after it, differs.
  std::vector<Operation> script;
  std::string difference;
};

// Runs `steps` operations of the worlds `seed`, `seed` + 1, ..., a few hundred
// of each. After each operation its outcome and every look-up are compared
// between the product and the model with `switches`. Returns the first
// difference.
absl::optional<Failure> CheckRandomly(uint64_t seed, int64_t steps,
                                      Switches switches);

// For the reader: the seed, the difference, and the script as a trace that
// `replay` takes.
std::string ToString(const Failure& failure);

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_RANDOM_CHECK_H_
