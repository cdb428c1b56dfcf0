#include "client/loop/callback_queue.h"

#include "common/mutex_lock.h"

namespace rmq {

void CallbackQueue::Add(Key key, std::function<void()> callback) {
  MutexLock lock(&mu_);
  if (closed_) return;
  const auto [it, is_new] = callbacks_.try_emplace(key);
  it->second = std::move(callback);
  if (is_new) order_.push_back(std::move(key));
  if (std::exchange(posted_, true)) return;
  dispatcher_.Post([self = shared_from_this()] { self->RunOne(); });
}

void CallbackQueue::Close() {
  absl::flat_hash_map<Key, std::function<void()>> dropped;
  MutexLock lock(&mu_);
  closed_ = true;
  order_.clear();
  // Destroyed without the lock, since callbacks own what they captured.
  dropped.swap(callbacks_);
}

bool CallbackQueue::AwaitIdle(Clock* clock, absl::Time deadline) {
  MutexLock lock(&mu_);
  return clock->AwaitWithDeadline(
      &lock, &idle_,
      [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !running_; },
      deadline);
}

void CallbackQueue::RunOne() noexcept {
  std::function<void()> callback;
  {
    MutexLock lock(&mu_);
    if (order_.empty()) {
      posted_ = false;
      return;
    }
    const auto it = callbacks_.find(order_.front());
    callback = std::move(it->second);
    callbacks_.erase(it);
    order_.pop_front();
    running_ = true;
  }
  callback();
  callback = nullptr;
  MutexLock lock(&mu_);
  running_ = false;
  idle_.SignalAll();
  posted_ = !order_.empty();
  if (posted_)
    dispatcher_.Post([self = shared_from_this()] { self->RunOne(); });
}

}  // namespace rmq
