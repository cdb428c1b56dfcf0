// The Authorizer of a broker with a file of rules.
#ifndef BROKER_FRONTS_RULES_AUTHORIZER_H_
#define BROKER_FRONTS_RULES_AUTHORIZER_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/auth/access.h"
#include "broker/auth/auth_rules.h"
#include "broker/auth/authenticate.h"
#include "broker/auth/current_rules.h"
#include "broker/auth/method_access.h"
#include "broker/fronts/auth_options.h"
#include "broker/fronts/denial_log.h"
#include "common/clock.h"
#include "common/response_code.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/transport_kind.h"

namespace rmq {

// Who calls is found by Authenticate(), and who may what by AuthRules, of which
// AccessOf() says what each method asks. Besides:
//
// - While the mode is kOn, who cannot say who he is is refused: there are no
//   anonymous callers.
// - A signature that comes over a connection from another machine which is not
//   secured is refused, unless the options allow it.
// - A stream whose certificate or signature stands for another user by new
//   rules is refused: its client id belongs to the first one.
// - Client ids and groups of heartbeats must fit the file's patterns.
//
// In the mode kLog nothing is refused, and callers are whom they can be found
// to be.
//
// Thread-safe. Calls read the rules by a shared pointer, and do not wait for
// Load().
class RulesAuthorizer final : public Authorizer {
 public:
  // `options.mode` is not kOff. `cluster`: what is asked for where a request
  // names no group. Borrows `clock` and `denials`.
  RulesAuthorizer(const AuthOptions& options, std::string cluster, Clock* clock,
                  DenialLog* denials);

  // Reads the file and has its rules hold from now on, by a new generation; or
  // returns an error, and the rules before still hold. To be called with
  // success before others use this object.
  absl::Status Load() ABSL_LOCKS_EXCLUDED(load_mu_);
  // The same with rules that were made otherwise.
  void SetRules(std::shared_ptr<const AuthRules> rules)
      ABSL_LOCKS_EXCLUDED(load_mu_);

  // Authorizer.
  CallStatus Identify(const CallOpening& opening,
                      CallerIdentity* identity) override;
  CallStatus Check(const CallContext& call,
                   const CallResources& resources) override;
  CallStatus CheckConsumer(const CallContext& call, absl::string_view group,
                           absl::Span<const absl::string_view> topics) override;

  // Identify(), of a client that shows `proof`.
  CallStatus IdentifyBy(const CallerProof& proof, TransportKind transport,
                        absl::string_view address, absl::Time now,
                        CallerIdentity* identity);

 private:
  // Counts and logs it.
  void Note(Denial denial, absl::Time now);
  // Whether the caller may do all of `required`: OK, or the first that it may
  // not. As in the mode kOn.
  CallStatus CheckAll(const AuthRules& rules, const CallContext& call,
                      absl::Span<const RequiredAccess> required);
  // Whether a client id (empty: none) and groups fit the patterns of the rules:
  // OK, or the first that does not. `what`: what kind of groups they are.
  CallStatus CheckPatterns(const AuthRules& rules, const CallContext& call,
                           absl::string_view client_id, absl::string_view what,
                           absl::Span<const absl::string_view> groups);
  CallStatus NotFitting(const CallContext& call, ResourceKind kind,
                        absl::string_view what, absl::string_view name);
  // `status`, unless rules are only tried out.
  CallStatus InMode(CallStatus status) const;

  const AuthOptions options_;
  const std::string cluster_;
  Clock& clock_;
  DenialLog& denials_;

  // Held while the rules are replaced.
  absl::Mutex load_mu_;
  CurrentRules rules_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_RULES_AUTHORIZER_H_
