// A machine whose wall clock is set, for the process that this is preloaded
// into (LD_PRELOAD): what it reads of the time, and when its waits for a time
// end. The steady clock is left alone.
//
// WALL_CLOCK_FILE names a file of 8 bytes: how many nanoseconds the wall clock
// is ahead of the machine's. Whoever changes them sets the clock.
//
// Shown are clock_gettime(), gettimeofday() and time(); and a futex that waits
// for a time of the wall clock, which the kernel wakes when the clock that has
// been set comes to that time, be the wait begun before.

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

constexpr int64_t kNanos = 1'000'000'000;
// How soon a wait that is under way notices that the clock was set.
constexpr int64_t kSlice = kNanos / 100;

using Clock = int (*)(clockid_t, timespec*);
using Syscall = long (*)(long, ...);

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

int RealGettime(clockid_t clock, timespec* time) {
  static const Clock next = Next<Clock>("clock_gettime");
  return next(clock, time);
}

int64_t AheadNanos() {
  static const auto* const ahead = [] {
    const char* const path = getenv("WALL_CLOCK_FILE");
    const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void* const mapped =
        fd < 0 ? MAP_FAILED
               : mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    return mapped == MAP_FAILED ? nullptr
                                : static_cast<std::atomic<int64_t>*>(mapped);
  }();
  return ahead == nullptr ? 0 : ahead->load();
}

int64_t ToNanos(const timespec& time) {
  return time.tv_sec * kNanos + time.tv_nsec;
}

int64_t WallNanos() {
  timespec time;
  RealGettime(CLOCK_REALTIME, &time);
  return ToNanos(time) + AheadNanos();
}

timespec ToTimespec(int64_t nanos) { return {nanos / kNanos, nanos % kNanos}; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int result = RealGettime(clock, time);
  if (result == 0 &&
      (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *time = ToTimespec(ToNanos(*time) + AheadNanos());
  }
  return result;
}

int gettimeofday(timeval* time, void* /*zone*/) noexcept {
  const timespec now = ToTimespec(WallNanos());
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* out) noexcept {
  const time_t now = WallNanos() / kNanos;
  if (out != nullptr) *out = now;
  return now;
}

long syscall(long number, ...) noexcept {
  static const Syscall next = Next<Syscall>("syscall");
  long arguments[6];
  va_list list;
  va_start(list, number);
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  const auto call = [&] {
    return next(number, arguments[0], arguments[1], arguments[2], arguments[3],
                arguments[4], arguments[5]);
  };
  if (number != SYS_futex || (arguments[1] & FUTEX_CLOCK_REALTIME) == 0 ||
      arguments[3] == 0) {
    return call();
  }
  const int64_t deadline =
      ToNanos(*reinterpret_cast<const timespec*>(arguments[3]));
  while (true) {
    const int64_t left = deadline - WallNanos();
    timespec real;
    RealGettime(CLOCK_REALTIME, &real);
    const timespec until =
        ToTimespec(ToNanos(real) + std::clamp<int64_t>(left, 0, kSlice));
    arguments[3] = reinterpret_cast<long>(&until);
    const long result = call();
    if (result == 0 || errno != ETIMEDOUT || left <= 0) return result;
  }
}

}  // extern "C"
