// A broker's day in process, with a simulated time: thousands of clients join,
// heartbeat, change their subscriptions, leave, fall silent and come back, and
// the broker is away at times.
//
// Each call is made of the core and of BrokerModel. The core's answer, events
// and pushes must be exactly the model's. At intervals everything that can be
// looked up is compared, and the lists that clients have read at their latest
// push.
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
  // The longest time in which a client does nothing but heartbeat. At least
  // 10 s, which is the shortest.
  absl::Duration most_calm = absl::Hours(5);
};

struct DayReport {
  // Counts of what happened, in lines. The same options make the same figures.
  std::string figures;
  // The first few differences between core and model, with their time. The day
  // ends at the first.
  std::vector<std::string> failures;

  // Tests assert by these that the day was not idle.
  int64_t light_heartbeats = 0;
  int64_t expired_channels = 0;
  int64_t pushes = 0;
};

DayReport SimulateDay(const DayOptions& options);

}  // namespace rmq

#endif  // TESTS_SIMULATION_SIMULATED_DAY_H_
