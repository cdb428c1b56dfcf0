// What an echo server answers: frames as large as the broker's.
#ifndef TOOLS_BENCH_ECHO_ECHO_ANSWERS_H_
#define TOOLS_BENCH_ECHO_ECHO_ANSWERS_H_

#include "grpcpp/support/byte_buffer.h"

namespace rmq::bench {

// Made once, so that answering costs nothing but gRPC: no frame is parsed and
// no answer is made. Both are to request id 1. Constant, so thread-safe.
class EchoAnswers {
 public:
  EchoAnswers();

  // A frame without room for a group's name is taken for a light heartbeat.
  const grpc::ByteBuffer& To(const grpc::ByteBuffer& frame) const {
    return frame.Length() <= kLargestLightFrame ? light_ : full_;
  }

 private:
  static constexpr size_t kLargestLightFrame = 32;

  grpc::ByteBuffer light_;
  grpc::ByteBuffer full_;
};

}  // namespace rmq::bench

#endif  // TOOLS_BENCH_ECHO_ECHO_ANSWERS_H_
