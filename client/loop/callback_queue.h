// Runs the callbacks of one client on the dispatcher, one at a time.
#ifndef CLIENT_LOOP_CALLBACK_QUEUE_H_
#define CLIENT_LOOP_CALLBACK_QUEUE_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/loop/event_loop.h"
#include "common/clock.h"
#include "common/cond_var.h"

namespace rmq {

// A callback has a key. A new callback replaces the one of the same key that
// waits, so the queue holds at most one callback a key. A callback that is
// running does not wait any more, so events during it lead to a further call.
//
// A slow callback delays those behind it. The dispatcher serves its queues in
// turn, one callback each.
//
// Thread-safety: thread-safe. Callbacks run with no lock held and may call any
// method.
// Ownership: shared, since the dispatcher's tasks own it too.
// `dispatcher` is borrowed and must outlive the queue.
class CallbackQueue : public std::enable_shared_from_this<CallbackQueue> {
 public:
  // What a callback is about, such as (broker, group).
  using Key = std::pair<std::string, std::string>;

  explicit CallbackQueue(EventLoop* dispatcher) : dispatcher_(*dispatcher) {}

  // Runs `callback` on the dispatcher. Does nothing after Close(). A callback
  // that throws ends the process.
  void Add(Key key, std::function<void()> callback) ABSL_LOCKS_EXCLUDED(mu_);

  // Drops the callbacks that wait. No callback starts after this returns.
  // Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until no callback is running, or until `clock` reaches `deadline`.
  // Returns whether no callback is running. Call it after Close(), and not
  // inside a callback.
  bool AwaitIdle(Clock* clock, absl::Time deadline) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void RunOne() noexcept ABSL_LOCKS_EXCLUDED(mu_);

  EventLoop& dispatcher_;

  absl::Mutex mu_;
  CondVar idle_;  // No callback is running.
  // The keys of `callbacks_`, in the order of their first Add().
  std::deque<Key> order_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<Key, std::function<void()>> callbacks_
      ABSL_GUARDED_BY(mu_);
  bool posted_ ABSL_GUARDED_BY(mu_) = false;  // RunOne() was posted, or runs.
  bool running_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rmq

#endif  // CLIENT_LOOP_CALLBACK_QUEUE_H_
