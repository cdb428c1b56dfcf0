// Which stream is to send its next heartbeat, and when.
#ifndef TOOLS_LOADGEN_SCHEDULE_H_
#define TOOLS_LOADGEN_SCHEDULE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "tools/loadgen/load_options.h"

namespace rmq::loadgen {

// Of no time that comes.
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// Times are nanoseconds of a steady clock. What is taken late does not move
// what comes after. Not thread-safe.
class Schedule {
 public:
  struct Due {
    size_t stream;
    int64_t time_ns;
  };

  virtual ~Schedule() = default;

  // When the next is due; kNever if none will be.
  virtual int64_t next_ns() const = 0;
  // Takes the next, which is then due again later. Not to be called if
  // next_ns() is kNever.
  virtual Due Take() = 0;
};

// For streams 0 to `streams` - 1, from `start_ns` on. `share` is the part of
// the whole rate that these streams have to bear. A closed loop and silence
// have nothing due.
std::unique_ptr<Schedule> MakeSchedule(const LoadOptions& options,
                                       size_t streams, double share,
                                       int64_t start_ns, uint64_t seed);

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_SCHEDULE_H_
