// One Connect call: a client's channel, its frames in and out.
#ifndef BROKER_SERVICE_CONNECT_STREAM_H_
#define BROKER_SERVICE_CONNECT_STREAM_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_manager_front.h"
#include "broker/fronts/clientmanager/stream_caller.h"
#include "broker/fronts/edge_counters.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "common/clock.h"
#include "common/rate_limit.h"
#include "common/response_code.h"
#include "common/rpc/loop/completion_loop.h"
#include "common/rpc/loop/live_calls.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/address_rates.h"
#include "common/rpc/server/connection_calls.h"
#include "common/rpc/server/deadline_watch.h"
#include "google/protobuf/arena.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {

// Connect carries raw bytes, so that a frame is parsed when it is handled and a
// stream at rest holds no message; the others are in the MethodTable.
using ClientManagerAsyncService =
    pb::ClientManager::WithGenericMethod_Heartbeat<
        pb::ClientManager::WithGenericMethod_UnregisterClient<
            pb::ClientManager::WithGenericMethod_CheckClientConfig<
                pb::ClientManager::WithGenericMethod_GetConsumerListByGroup<
                    pb::ClientManager::WithRawMethod_Connect<
                        pb::ClientManager::Service>>>>>;

// Trailing metadata of a stream that the broker itself ends: why, as the name
// of a RemovalReason (FEATURE_END_REASON). A proxy, or gRPC, ends a stream with
// the same status codes, but without it.
inline constexpr char kEndReasonMetadata[] = "rocketmq-end-reason";

// What a client is told whose stream, or whose call, the broker ends for
// `reason`.
CallStatus EndStatus(RemovalReason reason);

// The life of a stream:
//
//   waiting   for a client. Accept() keeps one such stream a queue.
//   unheard   open, and no channel yet: its first full heartbeat makes it one.
//             The `unheard` watch ends it if that does not come.
//   open      reads a frame, answers it, reads the next. No further frame is
//             read while kMaxWaitingReplies replies wait.
//   reads done  the client half-closed or is gone; what waits is written.
//   ending    End(): what is being written is finished, nothing more is begun.
//   finished  the status is sent; the stream goes with its last event.
//
// At most one write is in flight. Replies wait in the order of their requests;
// pushes wait in one slot a group, and alternate with replies.
//
// Threads: frames are handled on the queue's loop; pushes and End() come from
// anywhere. No call of the core is made under `mu_`.
// Ownership: a stream holds itself until its last event; the ClientTable holds
// it while it is open there.
class ConnectStream final : public ClientChannel, public Waiter {
 public:
  // What all streams share; borrowed, outlives the queue's events.
  struct Environment {
    ClientManagerAsyncService* service;
    const ClientManagerFront* front;
    ClientTable* table;
    Housekeeping* housekeeping;
    DeadlineWatch* slow_readers;
    // Has each stream from its opening to its first full heartbeat.
    DeadlineWatch* unheard;
    ConnectionCalls* connections;
    AddressRates* rates;
    Clock* clock;
    // Larger frames are refused.
    size_t max_frame_bytes;
    // Frames a second and channel; 0: no limit.
    int32_t max_frame_rate;
    // Once true new streams are turned away with UNAVAILABLE.
    const std::atomic<bool>* draining;
    // Has each stream from its Accept() to its last event.
    LiveCalls* live_calls;
    EdgeCounters* counters;
  };

  // Replies that may wait to be written before reading pauses.
  static constexpr size_t kMaxWaitingReplies = 8;

  // Waits for a client on `loop`, which is borrowed; when one comes, waits for
  // the next.
  static void Accept(const Environment* environment, ServerLoop* loop);

  ConnectStream(const Environment* environment, ServerLoop* loop);

  // ClientChannel.
  void Push(const ConsumerIdsChanged& push) override ABSL_LOCKS_EXCLUDED(mu_);
  void End(RemovalReason reason) override ABSL_LOCKS_EXCLUDED(mu_);
  bool writable() const override {
    return !write_in_flight_.load(std::memory_order_relaxed);
  }

