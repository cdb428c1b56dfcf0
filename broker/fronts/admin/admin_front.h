// The operators' protocol on a server: the ClientManagerAdmin service.
#ifndef BROKER_FRONTS_ADMIN_ADMIN_FRONT_H_
#define BROKER_FRONTS_ADMIN_ADMIN_FRONT_H_

#include <memory>
#include <string>
#include <vector>

#include "broker/fronts/admin/admin_method.h"
#include "broker/fronts/admin/admin_request_handler.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/front.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/response_streams.h"
#include "common/rpc/server/server_calls.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {

class AdminFront final : public Front {
 public:
  // Borrows `calls` and the parts of `broker`.
  AdminFront(const AdminBroker& broker, ServerCalls* calls);

  // Front.
  std::string service_name() const override {
    return pb::ClientManagerAdmin::service_full_name();
  }
  // `methods` must be that of the `calls`.
  void AddMethods(MethodTable* methods) override;
  void RegisterServices(grpc::ServerBuilder* builder) override {
    builder->RegisterService(&service_);
  }
  void AcceptStreams(ServerLoop* loop) override;
  // Ends the calls of streaming methods with DRAINED.
  void StopServing() override;

 private:
  // Registers the streaming methods with gRPC, as streams of bytes. One unary
  // method is registered too, since server reflection finds services by their
  // registered methods; its calls are UnaryCalls, as those of all other
  // methods.
  class Service final : public pb::ClientManagerAdmin::Service {
   public:
    Service();
    // `method` is the index of a streaming one.
    void RequestStreaming(int method, grpc::ServerContext* context,
                          grpc::GenericServerAsyncReaderWriter* call,
                          grpc::CompletionQueue* queue,
                          grpc::ServerCompletionQueue* announced_on, void* tag);
  };

  const AdminRequestHandler handler_;
  Service service_;
  ServerCalls& calls_;
  // Complete once the methods are added.
  std::vector<std::unique_ptr<ResponseStreams>> streams_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_ADMIN_FRONT_H_
