#include "broker/fronts/clientmanager/repeated_heartbeats.h"

#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "broker/fronts/clientmanager/fill_warnings.h"
#include "broker/fronts/clientmanager/frame_bytes.h"
#include "broker/fronts/clientmanager/heartbeat.h"
#include "broker/fronts/proto_time.h"

namespace rmq {
namespace {

// The fingerprint of a heartbeat's bytes, as of `changes`. 0 is unlikely, and
// does no harm.
uint64_t Fingerprint(absl::string_view heartbeat, uint64_t changes) {
  return absl::HashOf(heartbeat, changes);
}

}  // namespace

bool AnswerRepeatedHeartbeat(const ClientBroker& broker, ClientChannel& channel,
                             absl::string_view bytes, absl::Time now,
                             const StreamClient& client, pb::Reply* reply) {
  if (client.last_heartbeat == 0 || channel.attention()) return false;
  const absl::optional<HeartbeatBytes> found = FindHeartbeatBytes(bytes);
  if (!found.has_value() ||
      Fingerprint(found->heartbeat, broker.processor.statement_changes()) !=
          client.last_heartbeat) {
    return false;
  }
  const uint64_t token = channel.RenewRepeated(now);
  if (token == 0) return false;
  reply->Clear();
  reply->set_request_id(found->request_id);
  pb::HeartbeatResponse* const response = reply->mutable_heartbeat();
  if (!client.last_was_light) {
    FillFullAnswer(broker, token, client.generation, client.channel_expiry,
                   response);
    FillGroupEpochs(broker.table.GroupEpochs(channel), response);
    FillWarnings(broker.table.Warnings(channel), response);
  }
  (client.last_was_light ? broker.counters.light_heartbeats
                         : broker.counters.full_heartbeats)
      .Count(absl::StatusCode::kOk);
  return true;
}

void RememberHeartbeat(const pb::HeartbeatRequest& request,
                       absl::string_view bytes, uint64_t changes,
                       const pb::Reply& reply, StreamClient* client) {
  client->last_was_light = request.statement_token() != 0;
  if (reply.heartbeat().has_channel_expiry()) {
    client->channel_expiry = ToDuration(reply.heartbeat().channel_expiry());
  }
  // A full heartbeat without a token has to be read again: a group was passed
  // over.
  const bool has_settled =
      client->last_was_light
          ? reply.has_heartbeat() && !reply.heartbeat().full_statement_needed()
          : reply.heartbeat().statement_token() != 0;
  const absl::optional<HeartbeatBytes> found = FindHeartbeatBytes(bytes);
  client->last_heartbeat = has_settled && found.has_value()
                               ? Fingerprint(found->heartbeat, changes)
                               : 0;
}

}  // namespace rmq
