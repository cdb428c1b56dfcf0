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

// Asks the Authorizer who calls and whether he may, turns calls away while the
// server drains, and counts and logs outcomes. The MethodTable leads every
// unary call through the gate; the reader of a stream leads every frame through
// it. Thread-safe.
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

  // Finds out who has opened a call or a stream, unless `identity` is by the
  // rules that hold: then that is a comparison of two integers. An error is the
  // outcome of the call; a stream has to end with it.
  CallStatus Identify(const CallOpening& opening, CallerIdentity* identity) {
    if (authorizer_.generation() == identity->generation) return {};
    return authorizer_.Identify(opening, identity);
  }
  // Whether `identity` is by the rules that hold.
  bool IsIdentified(const CallerIdentity& identity) const {
    return authorizer_.generation() == identity.generation;
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
  // For a consumer group that a heartbeat, past the gate, states: OK, or why it
  // has to be passed over. Free if there are no rules: `topics_of` is called if
  // there are, and returns the topics of the group's subscriptions.
  template <typename TopicsOf>
  CallStatus CheckConsumer(const CallContext& heartbeat,
                           absl::string_view group, const TopicsOf& topics_of) {
    if (authorizer_.generation() == 0) return {};
    const CallResources::Names topics = topics_of();
    return authorizer_.CheckConsumer(heartbeat, group, topics);
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
