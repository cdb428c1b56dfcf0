#include "common/rpc/loop/loop_queues.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "grpc/support/time.h"

namespace rmq {
namespace {

using Found = CompletionSource::Found;
using NextStatus = grpc::CompletionQueue::NextStatus;

gpr_timespec FromNow(absl::Duration duration) {
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_nanos(absl::ToInt64Nanoseconds(duration), GPR_TIMESPAN));
}

}  // namespace

LoopQueues::LoopQueues(grpc::CompletionQueue* first) {
  queues_.push_back({first, nullptr});
}

LoopQueues::~LoopQueues() = default;

grpc::CompletionQueue* LoopQueues::AddCall() {
  auto queue = std::find_if(queues_.begin(), queues_.end(), [](const Queue& q) {
    return q.calls < kMostCallsOnAQueue && !q.is_shut_down;
  });
  if (queue == queues_.end()) {
    auto owned = std::make_unique<grpc::CompletionQueue>();
    grpc::CompletionQueue* const added = owned.get();
    queue = queues_.insert(queue, {added, std::move(owned)});
  }
  ++queue->calls;
  return queue->queue;
}

void LoopQueues::RemoveCall(grpc::CompletionQueue* queue) {
  const auto found =
      std::find_if(queues_.begin(), queues_.end(),
                   [queue](const Queue& q) { return q.queue == queue; });
  if (--found->calls > 0 || found->owned == nullptr) return;
  found->is_shut_down = true;
  queue->Shutdown();
}

Found LoopQueues::Await(Event* event) {
  return AwaitUntil(gpr_inf_future(GPR_CLOCK_MONOTONIC), event);
}

Found LoopQueues::AwaitUntil(gpr_timespec deadline, Event* event) {
  for (absl::Duration wait = kShortestWait;;
       wait = std::min(2 * wait, kLongestWait)) {
    for (size_t i = 0; queues_.size() > 1 && i < queues_.size(); ++i) {
      const Found found = Poll(event);
      if (found != Found::kNothing) return found;
    }
    const bool is_alone = queues_.size() == 1;
    const gpr_timespec until =
        is_alone ? deadline : gpr_time_min(deadline, FromNow(wait));
    switch (NextOf(*queues_.front().queue, until, event)) {
      case NextStatus::GOT_EVENT: return Found::kEvent;
      case NextStatus::SHUTDOWN:
        if (is_alone) return Found::kEnd;
        break;
      case NextStatus::TIMEOUT:
        if (gpr_time_cmp(until, deadline) == 0) return Found::kNothing;
    }
  }
}

Found LoopQueues::Poll(Event* event) {
  switch (
      NextOf(*queues_[polled_].queue, gpr_time_0(GPR_CLOCK_MONOTONIC), event)) {
    case NextStatus::GOT_EVENT:
      // A queue that always has an event must not keep the others waiting.
      if (++in_a_row_ == kMostEventsTogether) PollTheNextOne();
      return Found::kEvent;
    case NextStatus::TIMEOUT: break;
    case NextStatus::SHUTDOWN:
      if (queues_.size() == 1) return Found::kEnd;
      if (polled_ > 0) {
        queues_.erase(queues_.begin() + static_cast<std::ptrdiff_t>(polled_));
        --polled_;
      }
  }
  PollTheNextOne();
  return Found::kNothing;
}

NextStatus LoopQueues::NextOf(grpc::CompletionQueue& queue,
                              gpr_timespec deadline, Event* event) {
  void* tag = nullptr;
  const NextStatus status = queue.AsyncNext(&tag, &event->ok, deadline);
  event->handler = static_cast<CompletionHandler*>(tag);
  returns_.store(returns_.load(std::memory_order_relaxed) + 1,
                 std::memory_order_relaxed);
  return status;
}

void LoopQueues::PollTheNextOne() {
  polled_ = (polled_ + 1) % queues_.size();
  in_a_row_ = 0;
}

void LoopQueues::Nap(absl::Duration duration) { absl::SleepFor(duration); }

}  // namespace rmq
