#include "broker/fronts/rocketmq_v2/stack_requests.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"
#include "common/validation.h"

namespace rmq {
namespace {

namespace v2 = ::apache::rocketmq::v2;

CallStatus Error(absl::StatusCode code, absl::string_view client_id,
                 absl::string_view what) {
  return {code, ResponseCode::kSystemError,
          absl::StrCat("client ", Quoted(client_id), " ", what)};
}

}  // namespace

CallStatus StackRequests::Begin(absl::string_view client_id, const void* stream,
                                absl::Time now,
                                ClientThreads::OnAnswer on_answer,
                                std::string* nonce) {
  const std::string id(client_id);
  *nonce = absl::StrCat(++last_number_);
  {
    MutexLock lock(&mu_);
    if (requests_.contains(id)) {
      return Error(absl::StatusCode::kResourceExhausted, id,
                   "is being asked already");
    }
    if (requests_.size() >= kMost) {
      return OverLimit(
          absl::StrCat("clients that are being asked must be at most ", kMost));
    }
    requests_[id] = {stream, *nonce, std::move(on_answer), {}};
  }
  // Afterwards, so that there is something to end whenever it is due.
  const DueCalls::Ticket ticket = due_calls_.Add(
      now + kStackTraceLimit, [this, id, stream, number = *nonce] {
        End(id, stream, number,
            Error(absl::StatusCode::kAborted, id,
                  absl::StrCat("has not answered within ",
                               absl::FormatDuration(kStackTraceLimit),
                               ": some SDKs never do")),
            "");
      });
  {
    MutexLock lock(&mu_);
    const auto found = requests_.find(id);
    if (found != requests_.end() && found->second.nonce == *nonce) {
      found->second.ticket = ticket;
      return {};
    }
  }
  // It has ended by now.
  due_calls_.Remove(ticket);
  return {};
}

void StackRequests::Answer(absl::string_view client_id, const void* stream,
                           const v2::TelemetryCommand& command) {
  const v2::ThreadStackTrace& trace = command.thread_stack_trace();
  if (trace.nonce().empty()) return;
  CallStatus status;
  if (!trace.has_thread_stack_trace()) {
    status = Error(absl::StatusCode::kFailedPrecondition, client_id,
                   absl::StrCat("has sent no stack trace: ",
                                v2::Code_Name(command.status().code()), " ",
                                Quoted(command.status().message())));
  }
  End(client_id, stream, trace.nonce(), status, trace.thread_stack_trace());
}

void StackRequests::EndOf(absl::string_view client_id, const void* stream) {
  End(client_id, stream, "",
      Error(absl::StatusCode::kAborted, client_id,
            "has ended its stream, or lost it"),
      "");
}

void StackRequests::End(absl::string_view client_id, const void* stream,
                        absl::string_view nonce, const CallStatus& status,
                        std::string stack_trace) {
  Request ended;
  {
    MutexLock lock(&mu_);
    const auto found = requests_.find(client_id);
    if (found == requests_.end() || found->second.stream != stream ||
        (!nonce.empty() && found->second.nonce != nonce)) {
      return;
    }
    ended = std::move(found->second);
    requests_.erase(found);
  }
  due_calls_.Remove(ended.ticket);
  ended.on_answer(status, std::move(stack_trace));
}

size_t StackRequests::size() const {
  MutexLock lock(&mu_);
  return requests_.size();
}

}  // namespace rmq