  // Waiter.
  absl::Time EndIfWaitingSince(WaitsFor what, absl::Time limit) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void EndIfWaiting(const CallStatus& status, absl::string_view reason) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void OnAccepted(bool ok);
  void OnRead(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  void OnWritten(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  void OnFinished(bool ok) ABSL_LOCKS_EXCLUDED(mu_);

  // Whether the stream may begin; with `reason` for its end if not.
  CallStatus Begin(absl::string_view* reason) ABSL_LOCKS_EXCLUDED(mu_);
  // After the first full heartbeat has made the stream a channel.
  void OnHeard() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Time CutOffIfPendingSince(absl::Time limit) ABSL_LOCKS_EXCLUDED(mu_);

  void StartReadLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes what waits next; finishes if nothing does and the stream is over.
  void StartNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartWriteLocked(const grpc::ByteBuffer& frame)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropPushesLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Something has to wait for the write in flight, or it is the status.
  void WatchWriteLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Once the client sends no more and its replies are written: closes the
  // channel and finishes with OK.
  void FinishIfReadsDone() ABSL_LOCKS_EXCLUDED(mu_);
  // Answers what was read, and frees it: fills all of `reply`, which is on
  // `arena`. An error if it cannot be answered: then the stream must end so.
  CallStatus AnswerFrame(google::protobuf::Arena* arena, pb::Reply* reply)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Takes apart a frame that came compressed. An error if it is not to be
  // handled.
  CallStatus InflateFrame(bool in_time, absl::Time now);
  CallStatus OverFrameRate() const;
  // Counts and logs a refusal of the stream, or of a frame that was not read.
  void NoteRefused(const CallStatus& status) const;
  // Answers the frame that was read with `status`, and frees it. Returns that
  // if nobody would know which frame the reply is to.
  CallStatus RefuseFrame(CallStatus status, pb::Reply* reply);
  // Ends the stream for what was read. The last thing that OnRead() does.
  void RefuseStream(const CallStatus& status) ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the stream with `status`, and with `reason` in the trailing metadata
  // if it is not empty. Only the first call counts.
  void EndWith(const CallStatus& status, absl::string_view reason = "")
      ABSL_LOCKS_EXCLUDED(mu_);
  void EndWithLocked(const CallStatus& status, absl::string_view reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Tells the table that the stream is over, if it is a channel.
  void CloseChannel() ABSL_LOCKS_EXCLUDED(mu_);
  // Lets the stream go after its last event. The last thing that an event does.
  void ReleaseIfDone() ABSL_LOCKS_EXCLUDED(mu_);

  // On the loop, after the last event, and once. *this may be gone then.
  void Release() ABSL_LOCKS_EXCLUDED(mu_);

  // Constant once accepted.
  const Environment& environment_;
  ServerLoop& loop_;
  grpc::CompletionQueue* const queue_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_{
      &context_};

  // Used by the loop only.
  bool is_counted_ = false;  // In Environment::connections.
  DeadlineWatch::Ticket unheard_ticket_;
  StreamClient client_;
  RateLimit frame_rate_;
  grpc::ByteBuffer read_buffer_;

  // Written under mu_; writable() reads it without.
  std::atomic<bool> write_in_flight_{false};

  absl::Mutex mu_;
  std::shared_ptr<ConnectStream> self_ ABSL_GUARDED_BY(mu_);
  // The first full heartbeat has come.
  bool is_heard_ ABSL_GUARDED_BY(mu_) = false;
  bool read_in_flight_ ABSL_GUARDED_BY(mu_) = false;
  // The client sends no more frames.
  bool reads_done_ ABSL_GUARDED_BY(mu_) = false;
  // A status stands: nothing more is written.
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool finish_started_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mu_);
  std::vector<grpc::ByteBuffer> replies_ ABSL_GUARDED_BY(mu_);
  // Groups to push, each once; at most as many as the channel was ever told of
  // and has not read.
  std::vector<std::string> pushes_ ABSL_GUARDED_BY(mu_);
  bool pushed_last_ ABSL_GUARDED_BY(mu_) = false;
  // When the write in flight, or that of the status, was started.
  absl::Time write_started_ ABSL_GUARDED_BY(mu_);
  // `slow_readers` has an entry of this stream.
  bool watched_ ABSL_GUARDED_BY(mu_) = false;

  CompletionTag<ConnectStream, &ConnectStream::OnAccepted> accepted_tag_{this};
  CompletionTag<ConnectStream, &ConnectStream::OnRead> read_tag_{this};
  CompletionTag<ConnectStream, &ConnectStream::OnWritten> written_tag_{this};
  CompletionTag<ConnectStream, &ConnectStream::OnFinished> finished_tag_{this};
};

}  // namespace rmq

#endif  // BROKER_SERVICE_CONNECT_STREAM_H_
