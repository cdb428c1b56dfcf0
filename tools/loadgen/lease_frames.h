// Keep-alives of etcd's leases on Lease.LeaseKeepAlive, for comparison.
#ifndef TOOLS_LOADGEN_LEASE_FRAMES_H_
#define TOOLS_LOADGEN_LEASE_FRAMES_H_

#include <cstdint>
#include <string>

#include "grpcpp/support/byte_buffer.h"
#include "tools/loadgen/client_frames.h"
#include "tools/loadgen/held_lists.h"

namespace rmq::loadgen {

// Client i keeps lease i + 1 alive, which must have been granted before.
class LeaseFrames final : public ClientFrames {
 public:
  std::string ClientId(int client) const override;
  const char* method() const override;
  grpc::ByteBuffer Full(int client) const override;
  grpc::ByteBuffer Light(uint64_t statement_token) const override;
  Answer Parse(const grpc::ByteBuffer& frame, HeldLists* lists) const override;
};

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_LEASE_FRAMES_H_
