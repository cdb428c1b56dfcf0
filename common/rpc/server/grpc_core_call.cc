#include "common/rpc/server/grpc_core_call.h"

#include <string>

#include "glog/logging.h"
#include "grpc/slice.h"
#include "grpc/support/alloc.h"

namespace rmq {

GrpcCoreCall::GrpcCoreCall() {
  grpc_call_details_init(&details_);
  grpc_metadata_array_init(&metadata_);
}

GrpcCoreCall::~GrpcCoreCall() {
  if (call_ != nullptr) grpc_call_unref(call_);
  grpc_metadata_array_destroy(&metadata_);
  grpc_call_details_destroy(&details_);
}

void GrpcCoreCall::Await(grpc::Server* server,
                         grpc::ServerCompletionQueue* queue, Tag* tag) {
  CHECK_EQ(grpc_server_request_call(server->c_server(), &call_, &details_,
                                    &metadata_, queue->cq(), queue->cq(), tag),
           GRPC_CALL_OK);
}

absl::string_view GrpcCoreCall::path() const {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(details_.method)),
          GRPC_SLICE_LENGTH(details_.method)};
}

std::string GrpcCoreCall::Peer() const {
  char* const peer = grpc_call_get_peer(call_);
  std::string copy = peer;
  gpr_free(peer);
  return copy;
}

void GrpcCoreCall::Read(grpc::ByteBuffer* message, Tag* tag) {
  GrpcBatch batch;
  batch.ReceiveMessage(message);
  batch.Start(call_, tag);
}

void GrpcCoreCall::Finish(const grpc::Status& status,
                          const TrailingMetadata& metadata,
                          grpc::ByteBuffer* response, Tag* tag) {
  GrpcBatch batch;
  batch.SendInitialMetadata();
  if (status.ok()) {
    response_.Swap(response);
    batch.SendMessage(&response_);
  }
  batch.SendStatus(status, metadata);
  batch.ReceiveClose(&is_cancelled_);
  batch.Start(call_, tag);
}

void GrpcCoreCall::Cancel() { grpc_call_cancel(call_, nullptr); }

}  // namespace rmq
