#include "broker/service/health_service.h"

#include "absl/strings/str_cat.h"
#include "broker/service/completion_loop.h"
#include "broker/service/wire.h"
#include "common/mutex_lock.h"
#include "common/response_code.h"
#include "common/validation.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/status.h"

namespace rmq {

// One call that is told the status, and its one change: at most one write is in
// flight. Deletes itself when the call is over and no event is left.
class HealthService::Watch {
 public:
  static void Wait(HealthService* health, grpc::ServerCompletionQueue* queue) {
    health->live_calls_.Wait();
    auto* const watch = new Watch(health, queue);
    watch->context_.AsyncNotifyWhenDone(
        static_cast<CompletionHandler*>(&watch->done_tag_));
    health->service_.RequestWatch(
        &watch->context_, &watch->request_, &watch->writer_, queue, queue,
        static_cast<CompletionHandler*>(&watch->accepted_tag_));
  }

  // What HealthService calls, which holds the lock; the analysis cannot see
  // that it is the same one.
  void OnServingStopped() {
    health_.mu_.AssertHeld();
    TellLocked();
  }

 private:
  Watch(HealthService* health, grpc::ServerCompletionQueue* queue)
      : health_(*health), queue_(queue) {}

  // Tells the status, and the end if it is the last.
  void TellLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(health_.mu_) {
    if (write_in_flight_ || told_last_ || done_) return;
    write_in_flight_ = true;
    told_last_ = !health_.serving_;
    const Response response = health_.StatusLocked(is_known_);
    void* const tag = static_cast<CompletionHandler*>(&written_tag_);
    if (told_last_) {
      writer_.WriteAndFinish(response, grpc::WriteOptions(),
                             grpc::Status(grpc::StatusCode::UNAVAILABLE,
                                          "the broker is going down"),
                             tag);
    } else {
      writer_.Write(response, tag);
    }
  }

  void OnAccepted(bool ok) {
    LiveCalls& live_calls = health_.live_calls_;
    if (!ok) {  // The server is shutting down; OnDone() is not called then.
      delete this;
      live_calls.Abandon();
      return;
    }
    Wait(&health_, queue_);
    live_calls.Begin();
    is_known_ = health_.Knows(request_);
    // The call may last for ever, and its request may be large.
    Request().Swap(&request_);
    MutexLock lock(&health_.mu_);
    health_.watches_.insert(this);
    TellLocked();
  }

  void OnWritten(bool /*ok*/) {
    {
      MutexLock lock(&health_.mu_);
      write_in_flight_ = false;
      if (!health_.serving_) TellLocked();
    }
    DeleteIfOver();
  }

  // The client is gone, or has the status of the call.
  void OnDone(bool /*ok*/) {
    {
      MutexLock lock(&health_.mu_);
      done_ = true;
    }
    DeleteIfOver();
  }

  void DeleteIfOver() {
    LiveCalls& live_calls = health_.live_calls_;
    {
      MutexLock lock(&health_.mu_);
      if (!done_ || write_in_flight_) return;
      health_.watches_.erase(this);
    }
    delete this;
    live_calls.End();
  }

  HealthService& health_;
  grpc::ServerCompletionQueue* const queue_;
  grpc::ServerContext context_;
  // Empty once accepted.
  Request request_;
  // Constant once accepted: whether the service is known.
  bool is_known_ = false;
  grpc::ServerAsyncWriter<Response> writer_{&context_};
  bool write_in_flight_ ABSL_GUARDED_BY(health_.mu_) = false;
  bool told_last_ ABSL_GUARDED_BY(health_.mu_) = false;
  bool done_ ABSL_GUARDED_BY(health_.mu_) = false;
  CompletionTag<Watch, &Watch::OnAccepted> accepted_tag_{this};
  CompletionTag<Watch, &Watch::OnWritten> written_tag_{this};
  CompletionTag<Watch, &Watch::OnDone> done_tag_{this};
};

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
