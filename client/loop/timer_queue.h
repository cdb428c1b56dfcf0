// Timers in the order in which they fall due. The event loops share it.
#ifndef CLIENT_LOOP_TIMER_QUEUE_H_
#define CLIENT_LOOP_TIMER_QUEUE_H_

#include <functional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "client/loop/event_loop.h"

namespace rmq {

// Not thread-safe.
class TimerQueue {
 public:
  EventLoop::TimerId Add(absl::Time when, std::function<void()> task) {
    const EventLoop::TimerId id = ++last_id_;
    times_.emplace(id, when);
    tasks_.emplace(std::make_pair(when, id), std::move(task));
    return id;
  }

  void Remove(EventLoop::TimerId id) {
    const auto it = times_.find(id);
    if (it == times_.end()) return;
    tasks_.erase({it->second, id});
    times_.erase(it);
  }

  // When the next timer falls due; InfiniteFuture if there is none.
  absl::Time NextTime() const {
    return tasks_.empty() ? absl::InfiniteFuture()
                          : tasks_.begin()->first.first;
  }

  // Takes out the next timer. Requires that there is one.
  std::function<void()> PopNext() {
    const auto next = tasks_.begin();
    std::function<void()> task = std::move(next->second);
    times_.erase(next->first.second);
    tasks_.erase(next);
    return task;
  }

 private:
  EventLoop::TimerId last_id_ = 0;
  absl::flat_hash_map<EventLoop::TimerId, absl::Time> times_;
  absl::btree_map<std::pair<absl::Time, EventLoop::TimerId>,
                  std::function<void()>>
      tasks_;
};

}  // namespace rmq

#endif  // CLIENT_LOOP_TIMER_QUEUE_H_
