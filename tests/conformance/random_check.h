// Compares two sides in random operations, and shrinks the first difference to
// the shortest script that still shows it.
#ifndef TESTS_CONFORMANCE_RANDOM_CHECK_H_
#define TESTS_CONFORMANCE_RANDOM_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "tests/conformance/java_switches.h"
#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// Plays the operations of one world. `leaving` is what the other side did: a
// model follows the order in which channels leave their groups in a scan. The
// result is valid until the next call.
using Player = std::function<const Outcome&(const Operation& operation,
                                            const Outcome& leaving)>;

// One of the two that are compared.
struct Side {
  std::string name;
  std::function<absl::StatusOr<Player>(const Config&)> create;
  // Whether it knows epochs. They are compared if both do.
  bool has_epochs = false;
};

// This broker's core.
Side ProductSide();
// tests/model.
Side BrokerModelSide();
// The model of Java with these differences.
Side JavaModelSide(Switches switches);

struct Failure {
  // "the product differs from the model".
  std::string title;
  uint64_t seed = 0;
  Config config;
  // The shrunk operations; the last one, or a look-up after it, differs.
  std::vector<Operation> script;
  std::string difference;
};

// Operations of one world: enough for everything to happen, and few enough for
// a failure to be shrunk quickly.
inline constexpr int64_t kStepsOfAWorld = 400;

// Runs `steps` operations of the worlds `seed`, `seed` + 1, ..., kStepsOfAWorld
// of each. After each operation its outcome and every look-up of `got` are
// compared with those of `expected`. Returns the first difference.
absl::optional<Failure> CheckRandomly(uint64_t seed, int64_t steps,
                                      const Side& expected, const Side& got);

// For the reader: the seed, the difference, and the script as a trace that
// `replay` takes.
std::string ToString(const Failure& failure);

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_RANDOM_CHECK_H_
