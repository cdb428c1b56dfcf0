// How the broker tells a client that it ends its stream or call.
#ifndef BROKER_FRONTS_END_STATUS_H_
#define BROKER_FRONTS_END_STATUS_H_

#include "broker/registry/client_event.h"
#include "common/response_code.h"

namespace rmq {

// The status of a stream, or of a call, that the broker ends for `reason`.
CallStatus EndStatus(RemovalReason reason);

}  // namespace rmq

#endif  // BROKER_FRONTS_END_STATUS_H_
