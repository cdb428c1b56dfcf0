#include "broker/registry/event_queue.h"

#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

// The queue whose events this thread is delivering, or null.
thread_local const EventQueue* delivering_queue = nullptr;

}  // namespace

EventQueue::EventQueue(std::vector<ClientEventListener*> listeners)
    : listeners_(std::move(listeners)) {}

void EventQueue::Append(std::vector<ClientEvent> events) {
  MutexLock lock(&mu_);
  if (events_.empty()) {
    events_ = std::move(events);
  } else {
    absl::c_move(events, std::back_inserter(events_));
  }
  is_full_.store(events_.size() > kMaxQueued, std::memory_order_relaxed);
}

void EventQueue::AwaitRoom() {
  if (!is_full_.load(std::memory_order_relaxed) || delivering_queue == this) {
    return;
  }
  Deliver();
  MutexLock lock(&mu_);
  while (events_.size() > kMaxQueued) lock.Wait(&has_room_);
}

void EventQueue::Deliver() {
  std::vector<ClientEvent> batch;
  for (bool has_batch = BeginDelivery(&batch); has_batch;
       has_batch = ContinueDelivery(&batch)) {
    const EventQueue* const outer = std::exchange(delivering_queue, this);
    for (const ClientEvent& event : batch) {
      for (ClientEventListener* listener : listeners_) {
        listener->OnClientEvent(event);
      }
    }
    for (ClientEventListener* listener : listeners_) {
      listener->OnEventsDelivered();
    }
    delivering_queue = outer;
  }
}

bool EventQueue::BeginDelivery(std::vector<ClientEvent>* batch) {
  MutexLock lock(&mu_);
  if (events_.empty() || delivering_.load(std::memory_order_relaxed)) {
    return false;
  }
  delivering_.store(true, std::memory_order_relaxed);
  TakeAllLocked(batch);
  return true;
}

bool EventQueue::ContinueDelivery(std::vector<ClientEvent>* batch) {
  batch->clear();
  MutexLock lock(&mu_);
  if (events_.empty()) {
    delivering_.store(false, std::memory_order_release);
    return false;
  }
  TakeAllLocked(batch);
  return true;
}

void EventQueue::TakeAllLocked(std::vector<ClientEvent>* batch) {
  batch->swap(events_);
  is_full_.store(false, std::memory_order_relaxed);
  has_room_.SignalAll();
}

size_t EventQueue::size() const {
  MutexLock lock(&mu_);
  return events_.size();
}

}  // namespace rmq
