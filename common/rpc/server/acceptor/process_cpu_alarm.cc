#include "common/rpc/server/acceptor/process_cpu_alarm.h"

#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace rmq {
namespace {

// glibc 2.36 has no name for the field.
void SetThread(sigevent* event, pid_t thread) {
  event->sigev_notify = SIGEV_THREAD_ID;
  event->_sigev_un._tid = thread;
}

}  // namespace

ProcessCpuAlarm::ProcessCpuAlarm() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGRTMIN);
  if (pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) return;
  fd_ = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd_ < 0) return;
  sigevent event = {};
  event.sigev_signo = SIGRTMIN;
  SetThread(&event, static_cast<pid_t>(syscall(SYS_gettid)));
  if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer_) != 0) {
    close(fd_);
    fd_ = -1;
  }
}

ProcessCpuAlarm::~ProcessCpuAlarm() {
  if (fd_ < 0) return;
  timer_delete(timer_);
  close(fd_);
}

void ProcessCpuAlarm::Set(absl::Duration cpu) {
  if (fd_ < 0) return;
  Clear();
  itimerspec time = {};
  time.it_value = absl::ToTimespec(cpu);
  is_set_ = timer_settime(timer_, 0, &time, nullptr) == 0;
}

void ProcessCpuAlarm::Clear() {
  if (fd_ < 0) return;
  is_set_ = false;
  const itimerspec never = {};
  timer_settime(timer_, 0, &never, nullptr);
  signalfd_siginfo rung;
  while (read(fd_, &rung, sizeof rung) > 0) {
  }
}

}  // namespace rmq
