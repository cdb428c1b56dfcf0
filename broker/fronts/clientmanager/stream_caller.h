// The caller of a frame.
#ifndef BROKER_FRONTS_CLIENTMANAGER_STREAM_CALLER_H_
#define BROKER_FRONTS_CLIENTMANAGER_STREAM_CALLER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/caller.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "common/response_code.h"
#include "common/validation.h"

namespace rmq {

// What is kept of a stream's client from one frame to the next. Frames of a
// stream are handled one at a time.
struct StreamClient {
  // Set by the stream's first full heartbeat of good form, and not changed
  // afterwards.
  std::string client_id;
  // The rules by which the client was identified last: Peer::generation.
  uint64_t generation = 0;
  // The fingerprint of the last heartbeat's bytes; 0: a heartbeat of the same
  // bytes must be read again, as after a change of the rules. See
  // AnswerRepeatedHeartbeat().
  uint64_t last_heartbeat = 0;
  bool last_was_light = false;
  // As the last full heartbeat that was applied was told.
  absl::Duration channel_expiry = absl::ZeroDuration();
  // When the rate limit of acknowledgments is fully available again; see Rate.
  absl::Time acknowledgments_full_at = absl::InfinitePast();
  // An acknowledgment had no effect, and that was logged.
  bool has_bad_acknowledgment = false;
  // The first full heartbeat found no room for the channel: the stream must
  // end.
  bool is_turned_away = false;
  // Not OK: the stream must end with this after the reply, and its channel be
  // closed if it is not. Another process uses the client id, or an operator has
  // taken the client out, or the client may not be here.
  CallStatus end_after_reply;

  // Whether the stream is a channel in the table.
  bool is_bound() const { return !client_id.empty(); }
};

// Acts on the stream's own channel. All arguments are borrowed.
class StreamCaller final : public Caller {
 public:
  StreamCaller(ClientChannel* channel, StreamClient* client,
               const Limits& limits, ClientTable* table)
      : channel_(*channel), client_(*client), limits_(limits), table_(*table) {}

  ClientChannel* channel() override { return &channel_; }
  absl::string_view client_id() const override { return client_.client_id; }
  // A frame may leave the client id out.
  CallStatus CheckClientId(absl::string_view client_id) const override;
  CallStatus CheckBind(absl::string_view client_id) const override;
  CallStatus Bind(absl::string_view client_id, absl::string_view principal,
                  absl::Time now) override;

 private:
  ClientChannel& channel_;
  StreamClient& client_;
  const Limits& limits_;
  ClientTable& table_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_STREAM_CALLER_H_
