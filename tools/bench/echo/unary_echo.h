// Unary calls of any method answered on the broker's completion loop, with
// nothing behind it.
#ifndef TOOLS_BENCH_ECHO_UNARY_ECHO_H_
#define TOOLS_BENCH_ECHO_UNARY_ECHO_H_

#include "common/rpc/loop/loop_queues.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq::bench {

// What a broker answers to a heartbeat of RocketMQ 5's protocol.
grpc::ByteBuffer SdkHeartbeatAnswer();

// Waits on `loop` for as many calls at once as the broker does, reads the
// message of each and answers `answer`. All is borrowed and outlives the loop's
// events.
void AcceptEchoCalls(grpc::AsyncGenericService* service, ServerLoop* loop,
                     const grpc::ByteBuffer* answer);

}  // namespace rmq::bench

#endif  // TOOLS_BENCH_ECHO_UNARY_ECHO_H_
