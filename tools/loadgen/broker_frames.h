// Heartbeats on ClientManager.Connect.
#ifndef TOOLS_LOADGEN_BROKER_FRAMES_H_
#define TOOLS_LOADGEN_BROKER_FRAMES_H_

#include <cstdint>
#include <string>

#include "grpcpp/support/byte_buffer.h"
#include "tools/loadgen/client_frames.h"
#include "tools/loadgen/held_lists.h"
#include "tools/loadgen/load_options.h"

namespace rmq::loadgen {

// The request id of a heartbeat is 1, that of a list 2: no stream has two
// heartbeats under way.
class BrokerFrames final : public ClientFrames {
 public:
  explicit BrokerFrames(const LoadOptions& options);

  std::string ClientId(int client) const override;

  const char* method() const override;
  grpc::ByteBuffer Full(int client) const override;
  grpc::ByteBuffer Light(uint64_t statement_token) const override;
  Answer Parse(const grpc::ByteBuffer& frame, HeldLists* lists) const override;

 private:
  const LoadOptions options_;
};

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_BROKER_FRAMES_H_
