// What a broker says in the trailing metadata of a call that it ends. Nobody
// between client and broker sets it.
#ifndef COMMON_RPC_CHANNEL_CALL_TRAILERS_H_
#define COMMON_RPC_CHANNEL_CALL_TRAILERS_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"

namespace rmq {

// Why the broker ended the call, as "KICKED"; empty if it did not say. The text
// lives as long as `context`. Requires that the call has ended.
absl::string_view EndReasonTrailer(const grpc::ClientContext& context);

// Whether the broker gave one of RocketMQ's codes. Requires that the call has
// ended.
bool HasResponseCodeTrailer(const grpc::ClientContext& context);

// For how long the broker asks the client to stay away; zero if it did not say.
// Requires that the call has ended.
absl::Duration RetryAfterTrailer(const grpc::ClientContext& context);

// A longer time is taken for this one, so that no answer keeps a client away
// for ever.
inline constexpr absl::Duration kMaxRetryAfter = absl::Hours(24);

// The time that `text` says in milliseconds. Zero if it is no positive number.
absl::Duration ParseRetryAfter(absl::string_view text);

}  // namespace rmq

#endif  // COMMON_RPC_CHANNEL_CALL_TRAILERS_H_
