// WatchStub over gRPC.
#ifndef CLIENT_GRPC_GRPC_WATCH_STUB_H_
#define CLIENT_GRPC_GRPC_WATCH_STUB_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "client/grpc/watch_call.h"
#include "client/watch/watch_stub.h"
#include "common/rpc/channel/channel_closer.h"
#include "common/rpc/channel/channel_holder.h"
#include "common/rpc/credentials/channel_security.h"

namespace rmq {

// Channels are used no more as by GrpcBrokerStub.
//
// Thread-safety: none but its streams'. Ownership: what `environment` names,
// and `closer`, are borrowed and must outlive the stub and its streams.
class GrpcWatchStub final : public WatchStub {
 public:
  GrpcWatchStub(const WatchCall::Environment& environment,
                ChannelCloser* closer, const std::string& address,
                absl::Duration connect_timeout,
                std::shared_ptr<ChannelSecurity> security)
      : environment_(environment),
        holder_(std::make_shared<ChannelHolder>(address, connect_timeout,
                                                std::move(security), closer)) {}

  std::unique_ptr<WatchStream> NewStream(
      WatchStream::Reactor* reactor) override {
    return WatchCall::NewStream(environment_, holder_, reactor);
  }

 private:
  const WatchCall::Environment environment_;
  const std::shared_ptr<ChannelHolder> holder_;
};

}  // namespace rmq

#endif  // CLIENT_GRPC_GRPC_WATCH_STUB_H_
