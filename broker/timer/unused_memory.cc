#include "broker/timer/unused_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>

namespace rmq {

int64_t UnusedMemory() {
  // In pages; those that are resident, and those among them that are of files.
  int64_t size = 0;
  int64_t resident = 0;
  int64_t shared = 0;
  std::ifstream statm("/proc/self/statm");
  if (!(statm >> size >> resident >> shared)) return 0;
  const struct mallinfo2 allocated = mallinfo2();
  const int64_t used = static_cast<int64_t>(allocated.uordblks) +
                       static_cast<int64_t>(allocated.hblkhd);
  return std::max<int64_t>(0,
                           (resident - shared) * sysconf(_SC_PAGESIZE) - used);
}

}  // namespace rmq
