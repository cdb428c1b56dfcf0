#include "common/rpc/channel/channel_closer.h"

#include <utility>

#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/rpc/loop/completion_callback.h"
#include "grpc/grpc.h"
#include "grpc/support/time.h"

namespace rmq {
namespace {

using Channels = absl::flat_hash_set<std::shared_ptr<grpc::Channel>>;

bool IsConnecting(const std::shared_ptr<grpc::Channel>& channel) {
  return channel->GetState(/*try_to_connect=*/false) == GRPC_CHANNEL_CONNECTING;
}

// The channels of the process that were still connecting when their closers
// ended. Thread-safe.
class LateChannels {
 public:
  static LateChannels& Global() {
    static auto& late = *new LateChannels;
    return late;
  }

  void Add(Channels channels) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    connecting_.merge(channels);
  }

  // Destroys the channels whose attempt to connect has ended.
  void DestroySettled() ABSL_LOCKS_EXCLUDED(mu_) {
    Channels settled;  // Destroyed last, without the lock.
    MutexLock lock(&mu_);
    for (const auto& channel : connecting_) {
      if (!IsConnecting(channel)) settled.insert(channel);
    }
    for (const auto& channel : settled) connecting_.erase(channel);
  }

 private:
  absl::Mutex mu_;
  Channels connecting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

ChannelCloser::ChannelCloser(grpc::CompletionQueue* queue) : queue_(*queue) {
  LateChannels::Global().DestroySettled();
}

std::shared_ptr<grpc::Channel> ChannelCloser::Guard(
    std::shared_ptr<grpc::Channel> channel) {
  grpc::Channel* const guarded = channel.get();
  return {guarded, [this, channel = std::move(channel)](
                       grpc::Channel*) mutable { Close(std::move(channel)); }};
}

void ChannelCloser::CloseAll(absl::Duration timeout) {
  Channels late;
  {
    MutexLock lock(&mu_);
    RealClock().AwaitWithDeadline(
        &lock, &closed_,
        [this]()
            ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return connecting_.empty(); },
        RealClock().TimeNow() + timeout);
    late.swap(connecting_);
  }
  LateChannels::Global().Add(std::move(late));
  LateChannels::Global().DestroySettled();
}

// An attempt to connect ends by itself, at the latest after the connect
// timeout.
void ChannelCloser::Close(std::shared_ptr<grpc::Channel> channel) {
  if (!IsConnecting(channel)) return;
  MutexLock lock(&mu_);
  Watch(channel.get());
  connecting_.insert(std::move(channel));
}

void ChannelCloser::Watch(grpc::Channel* channel) {
  const gpr_timespec deadline =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_micros(absl::ToInt64Microseconds(kWatchTime),
                                        GPR_TIMESPAN));
  channel->NotifyOnStateChange(
      GRPC_CHANNEL_CONNECTING, deadline, &queue_,
      CompletionCallback::New([this, channel](bool) { OnWatched(channel); }));
}

void ChannelCloser::OnWatched(grpc::Channel* channel) {
  Channels::node_type closed;  // Destroyed last, without the lock.
  MutexLock lock(&mu_);
  const auto found = connecting_.find(channel);
  if (found == connecting_.end()) return;  // LateChannels has it.
  if (IsConnecting(*found)) {
    Watch(channel);
  } else {
    closed = connecting_.extract(found);
    closed_.SignalAll();
  }
}

}  // namespace rmq
