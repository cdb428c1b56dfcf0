// One line of the log for what was refused, at most one a second.
#ifndef BROKER_SERVICE_REFUSAL_LOG_H_
#define BROKER_SERVICE_REFUSAL_LOG_H_

#include "absl/strings/string_view.h"
#include "common/response_code.h"

namespace rmq {

// "refused peer=... client_id=... code=... message=..." with the number of
// refusals that were not logged since the last line. Thread-safe.
void LogRefusal(absl::string_view peer, absl::string_view client_id,
                const CallStatus& status);

}  // namespace rmq

#endif  // BROKER_SERVICE_REFUSAL_LOG_H_
