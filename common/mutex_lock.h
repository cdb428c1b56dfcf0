// A scoped lock on an absl::Mutex that ThreadSanitizer can see.
//
// Same use as absl::MutexLock. The distribution's Abseil is not instrumented,
// so under -fsanitize=thread a plain absl::MutexLock orders nothing and every
// guarded access is reported; this one tells the sanitizer what the lock
// orders.
#ifndef COMMON_MUTEX_LOCK_H_
#define COMMON_MUTEX_LOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#if defined(__SANITIZE_THREAD__)
extern "C" {
void __tsan_acquire(void* addr);
void __tsan_release(void* addr);
}
#endif

namespace rmq {

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(absl::Mutex* mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu)
      : mu_(mu) {
    Lock();
  }

  ~MutexLock() ABSL_UNLOCK_FUNCTION() { Unlock(); }

  // Waits for a signal, or for none: check again afterwards. Use this rather
  // than absl::Mutex::Await(), whose conditions other threads evaluate where
  // the sanitizer does not see the lock. A wait with a deadline needs a
  // CondVar of cond_var.h.
  void Wait(absl::CondVar* signal) {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(mu_);
#endif
    signal->Wait(mu_);
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(mu_);
#endif
  }

  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  // These let go of the mutex for the time of a wait.
  friend class CondVar;
  friend class SimulatedClock;

  void Lock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mu_->Lock();
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(mu_);
#endif
  }
  void Unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(mu_);
#endif
    mu_->Unlock();
  }

  absl::Mutex* const mu_;
};

}  // namespace rmq

#endif  // COMMON_MUTEX_LOCK_H_
