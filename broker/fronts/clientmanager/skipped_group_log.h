// Counts the groups of heartbeats that were passed over, and logs them, at most
// one line a second.
#ifndef BROKER_FRONTS_CLIENTMANAGER_SKIPPED_GROUP_LOG_H_
#define BROKER_FRONTS_CLIENTMANAGER_SKIPPED_GROUP_LOG_H_

#include "absl/strings/string_view.h"
#include "broker/fronts/edge_counters.h"
#include "broker/processor/client_manage_processor.h"

namespace rmq {

// Counts a group of a heartbeat that was passed over, and if that is news logs
// "skipped kind=... group=... client_id=... reason=... message=..." with the
// number of groups that were not logged since the last line. Thread-safe.
void NoteSkippedGroup(absl::string_view client_id,
                      const PassedOverGroup& skipped, EdgeCounters* counters);

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_SKIPPED_GROUP_LOG_H_
