// Compares the broker's core under clients of both fronts with the model in
// random operations, as many as one likes.
//
//   bazel run -c opt //tests/fronts:random_operations -- --worlds=100000

#include <cinttypes>
#include <cstdint>
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/types/optional.h"
#include "tests/fronts/random_check.h"

ABSL_FLAG(uint64_t, seed, 1, "The first world; each further one adds one.");
ABSL_FLAG(int64_t, worlds, 10'000, "Worlds to try.");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Compares the broker's core under clients of both fronts with the model "
      "in random operations. Prints the first difference, shrunk, and exits "
      "1.");
  absl::ParseCommandLine(argc, argv);
  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  const int64_t worlds = absl::GetFlag(FLAGS_worlds);
  rmq::fronts::Happened happened;
  const absl::optional<rmq::fronts::Failure> failure =
      rmq::fronts::CheckRandomly(seed, worlds, rmq::model::SdkOptions(),
                                 &happened);
  if (failure.has_value()) {
    std::fputs(rmq::fronts::ToString(*failure).c_str(), stdout);
    return 1;
  }
  std::printf("%" PRId64 " operations of %" PRId64 " worlds from seed %" PRIu64
              " agree: %" PRId64 " events, %" PRId64
              " pushes by SDK clients, %" PRId64 " of them expired\n",
              happened.operations, worlds, seed, happened.events,
              happened.pushes_by_sdks, happened.sdk_members_expired);
  return 0;
}
