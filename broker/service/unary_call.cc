#include "broker/service/unary_call.h"

#include "absl/strings/str_cat.h"
#include "broker/service/refusal_log.h"
#include "broker/service/wire.h"
#include "common/validation.h"
#include "grpcpp/support/status.h"

namespace rmq {

void UnaryCall::Wait(const Environment* environment,
                     grpc::ServerCompletionQueue* queue) {
  environment->live_calls->Wait();
  auto* const call = new UnaryCall(environment, queue);
  environment->request(&call->context_, &call->call_, queue,
                       static_cast<CompletionHandler*>(&call->accepted_tag_));
}

void UnaryCall::OnAccepted(bool ok) {
  if (!ok) {  // The server is shutting down.
    LiveCalls& live_calls = *environment_.live_calls;
    delete this;
    live_calls.Abandon();
    return;
  }
  Wait(&environment_, queue_);
  // Of a call that gRPC has cancelled it would be unknown.
  peer_ = PeerAddress(context_.peer());
  call_.Read(&request_, static_cast<CompletionHandler*>(&read_tag_));
}

void UnaryCall::OnRead(bool ok) {
  environment_.live_calls->Begin();
  grpc::ByteBuffer response;
  const CallStatus status = Answer(ok, &response);
  context_.AddTrailingMetadata(
      kResponseCodeMetadata,
      absl::StrCat(static_cast<int>(status.response_code)));
  void* const tag = static_cast<CompletionHandler*>(&finished_tag_);
  if (status.ok()) {
    call_.WriteAndFinish(response, grpc::WriteOptions(), grpc::Status::OK, tag);
  } else {
    // A method that is not there is none of ours: tools ask what there is.
    if (status.code != absl::StatusCode::kUnimplemented) {
      NoteRefusal(peer_, "", status, environment_.counters);
    }
    call_.Finish(ToGrpcStatus(status), tag);
  }
}

CallStatus UnaryCall::Answer(bool was_read, grpc::ByteBuffer* response) {
  const std::string& path =
      environment_.path.empty() ? context_.method() : environment_.path;
  const UnaryMethods::Answer* const answer = environment_.methods->Find(path);
  if (answer == nullptr) {
    return {absl::StatusCode::kUnimplemented,
            ResponseCode::kRequestCodeNotSupported,
            absl::StrCat("no such method: ", Quoted(path))};
  }
  if (!was_read) {
    return BadForm(
        "the call has no message that can be read: none, or one that is larger "
        "than gRPC reads");
  }
  if (request_.Length() > environment_.max_message_bytes) {
    return OverSize("message", request_.Length(),
                    environment_.max_message_bytes);
  }
  return (*answer)(peer_, &request_, response);
}

void UnaryCall::OnFinished(bool /*ok*/) {
  LiveCalls& live_calls = *environment_.live_calls;
  delete this;
  live_calls.End();
}

}  // namespace rmq
