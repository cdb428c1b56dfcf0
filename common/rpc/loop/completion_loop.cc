#include "common/rpc/loop/completion_loop.h"

#include <algorithm>
#include <cstddef>

#include "absl/container/inlined_vector.h"

namespace rmq {
namespace {

using Event = CompletionSource::Event;
using Found = CompletionSource::Found;

void Run(const Event& event) { event.handler->OnCompletion(event.ok); }

// Runs the events that have come since the first one. Returns false at the
// source's end.
bool Drain(CompletionSource& source) {
  absl::InlinedVector<Event, kMostEventsTogether> waiting;
  size_t ran = 1;
  for (size_t empty = 0;
       empty < std::max(std::clamp(ran, kFewestEmptyPolls, kMostEmptyPolls),
                        source.queue_count());) {
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

}  // namespace rmq
