// The operators' protocol on a server: the ClientManagerAdmin service.
#ifndef BROKER_FRONTS_ADMIN_ADMIN_FRONT_H_
#define BROKER_FRONTS_ADMIN_ADMIN_FRONT_H_

#include <string>

#include "broker/fronts/admin/admin_method.h"
#include "broker/fronts/admin/admin_request_handler.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/front.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/server_calls.h"
#include "common/rpc/server/unary_call.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {

// Has unary methods only.
class AdminFront final : public Front {
 public:
  // Borrows `calls` and the parts of `broker`.
  AdminFront(const AdminBroker& broker, ServerCalls* calls);

  // Front.
  std::string service_name() const override {
    return pb::ClientManagerAdmin::service_full_name();
  }
  void AddMethods(MethodTable* methods) override {
    handler_.AddMethods(methods);
  }
  void RegisterServices(grpc::ServerBuilder* builder) override {
    builder->RegisterService(&service_);
  }
  void AcceptStreams(ServerLoop* loop) override;
  void StopServing() override {}

 private:
  // Registers one method with gRPC, since server reflection finds services by
  // their registered methods. The method is registered as a stream of bytes, so
  // that its calls are UnaryCalls, as those of all other methods.
  class Service final : public pb::ClientManagerAdmin::Service {
   public:
    Service();
    void RequestRegistered(grpc::ServerContext* context,
                           grpc::GenericServerAsyncReaderWriter* call,
                           grpc::ServerCompletionQueue* queue, void* tag);
  };

  const AdminRequestHandler handler_;
  Service service_;
  const UnaryCall::Environment registered_calls_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_ADMIN_FRONT_H_
