// The events of the table's changes, between the change and the listeners.
#ifndef BROKER_REGISTRY_EVENT_QUEUE_H_
#define BROKER_REGISTRY_EVENT_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/registry/client_event.h"

namespace rmq {

// A change appends its events while it holds the table's lock, so the queue has
// the order of the changes. After the change has released the table's lock it
// calls Deliver(): one thread at a time calls the listeners, in order and with
// no lock held.
//
// Thread-safe. Listeners are borrowed and outlive the queue.
class EventQueue {
 public:
  // AwaitRoom() waits while more events than this are queued. One change may
  // exceed it by its own events.
  static constexpr size_t kMaxQueued = 64 * 1024;

  explicit EventQueue(std::vector<ClientEventListener*> listeners);
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // Appends the events of one change. Called with the table's lock held.
  void Append(std::vector<ClientEvent> events) ABSL_LOCKS_EXCLUDED(mu_);

  // Calls the listeners with all queued events, including those that are
  // appended meanwhile. Returns at once if another call is delivering: that
  // call delivers these events too.
  void Deliver() ABSL_LOCKS_EXCLUDED(mu_);

  // Waits while more than kMaxQueued events are queued: delivers them, or waits
  // for the call that does. Called before a change takes the table's lock.
  // Returns at once inside a listener, which would wait for itself.
  void AwaitRoom() ABSL_LOCKS_EXCLUDED(mu_);

  // Whether a call is delivering. If none is, the listeners have heard all
  // events of calls of the table that have returned.
  bool IsDelivering() const {
    return delivering_.load(std::memory_order_acquire);
  }

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

  // The table's lock is taken before this one; see ClientTable.
  const absl::Mutex& mu() const ABSL_LOCK_RETURNED(mu_) { return mu_; }

 private:
  // Makes this call the one that delivers and takes all events into `*batch`.
  // False if another call is delivering or nothing is queued.
  bool BeginDelivery(std::vector<ClientEvent>* batch) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes the events that were appended meanwhile into `*batch`. False if there
  // are none: the delivery is over.
  bool ContinueDelivery(std::vector<ClientEvent>* batch)
      ABSL_LOCKS_EXCLUDED(mu_);
  void TakeAllLocked(std::vector<ClientEvent>* batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::vector<ClientEventListener*> listeners_;

  mutable absl::Mutex mu_;
  std::vector<ClientEvent> events_ ABSL_GUARDED_BY(mu_);
  // Signalled when `events_` has been taken for delivery.
  absl::CondVar has_room_;
  // These two are written with `mu_` held and read without.
  std::atomic<bool> delivering_{false};
  std::atomic<bool> is_full_{false};
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_EVENT_QUEUE_H_
