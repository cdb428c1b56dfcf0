// The one gate that every call and every frame passes.
#ifndef COMMON_RPC_SERVER_GATE_H_
#define COMMON_RPC_SERVER_GATE_H_

#include <atomic>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/response_code.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/refusal_log.h"

namespace rmq {

// Asks the Authorizer, turns unary calls away while the server drains, and
// counts and logs outcomes. The MethodTable leads every unary call through the
// gate; the reader of a stream leads every frame through it. Thread-safe.
class Gate {
 public:
  // `authorizer` is borrowed. `draining` is the outcome of a call that comes
  // while the server drains.
  Gate(Authorizer* authorizer, CallStatus draining)
      : authorizer_(*authorizer), draining_status_(std::move(draining)) {}

  // From now on the server drains. Frames still pass: the drain ends their
  // streams.
  void BeginDrain() { draining_ = true; }
  bool is_draining() const { return draining_; }

  // Before a unary call is handled: OK, or the outcome of the call.
  CallStatus Enter(const CallContext& call, const CallResources& resources) {
    if (draining_) return draining_status_;
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
  const CallStatus draining_status_;
  std::atomic<bool> draining_{false};
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_GATE_H_
