// What a broker is and how it was set up, as operators are told.
#ifndef BROKER_FRONTS_ADMIN_BROKER_FACTS_H_
#define BROKER_FRONTS_ADMIN_BROKER_FACTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/fronts/auth_options.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registrar/registration_state.h"
#include "common/rpc/server/transport_kind.h"

namespace rmq {

// An address that the broker listens on, with the port that was chosen.
struct ServedAddressFacts {
  std::string address;
  TransportKind kind = TransportKind::kPlaintext;
  // Other machines may reach it.
  bool is_remote = false;
  bool is_for_operators = false;
};

// A value. The functions are called by any thread, while the broker serves.
struct BrokerFacts {
  std::string cluster;
  std::string broker_name;
  uint64_t broker_id = 0;
  std::string version;
  // By the broker's clock.
  absl::Time started = absl::InfinitePast();
  absl::Time settling_until = absl::InfinitePast();
  bool client_certificates_required = false;
  AuthMode auth = AuthMode::kOff;
  int64_t max_channels = 0;
  absl::Duration channel_expiry;
  absl::Duration min_channel_expiry;
  absl::Duration max_channel_expiry;
  std::function<std::vector<ServedAddressFacts>()> addresses = [] {
    return std::vector<ServedAddressFacts>();
  };
  // By the wall clock; none: there is no TLS.
  std::function<absl::optional<absl::Time>()> certificate_not_after = [] {
    return absl::optional<absl::Time>();
  };
  // The broker's entry in discovery; none: it does not register.
  std::function<absl::optional<RegistrationState>()> registration = [] {
    return absl::optional<RegistrationState>();
  };
  // How often groups of heartbeats were passed over, by reason; 0 included.
  std::function<std::vector<std::pair<SkipReason, int64_t>>()> passed_over =
      [] { return std::vector<std::pair<SkipReason, int64_t>>(); };
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_BROKER_FACTS_H_
