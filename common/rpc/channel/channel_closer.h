// Destroys channels without losing connections.
#ifndef COMMON_RPC_CHANNEL_CHANNEL_CLOSER_H_
#define COMMON_RPC_CHANNEL_CHANNEL_CLOSER_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/cond_var.h"
#include "grpcpp/channel.h"
#include "grpcpp/completion_queue.h"

namespace rmq {

// Destroys channels, but none that is connecting.
//
// gRPC 1.51 loses the connection of a channel that is destroyed between the
// dialling and the server's HTTP/2 settings, if the settings come after all:
// its socket stays open as long as the process lives (gRPC's pull request 32071
// mended that).
//
// A channel that is still connecting when its closer ends is kept by the
// process, and is destroyed once its attempt to connect has ended and another
// closer begins or ends. The number of channels kept so is bounded by those
// that were connecting at the ends of closers within one connect timeout.
//
// Thread-safety: thread-safe.
// Ownership: `queue` is borrowed. It must be polled, its tags must be
// CompletionHandlers, and it must not be shut down before CloseAll() returns.
class ChannelCloser {
 public:
  explicit ChannelCloser(grpc::CompletionQueue* queue);
  ChannelCloser(const ChannelCloser&) = delete;
  ChannelCloser& operator=(const ChannelCloser&) = delete;

  // `channel`, which the closer destroys when the last user has released it.
  // The closer must outlive the users.
  std::shared_ptr<grpc::Channel> Guard(std::shared_ptr<grpc::Channel> channel);

  // Waits for released channels that are connecting, for at most `timeout` and
  // one kWatchTime. No channel may be released afterwards.
  void CloseAll(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  // gRPC's watch of a channel's state cannot be cancelled. Each watch ends
  // after this time, and another one follows.
  static constexpr absl::Duration kWatchTime = absl::Milliseconds(50);

 private:
  void Close(std::shared_ptr<grpc::Channel> channel) ABSL_LOCKS_EXCLUDED(mu_);
  void Watch(grpc::Channel* channel) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnWatched(grpc::Channel* channel) ABSL_LOCKS_EXCLUDED(mu_);

  grpc::CompletionQueue& queue_;
  absl::Mutex mu_;
  CondVar closed_;  // A channel left `connecting_`.
  // Channels that nobody else holds.
  absl::flat_hash_set<std::shared_ptr<grpc::Channel>> connecting_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // COMMON_RPC_CHANNEL_CHANNEL_CLOSER_H_
