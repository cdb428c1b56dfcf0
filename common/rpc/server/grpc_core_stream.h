// One stream of a server, by gRPC's core API.
#ifndef COMMON_RPC_SERVER_GRPC_CORE_STREAM_H_
#define COMMON_RPC_SERVER_GRPC_CORE_STREAM_H_

#include <utility>

#include "common/rpc/server/grpc_batch.h"
#include "common/rpc/server/outcome_writer.h"
#include "grpc/grpc.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace rmq {

// Reads and writes messages, and ends the stream, whose call gRPC's C++ API has
// announced. The C++ API's own object for this has 1.8 KB, and copies messages.
//
// One Read() may be in flight, and beside it one of the other operations. Each
// completes with its tag. Not thread-safe, but reading and writing are
// independent.
class GrpcCoreStream {
 public:
  using Tag = GrpcBatch::Tag;

  GrpcCoreStream() = default;
  GrpcCoreStream(const GrpcCoreStream&) = delete;
  GrpcCoreStream& operator=(const GrpcCoreStream&) = delete;

  // Before the operations. `call` must outlive them.
  void Begin(grpc_call* call) { call_ = call; }

  // Empties `message`, and then fills it. It stays empty (not Valid()) if no
  // message comes: the client sends no more, or more than the server takes.
  void Read(grpc::ByteBuffer* message, Tag* tag) {
    message->Clear();
    GrpcBatch batch;
    batch.ReceiveMessage(message);
    batch.Start(call_, tag);
  }

  // Sends the initial metadata, which otherwise goes out with the first message
  // or the status. Before these.
  void SendInitialMetadata(Tag* tag) {
    GrpcBatch batch;
    AddInitialMetadata(&batch);
    batch.Start(call_, tag);
  }

  // Empties `message`, which must be Valid(). `more_follow`: it may wait for
  // the next one, and then the operation completes at once.
  void Write(grpc::ByteBuffer* message, bool more_follow, Tag* tag) {
    written_.Clear();
    written_.Swap(message);
    GrpcBatch batch;
    AddInitialMetadata(&batch);
    batch.SendMessage(&written_, more_follow);
    batch.Start(call_, tag);
  }

  // Ends the stream. The last operation but for a Read() in flight.
  void Finish(const grpc::Status& status, const TrailingMetadata& metadata,
              Tag* tag) {
    GrpcBatch batch;
    AddInitialMetadata(&batch);
    batch.SendStatus(status, metadata);
    batch.Start(call_, tag);
  }

 private:
  void AddInitialMetadata(GrpcBatch* batch) {
    if (std::exchange(sends_initial_metadata_, false)) {
      batch->SendInitialMetadata();
    }
  }

  grpc_call* call_ = nullptr;
  bool sends_initial_metadata_ = true;
  // The last message that was written: gRPC has taken what is in it.
  grpc::ByteBuffer written_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_GRPC_CORE_STREAM_H_
