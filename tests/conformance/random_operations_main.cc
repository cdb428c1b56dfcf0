// Compares the broker's core with the model in random operations, as many as
// one likes: see README.md.
//
//   bazel run -c opt //tests/conformance:random_operations -- --steps=5000000

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/types/optional.h"
#include "tests/conformance/java_switches.h"
#include "tests/conformance/random_check.h"

ABSL_FLAG(uint64_t, seed, 1, "The first world; each further one adds one.");
ABSL_FLAG(int64_t, steps, 1000000, "Operations to try.");
ABSL_FLAG(bool, bridge, false,
          "Compares the two models instead: tests/model with the model of Java "
          "with all switches.");

namespace rmq::conformance {
namespace {

int Main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Compares the broker's core with the model in random operations. Prints "
      "the first difference as a shrunk trace and exits 1.");
  absl::ParseCommandLine(argc, argv);
  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  const int64_t steps = absl::GetFlag(FLAGS_steps);
  const auto begin = std::chrono::steady_clock::now();
  const absl::optional<Failure> failure =
      absl::GetFlag(FLAGS_bridge)
          ? CheckRandomly(seed, steps, JavaModelSide(AllSwitches()),
                          BrokerModelSide())
          : CheckRandomly(seed, steps, BrokerModelSide(), ProductSide());
  if (failure.has_value()) {
    std::fputs(ToString(*failure).c_str(), stdout);
    return 1;
  }
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  std::printf("%lld steps from seed %llu agree, %.0f a second\n",
              static_cast<long long>(steps),
              static_cast<unsigned long long>(seed), steps / took.count());
  return 0;
}

}  // namespace
}  // namespace rmq::conformance

int main(int argc, char** argv) { return rmq::conformance::Main(argc, argv); }
