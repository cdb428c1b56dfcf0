#include "common/rpc/server/grpc_batch.h"

#include "absl/strings/string_view.h"
#include "common/rpc/server/byte_buffer_peer.h"
#include "glog/logging.h"

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

GrpcBatch::~GrpcBatch() {
  // gRPC has its own references.
  grpc_slice_unref(status_message_);
  for (const grpc_metadata& entry : trailing_) grpc_slice_unref(entry.value);
}

grpc_op& GrpcBatch::Add(grpc_op_type type) {
  CHECK_LT(count_, operations_.size());
  grpc_op& operation = operations_[count_++];
  operation = {};
  operation.op = type;
  return operation;
}

void GrpcBatch::ReceiveMessage(grpc::ByteBuffer* message) {
  Add(GRPC_OP_RECV_MESSAGE).data.recv_message.recv_message =
      ByteBufferPeer::Core(message);
}

void GrpcBatch::SendInitialMetadata() { Add(GRPC_OP_SEND_INITIAL_METADATA); }

void GrpcBatch::SendMessage(grpc::ByteBuffer* message, bool more_follow) {
  grpc_op& send = Add(GRPC_OP_SEND_MESSAGE);
  send.data.send_message.send_message = *ByteBufferPeer::Core(message);
  if (more_follow) send.flags = GRPC_WRITE_BUFFER_HINT;
}

void GrpcBatch::SendStatus(const grpc::Status& status,
                           const TrailingMetadata& metadata) {
  for (const auto& [key, value] : metadata) {
    grpc_metadata& entry = trailing_.emplace_back();
    entry = {};
    entry.key = ViewOf(key);
    entry.value = CopyOf(value);
  }
  auto& send =
      Add(GRPC_OP_SEND_STATUS_FROM_SERVER).data.send_status_from_server;
  send.status = static_cast<grpc_status_code>(status.error_code());
  if (!status.error_message().empty()) {
    status_message_ = CopyOf(status.error_message());
    send.status_details = &status_message_;
  }
  send.trailing_metadata_count = trailing_.size();
  send.trailing_metadata = trailing_.data();
}

void GrpcBatch::ReceiveClose(int* is_cancelled) {
  Add(GRPC_OP_RECV_CLOSE_ON_SERVER).data.recv_close_on_server.cancelled =
      is_cancelled;
}

void GrpcBatch::Start(grpc_call* call, Tag* tag) {
  CHECK_EQ(
      grpc_call_start_batch(call, operations_.data(), count_, tag, nullptr),
      GRPC_CALL_OK);
}

}  // namespace rmq
