// The requests of clients: the unary methods of the ClientManager service, and
// the frames of its Connect streams.
#ifndef BROKER_FRONTS_CLIENTMANAGER_CLIENT_REQUEST_HANDLER_H_
#define BROKER_FRONTS_CLIENTMANAGER_CLIENT_REQUEST_HANDLER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/acknowledge.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/clientmanager/stream_caller.h"
#include "broker/registry/client_channel.h"
#include "common/response_code.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/method_table.h"
#include "google/protobuf/descriptor.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// Knows messages, but no gRPC call: a ConnectSession reads the frames. Each
// kind of request has one handler, for calls and for frames; see Caller.
//
// Thread-safe once the methods are added. The parts of the broker are borrowed,
// and outlive the handler.
class ClientRequestHandler {
 public:
  explicit ClientRequestHandler(const ClientBroker& broker);
  ClientRequestHandler(const ClientRequestHandler&) = delete;
  ClientRequestHandler& operator=(const ClientRequestHandler&) = delete;

  // Adds every method of the service. Called once. `table` must outlive the
  // frames; the handler must outlive the calls of `table`.
  void AddMethods(MethodTable* table);

  // The entry of the Connect method.
  const MethodTable::Method& connect() const { return *connect_; }

  // Answers a frame, given as its bytes, that repeats the stream's last
  // heartbeat: see AnswerRepeatedHeartbeat(). If it returns false, the caller
  // parses the frame and calls HandleFrame().
  bool HandleRepeatedHeartbeat(ClientChannel& channel, absl::string_view bytes,
                               absl::Time now, const StreamClient& client,
                               pb::Reply* reply) const;

  // Answers one frame of `channel`: leads the frame through the gate, fills all
  // of `reply`, and counts and logs the outcome. Frames of one stream come one
  // at a time, in their order. `stream` is the context of the Connect call at
  // the time of the frame. `frame` was parsed from `bytes`; if `bytes` is
  // empty, the next frame is not recognised as a repetition of this one. The
  // first full heartbeat of good form opens the channel in the table, and binds
  // `client`.
  //
  // Returns an error, and fills no reply, if the table has no room for the
  // channel: the stream must end with that error.
  CallStatus HandleFrame(const CallContext& stream, ClientChannel& channel,
                         const pb::ClientFrame& frame, absl::string_view bytes,
                         StreamClient* client, pb::Reply* reply) const;

  // Acknowledgments: see acknowledge.h. The session asks whether one may be
  // read, and then either has it handled or drops it.
  bool MayReadAcknowledgment(absl::string_view peer, absl::Time now,
                             StreamClient* client) const {
    return rmq::MayReadAcknowledgment(peer, now, client, &broker_.counters);
  }
  void DropAcknowledgment(absl::string_view peer, StreamClient* client) const {
    rmq::DropAcknowledgment(peer, client, &broker_.counters);
  }
  void HandleAcknowledgment(const CallContext& stream, ClientChannel& channel,
                            const pb::Acknowledge& request,
                            StreamClient* client) const {
    TakeAcknowledgment(broker_, gate_, stream, channel, request, client);
  }

  // When the broker has settled: see ClientBroker.
  absl::Time settled_at() const { return broker_.settled_at; }

 private:
  // A kind of frame: a field of ClientFrame's oneof.
  struct FrameKind {
    ClientRequest request;
    const google::protobuf::FieldDescriptor* request_field;
    const google::protobuf::FieldDescriptor* response_field;  // Of Reply.
    MethodCounters* counters;  // The method's; null before AddMethods().
  };

  // Returns null for a kind that this broker does not know.
  const FrameKind* KindOf(const pb::ClientFrame& frame) const;
  CallStatus Answer(const FrameKind& kind, const CallContext& stream,
                    ClientChannel& channel, const pb::ClientFrame& frame,
                    StreamClient* client, pb::Reply* reply) const;

  const ClientBroker broker_;
  std::vector<FrameKind> kinds_;
  // Pointers into `kinds_`, indexed by ClientFrame::RequestCase, so that a
  // look-up needs no hash.
  std::vector<FrameKind*> kind_of_case_;
  const MethodTable::Method* connect_ = nullptr;
  MethodCounters* heartbeats_ = nullptr;
  Gate* gate_ = nullptr;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_CLIENT_REQUEST_HANDLER_H_
