#include "broker/fronts/clientmanager/client_manager_front.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/response_code.h"
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
                                       Housekeeping* housekeeping, Drain* drain,
                                       ServerCalls* calls,
                                       IdentifiedStreams* identified,
                                       const DueListener& on_due)
    : drain_(*drain),
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
  sessions_.identified = identified;
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

bool ClientManagerFront::EndUnheardStreams(size_t max, absl::Time now) {
  for (size_t i = 0; i < max; ++i) {
    const CallStatus let_in = sessions_.stream.calls->gate.CheckClient(now);
    if (let_in.ok() || !unheard_streams_.EndFirst(let_in)) return false;
  }
  return true;
}

void ClientManagerFront::StopServing() {
  drain_.CloseAll(sessions_.stream.calls->clock.TimeNow());
}

}  // namespace rmq
