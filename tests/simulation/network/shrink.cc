#include "tests/simulation/network/shrink.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace rmq::network {
namespace {

// Tries to do without each `piece` steps in a row. Returns whether some could
// be dropped.
bool DropPieces(size_t piece,
                const std::function<bool(const Schedule&)>& goes_wrong,
                Schedule* schedule) {
  bool dropped = false;
  for (size_t at = 0; at < schedule->steps.size();) {
    Schedule less = *schedule;
    const auto first = less.steps.begin() + static_cast<ptrdiff_t>(at);
    const size_t count = std::min(piece, less.steps.size() - at);
    less.steps.erase(first, first + static_cast<ptrdiff_t>(count));
    if (goes_wrong(less)) {
      *schedule = std::move(less);
      dropped = true;
    } else {
      at += count;
    }
  }
  return dropped;
}

}  // namespace

Schedule Shrink(const Schedule& schedule,
                const std::function<bool(const Schedule&)>& goes_wrong) {
  Schedule least = schedule;
  for (size_t piece = least.steps.size() / 2; piece > 1; piece /= 2) {
    DropPieces(piece, goes_wrong, &least);
  }
  while (DropPieces(1, goes_wrong, &least)) {
  }
  for (size_t i = 0; i < least.steps.size(); ++i) {
    Schedule less = least;
    less.steps[i].wait_ms = 0;
    if (goes_wrong(less)) least = std::move(less);
  }
  return least;
}

}  // namespace rmq::network
