// The clients' protocol on a server: the ClientManager service.
#ifndef BROKER_FRONTS_CLIENTMANAGER_CLIENT_MANAGER_FRONT_H_
#define BROKER_FRONTS_CLIENTMANAGER_CLIENT_MANAGER_FRONT_H_

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/clientmanager/client_request_handler.h"
#include "broker/fronts/clientmanager/connect_session.h"
#include "broker/fronts/identified_streams.h"
#include "broker/housekeeping/drain.h"
#include "broker/housekeeping/housekeeping.h"
#include "common/due_task.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/deadline_watch.h"
#include "common/rpc/server/front.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/server_calls.h"
#include "grpcpp/server_builder.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {

class ClientManagerFront final : public Front {
 public:
  // Borrows all parts; `identified` gets the streams. `on_due` is called when
  // unheard_streams() becomes due earlier.
  ClientManagerFront(const ClientBroker& broker, Housekeeping* housekeeping,
                     Drain* drain, ServerCalls* calls,
                     IdentifiedStreams* identified, const DueListener& on_due);

  // Ends streams whose first full heartbeat does not come: a task of the
  // broker's timer.
  DueTask& unheard_streams() { return unheard_streams_; }
  // Ends up to `max` of these streams, if clients are turned away. Returns
  // whether more are left.
  bool EndUnheardStreams(size_t max, absl::Time now);

  // Front.
  std::string service_name() const override {
    return pb::ClientManager::service_full_name();
  }
  void AddMethods(MethodTable* methods) override;
  void RegisterServices(grpc::ServerBuilder* builder) override {
    builder->RegisterService(&service_);
  }
  void AcceptStreams(ServerLoop* loop) override;
  // Ends every stream that the drain has left. A drain has begun.
  void StopServing() override;

 private:
  // Connect carries bytes, so that a frame is parsed when it is handled, and a
  // stream at rest holds no message. Calls of the other methods come as those
  // of gRPC's generic service; see UnaryCall.
  using Service = pb::ClientManager::WithGenericMethod_Heartbeat<
      pb::ClientManager::WithGenericMethod_UnregisterClient<
          pb::ClientManager::WithGenericMethod_CheckClientConfig<
              pb::ClientManager::WithGenericMethod_GetConsumerListByGroup<
                  pb::ClientManager::WithRawMethod_Connect<
                      pb::ClientManager::Service>>>>>;

  Drain& drain_;
  ClientRequestHandler handler_;
  DeadlineWatch unheard_streams_;
  Service service_;
  // Constant once the methods are added.
  ConnectSession::Environment sessions_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_CLIENT_MANAGER_FRONT_H_
