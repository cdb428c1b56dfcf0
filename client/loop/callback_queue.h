// The callbacks of one client: run on the dispatcher, one at a time, each
// pending one once.
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

// A callback has a key. While one of a key waits, another of that key takes its
// place, so the queue holds no more than there are keys; one that is running
// waits no longer, so what happens meanwhile is told by a further one.
//
// A slow callback delays those behind it. Between two callbacks of one queue
// the dispatcher serves the other queues on it.
//
// Thread-safety: thread-safe. Callbacks run with no lock held and may call any
// method.
// Ownership: held by shared_ptr, since the dispatcher's tasks hold it too.
// `dispatcher` is borrowed and must outlive the queue.
class CallbackQueue : public std::enable_shared_from_this<CallbackQueue> {
 public:
  // What a callback is about: (broker, group), say.
  using Key = std::pair<std::string, std::string>;

  explicit CallbackQueue(EventLoop* dispatcher) : dispatcher_(*dispatcher) {}

  // Has `callback` run on the dispatcher. Nothing happens after Close().
  // A callback that throws ends the process.
  void Add(Key key, std::function<void()> callback) ABSL_LOCKS_EXCLUDED(mu_);

  // Drops what waits; none starts from here on. Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until no callback is running, or until `clock` reaches `deadline`;
  // whether none is. For use after Close(), and not inside a callback.
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
  bool posted_ ABSL_GUARDED_BY(mu_) = false;  // RunOne() is to run or running.
  bool running_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rmq

#endif  // CLIENT_LOOP_CALLBACK_QUEUE_H_
