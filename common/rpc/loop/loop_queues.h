// The completion queues of one loop, and how many calls each of them carries.
#ifndef COMMON_RPC_LOOP_LOOP_QUEUES_H_
#define COMMON_RPC_LOOP_LOOP_QUEUES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/rpc/loop/completion_loop.h"
#include "grpc/support/time.h"
#include "grpcpp/completion_queue.h"

namespace rmq {

// The loop's first queue, and further queues that LoopQueues adds as the number
// of calls grows.
//
// Distributions build gRPC with its assertions. One of them looks up each
// finished operation among all that are pending on its queue. An open stream
// has two pending operations, so with 100,000 streams on one queue an event
// costs 100 us; with kMostCallsOnAQueue it costs 3 us. See README.md for when
// to delete this.
//
// The first queue is polled as long as the loop runs. A further queue is
// destroyed once its last call has left it and gRPC has no event for it.
//
// Not thread-safe: used by the loop's thread, and by one other thread before
// the loop runs.
class LoopQueues final : public CompletionSource {
 public:
  // With more calls a queue each event costs more; with fewer, polling all the
  // queues does.
  static constexpr size_t kMostCallsOnAQueue = 2048;
  // An idle loop blocks on the first queue and polls the others in between. The
  // pause between polls starts at kShortestWait and doubles to kLongestWait
  // while nothing arrives; an event on a further queue is seen at most that
  // late.
  static constexpr absl::Duration kShortestWait = absl::Milliseconds(2);
  static constexpr absl::Duration kLongestWait = absl::Milliseconds(8);

  // Borrows `first`.
  explicit LoopQueues(grpc::CompletionQueue* first);
  ~LoopQueues();
  LoopQueues(const LoopQueues&) = delete;
  LoopQueues& operator=(const LoopQueues&) = delete;

  // Returns the queue for all operations of one more call. A server may
  // announce the call on another queue.
  grpc::CompletionQueue* AddCall();
  // Releases one call's place on `queue`. The call must have no operation
  // pending there, and must start none afterwards.
  void RemoveCall(grpc::CompletionQueue* queue);

  // CompletionSource. The source ends when the first queue does; shut that
  // queue down after the last call is removed.
  Found Await(Event* event) override;
  // Like Await(), but returns kNothing at `deadline`.
  Found AwaitUntil(gpr_timespec deadline, Event* event);
  Found Poll(Event* event) override;
  size_t queue_count() const override { return queues_.size(); }
  void Nap(absl::Duration duration) override;

  // Counts how often gRPC has returned to the loop: it does not while it reads
  // from a connection that sends without end. To be read by any thread.
  const std::atomic<uint64_t>& returns() const { return returns_; }

 private:
  struct Queue {
    grpc::CompletionQueue* queue;
    // Null for the first queue.
    std::unique_ptr<grpc::CompletionQueue> owned;
    size_t calls = 0;
    bool is_shut_down = false;
  };

  grpc::CompletionQueue::NextStatus NextOf(grpc::CompletionQueue& queue,
                                           gpr_timespec deadline, Event* event);
  void PollTheNextOne();

  std::atomic<uint64_t> returns_{0};
  std::vector<Queue> queues_;
  // The index of the queue that is polled, and how many events it has returned
  // in a row.
  size_t polled_ = 0;
  size_t in_a_row_ = 0;
};

// The queues of one loop of a server.
struct ServerLoop {
  explicit ServerLoop(std::unique_ptr<grpc::ServerCompletionQueue> first)
      : queue(std::move(first)), queues(queue.get()) {}

  // The server announces calls on it.
  const std::unique_ptr<grpc::ServerCompletionQueue> queue;
  LoopQueues queues;
};

}  // namespace rmq

#endif  // COMMON_RPC_LOOP_LOOP_QUEUES_H_
