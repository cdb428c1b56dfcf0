// What a client of the load says, and what is understood of the answers.
#ifndef TOOLS_LOADGEN_CLIENT_FRAMES_H_
#define TOOLS_LOADGEN_CLIENT_FRAMES_H_

#include <cstdint>
#include <string>

#include "absl/types/optional.h"
#include "grpcpp/support/byte_buffer.h"
#include "tools/loadgen/held_lists.h"

namespace rmq::loadgen {

// One frame of a server.
struct Answer {
  bool is_push = false;
  // Neither a push nor an answer to a heartbeat.
  bool is_list = false;
  // What the client says in turn.
  absl::optional<grpc::ByteBuffer> response;
  // The channel closed while the heartbeat was under way: the stream's end,
  // which follows, says why.
  bool channel_closed = false;
  // Why it is no good; empty if it is.
  std::string error;
  // Of a full heartbeat.
  uint64_t statement_token = 0;
  bool full_statement_needed = false;
};

// Frames as bytes: made once and sent often. Constant, so thread-safe.
class ClientFrames {
 public:
  virtual ~ClientFrames() = default;

  // The method of the streams, as "/package.Service/Method"; both sides stream.
  // How an error names the client.
  virtual std::string ClientId(int client) const = 0;
  virtual const char* method() const = 0;
  virtual grpc::ByteBuffer Full(int client) const = 0;
  // Only asked for after an answer with a token.
  virtual grpc::ByteBuffer Light(uint64_t statement_token) const = 0;
  // `lists` are those that the stream's client holds; null: it holds none, and
  // says nothing in turn.
  virtual Answer Parse(const grpc::ByteBuffer& frame,
                       HeldLists* lists) const = 0;
};

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_CLIENT_FRAMES_H_
