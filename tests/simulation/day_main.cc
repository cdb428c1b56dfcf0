// A simulated day of any size, and its figures; see simulated_day.h.
//
//   bazel run -c opt //tests/simulation:day -- --clients=10000 --length=24h
#include <cstdint>
#include <iostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/simulation/simulated_day.h"

ABSL_FLAG(uint64_t, seed, 1, "the same seed makes the same day");
ABSL_FLAG(int, clients, 10'000, "how many clients there are");
ABSL_FLAG(absl::Duration, length, absl::Hours(24), "how long the day is");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Plays a day of a broker's clients against its core and compares all of "
      "it with a model.");
  absl::ParseCommandLine(argc, argv);
  rmq::DayOptions options;
  options.seed = absl::GetFlag(FLAGS_seed);
  options.clients = absl::GetFlag(FLAGS_clients);
  options.length = absl::GetFlag(FLAGS_length);
  if (options.clients < 1 || options.length < absl::Minutes(1)) {
    std::cerr << "--clients must be at least 1, --length at least 1m\n";
    return 2;
  }
  const absl::Time begun = absl::Now();
  const rmq::DayReport report = rmq::SimulateDay(options);
  std::cout << report.figures << "played in "
            << absl::FormatDuration(
                   absl::Trunc(absl::Now() - begun, absl::Milliseconds(1)))
            << "\n";
  for (const std::string& failure : report.failures) {
    std::cout << "FAILED " << failure << "\n";
  }
  if (report.failures.empty()) std::cout << "everything agrees\n";
  return report.failures.empty() ? 0 : 1;
}
