// One client of the load: its Connect stream, opened as often as need be.
#ifndef TOOLS_LOADGEN_LOAD_STREAM_H_
#define TOOLS_LOADGEN_LOAD_STREAM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "common/rpc/credentials/channel_security.h"
#include "common/rpc/loop/loop_queues.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "tools/loadgen/client_frames.h"
#include "tools/loadgen/held_lists.h"

namespace rmq::loadgen {

// A connection that some clients share. A channel that could not connect is
// used no more, as in the client library: when to dial again is for the clients
// to decide.
class LoadConnection {
 public:
  LoadConnection(const std::string& broker,
                 std::shared_ptr<ChannelSecurity> security)
      : broker_(broker), security_(std::move(security)) {}

  std::shared_ptr<grpc::Channel> Get();
  void Drop(const std::shared_ptr<grpc::Channel>& channel);
  // Adds to a call what says who calls.
  void Sign(grpc::ClientContext* context) { security_->Sign(context); }

 private:
  const std::string broker_;
  const std::shared_ptr<ChannelSecurity> security_;
  std::shared_ptr<grpc::Channel> channel_;
};

// Used, like its owner, by the thread that runs the queues' events only.
//
//   closed -> opening -> registered -> closing -> closed
//
// It may go to closed from any state; the owner is then told why.
class LoadStream {
 public:
  enum class State { kClosed, kOpening, kRegistered, kClosing, kCancelled };

  class Owner {
   public:
    // The first heartbeat of a call is answered.
    virtual void OnRegistered(LoadStream* stream) = 0;
    // A later one is, that was written at `sent_ns`.
    virtual void OnAnswered(LoadStream* stream, int64_t sent_ns) = 0;
    virtual void OnPush(LoadStream* stream) = 0;
    virtual void OnFullStatementNeeded() = 0;
    // In the state opening the stream then cancels itself.
    virtual void OnBadAnswer(LoadStream* stream, const std::string& why) = 0;
    // The call is over; `before` is the state it was in.
    virtual void OnClosed(LoadStream* stream, State before,
                          const grpc::Status& status) = 0;

   protected:
    ~Owner() = default;
  };

  // All is borrowed; outlives the queues' events.
  struct Environment {
    const ClientFrames* frames;
    LoopQueues* queues;
    Owner* owner;
    bool light;
    bool holds_lists;
  };

  LoadStream(const Environment* environment, int client,
             LoadConnection* connection)
      : environment_(*environment), client_(client), connection_(*connection) {}
  LoadStream(const LoadStream&) = delete;
  LoadStream& operator=(const LoadStream&) = delete;

  int client() const { return client_; }
  State state() const { return state_; }
  // When the heartbeat under way was written; 0 if none is.
  int64_t sent_ns() const { return sent_ns_; }

  // Only if closed.
  void Open();
  // Only if registered and none is under way.
  void SendHeartbeat();
  // Half-closes; the broker ends the call. Nothing if already closing.
  void Close();
  // At once.
  void Cancel();

 private:
  class Call;

  void OnFrame(const grpc::ByteBuffer& frame);
  void OnHeartbeatAnswer(const Answer& answer);
  void OnCallOver(const std::shared_ptr<grpc::Channel>& channel,
                  const grpc::Status& status);

  const Environment& environment_;
  const int client_;
  LoadConnection& connection_;
  State state_ = State::kClosed;
  Call* call_ = nullptr;  // Deletes itself; null if closed.
  int64_t sent_ns_ = 0;
  grpc::ByteBuffer heartbeat_;        // The next.
  std::unique_ptr<HeldLists> lists_;  // Of the call; null: it holds none.
};

// Of a steady clock.
int64_t NowNanos();

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_LOAD_STREAM_H_
