// The thread that a completion queue's events run on.
#ifndef BROKER_SERVICE_COMPLETION_LOOP_H_
#define BROKER_SERVICE_COMPLETION_LOOP_H_

#include "grpcpp/completion_queue.h"

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

// Runs the events of `queue` until it is shut down and drained.
void RunCompletionLoop(grpc::CompletionQueue* queue);

}  // namespace rmq

#endif  // BROKER_SERVICE_COMPLETION_LOOP_H_
