// One unary call on a completion queue, from waiting for it to its end.
#ifndef BROKER_SERVICE_UNARY_CALL_H_
#define BROKER_SERVICE_UNARY_CALL_H_

#include <cstddef>
#include <functional>
#include <string>

#include "broker/service/completion_loop.h"
#include "broker/service/edge_counters.h"
#include "broker/service/live_calls.h"
#include "broker/service/unary_methods.h"
#include "common/response_code.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// Waits for a call, and when one comes waits for the next with a new UnaryCall,
// reads its message, answers, and deletes itself.
//
// It is a call of whichever method: gRPC gives each connection a table of the
// methods that are registered, 150 bytes for each of them, so that unary
// methods are not. Used by the queue's loop only.
class UnaryCall {
 public:
  // What all calls share; borrowed, outlives the queue's events.
  struct Environment {
    // Has gRPC wait for a call: AsyncGenericService::RequestCall(), or that of
    // a registered method.
    std::function<void(grpc::GenericServerContext*,
                       grpc::GenericServerAsyncReaderWriter*,
                       grpc::ServerCompletionQueue*, void* tag)>
        request;
    // The path of all calls; empty: each call's context knows it.
    std::string path;
    const UnaryMethods* methods;
    // Larger messages are refused.
    size_t max_message_bytes;
    EdgeCounters* counters;
    // Has each call, the waiting ones too, until its last event. Those that
    // have sent no message yet count as waiting.
    LiveCalls* live_calls;
  };

  static void Wait(const Environment* environment,
                   grpc::ServerCompletionQueue* queue);

 private:
  UnaryCall(const Environment* environment, grpc::ServerCompletionQueue* queue)
      : environment_(*environment), queue_(queue) {}

  void OnAccepted(bool ok);
  void OnRead(bool ok);
  void OnFinished(bool ok);

  // Fills `response`.
  CallStatus Answer(bool was_read, grpc::ByteBuffer* response);

  const Environment& environment_;
  grpc::ServerCompletionQueue* const queue_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter call_{&context_};
  // "host:port" of the client; constant once accepted.
  std::string peer_;
  grpc::ByteBuffer request_;
  CompletionTag<UnaryCall, &UnaryCall::OnAccepted> accepted_tag_{this};
  CompletionTag<UnaryCall, &UnaryCall::OnRead> read_tag_{this};
  CompletionTag<UnaryCall, &UnaryCall::OnFinished> finished_tag_{this};
};

}  // namespace rmq

#endif  // BROKER_SERVICE_UNARY_CALL_H_
