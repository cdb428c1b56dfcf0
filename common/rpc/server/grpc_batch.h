// Operations of gRPC's core API on one call, which begin together.
#ifndef COMMON_RPC_SERVER_GRPC_BATCH_H_
#define COMMON_RPC_SERVER_GRPC_BATCH_H_

#include <array>
#include <cstddef>

#include "absl/container/inlined_vector.h"
#include "common/rpc/loop/completion_loop.h"
#include "common/rpc/server/outcome_writer.h"
#include "grpc/grpc.h"
#include "grpc/slice.h"
#include "grpcpp/impl/codegen/completion_queue_tag.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace rmq {

// The tag of a batch, for queues of gRPC's C++ API. Calls one method of
// `target`, as a CompletionTag does.
template <typename T, void (T::*kMethod)(bool)>
class GrpcCoreTag final : public grpc::internal::CompletionQueueTag {
 public:
  explicit GrpcCoreTag(T* target) : tag_(target) {}

  bool FinalizeResult(void** tag, bool* /*ok*/) override {
    *tag = static_cast<CompletionHandler*>(&tag_);
    return true;
  }

 private:
  CompletionTag<T, kMethod> tag_;
};

// Used at once: made, filled with operations, each at most once, and started.
// The objects that the operations are given must live until the batch has
// completed.
class GrpcBatch {
 public:
  using Tag = grpc::internal::CompletionQueueTag;

  GrpcBatch() = default;
  ~GrpcBatch();
  GrpcBatch(const GrpcBatch&) = delete;
  GrpcBatch& operator=(const GrpcBatch&) = delete;

  // Fills `message`, which must be empty. It stays empty (not Valid()) if no
  // message comes: the client sends no more, or more than the server takes.
  void ReceiveMessage(grpc::ByteBuffer* message);
  // Before the first message or the status of a call.
  void SendInitialMetadata();
  // `message` must be Valid(), and is consumed. `more_follow`: it may wait for
  // the next one.
  void SendMessage(grpc::ByteBuffer* message, bool more_follow = false);
  // `status` and `metadata` may go before the batch does.
  void SendStatus(const grpc::Status& status, const TrailingMetadata& metadata);
  // Completes when the call is over.
  void ReceiveClose(int* is_cancelled);

  void Start(grpc_call* call, Tag* tag);

 private:
  grpc_op& Add(grpc_op_type type);

  static constexpr size_t kMostOperations = 4;
  std::array<grpc_op, kMostOperations> operations_;
  size_t count_ = 0;
  // Of the status. The batch has a reference to each value.
  grpc_slice status_message_ = grpc_empty_slice();
  absl::InlinedVector<grpc_metadata, 3> trailing_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_GRPC_BATCH_H_
