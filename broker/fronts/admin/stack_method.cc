#include "broker/fronts/admin/stack_method.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "broker/fronts/admin/write_audit.h"
#include "broker/fronts/client_threads.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "common/validation.h"

namespace rmq {
namespace {

// Waits for what the client says, and says it.
class StackSource final : public ResponseSource {
 public:
  explicit StackSource(ResponseWaker waker) : waker_(std::move(waker)) {}

  void Take(const CallStatus& status, std::string stack_trace)
      ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(&mu_);
      status_ = status;
      stack_trace_ = std::move(stack_trace);
    }
    waker_.Wake();
  }

  NextResponse Next(absl::Time /*now*/) override ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (!status_.has_value()) return NextResponse::Nothing();
    if (!status_->ok() || std::exchange(is_said_, true)) {
      return NextResponse::End(*status_);
    }
    pb::PrintThreadStackTraceResponse response;
    response.set_thread_stack_trace(std::move(stack_trace_));
    return NextResponse::Of(response, /*rows=*/1);
  }

 private:
  const ResponseWaker waker_;
  absl::Mutex mu_;
  // None: the client has not answered.
  absl::optional<CallStatus> status_ ABSL_GUARDED_BY(mu_);
  std::string stack_trace_ ABSL_GUARDED_BY(mu_);
  bool is_said_ ABSL_GUARDED_BY(mu_) = false;
};

CallStatus AnswerStack(const AdminCall& call,
                       const pb::PrintThreadStackTraceRequest& request,
                       ResponseWaker waker,
                       std::shared_ptr<ResponseSource>* source) {
  const absl::Status form =
      ValidateClientId("client_id", request.client_id(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  if (call.broker.threads == nullptr) {
    return {absl::StatusCode::kFailedPrecondition, ResponseCode::kSystemError,
            "only clients of RocketMQ 5's SDKs can be asked, and this broker "
            "serves none: see --rocketmq5_front"};
  }
  const auto made = std::make_shared<StackSource>(std::move(waker));
  const std::weak_ptr<StackSource> weak = made;
  const CallStatus asked = call.broker.threads->PrintStackTrace(
      request.client_id(), call.context.now,
      [weak](const CallStatus& status, std::string stack_trace) {
        if (const auto waiting = weak.lock()) {
          waiting->Take(status, std::move(stack_trace));
        }
      });
  WriteAudit(call, "stack trace asked", asked.ok(), 0,
             Kv("client_id", request.client_id()));
  if (asked.ok()) *source = made;
  return asked;
}

// A client is asked once at a time, so these are calls that wait.
ResponsesMethod::Limits LimitsOf(const AdminBroker& /*broker*/) {
  return {100, 20};
}

}  // namespace

AdminStreamingMethod StackMethod() {
  return ResponsesOf<pb::PrintThreadStackTraceRequest>(LimitsOf, AnswerStack);
}

}  // namespace rmq
