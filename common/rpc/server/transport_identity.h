// How the connection of a call is secured, and whom its client's certificate
// names.
#ifndef COMMON_RPC_SERVER_TRANSPORT_IDENTITY_H_
#define COMMON_RPC_SERVER_TRANSPORT_IDENTITY_H_

#include <string>
#include <vector>

#include "common/rpc/server/transport_kind.h"
#include "grpc/grpc.h"

namespace rmq {

struct TransportIdentity {
  using Kind = TransportKind;
  Kind kind = Kind::kPlaintext;

  // The names of the client's certificate, which gRPC has verified; empty
  // without one. Nothing else sets them, so a name is a proof.

  // The only URI of the scheme "spiffe"; gRPC tells none if there are several.
  std::string spiffe_id;
  // In the order of the certificate.
  std::vector<std::string> dns_names;
  std::string common_name;
};

// Returns the identity of the connection of a call that has been accepted.
// Allocates memory, so a server asks once when a call or a stream opens.
TransportIdentity ReadTransportIdentity(grpc_call* call);

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_TRANSPORT_IDENTITY_H_
