// Random operations against the model, as many as one likes: see README.md.
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
#include "tests/conformance/java_model.h"
#include "tests/conformance/random_check.h"

ABSL_FLAG(uint64_t, seed, 1, "The first world; each further one adds one.");
ABSL_FLAG(int64_t, steps, 1000000, "Operations to try.");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Holds the broker's core against the model of Java, with the declared "
      "differences, in random operations. Prints a difference as a shrunk "
      "trace "
      "and exits 1.");
  absl::ParseCommandLine(argc, argv);
  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  const int64_t steps = absl::GetFlag(FLAGS_steps);
  const auto begin = std::chrono::steady_clock::now();
  const absl::optional<rmq::conformance::Failure> failure =
      rmq::conformance::CheckRandomly(seed, steps,
                                      rmq::conformance::AllSwitches());
  if (failure.has_value()) {
    std::fputs(rmq::conformance::ToString(*failure).c_str(), stdout);
    return 1;
  }
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  std::printf("%lld steps from seed %llu agree, %.0f a second\n",
              static_cast<long long>(steps),
              static_cast<unsigned long long>(seed), steps / took.count());
  return 0;
}
