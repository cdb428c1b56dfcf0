// Counts refused calls and logs them, at most one line a second.
#ifndef COMMON_RPC_SERVER_REFUSAL_LOG_H_
#define COMMON_RPC_SERVER_REFUSAL_LOG_H_

#include "absl/strings/string_view.h"
#include "common/response_code.h"
#include "common/rpc/server/call_counters.h"

namespace rmq {

// Counts a refusal of a call, frame or stream of `method`, and logs "refused
// peer=... client_id=... code=... message=... method=... request_code=..." with
// the number of refusals since the last such line. `client_id` is empty if it
// is not known. Thread-safe.
void NoteRefusal(MethodCounters& method, absl::string_view peer,
                 absl::string_view client_id, const CallStatus& status);

// The outcome of a call that is cut off since its client does not read the
// answer.
CallStatus NotRead();

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_REFUSAL_LOG_H_
