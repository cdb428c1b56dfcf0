// The caller of a unary call.
#ifndef BROKER_FRONTS_CLIENTMANAGER_STAND_IN_CALLER_H_
#define BROKER_FRONTS_CLIENTMANAGER_STAND_IN_CALLER_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/caller.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "common/response_code.h"
#include "common/validation.h"

namespace rmq {

// Acts on the stand-in channel that the unary calls of a client id share, never
// on a stream of that client. All arguments are borrowed.
class StandInCaller final : public Caller {
 public:
  // `client_id` is the request's, of any form; empty if it names none.
  // `remote_address` is that of the call.
  StandInCaller(absl::string_view client_id, absl::string_view remote_address,
                const Limits& limits, ClientTable* table)
      : client_id_(client_id),
        remote_address_(remote_address),
        limits_(limits),
        table_(*table) {}

  ClientChannel* channel() override;
  absl::string_view client_id() const override { return client_id_; }
  CallStatus CheckClientId(absl::string_view client_id) const override;
  CallStatus CheckBind(absl::string_view /*client_id*/) const override {
    return {};
  }
  // Finds the stand-in again, or opens another one, each time it is called: a
  // stand-in may expire between two calls.
  CallStatus Bind(absl::string_view client_id, absl::string_view principal,
                  absl::Time now) override;

 private:
  const absl::string_view client_id_;
  const absl::string_view remote_address_;
  const Limits& limits_;
  ClientTable& table_;
  ClientChannelPtr channel_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_STAND_IN_CALLER_H_
