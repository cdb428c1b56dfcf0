// How a connection is secured.
#ifndef COMMON_RPC_SERVER_TRANSPORT_KIND_H_
#define COMMON_RPC_SERVER_TRANSPORT_KIND_H_

namespace rmq {

enum class TransportKind {
  kPlaintext,
  kTls,
  kLocal,  // A Unix socket: who may open its file may connect.
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_TRANSPORT_KIND_H_
