// A broker's day: thousands of clients that join, heartbeat, change their
// minds, leave, fall silent, come back, and a broker that is away at times,
// against the core in process with a simulated time.
//
// Each step is played on BrokerModel too, and what the core answered, told and
// pushed must be what the model says, at once and exactly. Every so often all
// that can be looked up is compared, and what each client knows of its groups
// from the latest push.
#ifndef TESTS_SIMULATION_SIMULATED_DAY_H_
#define TESTS_SIMULATION_SIMULATED_DAY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace rmq {

struct DayOptions {
  // The same seed makes the same day.
  uint64_t seed = 1;
  int clients = 10'000;
  absl::Duration length = absl::Hours(24);
  // A client does something else than heartbeat after 10 s to this long. At
  // least 10 s.
  absl::Duration most_calm = absl::Hours(5);
};

struct DayReport {
  // What happened, a line each. The same for the same options.
  std::string figures;
  // Where the core and the model differ: the first few, with their time.
  // Nothing is played after the first.
  std::vector<std::string> failures;

  // For tests that something happened at all.
  int64_t light_heartbeats = 0;
  int64_t expired_channels = 0;
  int64_t pushes = 0;
};

DayReport SimulateDay(const DayOptions& options);

}  // namespace rmq

#endif  // TESTS_SIMULATION_SIMULATED_DAY_H_
