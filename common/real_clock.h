// The clock of a running process: the machine's steady clock.
#ifndef COMMON_REAL_CLOCK_H_
#define COMMON_REAL_CLOCK_H_

#include "common/clock.h"

namespace rmq {

// The process's real clock. It is set to wall time when first used and goes on
// steadily from there: setting the machine's time moves neither it nor the
// waits on it.
// Thread-safe; never destroyed.
Clock& RealClock();

}  // namespace rmq

#endif  // COMMON_REAL_CLOCK_H_
