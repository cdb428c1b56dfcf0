// How the broker tells a client that it ends its stream or call.
#ifndef BROKER_FRONTS_END_STATUS_H_
#define BROKER_FRONTS_END_STATUS_H_

#include "broker/registry/channel_end.h"
#include "common/response_code.h"

namespace rmq {

// The status of a stream, or of a call, that the broker ends.
CallStatus EndStatus(const ChannelEnd& end);

}  // namespace rmq

#endif  // BROKER_FRONTS_END_STATUS_H_
