// BrokerStub over gRPC.
#ifndef CLIENT_GRPC_GRPC_BROKER_STUB_H_
#define CLIENT_GRPC_GRPC_BROKER_STUB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/grpc/connect_call.h"
#include "client/session/broker_stub.h"
#include "common/rpc/channel/channel_closer.h"
#include "common/rpc/channel/channel_holder.h"
#include "common/rpc/credentials/channel_security.h"
#include "grpcpp/client_context.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {

// Two kinds of channels are used no more: one that a call blames for its end
// (BlamesConnection()), and one whose stream was given up, since the connection
// may be what is stuck.
//
// Thread-safety, ownership: as BrokerStub. What `environment` names, and
// `closer`, are borrowed and must outlive the stub and its streams.
class GrpcBrokerStub final : public BrokerStub {
 public:
  GrpcBrokerStub(const ConnectCall::Environment& environment,
                 ChannelCloser* closer, const std::string& address,
                 absl::Duration connect_timeout,
                 std::shared_ptr<ChannelSecurity> security)
      : environment_(environment),
        holder_(std::make_shared<ChannelHolder>(address, connect_timeout,
                                                std::move(security), closer)) {}

  std::unique_ptr<BrokerStream> NewStream(
      BrokerStream::Reactor* reactor) override;
  uint64_t IdentityGeneration() override {
    return holder_->SecurityGeneration();
  }
  absl::StatusOr<rocketmq::clientmanager::v1::GetConsumerListByGroupResponse>
  GetConsumerListByGroup(
      const rocketmq::clientmanager::v1::GetConsumerListByGroupRequest& request,
      absl::Duration timeout) override;
  absl::Status CheckClientConfig(
      const rocketmq::clientmanager::v1::CheckClientConfigRequest& request,
      absl::Duration timeout) override;
  void CancelCalls() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Stub = rocketmq::clientmanager::v1::ClientManager::Stub;

  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                 const Request&, Response*),
                    const Request& request, Response* response,
                    absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  const ConnectCall::Environment environment_;
  const std::shared_ptr<ChannelHolder> holder_;

  absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  // Unary calls under way.
  absl::flat_hash_set<grpc::ClientContext*> calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // CLIENT_GRPC_GRPC_BROKER_STUB_H_
