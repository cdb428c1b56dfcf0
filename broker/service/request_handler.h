// Every request of the ClientManager service, whether it came as a unary call
// or as a frame: the gate, form and limits, then the processor, then the
// answer.
//
// Knows messages, but no gRPC call: a stream and a unary call differ only in
// the channel they bring.
#ifndef BROKER_SERVICE_REQUEST_HANDLER_H_
#define BROKER_SERVICE_REQUEST_HANDLER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "broker/service/authorizer.h"
#include "broker/service/edge_counters.h"
#include "broker/service/wire.h"
#include "common/response_code.h"
#include "common/validation.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// Which broker answers.
struct BrokerIdentity {
  std::string cluster = "DefaultCluster";
  std::string broker_name = "broker-a";
  // 0 is the master.
  uint64_t broker_id = 0;
  // Drawn at start, not 0.
  uint64_t incarnation = 1;
};

// The heartbeat interval that clients are told is the channel expiry over this.
inline constexpr int kIntervalsPerExpiry = 4;

// Thread-safe. What it is given is borrowed and outlives it.
class RequestHandler {
 public:
  // Until `settled_at` the broker is settling: members may not have come back
  // since its start, and who asks for a group's members is told so.
  RequestHandler(const BrokerIdentity& identity, const Limits& limits,
                 absl::Time settled_at, ClientTable* table,
                 ClientManageProcessor* processor, Authorizer* authorizer,
                 EdgeCounters* counters)
      : identity_(identity),
        limits_(limits),
        settled_at_(settled_at),
        table_(*table),
        processor_(*processor),
        authorizer_(*authorizer),
        counters_(*counters) {}

  // --- Unary calls: on the stand-in of the request's client id ---
  // `peer` is "host:port".

  CallStatus Heartbeat(absl::string_view peer, absl::Time now,
                       const pb::HeartbeatRequest& request,
                       pb::HeartbeatResponse* response);
  CallStatus UnregisterClient(absl::string_view peer, absl::Time now,
                              const pb::UnregisterClientRequest& request,
                              pb::UnregisterClientResponse* response);
  CallStatus CheckClientConfig(absl::string_view peer, absl::Time now,
                               const pb::CheckClientConfigRequest& request,
                               pb::CheckClientConfigResponse* response);
  CallStatus GetConsumerListByGroup(
      absl::string_view peer, absl::Time now,
      const pb::GetConsumerListByGroupRequest& request,
      pb::GetConsumerListByGroupResponse* response);

  // --- Frames of a stream ---

  // The push that the consumer ids of `group` changed, written at `now`.
  void FillPush(const std::string& group, absl::Time now,
                pb::NotifyConsumerIdsChanged* push) const;

  // The client id of a stream, fixed by its first full heartbeat of good form.
  struct StreamClient {
    std::string client_id;
    // Of the last heartbeat's bytes, and of what must not change if they are to
    // change nothing when they come again; 0: it cannot be repeated.
    uint64_t last_heartbeat = 0;
    bool last_was_light = false;
    // There was no room for the channel.
    bool is_turned_away = false;
    bool is_bound() const { return !client_id.empty(); }
  };

  // Answers a frame, given as its bytes, that repeats the stream's last
  // heartbeat where that would change nothing: renews the channel and fills all
  // of `reply`. Otherwise false, and nothing was done: HandleFrame() is next.
  // The gate is not asked again, as for any light heartbeat. Differs: a full
  // heartbeat is read each time in Java, and by its second version's
  // fingerprint only where the client makes one.
  bool HandleRepeatedHeartbeat(ClientChannel& channel, absl::string_view bytes,
                               absl::Time now, const StreamClient& client,
                               pb::Reply* reply);

  // Answers one frame of `channel`: fills all of `reply`. One call at a time
  // for a stream; frames in their order. `bytes` are what `frame` was parsed
  // from; they may be left out, then it cannot be repeated. The first full
  // heartbeat of good form opens the channel in the table, and binds `client`.
  // An error, without a reply, if there is no room for the channel: the stream
  // must end so.
  CallStatus HandleFrame(ClientChannel& channel, absl::string_view peer,
                         const pb::ClientFrame& frame, absl::string_view bytes,
                         absl::Time now, StreamClient* client,
                         pb::Reply* reply);

 private:
  CallStatus Authorize(absl::string_view peer, absl::string_view call,
                       absl::string_view client_id,
                       absl::Span<const absl::string_view> groups);
  CallStatus UnaryHeartbeat(absl::string_view peer, absl::Time now,
                            const pb::HeartbeatRequest& request,
                            pb::HeartbeatResponse* response);
  CallStatus AuthorizeHeartbeat(absl::string_view peer,
                                const pb::HeartbeatRequest& request,
                                absl::string_view client_id);
  CallStatus AuthorizeUnregister(absl::string_view peer,
                                 const pb::UnregisterClientRequest& request,
                                 absl::string_view client_id);
  // A request of good form.
  void Unregister(ClientChannel& channel,
                  const pb::UnregisterClientRequest& request,
                  absl::string_view client_id, absl::Time now);

  // A frame whose request id and kind are good.
  CallStatus Dispatch(ClientChannel& channel, absl::string_view peer,
                      const pb::ClientFrame& frame, absl::Time now,
                      StreamClient* client, pb::Reply* reply);
  void CountHeartbeat(const pb::HeartbeatRequest& request,
                      const pb::HeartbeatResponse& response,
                      absl::StatusCode code);
  CallStatus HeartbeatFrame(ClientChannel& channel, absl::string_view peer,
                            const pb::HeartbeatRequest& request, absl::Time now,
                            StreamClient* client,
                            pb::HeartbeatResponse* response);
  CallStatus ApplyStatement(ClientChannel& channel,
                            const ParsedStatement& parsed,
                            absl::string_view client_id, absl::Time now,
                            pb::HeartbeatResponse* response);
  // After a heartbeat was answered: what HandleRepeatedHeartbeat() needs.
  static void Remember(const pb::HeartbeatRequest& request,
                       absl::string_view bytes, uint64_t changes,
                       const pb::Reply& reply, StreamClient* client);
  // All but the groups that were passed over.
  void FillFullAnswer(uint64_t statement_token,
                      pb::HeartbeatResponse* response) const;
  static CallStatus CheckStreamClientId(absl::string_view client_id,
                                        const StreamClient& client);
  CallStatus CheckForm(const pb::UnregisterClientRequest& request) const;
  CallStatus Check(const pb::CheckClientConfigRequest& request) const;
  // A request that has passed the gate.
  CallStatus ListConsumers(absl::Time now,
                           const pb::GetConsumerListByGroupRequest& request,
                           pb::GetConsumerListByGroupResponse* response);
  // Leaves `message`'s settling_until absent if the broker has settled.
  template <typename Message>
  void FillSettling(absl::Time now, Message* message) const {
    if (now < settled_at_) {
      FillDuration(settled_at_ - now, message->mutable_settling_until());
    }
  }

  const BrokerIdentity identity_;
  const Limits limits_;
  const absl::Time settled_at_;
  ClientTable& table_;
  ClientManageProcessor& processor_;
  Authorizer& authorizer_;
  EdgeCounters& counters_;
};

}  // namespace rmq

#endif  // BROKER_SERVICE_REQUEST_HANDLER_H_
