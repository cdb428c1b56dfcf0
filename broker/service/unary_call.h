// One unary call on a completion queue, from waiting for it to its end.
#ifndef BROKER_SERVICE_UNARY_CALL_H_
#define BROKER_SERVICE_UNARY_CALL_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/service/completion_loop.h"
#include "broker/service/edge_counters.h"
#include "broker/service/live_calls.h"
#include "broker/service/refusal_log.h"
#include "broker/service/wire.h"
#include "common/response_code.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"

namespace rmq {

// Waits for a call, and when one comes waits for the next with a new UnaryCall,
// answers, and deletes itself.
template <typename Request, typename Response>
class UnaryCall {
 public:
  using Responder = grpc::ServerAsyncResponseWriter<Response>;
  struct Method {
    // The generated service's RequestX().
    std::function<void(grpc::ServerContext*, Request*, Responder*,
                       grpc::ServerCompletionQueue*, void* tag)>
        wait;
    EdgeCounters* counters;
    // Fills the response. `peer` is "host:port".
    std::function<CallStatus(absl::string_view peer, const Request&, Response*)>
        answer;
    // Has each call, the waiting ones too, until its last event.
    LiveCalls* live_calls;
  };

  // `method` and `queue` are borrowed and outlive the queue's events.
  static void Wait(const Method* method, grpc::ServerCompletionQueue* queue) {
    method->live_calls->Wait();
    UnaryCall* const call = new UnaryCall(method, queue);
    method->wait(&call->context_, &call->request_, &call->responder_, queue,
                 static_cast<CompletionHandler*>(&call->received_));
  }

 private:
  UnaryCall(const Method* method, grpc::ServerCompletionQueue* queue)
      : method_(*method), queue_(queue) {}

  void OnReceived(bool ok) {
    LiveCalls& live_calls = *method_.live_calls;
    if (!ok) {  // The server is shutting down.
      delete this;
      live_calls.Abandon();
      return;
    }
    Wait(&method_, queue_);
    live_calls.Begin();
    Response response;
    const std::string peer = PeerAddress(context_.peer());
    const CallStatus status = method_.answer(peer, request_, &response);
    context_.AddTrailingMetadata(
        kResponseCodeMetadata,
        absl::StrCat(static_cast<int>(status.response_code)));
    void* const tag = static_cast<CompletionHandler*>(&finished_);
    if (status.ok()) {
      responder_.Finish(response, grpc::Status::OK, tag);
    } else {
      NoteRefusal(peer, "", status, method_.counters);
      responder_.FinishWithError(ToGrpcStatus(status), tag);
    }
  }

  void OnFinished(bool) {
    LiveCalls& live_calls = *method_.live_calls;
    delete this;
    live_calls.End();
  }

  const Method& method_;
  grpc::ServerCompletionQueue* const queue_;
  grpc::ServerContext context_;
  Request request_;
  Responder responder_{&context_};
  CompletionTag<UnaryCall, &UnaryCall::OnReceived> received_{this};
  CompletionTag<UnaryCall, &UnaryCall::OnFinished> finished_{this};
};

}  // namespace rmq

#endif  // BROKER_SERVICE_UNARY_CALL_H_
