#include "broker/make_broker_facts.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "broker/policy/passed_over_group.h"
#include "common/rpc/server/listen_address.h"
#include "common/security/server_tls_options.h"
#include "common/version.h"

namespace rmq {

BrokerFacts MakeBrokerFacts(const BrokerIdentity& identity,
                            const ServerOptions& server,
                            const TableOptions& table, const AuthOptions& auth,
                            absl::Time started, absl::Duration settle,
                            const SkipCounters* passed_over,
                            BrokerFactSources sources) {
  BrokerFacts facts;
  facts.cluster = identity.cluster;
  facts.broker_name = identity.broker_name;
  facts.broker_id = identity.broker_id;
  facts.version = kVersion;
  facts.started = started;
  facts.settling_until = started + settle;
  facts.client_certificates_required =
      server.tls.client_certificates == ClientCertificates::kRequired;
  facts.auth = auth.mode;
  facts.max_channels = static_cast<int64_t>(table.max_channels);
  facts.channel_expiry = table.channel_expiry;
  facts.min_channel_expiry = table.min_channel_expiry;
  facts.max_channel_expiry = table.max_channel_expiry;
  facts.certificate_not_after = std::move(sources.certificate_not_after);
  facts.registration = std::move(sources.registration);
  facts.addresses = [listening = std::move(sources.listening),
                     asked = *server.ListenAddresses()] {
    const std::vector<std::string> texts = listening();
    std::vector<ServedAddressFacts> served;
    for (size_t i = 0; i < std::min(texts.size(), asked.size()); ++i) {
      served.push_back({texts[i], asked[i].kind, !IsLoopback(asked[i]),
                        asked[i].is_for_operators});
    }
    return served;
  };
  facts.passed_over = [passed_over] {
    std::vector<std::pair<SkipReason, int64_t>> counts;
    passed_over->VisitAll([&counts](SkipReason reason, int64_t times) {
      counts.emplace_back(reason, times);
    });
    return counts;
  };
  return facts;
}

}  // namespace rmq
