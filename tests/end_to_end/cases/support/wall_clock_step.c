// Sets the wall clock of one program by STEP seconds (forth, or back if it is
// negative), AFTER seconds after the program began, as the program sees it.
//
// Build: gcc -shared -fPIC -o wall_clock_step.so wall_clock_step.c -ldl
// Use:   LD_PRELOAD=wall_clock_step.so STEP=-3600 AFTER=5 program
//
// Before the step the clock shows STEP less than the machine's, and afterwards
// what the machine's does. A wait for a time of the wall clock, made with
// FUTEX_CLOCK_REALTIME through syscall(), behaves as it would in the kernel: a
// step back prolongs one that is under way, and a step forth ends it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double step;
static double step_at;  // Time of the monotonic clock.
static int (*real_clock_gettime)(clockid_t, struct timespec*);
static long (*real_syscall)(long, ...);

static double Monotonic(void) {
  struct timespec now;
  real_clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

__attribute__((constructor)) static void Init(void) {
  if (real_syscall != NULL) return;
  real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  real_syscall = dlsym(RTLD_NEXT, "syscall");
  const char* const by = getenv("STEP");
  const char* const after = getenv("AFTER");
  step = by == NULL ? 0 : atof(by);
  step_at = Monotonic() + (after == NULL ? 0 : atof(after));
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  Init();
  const int failed = real_clock_gettime(clock, time);
  const int is_wall_clock =
      clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (!failed && is_wall_clock && Monotonic() < step_at) time->tv_sec -= step;
  return failed;
}

int gettimeofday(struct timeval* time, void* zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

static struct timespec Later(struct timespec time, double by) {
  const double nanoseconds = time.tv_nsec + by * 1e9;
  const long seconds = (long)(nanoseconds / 1e9);
  time.tv_sec += seconds;
  time.tv_nsec = (long)(nanoseconds - seconds * 1e9);
  return time;
}

long syscall(long number, ...) {
  Init();
  va_list arguments;
  va_start(arguments, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(arguments, long);
  va_end(arguments);

  struct timespec until;
  const double now = Monotonic();
  if (number == SYS_futex && (a[1] & FUTEX_CLOCK_REALTIME) && a[3] != 0 &&
      now < step_at) {
    const struct timespec wanted = *(const struct timespec*)a[3];
    struct timespec shown;
    clock_gettime(CLOCK_REALTIME, &shown);
    // How long the wait is without a step.
    const double wait = difftime(wanted.tv_sec, shown.tv_sec) +
                        (wanted.tv_nsec - shown.tv_nsec) / 1e9;
    const double until_step = step_at - now;
    double real_wait = wait;
    if (wait > until_step) {
      real_wait = wait - step > until_step ? wait - step : until_step;
    }
    if (real_wait > 0) {
      struct timespec machine;
      real_clock_gettime(CLOCK_REALTIME, &machine);
      until = Later(machine, real_wait);
      a[3] = (long)&until;
    }
  }
  return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
