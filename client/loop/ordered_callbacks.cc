#include "client/loop/ordered_callbacks.h"

#include <utility>

#include "common/mutex_lock.h"

namespace rmq {

void OrderedCallbacks::Add(std::function<void()> callback) {
  MutexLock lock(&mu_);
  if (closed_) return;
  callbacks_.push_back(std::move(callback));
  if (std::exchange(posted_, true)) return;
  dispatcher_.Post([self = shared_from_this()] { self->RunOne(); });
}

bool OrderedCallbacks::HasRoom() {
  MutexLock lock(&mu_);
  if (callbacks_.size() < room_) return true;
  wants_room_ = true;
  return false;
}

void OrderedCallbacks::Close() {
  std::deque<std::function<void()>> dropped;
  MutexLock lock(&mu_);
  closed_ = true;
  wants_room_ = false;
  // Destroyed without the lock, since callbacks own what they captured.
  dropped.swap(callbacks_);
}

bool OrderedCallbacks::AwaitIdle(Clock* clock, absl::Time deadline) {
  MutexLock lock(&mu_);
  return clock->AwaitWithDeadline(
      &lock, &idle_,
      [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !running_; },
      deadline);
}

void OrderedCallbacks::RunOne() noexcept {
  std::function<void()> callback;
  {
    MutexLock lock(&mu_);
    if (callbacks_.empty()) {
      posted_ = false;
      return;
    }
    callback = std::move(callbacks_.front());
    callbacks_.pop_front();
    running_ = true;
  }
  callback();
  callback = nullptr;
  bool has_room;
  {
    MutexLock lock(&mu_);
    has_room = wants_room_ && callbacks_.size() <= room_ / 2;
    if (has_room) wants_room_ = false;
  }
  if (has_room) on_room_();
  MutexLock lock(&mu_);
  running_ = false;
  idle_.SignalAll();
  posted_ = !callbacks_.empty();
  if (posted_)
    dispatcher_.Post([self = shared_from_this()] { self->RunOne(); });
}

}  // namespace rmq
