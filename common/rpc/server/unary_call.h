// One unary call on a completion queue, from waiting for it to its end.
#ifndef COMMON_RPC_SERVER_UNARY_CALL_H_
#define COMMON_RPC_SERVER_UNARY_CALL_H_

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "common/rpc/server/acceptor/connections.h"
#include "common/rpc/server/deadline_watch.h"
#include "common/rpc/server/grpc_batch.h"
#include "common/rpc/server/grpc_core_call.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/server_calls.h"
#include "common/rpc/server/unread_answers.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/server.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// Waits for a call. When one comes, has a new UnaryCall wait for the next one,
// reads the message, answers, and deletes itself.
//
// The call's path names its method: gRPC gives each connection
// a table of the methods that are registered with it, 150 bytes for each, so
// unary methods are registered with the MethodTable instead.
//
// Threads: the queue's loop runs its events. The DeadlineWatch may end the call
// from any thread; the first of the two, the watch or the call's message,
// decides how the call ends.
// Ownership: a call owns itself until its last event.
class UnaryCall final : public Waiter {
 public:
  // All is borrowed, and outlives the queue's events. `server` and `queue` are
  // those of GrpcCoreCall::Await().
  static void Wait(ServerCalls* calls, grpc::Server* server,
                   grpc::ServerCompletionQueue* queue);

  // Waiter.
  absl::Time EndIfWaitingSince(WaitsFor what, absl::Time limit) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void EndIfWaiting(const CallStatus& status) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  UnaryCall(ServerCalls* calls, grpc::Server* server,
            grpc::ServerCompletionQueue* queue)
      : calls_(*calls), server_(server), queue_(queue) {}

  void OnAccepted(bool ok);
  void OnRead(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  void OnFinished(bool ok);

  // True for the first caller, which decides how the call ends.
  bool BeginToEnd(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);
  // Writes the outcome, and counts the bytes of the response. After
  // BeginToEnd().
  void End(const CallStatus& outcome, grpc::ByteBuffer* response);
  // The answer is read, or nobody waits for that any more.
  void ForgetUnread();
  // "host:port" of the client.
  absl::string_view peer() const { return on_connection_.peer(); }
  ClientNetwork network() const { return on_connection_.network(); }
  // The client does not read the answer.
  void GiveUp();
  // Fills `response` if it returns OK.
  CallStatus Answer(bool was_read, absl::Time now, grpc::ByteBuffer* response);
  // After the last event. *this may be gone then.
  void ReleaseIfDone();

  // Constant once accepted.
  ServerCalls& calls_;
  grpc::Server* const server_;
  grpc::ServerCompletionQueue* const queue_;
  GrpcCoreCall call_;
  const MethodTable::Method* method_ = nullptr;  // Null: no such method.

  // Used by the loop only.
  std::shared_ptr<UnaryCall> self_;
  ConnectionCall on_connection_;
  bool read_in_flight_ = false;
  bool is_finished_ = false;
  DeadlineWatch::Ticket ticket_;
  grpc::ByteBuffer request_;

  // The answer, until it is read or given up.
  std::atomic<UnreadAnswers::Number> unread_{0};
  absl::Mutex mu_;
  // When it was decided how the call ends; InfiniteFuture before.
  absl::Time ends_since_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();

  GrpcCoreTag<UnaryCall, &UnaryCall::OnAccepted> accepted_tag_{this};
  GrpcCoreTag<UnaryCall, &UnaryCall::OnRead> read_tag_{this};
  GrpcCoreTag<UnaryCall, &UnaryCall::OnFinished> finished_tag_{this};
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_UNARY_CALL_H_
