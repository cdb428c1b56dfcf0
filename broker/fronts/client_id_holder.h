// Whether a caller may act as a client, as far as others hold its id.
#ifndef BROKER_FRONTS_CLIENT_ID_HOLDER_H_
#define BROKER_FRONTS_CLIENT_ID_HOLDER_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/denial_log.h"
#include "broker/registry/client_table.h"
#include "broker/registry/statement.h"
#include "common/response_code.h"

namespace rmq {

// A call that acts as a client. Views, valid for the call.
struct ClientIdClaim {
  absl::string_view client_id;
  ClientPrincipal principal;
  // "host:port" of the caller.
  absl::string_view address;
  // "Heartbeat", or empty.
  absl::string_view method;
  absl::Time now;
};

// OK; or PERMISSION_DENIED with SYSTEM_ERROR, and a denial is counted and
// logged, if another user holds the client id. While rules are only tried out:
// OK, and the denial is counted and logged all the same. The registry looks
// once more when it changes something.
CallStatus CheckHolder(const ClientIdClaim& claim, const ClientTable& table,
                       DenialLog* denials);

// Counts and logs the denial, of a claim that the registry has refused.
void NoteOfAnother(const ClientIdClaim& claim, DenialLog* denials);

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENT_ID_HOLDER_H_
