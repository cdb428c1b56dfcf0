#include "broker/fronts/admin/admin_front.h"

#include <utility>

#include "broker/fronts/end_status.h"
#include "common/member_change.h"
#include "google/protobuf/descriptor.h"

namespace rmq {
namespace {

// Calls of each streaming method that wait for a client on each loop.
constexpr int kWaitingStreams = 2;

}  // namespace

AdminFront::Service::Service() {
  for (int i = 0; i < AdminServiceDescriptor().method_count(); ++i) {
    if (AdminServiceDescriptor().method(i)->server_streaming()) {
      MarkMethodStreamed(i, nullptr);
    } else {
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

AdminFront::AdminFront(const AdminBroker& broker, ServerCalls* calls)
    : handler_(broker), calls_(*calls) {}

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
