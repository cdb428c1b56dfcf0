// What the public interface of grpc::ByteBuffer does not tell.
#ifndef COMMON_RPC_SERVER_BYTE_BUFFER_PEER_H_
#define COMMON_RPC_SERVER_BYTE_BUFFER_PEER_H_

#include "grpc/grpc.h"
#include "grpcpp/support/byte_buffer.h"

// ByteBuffer has a friend of this name.
namespace grpc::internal {
class GrpcByteBufferPeer {
 public:
  // Where `buffer`, which goes on owning it, has the buffer of gRPC's core. It
  // is null in an empty one; an operation of the core may fill it.
  static grpc_byte_buffer** Core(ByteBuffer* buffer) {
    return buffer->c_buffer_ptr();
  }
  static grpc_compression_algorithm Encoding(const ByteBuffer& buffer) {
    return buffer.buffer_ == nullptr ? GRPC_COMPRESS_NONE
                                     : buffer.buffer_->data.raw.compression;
  }
};
}  // namespace grpc::internal

#endif  // COMMON_RPC_SERVER_BYTE_BUFFER_PEER_H_
