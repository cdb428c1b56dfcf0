// What was refused or passed over: counted, and one line of the log, at most
// one of each a second.
#ifndef BROKER_SERVICE_REFUSAL_LOG_H_
#define BROKER_SERVICE_REFUSAL_LOG_H_

#include "absl/strings/string_view.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/service/edge_counters.h"
#include "common/response_code.h"

namespace rmq {

// Counts the refusal, and logs "refused peer=... client_id=... code=...
// message=..." with the number of refusals that were not logged since the last
// line. Thread-safe.
void NoteRefusal(absl::string_view peer, absl::string_view client_id,
                 const CallStatus& status, EdgeCounters* counters);

// Counts a group of a heartbeat that was passed over, and if that is news logs
// "skipped kind=... group=... client_id=... reason=... message=..." with the
// number of groups that were not logged since the last line. Thread-safe.
void NoteSkippedGroup(absl::string_view client_id,
                      const PassedOverGroup& skipped, EdgeCounters* counters);

}  // namespace rmq

#endif  // BROKER_SERVICE_REFUSAL_LOG_H_
