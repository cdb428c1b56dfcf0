// How much memory this process keeps for nothing.
#ifndef BROKER_TIMER_UNUSED_MEMORY_H_
#define BROKER_TIMER_UNUSED_MEMORY_H_

#include <cstdint>

namespace rmq {

// The bytes of memory that this process has from the system, files apart, and
// that nothing allocated is in; 0 if the system does not tell. Stacks and
// static data count, so a few megabytes are always unused. glibc counts its
// free pieces for it: a second thread that allocates may wait for some
// milliseconds if there are very many. Thread-safe.
int64_t UnusedMemory();

}  // namespace rmq

#endif  // BROKER_TIMER_UNUSED_MEMORY_H_
