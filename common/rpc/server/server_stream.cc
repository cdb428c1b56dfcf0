#include "common/rpc/server/server_stream.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "common/rpc/loop/live_calls.h"
#include "common/rpc/server/outcome_writer.h"
#include "common/rpc/server/peer_address.h"
#include "common/rpc/server/refusal_log.h"
#include "glog/logging.h"

namespace rmq {

ServerStream::ServerStream(const Environment* environment, ServerLoop* loop,
                           Reactor* reactor)
    : environment_(*environment),
      reactor_(*reactor),
      loop_(*loop),
      queue_(loop->queues.AddCall()) {}

void ServerStream::Accept(std::shared_ptr<Reactor> self) {
  environment_.calls->live.Wait();
  MutexLock lock(&mu_);
  self_ = std::move(self);
  if (environment_.client_sends_once) {
    context_.AsyncNotifyWhenDone(static_cast<CompletionHandler*>(&done_tag_));
  }
  announced_ =
      std::make_unique<grpc::GenericServerAsyncReaderWriter>(&context_);
  environment_.request(&context_, announced_.get(), queue_, loop_.queue.get(),
                       static_cast<CompletionHandler*>(&announced_tag_));
}

void ServerStream::OnAnnounced(bool ok) {
  announced_ = nullptr;
  LiveCalls& live_calls = environment_.calls->live;
  if (!ok) {  // The server is shutting down: nobody came.
    Release();
    live_calls.Abandon();
    return;
  }
  stream_.Begin(context_.c_call());
  environment_.accept_next(&loop_);
  live_calls.Begin();
  environment_.method->CountCall();
  // Now, since gRPC does not know the peer of a call that is cancelled.
  const CallStatus room = on_connection_.Begin(
      &environment_.calls->connections, PeerAddress(context_.peer()),
      environment_.calls->clock.TimeNow());
  if (!room.ok()) {
    NoteRefused(room);
    EndWith(room);
    return;
  }
  reactor_.OnOpened();
  MutexLock lock(&mu_);
  if (!ending_) StartReadLocked();
}

CallStatus ServerStream::Identify() {
  ServerCalls& calls = *environment_.calls;
  // So that a frame reads no clock for it.
  if (calls.gate.IsIdentified(caller_)) return {};
  CallStatus status =
      calls.gate.Identify(OpeningAt(calls.clock.TimeNow()), &caller_);
  if (status.ok()) on_connection_.NoteUser(caller_.user);
  return status;
}

void ServerStream::AwaitClient() {
  const absl::Time now = environment_.calls->clock.TimeNow();
  std::shared_ptr<Waiter> self;
  {
    MutexLock lock(&mu_);
    awaits_client_ = true;
    self = std::shared_ptr<Waiter>(self_, this);
  }
  awaiting_ticket_ =
      environment_.awaiting->Add(std::move(self), network(), now, now);
}

bool ServerStream::StopAwaitingClient() {
  environment_.awaiting->Remove(std::exchange(awaiting_ticket_, {}));
  MutexLock lock(&mu_);
  is_heard_ = true;
  return !ending_;
}

void ServerStream::OnRead(bool ok) {
  if (!ok || !read_buffer_.Valid()) {  // Half-closed, or gone.
    {
      MutexLock lock(&mu_);
      read_in_flight_ = false;
      reads_done_ = true;
      if (write_in_flight_) WatchWriteLocked();
    }
    EndIfReadsDone();
    ReleaseIfDone();
    return;
  }
  on_connection_.NoteMessage(read_buffer_.Length());
  grpc::ByteBuffer reply;
  const bool has_reply = reactor_.OnMessage(&read_buffer_, &reply);
  MakePush push;
  {
    MutexLock lock(&mu_);
    read_in_flight_ = false;
    if (!ending_) {
      if (has_reply) {
        AddReplyLocked(&reply);
        push = OnAddedLocked();
      }
      if (MayReadLocked()) StartReadLocked();
    }
  }
  GoOn(push);
  ReleaseIfDone();
}

void ServerStream::OnWritten(bool ok) {
  MakePush push;
  bool all_written;
  {
    MutexLock lock(&mu_);
    EndWriteLocked();
    has_written_ = true;
    if (environment_.client_sends_once) UnwatchWriteLocked();
    if (!ok) {  // Gone; a read in flight is about to say so too.
      reads_done_ = true;
      DropRepliesLocked();
      DropPushesLocked();
    }
    push = StartNextLocked();
    all_written = ok && !ending_ && !write_in_flight_;
    if (!read_in_flight_ && MayReadLocked()) StartReadLocked();
  }
  GoOn(push);
  if (all_written) reactor_.OnAllWritten();
  EndIfReadsDone();
  ReleaseIfDone();
}

void ServerStream::OnFinished(bool /*ok*/) {
  {
    MutexLock lock(&mu_);
    finished_ = true;
  }
  ReleaseIfDone();
}

void ServerStream::OnDone(bool /*ok*/) {
  {
    MutexLock lock(&mu_);
    done_ = true;
    // The client is gone, unless it has the stream's status.
    EndWithLocked({absl::StatusCode::kCancelled, ResponseCode::kSystemError,
                   "the client is gone"});
  }
  ReleaseIfDone();
}

void ServerStream::Push(absl::string_view key, MakePush make,
                        IfOneWaits if_one_waits) {
  MakePush push;
  {
    MutexLock lock(&mu_);
    if (ending_ || reads_done_) {
      environment_.pushes->dropped.fetch_add(1);
      return;
    }
    const auto waits = std::find_if(
        pushes_.begin(), pushes_.end(),
        [key](const WaitingPush& other) { return other.key == key; });
    if (waits != pushes_.end()) {
      environment_.pushes->coalesced.fetch_add(1);
      // `make` gets the replaced one, which goes when the lock is released.
      if (if_one_waits == IfOneWaits::kReplacesIt) waits->make.swap(make);
      return;
    }
    pushes_.push_back({std::string(key), std::move(make)});
    push = OnAddedLocked();
  }
  GoOn(push);
}

void ServerStream::SendInitialMetadata() {
  MutexLock lock(&mu_);
  if (ending_ || write_in_flight_) return;
  BeginWriteLocked();
  stream_.SendInitialMetadata(&written_tag_);
}

void ServerStream::Send(grpc::ByteBuffer message, bool more_follow) {
  MakePush push;
  {
    MutexLock lock(&mu_);
    if (ending_ || reads_done_) return;
    AddReplyLocked(&message);
    more_follow_ = more_follow;
    push = OnAddedLocked();
  }
  GoOn(push);
}

void ServerStream::EndWith(const CallStatus& status) {
  MutexLock lock(&mu_);
  EndWithLocked(status);
}

void ServerStream::EndAfter(grpc::ByteBuffer last, const CallStatus& status) {
  {
    MutexLock lock(&mu_);
    if (ending_) return;
    AddReplyLocked(&last);
    BeginEndLocked(status);
  }
  GoOn(nullptr);
}

absl::Time ServerStream::EndIfWaitingSince(WaitsFor what, absl::Time limit) {
  if (what == WaitsFor::kReading) return CutOffIfPendingSince(limit);
  // The stream has waited since it was opened, so its time is over.
  EndIfWaiting({absl::StatusCode::kDeadlineExceeded, ResponseCode::kSystemError,
                environment_.too_late});
  return absl::InfiniteFuture();
}

void ServerStream::EndIfWaiting(const CallStatus& status) {
  if (large_replies_ > 0) {
    CutOff();
    return;
  }
  {
    MutexLock lock(&mu_);
    // Not awaited: the large reply that it was to end for has been read.
    if (!awaits_client_ || is_heard_ || ending_) return;
    EndWithLocked(status);
  }
  NoteRefused(status);
}

void ServerStream::NoteRefused(const CallStatus& status) const {
  NoteRefusal(*environment_.method, peer(), "", status);
}

absl::Time ServerStream::CutOffIfPendingSince(absl::Time limit) {
  {
    MutexLock lock(&mu_);
    UnwatchWriteLocked();
    const bool is_pending = write_in_flight_ || (finish_started_ && !finished_);
    if (!is_pending) return absl::InfiniteFuture();
    if (write_started_ > limit) {  // The entry was of an earlier write.
      WatchWriteLocked();
      return absl::InfiniteFuture();
    }
  }
  CutOff();
  return absl::InfiniteFuture();
}

void ServerStream::CutOff() {
  if (environment_.client_sends_once) {  // The write is a call's answer.
    NoteRefused(NotRead());
  } else {
    LOG(INFO) << "cut off, does not read" << Kv("peer", peer());
  }
  environment_.calls->methods.counters().slow_readers.fetch_add(1);
  context_.TryCancel();
}

bool ServerStream::MayReadLocked() const {
  return !ending_ && !reads_done_ && replies_.size() < kMaxWaitingReplies &&
         waiting_bytes_ < kMaxWaitingBytes &&
         !(environment_.client_sends_once && is_heard_);
}

void ServerStream::StartReadLocked() {
  read_in_flight_ = true;
  stream_.Read(&read_buffer_, &read_tag_);
}

ServerStream::MakePush ServerStream::OnAddedLocked() {
  if (!write_in_flight_) return StartNextLocked();
  WatchWriteLocked();
  return nullptr;
}

ServerStream::MakePush ServerStream::StartNextLocked() {
  if (write_in_flight_ || finish_started_) return nullptr;
  if (!pushes_.empty() && (replies_.empty() || !pushed_last_)) {
    pushed_last_ = true;
    BeginWriteLocked();
    MakePush push = std::move(pushes_.front().make);
    pushes_.erase(pushes_.begin());
    return push;
  }
  if (!replies_.empty()) {
    pushed_last_ = false;
    BeginWriteLocked();
    grpc::ByteBuffer reply;
    reply.Swap(&replies_.front().message);
    writing_ = replies_.front().unread;
    replies_.erase(replies_.begin());
    waiting_bytes_ -= reply.Length();
    // The first write has the initial metadata, which gRPC would keep too, and
    // would not complete the write.
    const bool may_wait = has_written_ && more_follow_ && replies_.empty();
    stream_.Write(&reply, may_wait, &written_tag_);
  } else if (ending_) {
    finish_started_ = true;
    write_started_ = environment_.calls->clock.TimeNow();
    // The status waits for the connection: a client that does not read would
    // keep the stream.
    WatchWriteLocked();
    const bool with_response_code =
        !status_->ok() && environment_.sends_response_code;
    stream_.Finish(ToGrpcStatus(*status_),
                   OutcomeMetadata(*status_, with_response_code),
                   &finished_tag_);
  }
  return nullptr;
}

void ServerStream::GoOn(const MakePush& make) {
  if (large_replies_ > 0) environment_.calls->unread.Limit(network());
  if (make == nullptr) return;
  environment_.pushes->sent.fetch_add(1);
  grpc::ByteBuffer message = make();
  stream_.Write(&message, /*more_follow=*/false, &written_tag_);
}

void ServerStream::AddReplyLocked(grpc::ByteBuffer* reply) {
  const size_t bytes = reply->Length();
  waiting_bytes_ += bytes;
  Reply& added = replies_.emplace_back();
  added.message.Swap(reply);
  if (bytes < kLargeReply) return;
  added.unread =
      environment_.calls->unread.Add(std::shared_ptr<Waiter>(self_, this),
                                     network(), static_cast<int64_t>(bytes));
  large_replies_.fetch_add(1);
}

void ServerStream::DropRepliesLocked() {
  for (const Reply& reply : replies_) ForgetUnreadLocked(reply.unread);
  replies_.clear();
  waiting_bytes_ = 0;
}

void ServerStream::ForgetUnreadLocked(UnreadAnswers::Number number) {
  if (number == 0) return;
  environment_.calls->unread.Remove(number);
  large_replies_.fetch_sub(1);
}

void ServerStream::BeginWriteLocked() {
  write_in_flight_ = true;
  write_started_ = environment_.calls->clock.TimeNow();
  if (environment_.client_sends_once) WatchWriteLocked();
}

void ServerStream::EndWriteLocked() {
  write_in_flight_ = false;
  ForgetUnreadLocked(std::exchange(writing_, 0));
}

void ServerStream::WatchWriteLocked() {
  if (write_ticket_ != DeadlineWatch::Ticket()) return;
  write_ticket_ = environment_.calls->slow_readers.Add(
      std::shared_ptr<Waiter>(self_, this), network(), write_started_,
      environment_.calls->clock.TimeNow());
}

void ServerStream::UnwatchWriteLocked() {
  if (write_ticket_ == DeadlineWatch::Ticket()) return;
  environment_.calls->slow_readers.Remove(std::exchange(write_ticket_, {}));
}

void ServerStream::DropPushesLocked() {
  if (pushes_.empty()) return;
  environment_.pushes->dropped.fetch_add(static_cast<int64_t>(pushes_.size()));
  pushes_.clear();
}

void ServerStream::EndIfReadsDone() {
  {
    MutexLock lock(&mu_);
    if (!reads_done_ || ending_ || write_in_flight_ || !replies_.empty()) {
      return;
    }
  }
  reactor_.OnReadsDone();
  EndWith(CallStatus());
}

void ServerStream::EndWithLocked(const CallStatus& status) {
  if (ending_) return;
  DropRepliesLocked();
  BeginEndLocked(status);
}

void ServerStream::BeginEndLocked(const CallStatus& status) {
  ending_ = true;
  status_ = std::make_unique<const CallStatus>(status);
  DropPushesLocked();
  if (write_in_flight_) WatchWriteLocked();
  (void)StartNextLocked();  // No push waits any more.
}

void ServerStream::ReleaseIfDone() {
  LiveCalls& live_calls = environment_.calls->live;
  {
    MutexLock lock(&mu_);
    const bool is_done = done_ || !environment_.client_sends_once;
    if (!finished_ || !is_done || read_in_flight_ || write_in_flight_) return;
  }
  reactor_.OnGone();
  Release();
  live_calls.End();
}

void ServerStream::Release() {
  loop_.queues.RemoveCall(queue_);
  environment_.awaiting->Remove(awaiting_ticket_);
  on_connection_.End(environment_.calls->clock.TimeNow());
  std::shared_ptr<Reactor> self;
  MutexLock lock(&mu_);
  UnwatchWriteLocked();
  self = std::move(self_);
}

}  // namespace rmq
