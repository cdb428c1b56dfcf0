// A server on loopback and its queue, and what calls of it need, for tests.
#ifndef COMMON_RPC_SERVER_LOOPBACK_SERVER_TESTUTIL_H_
#define COMMON_RPC_SERVER_LOOPBACK_SERVER_TESTUTIL_H_

#include <cstddef>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/rpc/loop/completion_loop.h"
#include "common/rpc/loop/live_calls.h"
#include "common/rpc/loop/loop_queues.h"
#include "glog/logging.h"
#include "grpc/grpc.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

namespace rmq {

// More bytes than gRPC sends to a client of a LoopbackServerTest that does not
// read.
inline constexpr size_t kLargeBytes = 3'000'000;

inline grpc::ByteBuffer BytesOf(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

inline std::string TextOf(const grpc::ByteBuffer& bytes) {
  grpc::Slice slice;
  CHECK(bytes.DumpToSingleSlice(&slice).ok());
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

// A deadline for calls.
inline gpr_timespec InAMinute() {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_seconds(60, GPR_TIMESPAN));
}

// Blocks until the next operation of a client's queue is over. Returns whether
// it succeeded.
inline bool AwaitEvent(grpc::CompletionQueue* queue) {
  void* tag;
  bool ok = false;
  return queue->Next(&tag, &ok) && ok;
}

// The value of the trailing metadata of a call that is over; empty if it is not
// there.
inline std::string TrailingOf(const grpc::ClientContext& context,
                              const std::string& key) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find(key);
  return found == metadata.end()
             ? ""
             : std::string(found->second.data(), found->second.size());
}

// A server on a port of loopback, whose loop has a thread.
class LoopbackServerTest : public ::testing::Test {
 protected:
  // Starts `builder`'s server. Its calls wait on `loop_`, before RunLoop().
  void StartServer(grpc::ServerBuilder* builder) {
    int port = 0;
    builder->AddListeningPort("127.0.0.1:0", PlaintextServerCredentials().Get(),
                              &port);
    loop_ = std::make_unique<ServerLoop>(builder->AddCompletionQueue());
    server_ = builder->BuildAndStart();
    CHECK(server_ != nullptr);
    ConnectTo(absl::StrCat("127.0.0.1:", port));
  }

  // The window of what the clients of `channel_` have not read does not grow.
  void ConnectTo(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    channel_ = grpc::CreateCustomChannel(
        address, PlaintextChannelCredentials().Get(), arguments);
  }

  // Runs the loop until StopServer(). Not called if the test does.
  void RunLoop() {
    thread_ = std::thread(
        [this] { RunCompletionLoop(&loop_->queues, absl::ZeroDuration()); });
  }

  // Ends the calls, which `live` counts, and returns when they are over. May be
  // called again.
  void AwaitEndOfCalls(LiveCalls* live) {
    server_->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
    live->AwaitNone();
  }

  // Called by TearDown(): before what the server uses is destroyed.
  void StopServer(LiveCalls* live) {
    AwaitEndOfCalls(live);
    loop_->queue->Shutdown();
    thread_.join();
    DestroyServer();
  }
  // Once the queue is shut down and empty.
  void DestroyServer() {
    channel_ = nullptr;
    server_ = nullptr;
    loop_ = nullptr;
  }

  std::unique_ptr<ServerLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;  // To the server.

 private:
  std::thread thread_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_LOOPBACK_SERVER_TESTUTIL_H_
