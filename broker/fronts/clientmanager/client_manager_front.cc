#include "broker/fronts/clientmanager/client_manager_front.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/fronts/end_status.h"
#include "broker/housekeeping/drain.h"
#include "broker/registry/client_event.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server_context.h"

namespace rmq {
namespace {

// Streams that wait for a client on each loop, so that a crowd of connecting
// clients does not wait for one stream to be set up after the other.
constexpr int kWaitingStreams = 16;

}  // namespace

ClientManagerFront::ClientManagerFront(const ClientBroker& broker,
                                       Housekeeping* housekeeping,
                                       ConsumerIdsNotifier* notifier,
                                       ServerCalls* calls,
                                       const DueListener& on_due)
    : table_(broker.table),
      notifier_(*notifier),
      handler_(broker),
      unheard_streams_(
          {WaitsFor::kFirstMessage, ServerCalls::kFirstMessageLimit,
           ServerCalls::kMostAwaitingCalls},
          on_due) {
  ServerStream::Environment& stream = sessions_.stream;
  stream.request = [this](grpc::ServerContext* context,
                          grpc::GenericServerAsyncReaderWriter* call,
                          grpc::CompletionQueue* queue,
                          grpc::ServerCompletionQueue* announced_on,
                          void* tag) {
    service_.RequestConnect(context, call, queue, announced_on, tag);
  };
  stream.accept_next = [this](ServerLoop* loop) {
    ConnectSession::Accept(&sessions_, loop);
  };
  stream.too_late =
      absl::StrCat("no full heartbeat came within ",
                   absl::FormatDuration(ServerCalls::kFirstMessageLimit),
                   " of the stream's opening");
  stream.awaiting = &unheard_streams_;
  stream.pushes = &broker.counters.pushes;
  stream.calls = calls;
  sessions_.handler = &handler_;
  sessions_.table = &broker.table;
  sessions_.housekeeping = housekeeping;
}

void ClientManagerFront::AddMethods(MethodTable* methods) {
  handler_.AddMethods(methods);
  sessions_.stream.method = handler_.connect().counters;
}

void ClientManagerFront::AcceptStreams(ServerLoop* loop) {
  for (int i = 0; i < kWaitingStreams; ++i) {
    ConnectSession::Accept(&sessions_, loop);
  }
}

void ClientManagerFront::StopServing() {
  Drain drain(&table_, &notifier_);
  while (unheard_streams_.EndFirst(EndStatus(RemovalReason::kDrained))) {
  }
  while (drain.CloseSome(sessions_.stream.calls->clock.TimeNow())) {
  }
}

}  // namespace rmq
