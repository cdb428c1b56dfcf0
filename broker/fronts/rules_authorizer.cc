#include "broker/fronts/rules_authorizer.h"

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "broker/auth/principal.h"
#include "broker/config/auth_file.h"
#include "common/ip_range.h"
#include "common/loopback_host.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/transport_identity.h"
#include "common/security/mqv2_authorization.h"
#include "common/validation.h"

namespace rmq {
namespace {

CallStatus Denied(std::string message) {
  return {absl::StatusCode::kPermissionDenied, ResponseCode::kSystemError,
          std::move(message)};
}

DenialReason ReasonOf(const AccessVerdict& verdict) {
  switch (verdict.reason) {
    case AccessVerdict::Reason::kAnonymous: return DenialReason::kAnonymous;
    case AccessVerdict::Reason::kNoSuchUser: return DenialReason::kNoSuchUser;
    case AccessVerdict::Reason::kDisabled: return DenialReason::kDisabled;
    case AccessVerdict::Reason::kNoRule: return DenialReason::kNoRule;
    case AccessVerdict::Reason::kSuper:
    case AccessVerdict::Reason::kRule: break;
  }
  return DenialReason::kRule;
}

std::string NameOf(const AuthResource& resource) {
  return absl::StrCat(Name(resource.kind), ":", resource.name);
}

// Without those that a request leaves empty.
CallResources::Names Given(const CallResources::Names& names) {
  CallResources::Names given;
  for (const absl::string_view name : names) {
    if (!name.empty()) given.push_back(name);
  }
  return given;
}

// Whom a client says it is: its certificate's identity, else an access key.
// Empty: nobody.
std::string ClaimedBy(const CallerProof& proof) {
  const CertificateIdentities& certificate = proof.certificate;
  if (!certificate.spiffe_id.empty()) return std::string(certificate.spiffe_id);
  if (!certificate.dns_names.empty()) {
    return std::string(certificate.dns_names.front());
  }
  if (!certificate.common_name.empty()) {
    return std::string(certificate.common_name);
  }
  if (!proof.authorization.has_value()) return "";
  absl::StatusOr<Mqv2Authorization> authorization =
      ParseMqv2Authorization(*proof.authorization);
  return authorization.ok() ? std::move(authorization->access_key) : "";
}

std::string Caller(const Peer& peer) {
  return peer.principal.empty()
             ? "an anonymous client"
             : absl::StrCat("the user ", Quoted(peer.principal));
}

}  // namespace

RulesAuthorizer::RulesAuthorizer(const AuthOptions& options,
                                 std::string cluster, Clock* clock,
                                 DenialLog* denials)
    : options_(options),
      cluster_(std::move(cluster)),
      clock_(*clock),
      denials_(*denials) {}

absl::Status RulesAuthorizer::Load() {
  absl::StatusOr<AuthText> text = ReadAuthFile(options_.file);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::shared_ptr<const AuthRules>> rules =
      AuthRules::Create(text->config);
  if (!rules.ok()) return rules.status();
  SetRules(*std::move(rules));
  return absl::OkStatus();
}

void RulesAuthorizer::SetRules(std::shared_ptr<const AuthRules> rules) {
  MutexLock lock(&load_mu_);
  // Afterwards: who sees the number finds the rules.
  set_generation(rules_.Set(std::move(rules)));
}

CallStatus RulesAuthorizer::Identify(const CallOpening& opening,
                                     CallerIdentity* identity) {
  const TransportIdentity transport = ReadTransportIdentity(opening.call);
  const std::vector<absl::string_view> dns_names(transport.dns_names.begin(),
                                                 transport.dns_names.end());
  CallerProof proof;
  proof.certificate = {transport.spiffe_id, dns_names, transport.common_name};
  proof.authorization = opening.metadata.Find(kAuthorizationKey);
  proof.date_time = opening.metadata.Find(kMqv2DateTimeKey);
  return IdentifyBy(proof, transport.kind, opening.address, opening.now,
                    identity);
}

CallStatus RulesAuthorizer::IdentifyBy(const CallerProof& proof,
                                       TransportKind transport,
                                       absl::string_view address,
                                       absl::Time now,
                                       CallerIdentity* identity) {
  const CurrentRules::Ptr current = rules_.Get();
  const bool is_anew = identity->generation != 0;
  const std::string before = std::move(identity->user);
  *identity = {"", current->generation, options_.mode == AuthMode::kLog};
  const auto refuse = [&](DenialReason reason, std::string message) {
    if (is_anew) identity->user = before;
    Denial denial = {reason, before, "", "", address, ""};
    const std::string claimed = ClaimedBy(proof);
    denial.claimed = claimed;
    denial.why = message;
    Note(denial, now);
    return InMode({absl::StatusCode::kUnauthenticated,
                   ResponseCode::kSystemError, std::move(message)});
  };

  if (proof.authorization.has_value() &&
      transport == TransportKind::kPlaintext && !IsLoopbackAddress(address) &&
      !options_.allow_insecure) {
    return refuse(DenialReason::kInsecure,
                  "authorization must not be sent over a connection that is "
                  "not secured: whoever hears it may use it; connect by TLS");
  }
  const absl::StatusOr<Principal> found =
      Authenticate(*current->rules, proof,
                   is_anew ? absl::ZeroDuration() : options_.date_window,
                   clock_.ClockToWall(now));
  if (!found.ok()) {
    return refuse(DenialReason::kUnauthenticated,
                  std::string(found.status().message()));
  }
  if (is_anew && found->user != before) {
    return refuse(DenialReason::kUnauthenticated,
                  "by the rules that hold now the client is another user; "
                  "connect again");
  }
  if (found->is_anonymous() && options_.mode == AuthMode::kOn) {
    return refuse(DenialReason::kAnonymous,
                  "clients must say who they are here: by a certificate that "
                  "the broker's rules know, or by authorization");
  }
  identity->user = found->user;
  return {};
}

void RulesAuthorizer::Note(Denial denial, absl::Time now) {
  denial.is_trial = options_.mode == AuthMode::kLog;
  denials_.Note(denial, now);
}

CallStatus RulesAuthorizer::Check(const CallContext& call,
                                  const CallResources& resources) {
  const CurrentRules::Ptr current = rules_.Get();
  const absl::optional<MethodAccess> access = AccessOf(call.method.full_name());
  if (!access.has_value()) {
    return InMode(Denied(
        absl::StrCat("no rule can allow ", call.method.full_name(), " yet")));
  }
  if (resources.consumers_are_asked_apart) {  // A heartbeat.
    return InMode(CheckPatterns(*current->rules, call, resources.client_id,
                                "producer group",
                                Given(resources.producer_groups)));
  }
  // A client of RocketMQ 5's protocol holds its id by whatever it calls.
  if (!resources.client_id.empty() &&
      call.method.service()->full_name() ==
          "apache.rocketmq.v2.MessagingService") {
    CallStatus status =
        CheckPatterns(*current->rules, call, resources.client_id,
                      "consumer group", Given(resources.groups));
    if (!status.ok()) return InMode(std::move(status));
  }
  return InMode(CheckAll(*current->rules, call,
                         RequiredBy(*access, cluster_, Given(resources.groups),
                                    Given(resources.topics))));
}

CallStatus RulesAuthorizer::CheckPatterns(
    const AuthRules& rules, const CallContext& call,
    absl::string_view client_id, absl::string_view what,
    absl::Span<const absl::string_view> groups) {
  const absl::string_view user = call.peer.principal;
  if (!client_id.empty() && !rules.MayHaveClientId(user, client_id)) {
    return NotFitting(call, ResourceKind::kCluster, "client id", client_id);
  }
  for (const absl::string_view group : groups) {
    if (rules.MayHaveGroup(user, group)) continue;
    return NotFitting(call, ResourceKind::kGroup, what, group);
  }
  return {};
}

CallStatus RulesAuthorizer::CheckConsumer(
    const CallContext& call, absl::string_view group,
    absl::Span<const absl::string_view> topics) {
  const CurrentRules::Ptr current = rules_.Get();
  if (!current->rules->MayHaveGroup(call.peer.principal, group)) {
    return InMode(
        NotFitting(call, ResourceKind::kGroup, "consumer group", group));
  }
  const MethodAccess access = {MethodAccess::Of::kNamed, {AuthAction::kSub}};
  return InMode(CheckAll(*current->rules, call,
                         RequiredBy(access, cluster_, {&group, 1}, topics)));
}

CallStatus RulesAuthorizer::CheckAll(
    const AuthRules& rules, const CallContext& call,
    absl::Span<const RequiredAccess> required) {
  if (required.empty()) return {};
  const absl::optional<IpAddress> source = IpAddress::OfPeer(call.peer.address);
  for (const RequiredAccess& one : required) {
    const AccessVerdict verdict =
        rules.Check({call.peer.principal, one.resource, one.actions, source});
    if (verdict.is_allowed) continue;
    Note({ReasonOf(verdict), call.peer.principal, NameOf(one.resource),
          Names(one.actions), call.peer.address, call.method.name()},
         call.now);
    return Denied(absl::StrCat(Caller(call.peer), " may not ",
                               Names(one.actions), " ", NameOf(one.resource)));
  }
  return {};
}

CallStatus RulesAuthorizer::NotFitting(const CallContext& call,
                                       ResourceKind kind,
                                       absl::string_view what,
                                       absl::string_view name) {
  Note({call.peer.principal.empty() ? DenialReason::kAnonymous
                                    : DenialReason::kPattern,
        call.peer.principal,
        kind == ResourceKind::kGroup ? NameOf({kind, name}) : std::string(name),
        "", call.peer.address, call.method.name()},
       call.now);
  return Denied(absl::StrCat(Caller(call.peer), " may not have the ", what, " ",
                             Quoted(name),
                             ": it does not fit the pattern of the broker's "
                             "rules"));
}

CallStatus RulesAuthorizer::InMode(CallStatus status) const {
  return options_.mode == AuthMode::kLog ? CallStatus() : std::move(status);
}

}  // namespace rmq
