// What a client of the load says, and what is understood of the answers.
#ifndef TOOLS_LOADGEN_CLIENT_FRAMES_H_
#define TOOLS_LOADGEN_CLIENT_FRAMES_H_

#include <cstdint>
#include <string>

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "tools/loadgen/load_options.h"

namespace rmq::loadgen {

// One frame of a broker.
struct Answer {
  bool is_push = false;
  // Why it is no good; empty if it is.
  std::string error;
  // Of a full heartbeat.
  uint64_t statement_token = 0;
  bool full_statement_needed = false;
};

// Frames as bytes: made once and sent often. Every request id is 1, since no
// stream has two requests under way. Constant, so thread-safe.
class ClientFrames {
 public:
  explicit ClientFrames(const LoadOptions& options);

  std::string ClientId(int client) const;
  grpc::ByteBuffer Full(int client) const;
  grpc::ByteBuffer Light(uint64_t statement_token) const;

  static Answer Parse(const grpc::ByteBuffer& frame);

 private:
  const LoadOptions options_;
};

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_CLIENT_FRAMES_H_
