// The current channel to one server.
#ifndef COMMON_RPC_CHANNEL_CHANNEL_HOLDER_H_
#define COMMON_RPC_CHANNEL_CHANNEL_HOLDER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/rpc/channel/channel_closer.h"
#include "common/rpc/credentials/channel_security.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace rmq {

// Makes a channel when a call needs one, and a new one after a channel could
// not connect or was dropped, or when there are other credentials. So the
// caller decides how often a server that is away is dialled: gRPC would go on
// dialling at a pace of its own. A channel that is used no more is closed with
// its last call.
//
// Thread-safety: thread-safe.
// Ownership: `closer` is borrowed and must outlive the holder and its channels.
class ChannelHolder {
 public:
  // `address` is "host:port". An attempt to connect takes `connect_timeout` at
  // most.
  ChannelHolder(const std::string& address, absl::Duration connect_timeout,
                std::shared_ptr<ChannelSecurity> security,
                ChannelCloser* closer);

  // The channel for the next call. Nothing is dialled before the call.
  std::shared_ptr<grpc::Channel> Get() ABSL_LOCKS_EXCLUDED(mu_);

  // Makes a call ready that is to go over a channel of this holder: adds the
  // metadata that says who calls.
  void Prepare(grpc::ClientContext* context) { security_->Sign(context); }

  // ChannelSecurity::generation().
  uint64_t SecurityGeneration() { return security_->generation(); }

  // Get() does not return `channel` any more.
  void Drop(const std::shared_ptr<grpc::Channel>& channel)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const std::string target_;
  const absl::Duration connect_timeout_;
  const std::shared_ptr<ChannelSecurity> security_;
  ChannelCloser& closer_;
  absl::Mutex mu_;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mu_);
  // That of the credentials of `channel_`.
  uint64_t generation_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rmq

#endif  // COMMON_RPC_CHANNEL_CHANNEL_HOLDER_H_
