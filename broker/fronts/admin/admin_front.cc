#include "broker/fronts/admin/admin_front.h"

#include <utility>

#include "broker/fronts/end_status.h"
#include "common/member_change.h"
#include "google/protobuf/descriptor.h"

namespace rmq {
namespace {

// The index of the unary method that is registered with gRPC.
constexpr int kRegistered = 0;
// Calls of each streaming method that wait for a client on each loop.
constexpr int kWaitingStreams = 2;

}  // namespace

AdminFront::Service::Service() {
  MarkMethodStreamed(kRegistered, nullptr);
  for (int i = 0; i < AdminServiceDescriptor().method_count(); ++i) {
    if (AdminServiceDescriptor().method(i)->server_streaming()) {
      MarkMethodStreamed(i, nullptr);
    } else if (i != kRegistered) {
      MarkMethodGeneric(i);
    }
  }
}

void AdminFront::Service::RequestStreaming(
    int method, grpc::ServerContext* context,
    grpc::GenericServerAsyncReaderWriter* call, grpc::CompletionQueue* queue,
    grpc::ServerCompletionQueue* announced_on, void* tag) {
  RequestAsyncBidiStreaming(method, context, call, queue, announced_on, tag);
}

void AdminFront::Service::RequestRegistered(
    grpc::ServerContext* context, grpc::GenericServerAsyncReaderWriter* call,
    grpc::ServerCompletionQueue* queue, void* tag) {
  RequestAsyncBidiStreaming(kRegistered, context, call, queue, queue, tag);
}

AdminFront::AdminFront(const AdminBroker& broker, ServerCalls* calls)
    : handler_(broker),
      calls_(*calls),
      registered_calls_{
          [this](grpc::GenericServerContext* context,
                 grpc::GenericServerAsyncReaderWriter* call,
                 grpc::ServerCompletionQueue* queue, void* tag) {
            service_.RequestRegistered(context, call, queue, tag);
          },
          MethodTable::PathOf(*AdminServiceDescriptor().method(kRegistered)),
          calls} {}

void AdminFront::AddMethods(MethodTable* methods) {
  handler_.AddMethods(methods);
  for (ResponsesMethod& method : handler_.StreamingMethods()) {
    auto request = [this,
                    index = method.descriptor.index()](auto... arguments) {
      service_.RequestStreaming(index, arguments...);
    };
    streams_.push_back(std::make_unique<ResponseStreams>(
        std::move(method), std::move(request), &calls_));
  }
}

void AdminFront::AcceptStreams(ServerLoop* loop) {
  UnaryCall::Wait(&registered_calls_, loop->queue.get());
  for (const auto& streams : streams_) {
    for (int i = 0; i < kWaitingStreams; ++i) streams->Accept(loop);
  }
}

void AdminFront::StopServing() {
  for (const auto& streams : streams_) {
    streams->Close(EndStatus(RemovalReason::kDrained));
  }
}

}  // namespace rmq
