// What was refused: counted, and one line of the log, at most one a second.
#ifndef BROKER_SERVICE_REFUSAL_LOG_H_
#define BROKER_SERVICE_REFUSAL_LOG_H_

#include "absl/strings/string_view.h"
#include "broker/service/edge_counters.h"
#include "common/response_code.h"

namespace rmq {

// Counts the refusal, and logs "refused peer=... client_id=... code=...
// message=..." with the number of refusals that were not logged since the last
// line. Thread-safe.
void NoteRefusal(absl::string_view peer, absl::string_view client_id,
                 const CallStatus& status, EdgeCounters* counters);

}  // namespace rmq

#endif  // BROKER_SERVICE_REFUSAL_LOG_H_
