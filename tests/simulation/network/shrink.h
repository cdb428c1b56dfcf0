// Makes a schedule that goes wrong as short as it can be.
#ifndef TESTS_SIMULATION_NETWORK_SHRINK_H_
#define TESTS_SIMULATION_NETWORK_SHRINK_H_

#include <functional>

#include "tests/simulation/network/schedule.h"

namespace rmq::network {

// Drops steps and waits while `goes_wrong` says so of what is left. At the end
// no step can be dropped alone.
Schedule Shrink(const Schedule& schedule,
                const std::function<bool(const Schedule&)>& goes_wrong);

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_SHRINK_H_
