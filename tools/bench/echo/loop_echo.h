// Connect answered on the broker's completion loop, with nothing behind it.
#ifndef TOOLS_BENCH_ECHO_LOOP_ECHO_H_
#define TOOLS_BENCH_ECHO_LOOP_ECHO_H_

#include "common/rpc/loop/loop_queues.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"
#include "tools/bench/echo/echo_answers.h"

namespace rmq::bench {

// Raw bytes, as the broker's own Connect has them.
using LoopEchoService =
    rocketmq::clientmanager::v1::ClientManager::WithRawMethod_Connect<
        rocketmq::clientmanager::v1::ClientManager::Service>;

// Waits on `loop` for as many streams at once as the broker does, and echoes
// on each one that comes: a read and a write a frame. Its events are to be run
// by RunCompletionLoop(). All is borrowed and outlives them.
void AcceptEchoStreams(LoopEchoService* service, ServerLoop* loop,
                       const EchoAnswers* answers);

}  // namespace rmq::bench

#endif  // TOOLS_BENCH_ECHO_LOOP_ECHO_H_
