// An alarm that rings by the time of the cores that the process uses.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_PROCESS_CPU_ALARM_H_
#define COMMON_RPC_SERVER_ACCEPTOR_PROCESS_CPU_ALARM_H_

#include <ctime>

#include "absl/time/time.h"

namespace rmq {

// Rings once the process has used so much time of all cores: who waits for work
// of other threads need not wake up while there is none.
//
// Belongs to the thread that makes it, which has SIGRTMIN blocked from then on.
class ProcessCpuAlarm {
 public:
  ProcessCpuAlarm();
  ~ProcessCpuAlarm();
  ProcessCpuAlarm(const ProcessCpuAlarm&) = delete;
  ProcessCpuAlarm& operator=(const ProcessCpuAlarm&) = delete;

  // Readable (by poll() or epoll) from when it rings until Clear(). -1 if the
  // system has no such alarms: then it never rings.
  int fd() const { return fd_; }

  // Rings once, when the process has used `cpu` from now on. An alarm that was
  // set before does not ring any more.
  void Set(absl::Duration cpu);
  bool is_set() const { return is_set_; }

  // It has rung, or must not ring any more.
  void Clear();

 private:
  int fd_ = -1;
  timer_t timer_ = {};
  bool is_set_ = false;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_PROCESS_CPU_ALARM_H_
