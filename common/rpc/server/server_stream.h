// One streaming call of a server: bytes in, bytes out.
#ifndef COMMON_RPC_SERVER_SERVER_STREAM_H_
#define COMMON_RPC_SERVER_SERVER_STREAM_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "common/mutex_lock.h"
#include "common/payer.h"
#include "common/response_code.h"
#include "common/rpc/loop/completion_loop.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/acceptor/connections.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/deadline_watch.h"
#include "common/rpc/server/grpc_batch.h"
#include "common/rpc/server/grpc_core_stream.h"
#include "common/rpc/server/push_counters.h"
#include "common/rpc/server/server_calls.h"
#include "common/rpc/server/unread_answers.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// The transport of a stream. A Reactor gives the messages their meaning.
//
// The life of a stream:
//
// - waiting: for a client. The server keeps some streams waiting on each loop.
// - open: reads a message, passes it to the reactor, reads the next one.
//   Reading pauses while kMaxWaitingReplies replies, or kMaxWaitingBytes of
//   them, wait to be written.
// - reads done: the client has half-closed or is gone. Replies that wait are
//   written.
// - ending: the status is decided. The write in flight completes, and no
//   further message is added.
// - finished: the status is sent. The stream is released after its last event.
//
// The outbox has two lanes. Replies are written in the order of the messages.
// Pushes have one slot a key, so that a client that reads slowly gets only the
// latest push of a key; a push's message is made when it is written. The lanes
// alternate, and at most one write is in flight.
//
// Thread-safety: messages are read, and the reactor's On...() methods run, on
// the loop's thread. The other methods are thread-safe.
//
// Ownership: a stream is a member of its reactor, and holds a reference to the
// reactor from Accept() until the stream's last event.
class ServerStream final : public Waiter {
 public:
  class Reactor {
   public:
    // A client has come, whose connection has room for the call. Reading begins
    // afterwards, unless the reactor ends the stream.
    virtual void OnOpened() = 0;

    // A message came. May take the bytes out of `message`. If it returns true,
    // `reply` is sent. The next message is read afterwards, unless the reactor
    // ends the stream.
    virtual bool OnMessage(grpc::ByteBuffer* message,
                           grpc::ByteBuffer* reply) = 0;

    // The client sends no more messages, and all replies are written. The
    // stream then ends with OK, unless the reactor ends it otherwise. Not
    // called if the stream is ending already.
    virtual void OnReadsDone() = 0;

    // All messages of the outbox are written, and the stream is not ending. On
    // the loop's thread; not before the first write.
    virtual void OnAllWritten() {}

    // The stream has had its last event, and drops its reference to the reactor
    // afterwards. Not called for a stream that no client has come to.
    virtual void OnGone() = 0;

   protected:
    ~Reactor() = default;
  };

  // What all streams of one method share. Pointers are borrowed, and outlive
  // the events of the server's queues.
  struct Environment {
    // Makes gRPC announce a call of the method.
    std::function<void(grpc::ServerContext*,
                       grpc::GenericServerAsyncReaderWriter*,
                       grpc::CompletionQueue* queue,
                       grpc::ServerCompletionQueue* announced_on, void* tag)>
        request;
    // Makes a new stream wait on the loop. Called whenever one is accepted.
    std::function<void(ServerLoop*)> accept_next;
    // The status message of a stream whose client does not do in time what the
    // stream awaits.
    std::string too_late;
    // The client sends one message, half-closes, and goes on reading, so that
    // the end of its messages does not show that it is gone.
    bool client_sends_once = false;
    // Whether an error has its response code in the trailing metadata.
    bool sends_response_code = true;
    // Tracks streams from AwaitClient() to StopAwaitingClient().
    DeadlineWatch* awaiting = nullptr;
    // Null if the streams get no pushes.
    PushCounters* pushes = nullptr;
    // Counts the streams, and the refusals of the transport.
    MethodCounters* method = nullptr;
    ServerCalls* calls = nullptr;
  };

  // Replies that may wait to be written before reading pauses.
  static constexpr size_t kMaxWaitingReplies = 8;
  // The same for their bytes.
  static constexpr size_t kMaxWaitingBytes = 64 * 1024;
  // A reply of so many bytes counts among the UnreadAnswers of its client's
  // address until it is written.
  static constexpr size_t kLargeReply = 16 * 1024;

  // `reactor` has this stream as a member. Borrows all arguments. The stream's
  // events are those of `loop`.
  ServerStream(const Environment* environment, ServerLoop* loop,
               Reactor* reactor);
  ServerStream(const ServerStream&) = delete;
  ServerStream& operator=(const ServerStream&) = delete;

