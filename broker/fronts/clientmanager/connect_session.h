// One Connect call: a client's channel, and the meaning of its frames.
#ifndef BROKER_FRONTS_CLIENTMANAGER_CONNECT_SESSION_H_
#define BROKER_FRONTS_CLIENTMANAGER_CONNECT_SESSION_H_

#include <atomic>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_request_handler.h"
#include "broker/fronts/clientmanager/stream_caller.h"
#include "broker/fronts/identified_streams.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/membership_push.h"
#include "common/rate_limit.h"
#include "common/response_code.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/server_stream.h"
#include "google/protobuf/arena.h"
#include "grpcpp/support/byte_buffer.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// The session of one stream. Its first full heartbeat makes it a channel of the
// ClientTable; until then the session is unheard, and ends if that heartbeat
// does not come within the limit of ServerStream::Environment::awaiting.
//
// Threads: frames are handled on the stream's loop; pushes, End() and
// IdentifyAnew() come from any thread.
// Ownership: the stream, a member, holds the session until its last event; the
// ClientTable holds it while it is open there.
class ConnectSession final : public ClientChannel,
                             public IdentifiedStreams::Stream,
                             private ServerStream::Reactor {
 public:
  // What all sessions share. Pointers are borrowed, and outlive the events of
  // the server's queues.
  struct Environment {
    // Its `accept_next` calls Accept().
    ServerStream::Environment stream;
    const ClientRequestHandler* handler = nullptr;
    ClientTable* table = nullptr;
    Housekeeping* housekeeping = nullptr;
    IdentifiedStreams* identified = nullptr;
  };

  // Makes a session that waits for a client on `loop`.
  static void Accept(const Environment* environment, ServerLoop* loop);

  // ClientChannel.
  std::shared_ptr<ClientChannel> Reference() override {
    return {stream_.reactor(), this};
  }
  void Push(std::shared_ptr<const MembershipPush> push) override;
  void End(const ChannelEnd& end) override;
  bool writable() const override { return stream_.writable(); }
  absl::string_view remote_address() const override { return stream_.peer(); }

  // IdentifiedStreams::Stream.
  void IdentifyAnew(CallerIdentity opened) override;

 private:
  ConnectSession(const Environment* environment, ServerLoop* loop);

  // ServerStream::Reactor.
  void OnOpened() override;
  bool OnMessage(grpc::ByteBuffer* message, grpc::ByteBuffer* reply) override;
  void OnReadsDone() override { CloseChannel(); }
  void OnGone() override;

  // The message of a push that is written now.
  grpc::ByteBuffer MessageOf(const MembershipPush& push) const;

  // What is known of a frame before it is parsed.
  struct FrameOutline {
    bool is_acknowledgment;
    // Within the rate of frames, or of acknowledgments.
    bool in_time;
  };

  // Answers the frame in `message`, and frees it: fills all of `reply`, which
  // is on `arena`, unless it sets `has_reply` to false. Returns an error if the
  // frame cannot be handled: the stream must end with it.
  CallStatus AnswerFrame(grpc::ByteBuffer* message,
                         google::protobuf::Arena* arena, pb::Reply* reply,
                         bool* has_reply);
  // The same for the bytes of a frame of good size.
  CallStatus AnswerBytes(absl::string_view bytes, const FrameOutline& outline,
                         absl::Time now, google::protobuf::Arena* arena,
                         pb::Reply* reply, bool* has_reply);
  // Takes the frame of its rate.
  FrameOutline Outline(absl::string_view first_bytes, absl::Time now);
  bool IsInTime(bool is_acknowledgment, absl::Time now);
  // Inflates a compressed frame. Returns an error if the frame must not be
  // handled.
  CallStatus InflateFrame(const FrameOutline& outline, absl::Time now,
                          grpc::ByteBuffer* message);
  CallStatus OverFrameRate() const;
  // Answers the frame in `message` with `status`, and frees it. Returns
  // `status` if the frame's request id cannot be read. An acknowledgment is
  // dropped.
  CallStatus RefuseFrame(CallStatus status, const FrameOutline& outline,
                         grpc::ByteBuffer* message, pb::Reply* reply);
  // Has the client identified anew when the rules change, though it says
  // nothing. OK, or the stream must end with it.
  CallStatus JoinIdentified();
  // Counts and logs a refusal of the stream, or of a frame that was not
  // handled. By the loop's thread, or once the stream is a channel.
  void NoteRefused(const CallStatus& status) const;
  // Ends the stream because of a frame.
  void RefuseStream(const CallStatus& status);
  // Tells the table that the stream is over, if it is a channel.
  void CloseChannel();

  ServerCalls& calls() const { return *environment_.stream.calls; }

  const Environment& environment_;
  // Used by the loop's thread only.
  StreamClient client_;
  RateLimit frame_rate_;
  IdentifiedStreams::Ticket identified_ = 0;
  // The stream is a channel in the table: `client_.client_id` does not change
  // any more.
  std::atomic<bool> is_channel_{false};

  ServerStream stream_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_CONNECT_SESSION_H_
