// Whether a figure that may settle first grows later.
#ifndef TESTS_SOAK_GROWTH_LIMIT_H_
#define TESTS_SOAK_GROWTH_LIMIT_H_

#include <algorithm>
#include <cstdint>

#include "absl/types/optional.h"

namespace rmq {

// Not thread-safe.
class GrowthLimit {
 public:
  // Of settled figures, `allowed` more than the greatest before is well.
  explicit GrowthLimit(int64_t allowed) : allowed_(allowed) {}

  // False if `value` is too much. The first is never, nor one that comes before
  // the settling is over.
  bool IsWithin(int64_t value, bool is_settled) {
    if (is_settled && most_.has_value()) return value <= *most_ + allowed_;
    most_ = std::max(most_.value_or(value), value);
    return true;
  }

  // The greatest figure of the settling, 0 before the first.
  int64_t most() const { return most_.value_or(0); }

 private:
  const int64_t allowed_;
  absl::optional<int64_t> most_;
};

}  // namespace rmq

#endif  // TESTS_SOAK_GROWTH_LIMIT_H_
