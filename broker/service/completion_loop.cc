#include "broker/service/completion_loop.h"

#include <algorithm>
#include <cstddef>

#include "absl/container/inlined_vector.h"
#include "absl/time/clock.h"
#include "grpc/support/time.h"

namespace rmq {
namespace {

using Event = CompletionSource::Event;
using Found = CompletionSource::Found;

class QueueSource final : public CompletionSource {
 public:
  explicit QueueSource(grpc::CompletionQueue* queue) : queue_(*queue) {}

  Found Await(Event* event) override {
    void* tag = nullptr;
    if (!queue_.Next(&tag, &event->ok)) return Found::kEnd;
    event->handler = static_cast<CompletionHandler*>(tag);
    return Found::kEvent;
  }

  Found Poll(Event* event) override {
    void* tag = nullptr;
    switch (
        queue_.AsyncNext(&tag, &event->ok, gpr_time_0(GPR_CLOCK_MONOTONIC))) {
      case grpc::CompletionQueue::SHUTDOWN: return Found::kEnd;
      case grpc::CompletionQueue::TIMEOUT: return Found::kNothing;
      case grpc::CompletionQueue::GOT_EVENT: break;
    }
    event->handler = static_cast<CompletionHandler*>(tag);
    return Found::kEvent;
  }

  void Nap(absl::Duration duration) override { absl::SleepFor(duration); }

 private:
  grpc::CompletionQueue& queue_;
};

void Run(const Event& event) { event.handler->OnCompletion(event.ok); }

// Runs all events that have come after a first one. False at the end.
bool Drain(CompletionSource& source) {
  absl::InlinedVector<Event, kMostEventsTogether> waiting;
  size_t ran = 1;
  for (size_t empty = 0;
       empty < std::clamp(ran, kFewestEmptyPolls, kMostEmptyPolls);) {
    Event event;
    const Found found = source.Poll(&event);
    if (found == Found::kEvent) {
      empty = 0;
      waiting.push_back(event);
      if (waiting.size() < kMostEventsTogether) continue;
    }
    for (const Event& waited : waiting) Run(waited);
    ran += waiting.size();
    waiting.clear();
    if (found == Found::kNothing) ++empty;
    if (found == Found::kEnd) return false;
  }
  return true;
}

}  // namespace

void RunCompletionLoop(CompletionSource* source, absl::Duration nap) {
  Event event;
  while (source->Await(&event) == Found::kEvent) {
    Run(event);
    if (nap == absl::ZeroDuration()) continue;
    if (!Drain(*source)) return;
    source->Nap(nap);
  }
}

void RunCompletionLoop(grpc::CompletionQueue* queue, absl::Duration nap) {
  QueueSource source(queue);
  RunCompletionLoop(&source, nap);
}

}  // namespace rmq
