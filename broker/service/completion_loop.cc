#include "broker/service/completion_loop.h"

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

// Runs all events that have come. False at the end.
bool Drain(CompletionSource& source) {
  Event event;
  for (int empty = 0; empty < kEmptyPollsBeforeNap;) {
    switch (source.Poll(&event)) {
      case Found::kEvent:
        Run(event);
        empty = 0;
        break;
      case Found::kNothing: ++empty; break;
      case Found::kEnd: return false;
    }
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
