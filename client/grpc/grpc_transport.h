// gRPC, as the client uses it: stubs for brokers, whose streams react on an
// event loop. All that is gRPC is in the .cc.
#ifndef CLIENT_GRPC_GRPC_TRANSPORT_H_
#define CLIENT_GRPC_GRPC_TRANSPORT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/loop/event_loop.h"
#include "client/session/broker_stub.h"
#include "client/watch/watch_stub.h"
#include "common/security/credentials.h"
#include "common/security/tls_options.h"

namespace rmq {

// common/rpc/credentials/channel_security.h.
class ChannelSecurity;

// A completion queue and the one thread that waits on it, for any number of
// brokers.
//
// Thread-safety: thread-safe.
// Ownership: `loop` is borrowed and must outlive the transport. Stubs and
// streams must be gone before the transport is.
class GrpcTransport {
 public:
  explicit GrpcTransport(EventLoop* loop);
  GrpcTransport(const GrpcTransport&) = delete;
  GrpcTransport& operator=(const GrpcTransport&) = delete;
  // Waits until the calls of the streams, which were cancelled, have ended:
  // briefly, and without the network. Then up to 250 ms more for connections
  // that are being made, as gRPC must not lose them (see ChannelCloser in the
  // .cc); one that takes longer is closed when another transport of the process
  // begins or ends. Must not be called on the loop.
  ~GrpcTransport();

  // How the connections and the calls of a client are secured, for NewStub().
  // Both arguments must validate. An error names a file that cannot be used.
  static absl::StatusOr<std::shared_ptr<ChannelSecurity>> Secure(
      const absl::optional<TlsOptions>& tls,
      const absl::optional<Credentials>& credentials);

  // The broker at `address`, "host:port". Nothing is connected yet: a stream
  // or a call does that, for at most `connect_timeout`. Null for `security`:
  // plain text, and nothing says who calls.
  std::unique_ptr<BrokerStub> NewStub(
      absl::string_view address, absl::Duration connect_timeout,
      std::shared_ptr<ChannelSecurity> security = nullptr);
  // The same for watches.
  std::unique_ptr<WatchStub> NewWatchStub(
      absl::string_view address, absl::Duration connect_timeout,
      std::shared_ptr<ChannelSecurity> security = nullptr);

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // CLIENT_GRPC_GRPC_TRANSPORT_H_
