// Calls methods of a MethodTable, for tests: as a UnaryCall does, without
// gRPC's transport.
#ifndef COMMON_RPC_SERVER_METHOD_TABLE_TESTUTIL_H_
#define COMMON_RPC_SERVER_METHOD_TABLE_TESTUTIL_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/method_table.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// Calls the method of `service` that takes a Request, from `peer` at `now`:
// rates, parsing, gate, handler. `response_bytes` are the response if the
// outcome is OK.
template <typename Request>
CallStatus CallMethod(const MethodTable& table,
                      const google::protobuf::ServiceDescriptor& service,
                      absl::string_view peer, absl::Time now,
                      const Request& request,
                      grpc::ByteBuffer* response_bytes) {
  const MethodTable::Method& method =
      *table.Find(MethodTaking(*Request::descriptor(), service));
  grpc::ByteBuffer request_bytes;
  bool owns_buffer;
  (void)grpc::SerializationTraits<Request>::Serialize(request, &request_bytes,
                                                      &owns_buffer);
  const CallContext call = {
      *method.descriptor, {peer, ClientNetworkOf(peer), ""}, {}, now};
  return method.answer(call, &request_bytes, response_bytes);
}

// The same; clears `response`, and fills it if the outcome is OK.
template <typename Request, typename Response>
CallStatus CallMethod(const MethodTable& table,
                      const google::protobuf::ServiceDescriptor& service,
                      absl::string_view peer, absl::Time now,
                      const Request& request, Response* response) {
  response->Clear();
  grpc::ByteBuffer bytes;
  CallStatus outcome = CallMethod(table, service, peer, now, request, &bytes);
  if (outcome.ok()) {
    (void)grpc::SerializationTraits<Response>::Deserialize(&bytes, response);
  }
  return outcome;
}

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_METHOD_TABLE_TESTUTIL_H_
