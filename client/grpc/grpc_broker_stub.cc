#include "client/grpc/grpc_broker_stub.h"

#include "client/grpc/call_end.h"
#include "common/mutex_lock.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

gpr_timespec DeadlineAfter(absl::Duration timeout) {
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_micros(absl::ToInt64Microseconds(timeout), GPR_TIMESPAN));
}

bool HasPassed(const gpr_timespec& deadline) {
  return gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), deadline) >= 0;
}

}  // namespace

std::unique_ptr<BrokerStream> GrpcBrokerStub::NewStream(
    BrokerStream::Reactor* reactor) {
  return ConnectCall::NewStream(environment_, holder_, reactor);
}

absl::StatusOr<v1::GetConsumerListByGroupResponse>
GrpcBrokerStub::GetConsumerListByGroup(
    const v1::GetConsumerListByGroupRequest& request, absl::Duration timeout) {
  v1::GetConsumerListByGroupResponse response;
  absl::Status status =
      Call(&Stub::GetConsumerListByGroup, request, &response, timeout);
  if (!status.ok()) return status;
  return response;
}

absl::Status GrpcBrokerStub::CheckClientConfig(
    const v1::CheckClientConfigRequest& request, absl::Duration timeout) {
  v1::CheckClientConfigResponse response;
  return Call(&Stub::CheckClientConfig, request, &response, timeout);
}

void GrpcBrokerStub::CancelCalls() {
  MutexLock lock(&mu_);
  cancelled_ = true;
  // Under the lock, since a context lives as long as it is in `calls_`.
  for (grpc::ClientContext* context : calls_) context->TryCancel();
}

template <typename Request, typename Response>
absl::Status GrpcBrokerStub::Call(
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                 Response*),
    const Request& request, Response* response, absl::Duration timeout) {
  grpc::ClientContext context;
  const gpr_timespec deadline = DeadlineAfter(timeout);
  context.set_deadline(deadline);
  {
    MutexLock lock(&mu_);
    if (cancelled_) return absl::CancelledError("the client is shut down");
    calls_.insert(&context);
  }
  holder_->Prepare(&context);
  const std::shared_ptr<grpc::Channel> channel = holder_->Get();
  Stub stub(channel);
  const grpc::Status status = (stub.*method)(&context, request, response);
  bool is_own_doing = status.ok() || HasPassed(deadline);
  {
    MutexLock lock(&mu_);
    calls_.erase(&context);
    is_own_doing |= cancelled_;
  }
  if (BlamesConnection(context, status, is_own_doing)) holder_->Drop(channel);
  return FromGrpc(status);
}

}  // namespace rmq
