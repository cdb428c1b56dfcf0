#include "broker/fronts/admin/admin_front.h"

namespace rmq {
namespace {

// The index of the method that is registered with gRPC.
constexpr int kRegistered = 0;

}  // namespace

AdminFront::Service::Service() {
  MarkMethodStreamed(kRegistered, nullptr);
  for (int i = 0; i < AdminServiceDescriptor().method_count(); ++i) {
    if (i != kRegistered) MarkMethodGeneric(i);
  }
}

void AdminFront::Service::RequestRegistered(
    grpc::ServerContext* context, grpc::GenericServerAsyncReaderWriter* call,
    grpc::ServerCompletionQueue* queue, void* tag) {
  RequestAsyncBidiStreaming(kRegistered, context, call, queue, queue, tag);
}

AdminFront::AdminFront(const AdminBroker& broker, ServerCalls* calls)
    : handler_(broker),
      registered_calls_{
          [this](grpc::GenericServerContext* context,
                 grpc::GenericServerAsyncReaderWriter* call,
                 grpc::ServerCompletionQueue* queue, void* tag) {
            service_.RequestRegistered(context, call, queue, tag);
          },
          MethodTable::PathOf(*AdminServiceDescriptor().method(kRegistered)),
          calls} {}

void AdminFront::AcceptStreams(ServerLoop* loop) {
  UnaryCall::Wait(&registered_calls_, loop->queue.get());
}

}  // namespace rmq
