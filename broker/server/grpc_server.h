// The broker's gRPC server: its port, its threads, and its end.
#ifndef BROKER_SERVER_GRPC_SERVER_H_
#define BROKER_SERVER_GRPC_SERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/part.h"
#include "broker/server/server_options.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/acceptor/acceptor.h"
#include "common/rpc/server/front.h"
#include "common/rpc/server/health_service.h"
#include "common/rpc/server/server_calls.h"
#include "common/rpc/server/transport_kind.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace rmq {

// The options of the calls of a server with `options`.
ServerCalls::Options CallOptions(const ServerOptions& options);

// Serves a list of fronts, the standard health service and, by the options,
// reflection on its addresses, each with its own kind of security. Knows no
// message, no client and no group.
//
// Thread-safety: as Part; address() and port() are thread-safe after Start().
class GrpcServer final : public Part {
 public:
  using Options = ServerOptions;

  // `options` must validate. Borrows the rest; `calls` was made with
  // CallOptions(options). `tls`: the credentials of the addresses that have
  // TLS; null if there are none.
  GrpcServer(const Options& options, ServerCalls* calls,
             std::vector<Front*> fronts, ServerCredentialsSource* tls);
  // Stops at once if that has not been done.
  ~GrpcServer() override;
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // Listens and serves. Returns Unavailable, in one line, if it cannot listen
  // on the address.
  absl::Status Start() override;

  // The "host:port" that the server listens on, with the port that was chosen,
  // or "unix:/path": the first one, if there are several.
  const std::string& address() const { return addresses_.front(); }
  const std::vector<std::string>& addresses() const { return addresses_; }
  int port() const;

  // How often accepting a connection has failed. Thread-safe.
  int64_t accept_errors() const { return acceptor_.errors(); }

  // What health reports; SERVING at first. Not after BeginDrain().
  void SetServing(bool serving) { health_.SetServing(serving); }

  // See HealthService::SetDetail(). Thread-safe.
  void SetHealthDetail(absl::string_view name, bool serving) {
    health_.SetDetail(name, serving);
  }

  // Health reports NOT_SERVING, and new streams and calls are turned away.
  void BeginDrain() override;

  // Ends open streams with UNAVAILABLE, and waits for calls in progress;
  // cancels what is left after `timeout`. Does not wait for calls of server
  // reflection, which may stay open for ever. Blocks until all calls have
  // ended.
  void Stop(absl::Duration timeout) override;

 private:
  // Listens on the addresses of the options.
  absl::Status Listen();
  // Gives gRPC a connection.
  void HandOver(TransportKind kind, int fd);
  void EndCalls(absl::Duration timeout);

  const Options options_;
  ServerCalls& calls_;
  ServerCredentialsSource* const tls_;
  HealthService health_;
  // `health_` last.
  std::vector<Front*> fronts_;
  // For UnaryCall.
  grpc::AsyncGenericService generic_;
  std::vector<std::string> addresses_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<ServerLoop>> loops_;
  // After what it serves, so that it is destroyed first.
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::thread> threads_;
  // One for each kind of connections that there may be.
  std::map<TransportKind,
           std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor>>
      take_over_;
  // The last one to begin, and the first to end. By the real clock, as gRPC's
  // own times of connections are.
  Acceptor acceptor_;
};

}  // namespace rmq

#endif  // BROKER_SERVER_GRPC_SERVER_H_
