// The one gate that every call and every frame passes.
#ifndef COMMON_RPC_SERVER_GATE_H_
#define COMMON_RPC_SERVER_GATE_H_

#include <atomic>
#include <functional>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/response_code.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/refusal_log.h"

namespace rmq {

// Asks the Authorizer, turns calls away while the server drains, and counts and
// logs outcomes. The MethodTable leads every unary call through the gate; the
// reader of a stream leads every frame through it. Thread-safe.
//
// A server drains at two levels. While clients are turned away, operators'
// calls pass: one of them may let clients in again. When the server goes down,
// all calls are turned away. Frames pass at both levels: clients that are there
// go on until their streams end.
class Gate {
 public:
  // Whether clients are let in at that time: OK, or how they are turned away.
  using ClientCheck = std::function<CallStatus(absl::Time now)>;

  // `authorizer` is borrowed. `going_down` is the outcome of a call that comes
  // while the server goes down.
  Gate(Authorizer* authorizer, CallStatus going_down)
      : authorizer_(*authorizer), going_down_status_(std::move(going_down)) {}

  // Without a check all clients are let in. To be called before calls come.
  void set_client_check(ClientCheck check) { check_client_ = std::move(check); }

  // From now on the server goes down.
  void BeginGoingDown() { going_down_ = true; }

  // Whether a client's stream that opens at `now`, or its unary call, is let
  // in: OK, or its outcome.
  CallStatus CheckClient(absl::Time now) const {
    if (check_client_) {
      CallStatus status = check_client_(now);
      if (!status.ok()) return status;
    }
    return going_down_ ? going_down_status_ : CallStatus();
  }

  // Before a call that is no client's is handled: OK, or the outcome of the
  // call.
  CallStatus Enter(const CallContext& call, const CallResources& resources) {
    if (going_down_) return going_down_status_;
    return authorizer_.Check(call, resources);
  }
  // The same for a client's unary call.
  CallStatus EnterClient(const CallContext& call,
                         const CallResources& resources) {
    CallStatus status = CheckClient(call.now);
    if (!status.ok()) return status;
    return authorizer_.Check(call, resources);
  }
  // The same for a frame.
  CallStatus EnterFrame(const CallContext& frame,
                        const CallResources& resources) {
    return authorizer_.Check(frame, resources);
  }

  // After a call or frame of `method` was answered with `outcome`, whether or
  // not it was handled. `client_id` is empty if it is not known.
  static void Leave(MethodCounters& method, absl::string_view peer,
                    absl::string_view client_id, const CallStatus& outcome) {
    method.CountCall();
    if (!outcome.ok()) NoteRefusal(method, peer, client_id, outcome);
  }

 private:
  Authorizer& authorizer_;
  const CallStatus going_down_status_;
  ClientCheck check_client_;
  std::atomic<bool> going_down_{false};
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_GATE_H_
