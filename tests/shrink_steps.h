// Makes a list of steps that goes wrong as short as it can be.
#ifndef TESTS_SHRINK_STEPS_H_
#define TESTS_SHRINK_STEPS_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace rmq {

// Tries to do without each `piece` steps in a row. Returns whether some could
// be dropped.
template <typename Step, typename GoesWrong>
bool DropPieces(size_t piece, const GoesWrong& goes_wrong,
                std::vector<Step>* steps) {
  bool dropped = false;
  for (size_t at = 0; at < steps->size();) {
    std::vector<Step> less = *steps;
    const auto first = less.begin() + static_cast<ptrdiff_t>(at);
    const size_t count = std::min(piece, less.size() - at);
    less.erase(first, first + static_cast<ptrdiff_t>(count));
    if (goes_wrong(less)) {
      *steps = std::move(less);
      dropped = true;
    } else {
      at += count;
    }
  }
  return dropped;
}

// Drops steps while `goes_wrong(const std::vector<Step>&)` says so of what is
// left. At the end no step can be dropped alone.
template <typename Step, typename GoesWrong>
std::vector<Step> ShrinkSteps(std::vector<Step> steps,
                              const GoesWrong& goes_wrong) {
  for (size_t piece = steps.size() / 2; piece > 1; piece /= 2) {
    DropPieces(piece, goes_wrong, &steps);
  }
  while (DropPieces(1, goes_wrong, &steps)) {
  }
  return steps;
}

}  // namespace rmq

#endif  // TESTS_SHRINK_STEPS_H_
