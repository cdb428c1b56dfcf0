#include "tests/simulation/network/shrink.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "tests/shrink_steps.h"

namespace rmq::network {

Schedule Shrink(const Schedule& schedule,
                const std::function<bool(const Schedule&)>& goes_wrong) {
  Schedule least = schedule;
  least.steps =
      ShrinkSteps(schedule.steps, [&](const std::vector<Step>& steps) {
        return goes_wrong({schedule.seed, steps});
      });
  for (size_t i = 0; i < least.steps.size(); ++i) {
    Schedule less = least;
    less.steps[i].wait_ms = 0;
    if (goes_wrong(less)) least = std::move(less);
  }
  return least;
}

}  // namespace rmq::network