  // Waits for a client. `self` is the reactor. Called once.
  void Accept(std::shared_ptr<Reactor> self) ABSL_LOCKS_EXCLUDED(mu_);

  // The reference that Accept() was given; null after the stream's last event.
  std::shared_ptr<Reactor> reactor() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return self_;
  }

  // "host:port" of the client; empty before one has come. Lives as long as the
  // stream.
  absl::string_view peer() const { return on_connection_.peer(); }
  ClientNetwork network() const { return on_connection_.network(); }

  // The call's context: for its metadata.
  grpc::ServerContext& context() { return context_; }
  // What the client showed when it opened the stream. A view of the stream.
  CallOpening OpeningAt(absl::Time now) {
    return {peer(), MetadataView(context_), context_.c_call(), now};
  }

  // Finds out who the client is, or does so anew if the rules have changed
  // since; free if they have not. An error: the reactor must end the stream
  // with it. Called by one thread at a time, the first time by OnOpened() or
  // OnMessage(): a stream that everybody may open need not ask.
  CallStatus Identify();
  // Peer::pays_as() and payer(), as far as Identify() knows by now.
  absl::string_view pays_as() const {
    return caller_.is_trial ? absl::string_view() : caller_.user;
  }
  Payer payer() const { return PayerOf(pays_as(), network()); }
  // Of the rules by which Identify() last did; 0: it did not.
  uint64_t generation() const { return caller_.generation; }
  // The context of the stream at `now`, as that of a call of `method`: with
  // what Identify() found. A view of the stream.
  CallContext ContextOf(const google::protobuf::MethodDescriptor& method,
                        absl::Time now) const {
    return {
        method,
        {peer(), network(), caller_.user, caller_.generation, caller_.is_trial},
        MetadataView(context_),
        now};
  }

  // From now on the stream ends unless StopAwaitingClient() is called within
  // the limit of Environment::awaiting. Each is called by the loop's thread, at
  // most once.
  void AwaitClient();
  // Returns false if the stream is ending already.
  bool StopAwaitingClient() ABSL_LOCKS_EXCLUDED(mu_);

  // Makes the message of a push, at the time when it is written. Called at most
  // once, on any thread, with no lock held, while the reactor lives.
  using MakePush = std::function<grpc::ByteBuffer()>;

  // What a push does if another one of its key waits to be written.
  enum class IfOneWaits { kReplacesIt, kIsDropped };

  // Sends a push. It keeps the place of the one that it replaces. Does nothing
  // if the client sends no more messages, or once the stream is ending.
  void Push(absl::string_view key, MakePush make, IfOneWaits if_one_waits)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Sends the initial metadata at once, which otherwise goes out with the first
  // message or the status: for clients that await it before they go on. Called
  // by OnOpened(), at most once. It counts as a write.
  void SendInitialMetadata() ABSL_LOCKS_EXCLUDED(mu_);

  // Sends a message after the replies that wait. Does nothing once the end of
  // the client's messages was read, or the stream is ending. The caller bounds
  // how many wait. `more_follow`: the message may wait for the next one, which
  // is sent when this one is written, so that the kernel gets both together.
  void Send(grpc::ByteBuffer message, bool more_follow = false)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the stream with `status`: drops what waits in the outbox. Only the
  // first call counts.
  void EndWith(const CallStatus& status) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the stream as EndWith() does, but sends the replies that wait, and
  // then `last`, before the status.
  void EndAfter(grpc::ByteBuffer last, const CallStatus& status)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Whether a message would be written at once. An atomic load.
  bool writable() const {
    return !write_in_flight_.load(std::memory_order_relaxed);
  }

  // Waiter.
  absl::Time EndIfWaitingSince(WaitsFor what, absl::Time limit) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void EndIfWaiting(const CallStatus& status) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void OnAnnounced(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  void OnRead(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  void OnWritten(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  void OnFinished(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  void OnDone(bool ok) ABSL_LOCKS_EXCLUDED(mu_);

  // A reply that waits, or is being written.
  struct Reply {
    // Moved by Swap(), since a copy of a ByteBuffer allocates.
    grpc::ByteBuffer message;
    // Of a large one.
    UnreadAnswers::Number unread = 0;
  };

  // A push that waits.
  struct WaitingPush {
    std::string key;
    MakePush make;
  };

  bool MayReadLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartReadLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes the next message, or sends the status if the stream is ending. If a
  // push is next, only claims the write, and returns the push; otherwise
  // returns null. The caller then releases the lock and calls GoOn().
  MakePush StartNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes the push, if `make` is not null. Has unread answers limited, if a
  // large reply is not written yet.
  void GoOn(const MakePush& make) ABSL_LOCKS_EXCLUDED(mu_);
  // Empties `reply`.
  void AddReplyLocked(grpc::ByteBuffer* reply)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Drops the replies that wait.
  void DropRepliesLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A reply is written, or dropped; 0: it was not a large one.
  void ForgetUnreadLocked(UnreadAnswers::Number number)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndWriteLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A message was added to the outbox.
  MakePush OnAddedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void BeginWriteLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Adds the write in flight, or the status, to `slow_readers`, unless it has
  // an entry of this stream.
  void WatchWriteLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void UnwatchWriteLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropPushesLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Ends the stream if the client sends no more and all replies are written.
  void EndIfReadsDone() ABSL_LOCKS_EXCLUDED(mu_);
  void EndWithLocked(const CallStatus& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Nothing is added to the outbox any more, and no push is written.
  void BeginEndLocked(const CallStatus& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteRefused(const CallStatus& status) const;
  absl::Time CutOffIfPendingSince(absl::Time limit) ABSL_LOCKS_EXCLUDED(mu_);
  // The client does not read.
  void CutOff() ABSL_LOCKS_EXCLUDED(mu_);
  // The last thing that each event does: releases the stream if it was the last
  // event. *this may be destroyed afterwards.
  void ReleaseIfDone() ABSL_LOCKS_EXCLUDED(mu_);
  void Release() ABSL_LOCKS_EXCLUDED(mu_);

  const Environment& environment_;
  Reactor& reactor_;
  ServerLoop& loop_;
  grpc::CompletionQueue* const queue_;
  grpc::ServerContext context_;
  // For the announcement; null afterwards.
  std::unique_ptr<grpc::GenericServerAsyncReaderWriter> announced_;
  // Reads under mu_. Writes, and ends, once that is claimed under mu_.
  GrpcCoreStream stream_;

  // Used by the loop's thread only.
  ConnectionCall on_connection_;
  DeadlineWatch::Ticket awaiting_ticket_;
  grpc::ByteBuffer read_buffer_;

  // Of Identify(): used by one thread at a time.
  CallerIdentity caller_;

  // Written under mu_; writable() reads it without.
  std::atomic<bool> write_in_flight_{false};
  // The large replies that wait or are being written. Written under mu_.
  std::atomic<int> large_replies_{0};

  mutable absl::Mutex mu_;
  std::shared_ptr<Reactor> self_ ABSL_GUARDED_BY(mu_);
  // AwaitClient() was called.
  bool awaits_client_ ABSL_GUARDED_BY(mu_) = false;
  // StopAwaitingClient() was called.
  bool is_heard_ ABSL_GUARDED_BY(mu_) = false;
  bool read_in_flight_ ABSL_GUARDED_BY(mu_) = false;
  // The client sends no more messages.
  bool reads_done_ ABSL_GUARDED_BY(mu_) = false;
  // `status_` is final: nothing more is added to the outbox.
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool finish_started_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  // gRPC knows that the call is over; used with `client_sends_once`.
  bool done_ ABSL_GUARDED_BY(mu_) = false;
  // The last write was a push.
  bool pushed_last_ ABSL_GUARDED_BY(mu_) = false;
  // The last of `replies_` may wait for the next one.
  bool more_follow_ ABSL_GUARDED_BY(mu_) = false;
  // A write is complete, and the initial metadata with it.
  bool has_written_ ABSL_GUARDED_BY(mu_) = false;
  // The stream's entry in `slow_readers`. May be that of an earlier write: a
  // stream that is read need not remove it after each write.
  DeadlineWatch::Ticket write_ticket_ ABSL_GUARDED_BY(mu_);
  // Null while the stream is not ending.
  std::unique_ptr<const CallStatus> status_ ABSL_GUARDED_BY(mu_);
  // At most kMaxWaitingReplies, what Send() was given, and the last one.
  std::vector<Reply> replies_ ABSL_GUARDED_BY(mu_);
  // Of the reply that is being written.
  UnreadAnswers::Number writing_ ABSL_GUARDED_BY(mu_) = 0;
  // Of `replies_`.
  size_t waiting_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  // One a key.
  std::vector<WaitingPush> pushes_ ABSL_GUARDED_BY(mu_);
  // When the write in flight, or the sending of the status, began.
  absl::Time write_started_ ABSL_GUARDED_BY(mu_);

  CompletionTag<ServerStream, &ServerStream::OnAnnounced> announced_tag_{this};
  CompletionTag<ServerStream, &ServerStream::OnDone> done_tag_{this};
  GrpcCoreTag<ServerStream, &ServerStream::OnRead> read_tag_{this};
  GrpcCoreTag<ServerStream, &ServerStream::OnWritten> written_tag_{this};
  GrpcCoreTag<ServerStream, &ServerStream::OnFinished> finished_tag_{this};
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_SERVER_STREAM_H_
