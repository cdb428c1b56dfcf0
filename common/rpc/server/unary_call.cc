#include "common/rpc/server/unary_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/outcome_writer.h"
#include "common/rpc/server/peer_address.h"
#include "common/rpc/server/received_message.h"
#include "common/rpc/server/refusal_log.h"
#include "common/validation.h"
#include "grpcpp/support/status.h"

namespace rmq {

void UnaryCall::Wait(ServerCalls* calls, grpc::Server* server,
                     grpc::ServerCompletionQueue* queue) {
  calls->live.Wait();
  // Not make_shared: the watch's weak_ptr would keep the memory.
  const std::shared_ptr<UnaryCall> call(new UnaryCall(calls, server, queue));
  call->self_ = call;
  call->call_.Await(server, queue, &call->accepted_tag_);
}

void UnaryCall::OnAccepted(bool ok) {
  if (!ok) {  // The server is shutting down.
    LiveCalls& live_calls = calls_.live;
    self_.reset();
    live_calls.Abandon();
    return;
  }
  Wait(&calls_, server_, queue_);
  method_ = calls_.methods.Find(call_.path());
  const absl::Time now = calls_.clock.TimeNow();
  // Now, since gRPC does not know the peer of a call that is cancelled.
  const CallStatus room =
      on_connection_.Begin(&calls_.connections, PeerAddress(call_.Peer()), now);
  ticket_ = calls_.unfinished.Add(self_, network(), now, now);
  if (!room.ok()) {
    grpc::ByteBuffer none;
    if (BeginToEnd(now)) End(room, &none);
    return;
  }
  read_in_flight_ = true;
  call_.Read(&request_, &read_tag_);
}

void UnaryCall::OnRead(bool ok) {
  read_in_flight_ = false;
  const bool was_read = ok && request_.Valid();
  if (was_read) on_connection_.NoteMessage(request_.Length());
  const absl::Time now = calls_.clock.TimeNow();
  if (BeginToEnd(now)) {
    grpc::ByteBuffer response;
    const CallStatus outcome = Answer(was_read, now, &response);
    ticket_ = calls_.unfinished.Shorten(ticket_, self_, network(),
                                        calls_.options.slow_reader_limit, now);
    End(outcome, &response);
    calls_.unread.Limit(network());
  }
  ReleaseIfDone();
}

bool UnaryCall::BeginToEnd(absl::Time now) {
  {
    MutexLock lock(&mu_);
    if (ends_since_ != absl::InfiniteFuture()) return false;
    ends_since_ = now;
  }
  calls_.live.Begin();
  return true;
}

void UnaryCall::End(const CallStatus& outcome, grpc::ByteBuffer* response) {
  TrailingMetadata metadata;
  const grpc::Status status =
      calls_.methods.Finish(method_, peer(), outcome, &metadata, response);
  if (status.ok()) {
    // Not before Finish(), which fills the response to an error.
    unread_ = calls_.unread.Add(self_, network(),
                                static_cast<int64_t>(response->Length()));
  }
  call_.Finish(status, metadata, response, &finished_tag_);
}

CallStatus UnaryCall::Answer(bool was_read, absl::Time now,
                             grpc::ByteBuffer* response) {
  if (method_ == nullptr || method_->answer == nullptr) {
    return {absl::StatusCode::kUnimplemented,
            ResponseCode::kRequestCodeNotSupported,
            absl::StrCat("no such method: ", Quoted(call_.path()))};
  }
  CallerIdentity caller;
  if (!method_->skips_gate) {
    CallStatus known = calls_.gate.Identify(
        {peer(), call_.metadata(), call_.c_call(), now}, &caller);
    if (!known.ok()) {
      return was_read ? PayUnidentified(&calls_, network(), now, request_,
                                        std::move(known))
                      : known;
    }
    on_connection_.NoteUser(caller.user);
  }
  const CallContext call = {
      *method_->descriptor,
      {peer(), network(), caller.user, caller.generation, caller.is_trial},
      call_.metadata(),
      now};
  CallStatus status = was_read ? ReceiveMessage(&calls_, call.peer.payer(), now,
                                                call_.c_call(), &request_)
                               : NoMessage();
  if (!status.ok()) return status;
  return method_->answer(call, &request_, response);
}

void UnaryCall::ForgetUnread() { calls_.unread.Remove(unread_.exchange(0)); }

absl::Time UnaryCall::EndIfWaitingSince(WaitsFor /*what*/,
                                        absl::Time /*limit*/) {
  const DeadlineWatch& unfinished = calls_.unfinished;
  const absl::Duration first_message = unfinished.options().limit;
  const absl::Time now = calls_.clock.TimeNow();
  const bool ends_now = BeginToEnd(now);
  if (ends_now) {
    grpc::ByteBuffer none;
    End({absl::StatusCode::kDeadlineExceeded, ResponseCode::kSystemError,
         absl::StrCat("the call's message did not come within ",
                      absl::FormatDuration(first_message))},
        &none);
  }
  absl::Time unread_until;
  {
    MutexLock lock(&mu_);
    unread_until = ends_since_ + calls_.options.slow_reader_limit;
  }
  // While many calls wait, none stays because its answer is not read: they
  // would have later deadlines than calls that begin, and so outlive these.
  const bool is_crowded =
      unfinished.size() >= unfinished.options().capacity / 4;
  if (unread_until > now && !is_crowded) {
    // So that it comes back then.
    return unread_until - first_message;
  }
  if (ends_now) {
    call_.Cancel();
  } else {
    GiveUp();
  }
  return absl::InfiniteFuture();
}

void UnaryCall::EndIfWaiting(const CallStatus& status) {
  if (!BeginToEnd(calls_.clock.TimeNow())) {
    GiveUp();
    return;
  }
  grpc::ByteBuffer none;
  End(status, &none);
  // No watch knows the call any more. What has not been sent by now, because
  // the client does not read, never will be.
  call_.Cancel();
}

void UnaryCall::GiveUp() {
  ForgetUnread();
  CallCounters& counters = calls_.methods.counters();
  NoteRefusal(method_ == nullptr ? counters.no_method() : *method_->counters,
              peer(), "", NotRead());
  counters.slow_readers.fetch_add(1);
  call_.Cancel();
}

void UnaryCall::OnFinished(bool /*ok*/) {
  is_finished_ = true;
  ReleaseIfDone();
}

void UnaryCall::ReleaseIfDone() {
  if (!is_finished_ || read_in_flight_) return;
  LiveCalls& live_calls = calls_.live;
  calls_.unfinished.Remove(ticket_);
  ForgetUnread();
  on_connection_.End(calls_.clock.TimeNow());
  self_.reset();
  live_calls.End();
}

}  // namespace rmq
