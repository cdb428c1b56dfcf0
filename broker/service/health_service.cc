#include "broker/service/health_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"
#include "common/rpc/loop/completion_loop.h"
#include "common/rpc/server/inflate.h"
#include "common/rpc/server/outcome_writer.h"
#include "common/rpc/server/peer_address.h"
#include "common/rpc/server/refusal_log.h"
#include "common/validation.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace rmq {
namespace {

// The methods, in the order of the proto.
constexpr int kCheck = 0;
constexpr int kWatch = 1;

grpc::ByteBuffer Serialize(const HealthService::Response& response) {
  grpc::ByteBuffer bytes;
  bool own_buffer;
  (void)grpc::SerializationTraits<HealthService::Response>::Serialize(
      response, &bytes, &own_buffer);
  return bytes;
}

}  // namespace

HealthService::Service::Service() {
  MarkMethodGeneric(kCheck);
  MarkMethodStreamed(kWatch, nullptr);
}

void HealthService::Service::RequestWatch(
    grpc::ServerContext* context, grpc::GenericServerAsyncReaderWriter* call,
    grpc::ServerCompletionQueue* queue, void* tag) {
  RequestAsyncBidiStreaming(kWatch, context, call, queue, queue, tag);
}

// One call that is told the status, and its one change: at most one write is in
// flight. Holds itself until the call is over and no event is left.
class HealthService::Watch final : public Waiter {
 public:
  static void Wait(HealthService* health, grpc::ServerCompletionQueue* queue) {
    health->environment_.live_calls->Wait();
    // Not make_shared: the DeadlineWatch's weak_ptr would keep the memory.
    const std::shared_ptr<Watch> watch(new Watch(health, queue));
    watch->self_ = watch;
    watch->context_.AsyncNotifyWhenDone(
        static_cast<CompletionHandler*>(&watch->done_tag_));
    health->service_.RequestWatch(
        &watch->context_, &watch->call_, queue,
        static_cast<CompletionHandler*>(&watch->accepted_tag_));
  }

  // What HealthService calls, which holds the lock; the analysis cannot see
  // that it is the same one.
  void OnServingStopped() {
    health_.mu_.AssertHeld();
    if (is_heard_) {
      TellLocked();
    } else {
      RefuseLocked(GoingDown());
    }
  }

  absl::Time EndIfWaitingSince(WaitsFor /*what*/,
                               absl::Time /*limit*/) override {
    const absl::Duration first_message =
        environment_.unfinished->options().limit;
    const absl::Time cut_off_if_written =
        environment_.clock->TimeNow() - environment_.slow_reader_limit;
    {
      MutexLock lock(&health_.mu_);
      if (write_in_flight_ && write_started_ > cut_off_if_written) {
        // So that it comes back when the write has been unread for the limit.
        return write_started_ + environment_.slow_reader_limit - first_message;
      }
    }
    EndIfWaiting(
        {absl::StatusCode::kDeadlineExceeded, ResponseCode::kSystemError,
         absl::StrCat("the call's message did not come within ",
                      absl::FormatDuration(first_message))},
        "");
    return absl::InfiniteFuture();
  }

  void EndIfWaiting(const CallStatus& status,
                    absl::string_view /*reason*/) override {
    if (Refuse(status)) return;
    {
      MutexLock lock(&health_.mu_);
      if (!write_in_flight_) return;
    }
    NoteRefusal(*health_.watch_->counters, peer_, "", NotRead());
    health_.table_->counters().slow_readers.fetch_add(1);
    context_.TryCancel();
  }

 private:
  Watch(HealthService* health, grpc::ServerCompletionQueue* queue)
      : health_(*health), environment_(health->environment_), queue_(queue) {}

  static CallStatus GoingDown() {
    return {absl::StatusCode::kUnavailable, ResponseCode::kSystemError,
            "the broker is going down"};
  }

