// The completion queues of one loop, and how many calls each of them carries.
#ifndef COMMON_RPC_LOOP_LOOP_QUEUES_H_
#define COMMON_RPC_LOOP_LOOP_QUEUES_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/rpc/loop/completion_loop.h"
#include "grpc/support/time.h"
#include "grpcpp/completion_queue.h"

namespace rmq {

// One queue that calls come from, and further ones as there are more calls.
//
// Distributions build gRPC with its assertions, one of which looks up each
// operation that ends among all that are pending on its queue. An open stream
// has two there, so with 100,000 streams on one queue an event costs 100 us.
// With so few a queue it costs three.
//
// The first queue is polled for as long as the loop runs. A further one goes
// when its last call has left it and gRPC has nothing for it any more.
//
// Used by the loop's thread, and by one other before the loop runs.
class LoopQueues final : public CompletionSource {
 public:
  // More a queue, and its events cost more; fewer, and looking at all queues
  // does.
  static constexpr size_t kMostCallsOnAQueue = 2048;
  // What comes for a further queue while a loop with nothing to do blocks on
  // the first is seen so much later at most: the longer, the longer nothing has
  // come, since looking costs.
  static constexpr absl::Duration kShortestWait = absl::Milliseconds(2);
  static constexpr absl::Duration kLongestWait = absl::Milliseconds(8);

  // `first` is borrowed.
  explicit LoopQueues(grpc::CompletionQueue* first);
  ~LoopQueues();
  LoopQueues(const LoopQueues&) = delete;
  LoopQueues& operator=(const LoopQueues&) = delete;

  // The queue for all operations of one more call. The call may be announced on
  // another one.
  grpc::CompletionQueue* AddCall();
  // A call that is on `queue` starts nothing there any more, and its events
  // have come.
  void RemoveCall(grpc::CompletionQueue* queue);

  // CompletionSource. The end is that of the first queue, which is to be shut
  // down after the last call was removed.
  Found Await(Event* event) override;
  // As Await(), and kNothing at `deadline`.
  Found AwaitUntil(gpr_timespec deadline, Event* event);
  Found Poll(Event* event) override;
  size_t places() const override { return queues_.size(); }
  void Nap(absl::Duration duration) override;

 private:
  struct Queue {
    grpc::CompletionQueue* queue;
    // Null of the first one.
    std::unique_ptr<grpc::CompletionQueue> owned;
    size_t calls = 0;
    bool is_shut_down = false;
  };

  void PollTheNextOne();

  std::vector<Queue> queues_;
  // The one that is polled, and how many events it brought in a row.
  size_t polled_ = 0;
  size_t in_a_row_ = 0;
};

// A loop of a server.
struct ServerLoop {
  explicit ServerLoop(std::unique_ptr<grpc::ServerCompletionQueue> first)
      : queue(std::move(first)), queues(queue.get()) {}

  // Calls are announced on it.
  const std::unique_ptr<grpc::ServerCompletionQueue> queue;
  LoopQueues queues;
};

}  // namespace rmq

#endif  // COMMON_RPC_LOOP_LOOP_QUEUES_H_
