// The thread that the events of completion queues run on.
#ifndef COMMON_RPC_LOOP_COMPLETION_LOOP_H_
#define COMMON_RPC_LOOP_COMPLETION_LOOP_H_

#include <cstddef>

#include "absl/time/time.h"

namespace rmq {

// What a completion queue's tag points at. Each started operation brings its
// event once.
class CompletionHandler {
 public:
  // `ok` as CompletionQueue::Next() gives it: whether the operation did what it
  // was started for. Runs on the loop's thread and must not block. May delete
  // this.
  virtual void OnCompletion(bool ok) = 0;

 protected:
  ~CompletionHandler() = default;
};

// An operation's tag: a member of what started it, calling one of its methods.
template <typename T, void (T::*kMethod)(bool)>
class CompletionTag final : public CompletionHandler {
 public:
  explicit CompletionTag(T* target) : target_(target) {}
  void OnCompletion(bool ok) override { (target_->*kMethod)(ok); }

 private:
  T* const target_;
};

// Where a loop's events come from: completion queues, or a test's script. Used
// by one thread.
class CompletionSource {
 public:
  enum class Found {
    kEvent,
    // Of Poll() only.
    kNothing,
    // What brought events is shut down, and all of them have come.
    kEnd,
  };
  struct Event {
    CompletionHandler* handler = nullptr;
    bool ok = false;
  };

  virtual ~CompletionSource() = default;

  // Blocks until there is an event, or the end.
  virtual Found Await(Event* event) = 0;
  // Does not block. Does one piece of the work that the kernel has for gRPC,
  // which may bring no event, as a ping does not: one call that finds nothing
  // does not mean that the next will not.
  virtual Found Poll(Event* event) = 0;
  // As many polls in a row look everywhere.
  virtual size_t places() const = 0;
  // Blocks for `duration`, while events gather.
  virtual void Nap(absl::Duration duration) = 0;
};

// Polls in a row that find nothing before a loop naps: as many as it ran events
// since the last nap, within these bounds, and enough to look everywhere. What
// brings no event is an answer to a ping, and comes with the events: with fewer
// polls a loop falls behind (with 8 at 4,000 heartbeats a second, after 20
// events and more), and after the few events of a slow pace more are in vain.
inline constexpr size_t kFewestEmptyPolls = 4;
inline constexpr size_t kMostEmptyPolls = 16;
// Events that are taken before the first of them runs. Taking one and running
// one in turn, each finds the processor's caches full of the other's code: a
// heartbeat then costs a sixth more. All answers of a run wait for its last
// event to be taken, a third of a millisecond with this many.
inline constexpr size_t kMostEventsTogether = 32;

// Runs the events of `source` until its end.
//
// Waking up is most of what a call costs a server that is not busy, so with a
// `nap` above 0 events share wake-ups: the loop blocks for the first, takes and
// runs what else has come without blocking, naps, and begins again. What comes
// during a nap waits for its end. A busy loop always finds something, and never
// naps; one that has nothing to do blocks, and costs nothing. With 0 the loop
// blocks for each event.
//
// No other thread may poll what the loop polls, or it is woken for each event
// while the loop naps, which costs more than no nap. All pollers of a process
// share what they poll: no method of its servers may use gRPC's callback API,
// and a nap is worth little where several loops run. Methods of the synchronous
// API poll while they are called only.
void RunCompletionLoop(CompletionSource* source, absl::Duration nap);

}  // namespace rmq

#endif  // COMMON_RPC_LOOP_COMPLETION_LOOP_H_
