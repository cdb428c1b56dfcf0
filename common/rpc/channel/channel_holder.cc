#include "common/rpc/channel/channel_holder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"
#include "common/rpc/channel/channel_arguments.h"
#include "grpc/grpc.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"

namespace rmq {
namespace {

grpc::ChannelArguments ArgumentsFor(absl::Duration connect_timeout,
                                    const ChannelSecurity& security) {
  grpc::ChannelArguments args = ClientChannelArguments();
  security.AddArguments(&args);
  // gRPC's least backoff is the time that it gives one attempt to connect, and
  // it does not dial again before that time is over.
  const int ms = ToMillisecondsArgument(connect_timeout);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, ms);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, ms);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, ms);
  return args;
}

}  // namespace

ChannelHolder::ChannelHolder(const std::string& address,
                             absl::Duration connect_timeout,
                             std::shared_ptr<ChannelSecurity> security,
                             ChannelCloser* closer)
    : target_(absl::StrCat("dns:///", address)),
      connect_timeout_(connect_timeout),
      security_(std::move(security)),
      closer_(*closer) {}

std::shared_ptr<grpc::Channel> ChannelHolder::Get() {
  // Before the lock, since the source is not ours. In this order, so that
  // credentials that change in between make another channel the next time.
  const uint64_t generation = security_->credentials().generation();
  const std::shared_ptr<grpc::ChannelCredentials> credentials =
      security_->credentials().Get();
  std::shared_ptr<grpc::Channel> former;  // Destroyed last, without the lock.
  MutexLock lock(&mu_);
  if (channel_ == nullptr || generation_ != generation ||
      channel_->GetState(/*try_to_connect=*/false) ==
          GRPC_CHANNEL_TRANSIENT_FAILURE) {
    former = std::exchange(
        channel_,
        closer_.Guard(grpc::CreateCustomChannel(
            target_, credentials, ArgumentsFor(connect_timeout_, *security_))));
    generation_ = generation;
  }
  return channel_;
}

void ChannelHolder::Drop(const std::shared_ptr<grpc::Channel>& channel) {
  MutexLock lock(&mu_);
  if (channel_ == channel) channel_ = nullptr;
}

}  // namespace rmq
