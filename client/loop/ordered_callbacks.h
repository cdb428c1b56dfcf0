// Runs the callbacks of one owner on the dispatcher, all of them, in order.
#ifndef CLIENT_LOOP_ORDERED_CALLBACKS_H_
#define CLIENT_LOOP_ORDERED_CALLBACKS_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/loop/event_loop.h"
#include "common/clock.h"
#include "common/cond_var.h"

namespace rmq {

// Differs from CallbackQueue: no callback takes the place of another one, so
// the owner has to stop adding when there is no room.
//
// Thread-safety: thread-safe. Callbacks run one at a time, with no lock held,
// and may call any method but AwaitIdle().
// Ownership: shared, since the dispatcher's tasks own it too. `dispatcher` is
// borrowed and must outlive the queue.
class OrderedCallbacks : public std::enable_shared_from_this<OrderedCallbacks> {
 public:
  // `on_room` is called on the dispatcher, and not once Close() and AwaitIdle()
  // have returned.
  OrderedCallbacks(EventLoop* dispatcher, size_t room,
                   std::function<void()> on_room)
      : dispatcher_(*dispatcher), room_(room), on_room_(std::move(on_room)) {}

  // Runs `callback` on the dispatcher, also if there is no room. Does nothing
  // after Close().
  void Add(std::function<void()> callback) ABSL_LOCKS_EXCLUDED(mu_);

  // Whether fewer than `room` callbacks wait. After false, `on_room` is called
  // once, when half of them have run.
  bool HasRoom() ABSL_LOCKS_EXCLUDED(mu_);

  // Drops the callbacks that wait. No callback starts after this returns.
  // Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until no callback is running, or until `clock` reaches `deadline`.
  // Returns whether none is running. Call it after Close().
  bool AwaitIdle(Clock* clock, absl::Time deadline) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void RunOne() noexcept ABSL_LOCKS_EXCLUDED(mu_);

  EventLoop& dispatcher_;
  const size_t room_;
  const std::function<void()> on_room_;

  absl::Mutex mu_;
  CondVar idle_;  // No callback is running.
  std::deque<std::function<void()>> callbacks_ ABSL_GUARDED_BY(mu_);
  bool posted_ ABSL_GUARDED_BY(mu_) = false;  // RunOne() was posted, or runs.
  bool running_ ABSL_GUARDED_BY(mu_) = false;
  bool wants_room_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rmq

#endif  // CLIENT_LOOP_ORDERED_CALLBACKS_H_
