#include "client/admin/streaming_call.h"

#include "grpc/support/time.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/async_stream.h"

namespace rmq {
namespace {

using google::protobuf::Message;

// One operation of the call at a time.
class Waiter {
 public:
  Waiter(grpc::ClientContext* context, absl::FunctionRef<bool()> goes_on)
      : context_(*context), goes_on_(goes_on) {}

  grpc::CompletionQueue* queue() { return &queue_; }

  // Whether the operation that was started has succeeded.
  bool Await() {
    void* tag;
    bool ok = false;
    while (true) {
      const gpr_timespec next_look = gpr_time_add(
          gpr_now(GPR_CLOCK_MONOTONIC),
          gpr_time_from_nanos(absl::ToInt64Nanoseconds(kGoesOnPeriod),
                              GPR_TIMESPAN));
      switch (queue_.AsyncNext(&tag, &ok, next_look)) {
        case grpc::CompletionQueue::GOT_EVENT: return ok;
        case grpc::CompletionQueue::SHUTDOWN: return false;
        case grpc::CompletionQueue::TIMEOUT: GoesOn(); break;
      }
    }
  }

  // Cancels the call if it is to end.
  bool GoesOn() {
    if (!cancelled_ && !goes_on_()) {
      cancelled_ = true;
      context_.TryCancel();
    }
    return !cancelled_;
  }

 private:
  grpc::ClientContext& context_;
  const absl::FunctionRef<bool()> goes_on_;
  bool cancelled_ = false;
  grpc::CompletionQueue queue_;
};

}  // namespace

grpc::Status CallStreaming(grpc::TemplatedGenericStub<Message, Message>* stub,
                           grpc::ClientContext* context,
                           const std::string& method, const Message& request,
                           Message* response,
                           absl::FunctionRef<void(const Message&)> on_response,
                           absl::FunctionRef<bool()> goes_on) {
  Waiter waiter(context, goes_on);
  const auto call = stub->PrepareCall(context, method, waiter.queue());
  call->StartCall(nullptr);
  bool ok = waiter.Await();
  if (ok) {
    call->WriteLast(request, grpc::WriteOptions(), nullptr);
    ok = waiter.Await();
  }
  while (ok) {
    call->Read(response, nullptr);
    ok = waiter.Await() && waiter.GoesOn();
    if (!ok) break;
    on_response(*response);
    ok = waiter.GoesOn();
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  waiter.Await();
  return waiter.GoesOn()
             ? status
             : grpc::Status(grpc::StatusCode::CANCELLED, "ended by the caller");
}

}  // namespace rmq