  // Ends a call that has not been told anything; false if it has, or ends.
  bool Refuse(const CallStatus& status) {
    {
      MutexLock lock(&health_.mu_);
      if (!RefuseLocked(status)) return false;
    }
    NoteRefusal(*health_.watch_->counters, peer_, "", status);
    return true;
  }
  bool RefuseLocked(const CallStatus& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(health_.mu_) {
    if (is_heard_ || has_ended_) return false;
    BeginWriteLocked();
    has_ended_ = true;
    call_.Finish(ToGrpcStatus(status),
                 static_cast<CompletionHandler*>(&written_tag_));
    return true;
  }

  // Tells the status, and the end if it is the last.
  void TellLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(health_.mu_) {
    if (!is_heard_ || write_in_flight_ || has_ended_ || done_) return;
    BeginWriteLocked();
    has_ended_ = !health_.serving_;
    const grpc::ByteBuffer response =
        Serialize(health_.StatusLocked(is_known_));
    void* const tag = static_cast<CompletionHandler*>(&written_tag_);
    if (has_ended_) {
      call_.WriteAndFinish(response, grpc::WriteOptions(),
                           ToGrpcStatus(GoingDown()), tag);
    } else {
      call_.Write(response, tag);
    }
  }

  void BeginWriteLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(health_.mu_) {
    write_in_flight_ = true;
    write_started_ = environment_.clock->TimeNow();
  }

  void OnAccepted(bool ok) {
    LiveCalls& live_calls = *environment_.live_calls;
    if (!ok) {  // The server is shutting down; OnDone() is not called then.
      self_.reset();
      live_calls.Abandon();
      return;
    }
    Wait(&health_, queue_);
    live_calls.Begin();
    health_.watch_->counters->CountCall();
    peer_ = PeerAddress(context_.peer());
    const absl::Time now = environment_.clock->TimeNow();
    ticket_ = environment_.unfinished->Add(self_, now, now);
    const CallStatus room = TakePlace();
    if (!room.ok()) {
      Refuse(room);
      return;
    }
    read_in_flight_ = true;
    call_.Read(&request_, static_cast<CompletionHandler*>(&read_tag_));
  }

  // Counts the call, on its connection and among the watches.
  CallStatus TakePlace() {
    CallStatus status = environment_.connections->Begin(peer_);
    is_counted_ = status.ok();
    if (!status.ok()) return status;
    MutexLock lock(&health_.mu_);
    if (!health_.serving_) return GoingDown();
    if (health_.watches_.size() >= kMostWatches) {
      return OverLimit(
          absl::StrCat("calls of Watch must be at most ", kMostWatches));
    }
    size_t& of_address = health_.addresses_[HostOf(peer_)];
    if (of_address >= kMostWatchesOfAnAddress) {
      return OverLimit(
          absl::StrCat("calls of Watch from one address must be "
                       "at most ",
                       kMostWatchesOfAnAddress));
    }
    ++of_address;
    health_.watches_.insert(this);
    return {};
  }

  void OnRead(bool ok) {
    read_in_flight_ = false;
    Request request;
    const CallStatus status = Parse(ok, &request);
    if (status.ok()) {
      ticket_ = environment_.unfinished->Shorten(ticket_, self_,
                                                 environment_.slow_reader_limit,
                                                 environment_.clock->TimeNow());
      MutexLock lock(&health_.mu_);
      is_heard_ = true;
      is_known_ = health_.Knows(request);
      TellLocked();
    } else {
      Refuse(status);
    }
    ReleaseIfOver();
  }

  CallStatus Parse(bool was_read, Request* request) {
    if (!was_read) {
      return BadForm("the call has no message that can be read");
    }
    if (request_.Length() > kMostRequestBytes) {
      return OverSize("message", request_.Length(), kMostRequestBytes);
    }
    if (IsCompressed(request_, context_.c_call())) {
      size_t work;
      CallStatus status =
          InflateMessage("message", kMostRequestBytes, &request_, &work);
      if (!status.ok()) return status;
    }
    if (!grpc::SerializationTraits<Request>::Deserialize(&request_, request)
             .ok()) {
      return BadForm("the message is not a HealthCheckRequest");
    }
    return {};
  }

  void OnWritten(bool /*ok*/) {
    bool is_over;
    {
      MutexLock lock(&health_.mu_);
      write_in_flight_ = false;
      if (!health_.serving_) TellLocked();
      is_over = !write_in_flight_;
    }
    if (is_over) environment_.unfinished->Remove(ticket_);
    ReleaseIfOver();
  }

  // The client is gone, or has the status of the call.
  void OnDone(bool /*ok*/) {
    {
      MutexLock lock(&health_.mu_);
      done_ = true;
    }
    ReleaseIfOver();
  }

  void ReleaseIfOver() {
    LiveCalls& live_calls = *environment_.live_calls;
    {
      MutexLock lock(&health_.mu_);
      if (!done_ || write_in_flight_ || read_in_flight_) return;
      if (health_.watches_.erase(this) > 0) {
        const auto found = health_.addresses_.find(HostOf(peer_));
        if (--found->second == 0) health_.addresses_.erase(found);
      }
    }
    environment_.unfinished->Remove(ticket_);
    if (is_counted_) environment_.connections->End(peer_);
    self_.reset();
    live_calls.End();
  }

  // Constant once accepted.
  HealthService& health_;
  const Environment& environment_;
  grpc::ServerCompletionQueue* const queue_;
  grpc::ServerContext context_;
  grpc::GenericServerAsyncReaderWriter call_{&context_};
  std::string peer_;

  // Used by the loop only.
  std::shared_ptr<Watch> self_;
  bool is_counted_ = false;  // In Environment::connections.
  bool read_in_flight_ = false;
  DeadlineWatch::Ticket ticket_;
  grpc::ByteBuffer request_;

  // Its message has come.
  bool is_heard_ ABSL_GUARDED_BY(health_.mu_) = false;
  // Whether the service is known.
  bool is_known_ ABSL_GUARDED_BY(health_.mu_) = false;
  bool write_in_flight_ ABSL_GUARDED_BY(health_.mu_) = false;
  absl::Time write_started_ ABSL_GUARDED_BY(health_.mu_);
  // The last write, or the status, has begun.
  bool has_ended_ ABSL_GUARDED_BY(health_.mu_) = false;
  bool done_ ABSL_GUARDED_BY(health_.mu_) = false;

  CompletionTag<Watch, &Watch::OnAccepted> accepted_tag_{this};
  CompletionTag<Watch, &Watch::OnRead> read_tag_{this};
  CompletionTag<Watch, &Watch::OnWritten> written_tag_{this};
  CompletionTag<Watch, &Watch::OnDone> done_tag_{this};
};

HealthService::HealthService(const Environment& environment)
    : environment_(environment) {}

CallStatus HealthService::Check(const Request& request, Response* response) {
  MutexLock lock(&mu_);
  *response = StatusLocked(Knows(request));
  if (response->status() != Response::SERVICE_UNKNOWN) return CallStatus();
  return {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
          absl::StrCat("no such service: ", Quoted(request.service()))};
}

void HealthService::AddService(absl::string_view full_name) {
  services_.emplace(full_name);
}

void HealthService::AddMethods(MethodTable* table) {
  const google::protobuf::ServiceDescriptor& service =
      *Request::descriptor()->file()->FindServiceByName("Health");
  MethodTable::MethodOptions options;
  options.skips_gate = true;
  table->Add<Request, Response>(
      *service.method(kCheck), options, nullptr,
      [this](const CallContext& /*call*/, const Request& request,
             Response* response) { return Check(request, response); });
  watch_ = &table->AddStreaming(*service.method(kWatch));
  table_ = table;
}

void HealthService::Wait(grpc::ServerCompletionQueue* queue) {
  Watch::Wait(this, queue);
}

void HealthService::StopServing() {
  MutexLock lock(&mu_);
  serving_ = false;
  for (Watch* const watch : watches_) watch->OnServingStopped();
}

HealthService::Response HealthService::StatusLocked(bool is_known) const {
  Response response;
  if (!is_known) {
    response.set_status(Response::SERVICE_UNKNOWN);
  } else {
    response.set_status(serving_ ? Response::SERVING : Response::NOT_SERVING);
  }
  return response;
}

}  // namespace rmq
