// What a test makes of a socket.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_FAKE_CONNECTION_SOCKET_H_
#define COMMON_RPC_SERVER_ACCEPTOR_FAKE_CONNECTION_SOCKET_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/types/optional.h"
#include "common/rpc/server/acceptor/connection_socket.h"

namespace rmq {

// A socket that has received what its test says, and counts how often it was
// ended. Not thread-safe.
class FakeConnectionSocket final : public ConnectionSocket {
 public:
  struct State {
    // None: it is closed.
    absl::optional<uint64_t> bytes = 0;
    int ends = 0;
  };

  explicit FakeConnectionSocket(std::shared_ptr<State> state)
      : state_(std::move(state)) {}
  absl::optional<uint64_t> BytesReceived() const override {
    return state_->bytes;
  }
  void End() override { ++state_->ends; }

 private:
  const std::shared_ptr<State> state_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_FAKE_CONNECTION_SOCKET_H_
