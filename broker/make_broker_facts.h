// What a broker with these options says of itself.
#ifndef BROKER_MAKE_BROKER_FACTS_H_
#define BROKER_MAKE_BROKER_FACTS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/fronts/admin/broker_facts.h"
#include "broker/fronts/auth_options.h"
#include "broker/fronts/clientmanager/broker_identity.h"
#include "broker/fronts/edge_counters.h"
#include "broker/registrar/registration_state.h"
#include "broker/registry/table_options.h"
#include "broker/server/server_options.h"

namespace rmq {

// What changes while the broker runs. Any thread calls these.
struct BrokerFactSources {
  // The addresses with their ports, in the order of
  // ServerOptions::ListenAddresses(); those that are not listened on yet may be
  // left out.
  std::function<std::vector<std::string>()> listening;
  // See BrokerFacts.
  std::function<absl::optional<absl::Time>()> certificate_not_after;
  std::function<absl::optional<RegistrationState>()> registration;
};

// The options must validate. The broker starts at `started`, by its clock, and
// settles for `settle`. `passed_over` is borrowed, and outlives what is
// returned and its copies.
BrokerFacts MakeBrokerFacts(const BrokerIdentity& identity,
                            const ServerOptions& server,
                            const TableOptions& table, const AuthOptions& auth,
                            absl::Time started, absl::Duration settle,
                            const SkipCounters* passed_over,
                            BrokerFactSources sources);

}  // namespace rmq

#endif  // BROKER_MAKE_BROKER_FACTS_H_
