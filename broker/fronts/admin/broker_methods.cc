#include "broker/fronts/admin/broker_methods.h"

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/fronts/proto_time.h"
#include "broker/registrar/registration_state.h"

namespace rmq {
namespace {

using Response = pb::GetBrokerResponse;

pb::ServedAddress::Security SecurityOf(TransportKind kind) {
  switch (kind) {
    case TransportKind::kPlaintext: break;
    case TransportKind::kTls: return pb::ServedAddress::SECURITY_TLS;
    case TransportKind::kLocal: return pb::ServedAddress::SECURITY_LOCAL;
  }
  return pb::ServedAddress::SECURITY_PLAINTEXT;
}

Response::AuthMode AuthOf(AuthMode mode) {
  switch (mode) {
    case AuthMode::kOff: break;
    case AuthMode::kLog: return Response::AUTH_MODE_LOG;
    case AuthMode::kOn: return Response::AUTH_MODE_ON;
  }
  return Response::AUTH_MODE_OFF;
}

Response::State StateOf(const Drain* drain) {
  if (drain == nullptr) return Response::STATE_SERVING;
  switch (drain->progress().state) {
    case DrainState::kServing: break;
    case DrainState::kDraining: return Response::STATE_DRAINING;
    case DrainState::kDrained: return Response::STATE_DRAINED;
  }
  return Response::STATE_SERVING;
}

pb::DiscoveryRegistration::State StateOf(const RegistrationState& state) {
  if (!state.is_wanted) {
    return state.is_registered ? pb::DiscoveryRegistration::STATE_WITHDRAWING
                               : pb::DiscoveryRegistration::STATE_WITHDRAWN;
  }
  if (state.is_registered) return pb::DiscoveryRegistration::STATE_REGISTERED;
  return state.holder.empty() ? pb::DiscoveryRegistration::STATE_NOT_REGISTERED
                              : pb::DiscoveryRegistration::STATE_NAME_IN_USE;
}

void FillRegistration(const RegistrationState& state,
                      pb::DiscoveryRegistration* registration) {
  registration->set_state(StateOf(state));
  if (state.since != absl::InfinitePast()) {
    FillTimestamp(state.since, registration->mutable_since());
  }
  registration->set_key(state.key);
  FillDuration(state.lease, registration->mutable_lease());
  registration->set_error(std::string(state.error.message()));
  registration->set_holder(state.holder);
  registration->set_registrations(state.puts);
  registration->set_failures(state.failures);
}

void FillCounts(const TableQueries::Counts& counts, Response* response) {
  response->set_channels(static_cast<int64_t>(counts.channels));
  response->set_refused_channels(counts.refusals.by_max_channels +
                                 counts.refusals.by_max_channels_per_address);
  response->set_consumer_groups(static_cast<int64_t>(counts.consumer_groups));
  response->set_producer_groups(static_cast<int64_t>(counts.producer_groups));
  response->set_duplicate_client_ids(
      static_cast<int64_t>(counts.duplicate_client_ids));
  response->set_inconsistent_groups(
      static_cast<int64_t>(counts.inconsistent_groups));
}

CallStatus GetBroker(const AdminCall& call,
                     const pb::GetBrokerRequest& /*request*/,
                     Response* response) {
  const BrokerFacts& facts = call.broker.facts;
  Clock& clock = call.broker.clock;
  const absl::Time now = clock.TimeNow();
  response->set_cluster(facts.cluster);
  response->set_broker_name(facts.broker_name);
  response->set_broker_id(facts.broker_id);
  response->set_broker_incarnation(call.broker.incarnation);
  response->set_version(facts.version);
  FillTimestamp(clock.ClockToWall(facts.started),
                response->mutable_started_at());
  FillTimestamp(clock.ClockToWall(now), response->mutable_now());
  response->set_state(StateOf(call.broker.drain));
  if (now < facts.settling_until) {
    FillTimestamp(clock.ClockToWall(facts.settling_until),
                  response->mutable_settling_until());
  }
  for (const ServedAddressFacts& served : facts.addresses()) {
    pb::ServedAddress* const address = response->add_addresses();
    address->set_address(served.address);
    address->set_security(SecurityOf(served.kind));
    address->set_is_remote(served.is_remote);
    address->set_is_for_operators(served.is_for_operators);
  }
  const absl::optional<absl::Time> not_after = facts.certificate_not_after();
  if (not_after.has_value()) {
    FillTimestamp(*not_after, response->mutable_certificate_not_after());
  }
  response->set_client_certificates_required(
      facts.client_certificates_required);
  response->set_auth(AuthOf(facts.auth));
  FillCounts(call.broker.table.counts(), response);
  response->set_max_channels(facts.max_channels);
  FillDuration(facts.channel_expiry, response->mutable_channel_expiry());
  FillDuration(facts.min_channel_expiry,
               response->mutable_min_channel_expiry());
  FillDuration(facts.max_channel_expiry,
               response->mutable_max_channel_expiry());
  for (const auto& [reason, times] : facts.passed_over()) {
    if (times == 0) continue;
    pb::PassedOverGroups* const groups = response->add_passed_over();
    groups->set_reason(static_cast<pb::SkippedGroup::Reason>(reason));
    groups->set_times(times);
  }
  const absl::optional<RegistrationState> registration = facts.registration();
  if (registration.has_value()) {
    FillRegistration(*registration, response->mutable_registration());
  }
  return {};
}

}  // namespace

AdminMethods BrokerMethods() { return {MethodOf(GetBroker)}; }

}  // namespace rmq
