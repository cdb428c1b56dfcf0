// The clients that are being asked for the stacks of their threads.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_STACK_REQUESTS_H_
#define BROKER_FRONTS_ROCKETMQ_V2_STACK_REQUESTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/fronts/client_threads.h"
#include "broker/fronts/rocketmq_v2/due_calls.h"
#include "common/response_code.h"

namespace rmq {

// One request a client at a time, and at most kMost. A request ends when the
// stream that was asked answers it or ends, or when kStackTraceLimit is over.
// Thread-safe. No lock is held while an answer is passed on.
class StackRequests {
 public:
  static constexpr size_t kMost = 100;

  // Borrows the calls, which must make none after this is destroyed.
  explicit StackRequests(DueCalls* due_calls) : due_calls_(*due_calls) {}
  StackRequests(const StackRequests&) = delete;
  StackRequests& operator=(const StackRequests&) = delete;

  // Begins a request, which `stream` is sent by the caller, as `nonce`.
  // RESOURCE_EXHAUSTED if it cannot.
  CallStatus Begin(absl::string_view client_id, const void* stream,
                   absl::Time now, ClientThreads::OnAnswer on_answer,
                   std::string* nonce) ABSL_LOCKS_EXCLUDED(mu_);

  // A client's answer. What nobody has asked `stream` is ignored.
  void Answer(absl::string_view client_id, const void* stream,
              const ::apache::rocketmq::v2::TelemetryCommand& command)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The stream has ended.
  void EndOf(absl::string_view client_id, const void* stream)
      ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Request {
    const void* stream = nullptr;
    std::string nonce;
    ClientThreads::OnAnswer on_answer;
    DueCalls::Ticket ticket;
  };

  // Ends a client's request if it is that of the stream and, unless it is
  // empty, of the nonce.
  void End(absl::string_view client_id, const void* stream,
           absl::string_view nonce, const CallStatus& status,
           std::string stack_trace) ABSL_LOCKS_EXCLUDED(mu_);

  DueCalls& due_calls_;
  std::atomic<uint64_t> last_number_{0};
  mutable absl::Mutex mu_;
  // By client id, which is all that an operator names.
  absl::flat_hash_map<std::string, Request> requests_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_STACK_REQUESTS_H_
