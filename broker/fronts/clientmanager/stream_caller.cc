#include "broker/fronts/clientmanager/stream_caller.h"

#include "absl/strings/str_cat.h"

namespace rmq {

CallStatus StreamCaller::CheckClientId(absl::string_view client_id) const {
  if (!client_.is_bound() || client_id.empty() ||
      client_id == client_.client_id) {
    return {};
  }
  return BadForm(absl::StrCat("client_id must be the stream's ",
                              Quoted(client_.client_id), " or absent, got ",
                              Quoted(client_id)));
}

CallStatus StreamCaller::CheckBind(absl::string_view client_id) const {
  if (client_.is_bound()) return {};
  return FromStatus(ValidateClientId("client_id", client_id, limits_));
}

CallStatus StreamCaller::Bind(absl::string_view client_id,
                              absl::string_view principal, absl::Time now) {
  if (client_.is_bound()) return {};
  CallStatus status = CheckBind(client_id);
  if (!status.ok()) return status;
  status = FromStatus(table_.Open(channel_.Reference(), now, principal));
  client_.is_turned_away = !status.ok();
  if (status.ok()) client_.client_id = std::string(client_id);
  return status;
}

}  // namespace rmq
