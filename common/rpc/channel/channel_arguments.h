// How a client of brokers sets up its channels.
#ifndef COMMON_RPC_CHANNEL_CHANNEL_ARGUMENTS_H_
#define COMMON_RPC_CHANNEL_CHANNEL_ARGUMENTS_H_

#include "absl/time/time.h"
#include "grpcpp/support/channel_arguments.h"

namespace rmq {

// The arguments that all clients of brokers share: keepalive (keepalive.h), one
// connection a channel, no proxy, no retries. How long gRPC waits between two
// attempts to connect is for the caller to add.
grpc::ChannelArguments ClientChannelArguments();

// `duration` as an argument of gRPC in milliseconds: the most that an int can
// say if it is longer, which gRPC takes for an infinite time.
int ToMillisecondsArgument(absl::Duration duration);

}  // namespace rmq

#endif  // COMMON_RPC_CHANNEL_CHANNEL_ARGUMENTS_H_
