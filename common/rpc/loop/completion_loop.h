// Runs the events of completion queues on one thread.
#ifndef COMMON_RPC_LOOP_COMPLETION_LOOP_H_
#define COMMON_RPC_LOOP_COMPLETION_LOOP_H_

#include <cstddef>

#include "absl/time/time.h"

namespace rmq {

// The object that a completion queue's tag points at. Each operation that is
// started with the tag causes one call of OnCompletion().
class CompletionHandler {
 public:
  // `ok` is that of CompletionQueue::Next(): whether the operation succeeded.
  // Runs on the loop's thread and must not block. May delete this object.
  virtual void OnCompletion(bool ok) = 0;

 protected:
  ~CompletionHandler() = default;
};

// A tag that calls one method of `target`. A member of its target, which starts
// operations with it.
template <typename T, void (T::*kMethod)(bool)>
class CompletionTag final : public CompletionHandler {
 public:
  explicit CompletionTag(T* target) : target_(target) {}
  void OnCompletion(bool ok) override { (target_->*kMethod)(ok); }

 private:
  T* const target_;
};

// The source of a loop's events: completion queues, or a test's script. Not
// thread-safe.
class CompletionSource {
 public:
  enum class Found {
    kEvent,
    // There is no event. Returned by Poll() only.
    kNothing,
    // The source is shut down, and all its events have been returned.
    kEnd,
  };
  struct Event {
    CompletionHandler* handler = nullptr;
    bool ok = false;
  };

  virtual ~CompletionSource() = default;

  // Blocks until there is an event, or the end.
  virtual Found Await(Event* event) = 0;
  // Does not block. Does one piece of the work that the kernel has for gRPC.
  // Such a piece may bring no event (a ping does not), so the next call may
  // find an event even if this one does not.
  virtual Found Poll(Event* event) = 0;
  // The number of queues. That many polls in a row look at each queue once.
  virtual size_t queue_count() const = 0;
  // Blocks for `duration`, while events gather.
  virtual void Nap(absl::Duration duration) = 0;
};

// A loop naps after N polls in a row have found nothing. N is the number of
// events that the loop ran since the last nap, within these bounds, but at
// least queue_count(). Polls without an event handle answers to pings, which
// arrive together with the events. With fewer polls a loop falls behind (with 8
// at 4,000 heartbeats a second, where 20 and more events share a nap); after
// the few events of a slow pace more polls find nothing.
inline constexpr size_t kFewestEmptyPolls = 4;
inline constexpr size_t kMostEmptyPolls = 16;
// A loop takes up to this many events before it runs the first of them. If it
// took and ran events in turn, each step would find the processor's caches full
// of the other's code, and a heartbeat would cost a sixth more. The answers of
// a batch wait until its last event is taken: a third of a millisecond with
// this many.
inline constexpr size_t kMostEventsTogether = 32;

// Runs the events of `source` until its end.
//
// Waking up is most of what a call costs a server that is not busy. With a
// `nap` above 0 events therefore share wake-ups: the loop blocks for the first
// event, takes and runs further events without blocking until there are none,
// naps, and begins again. An event that comes during a nap waits for its end. A
// busy loop always finds an event and never naps; an idle loop blocks and costs
// nothing. With a `nap` of 0 the loop blocks for each event.
//
// While the loop naps, no other thread may poll gRPC: such a thread would be
// woken for each event, which costs more than no nap. All pollers of a process
// share what they poll. So no method of the process's servers may use gRPC's
// callback API, whose threads always poll, and a nap is worth little where
// several loops run. Methods of the synchronous API poll only while they are
// called.
void RunCompletionLoop(CompletionSource* source, absl::Duration nap);

}  // namespace rmq

#endif  // COMMON_RPC_LOOP_COMPLETION_LOOP_H_
