// One protocol of a server.
#ifndef COMMON_RPC_SERVER_FRONT_H_
#define COMMON_RPC_SERVER_FRONT_H_

#include <string>

#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/method_table.h"
#include "grpcpp/server_builder.h"

namespace rmq {

// A protocol at the edge, with messages and streams of its own: a server has a
// list of them and knows nothing else of what it serves. The methods are called
// in this order, by one thread.
class Front {
 public:
  virtual ~Front() = default;

  // The full name of the front's service, for health checks.
  virtual std::string service_name() const = 0;

  // Adds the front's methods, unary and streaming. `methods` outlives the
  // server's calls.
  virtual void AddMethods(MethodTable* methods) = 0;

  // Registers with gRPC what must be registered: streaming methods. (Calls of
  // unary methods reach the MethodTable without.)
  virtual void RegisterServices(grpc::ServerBuilder* builder) = 0;

  // Makes calls of the registered methods wait for clients on `loop`. Called
  // once for each loop, after the server has started and before the loop runs.
  virtual void AcceptStreams(ServerLoop* loop) = 0;

  // The server drains: the gate turns new calls away. Ends the front's open
  // streams, and those that still come.
  virtual void StopServing() = 0;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_FRONT_H_
