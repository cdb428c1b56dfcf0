#include "common/rpc/server/grpc_core_call.h"

#include <cstddef>
#include <string>

#include "absl/container/inlined_vector.h"
#include "common/rpc/server/byte_buffer_peer.h"
#include "glog/logging.h"
#include "grpc/slice.h"
#include "grpc/support/alloc.h"

namespace rmq {
namespace {

using ByteBufferPeer = ::grpc::internal::GrpcByteBufferPeer;

// A view: the slice need not be unreferenced.
grpc_slice ViewOf(absl::string_view text) {
  return grpc_slice_from_static_buffer(text.data(), text.size());
}

// Owned.
grpc_slice CopyOf(absl::string_view text) {
  return grpc_slice_from_copied_buffer(text.data(), text.size());
}

}  // namespace

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
  grpc_op operation = {};
  operation.op = GRPC_OP_RECV_MESSAGE;
  operation.data.recv_message.recv_message = ByteBufferPeer::Core(message);
  Start(&operation, 1, tag);
}

void GrpcCoreCall::Finish(const grpc::Status& status,
                          const TrailingMetadata& metadata,
                          grpc::ByteBuffer* response, Tag* tag) {
  absl::InlinedVector<grpc_metadata, 3> trailing;
  for (const auto& [key, value] : metadata) {
    grpc_metadata& entry = trailing.emplace_back();
    entry = {};
    entry.key = ViewOf(key);
    entry.value = CopyOf(value);
  }
  grpc_slice message = CopyOf(status.error_message());
  grpc_op operations[4] = {};
  size_t count = 0;
  operations[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
  if (status.ok()) {
    response_.Swap(response);
    grpc_op& send = operations[count++];
    send.op = GRPC_OP_SEND_MESSAGE;
    send.data.send_message.send_message = *ByteBufferPeer::Core(&response_);
  }
  grpc_op& end = operations[count++];
  end.op = GRPC_OP_SEND_STATUS_FROM_SERVER;
  end.data.send_status_from_server.status =
      static_cast<grpc_status_code>(status.error_code());
  if (!status.error_message().empty()) {
    end.data.send_status_from_server.status_details = &message;
  }
  end.data.send_status_from_server.trailing_metadata_count = trailing.size();
  end.data.send_status_from_server.trailing_metadata = trailing.data();
  grpc_op& close = operations[count++];
  close.op = GRPC_OP_RECV_CLOSE_ON_SERVER;
  close.data.recv_close_on_server.cancelled = &is_cancelled_;
  Start(operations, count, tag);
  // gRPC has its own references.
  grpc_slice_unref(message);
  for (const grpc_metadata& entry : trailing) grpc_slice_unref(entry.value);
}

void GrpcCoreCall::Cancel() { grpc_call_cancel(call_, nullptr); }

void GrpcCoreCall::Start(const grpc_op* operations, size_t count, Tag* tag) {
  CHECK_EQ(grpc_call_start_batch(call_, operations, count, tag, nullptr),
           GRPC_CALL_OK);
}

}  // namespace rmq
