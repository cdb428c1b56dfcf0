// Plays one schedule: clients, brokers and the network between them.
#ifndef TESTS_SIMULATION_NETWORK_WORLD_H_
#define TESTS_SIMULATION_NETWORK_WORLD_H_

#include <cstdint>
#include <string>

#include "tests/simulation/network/schedule.h"

namespace rmq::network {

struct Outcome {
  // What went wrong first; empty if nothing did.
  std::string wrong;
  // Figures, so that a test can see that something happened.
  int64_t reports = 0;
  int64_t checked_lists = 0;  // Lists that were compared at the end.
  double seconds = 0;         // Simulated.
};

// After the steps the network is healed, and what was stopped continues. Once
// nothing has changed for a heartbeat interval, every live member of a
// CLUSTERING group with notification on holds exactly the broker's list. At any
// time what SimClient checks holds. The same schedule has the same outcome.
Outcome Play(const Schedule& schedule);

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_WORLD_H_
