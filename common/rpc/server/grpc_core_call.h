// One unary call of a server, by gRPC's core API.
#ifndef COMMON_RPC_SERVER_GRPC_CORE_CALL_H_
#define COMMON_RPC_SERVER_GRPC_CORE_CALL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/grpc_batch.h"
#include "common/rpc/server/outcome_writer.h"
#include "grpc/grpc.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/server.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace rmq {

// Waits for a call, reads its one message, and ends it. These are three
// operations; gRPC's C++ API has a fourth one, and copies the method's name and
// the metadata: with it a call takes a tenth more of the processor.
//
// Operations complete on the queue, each with its tag, and one at a time but
// for Finish(), which may begin while Read() has not completed. To be destroyed
// after the last one. Not thread-safe, except for Cancel().
class GrpcCoreCall {
 public:
  using Tag = GrpcBatch::Tag;

  GrpcCoreCall();
  ~GrpcCoreCall();
  GrpcCoreCall(const GrpcCoreCall&) = delete;
  GrpcCoreCall& operator=(const GrpcCoreCall&) = delete;

  // Waits for a call of a method that is not registered with `server`, which
  // has an AsyncGenericService: else gRPC answers such calls itself. `queue` is
  // one of the server's. Completes without success when the server shuts down:
  // then there is no call.
  void Await(grpc::Server* server, grpc::ServerCompletionQueue* queue,
             Tag* tag);

  // The rest: once there is a call.

  // "/package.Service/Method". A view of this object.
  absl::string_view path() const;
  // As grpc::ServerContext::peer().
  std::string Peer() const;
  // A view of this object.
  MetadataView metadata() const { return MetadataView(metadata_, deadline()); }
  grpc_call* c_call() const { return call_; }

  // Reads the message into `message`, which must be empty and live until the
  // operation has completed. It stays empty (not Valid()) if none comes: the
  // call is over, or the message is larger than the server takes.
  void Read(grpc::ByteBuffer* message, Tag* tag);
  // Ends the call: with `response`, which is consumed, if `status` is OK. To be
  // called once for each call.
  void Finish(const grpc::Status& status, const TrailingMetadata& metadata,
              grpc::ByteBuffer* response, Tag* tag);
  // The operations that have not completed do so soon. Thread-safe.
  void Cancel();

 private:
  gpr_timespec deadline() const { return details_.deadline; }

  grpc_call_details details_;
  grpc_metadata_array metadata_;
  grpc_call* call_ = nullptr;  // Owned.
  grpc::ByteBuffer response_;
  int is_cancelled_ = 0;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_GRPC_CORE_CALL_H_
