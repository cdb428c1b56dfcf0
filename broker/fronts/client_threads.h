// Asking a client what its threads do.
#ifndef BROKER_FRONTS_CLIENT_THREADS_H_
#define BROKER_FRONTS_CLIENT_THREADS_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/response_code.h"

namespace rmq {

// Implemented by a front whose clients can be asked. Thread-safe.
class ClientThreads {
 public:
  // What the client says, or why it says nothing.
  using OnAnswer = std::function<void(CallStatus, std::string stack_trace)>;

  virtual ~ClientThreads() = default;

  // Has the client print the stacks of its threads. If it returns OK,
  // `on_answer` is called once, by any thread with no lock held, at the latest
  // kStackTraceLimit after `now`: with ABORTED then. It must not
  // block. Otherwise it is not called: FAILED_PRECONDITION if the client cannot
  // be asked, RESOURCE_EXHAUSTED if it is being asked already, or too many are.
  virtual CallStatus PrintStackTrace(absl::string_view client_id,
                                     absl::Time now, OnAnswer on_answer) = 0;
};

inline constexpr absl::Duration kStackTraceLimit = absl::Seconds(3);

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENT_THREADS_H_
