#include "client/named_resolver.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/variant.h"
#include "client/discovery/make_resolver.h"
#include "client/discovery/resolver_source.h"
#include "client/discovery/resolver_uri.h"

namespace rmq {

absl::Status MakeNamedResolver(BrokerResolverOption* resolver,
                               absl::optional<TlsOptions>* tls,
                               DiscoveryOptions* discovery) {
  const auto* const name = absl::get_if<std::string>(resolver);
  if (name == nullptr || name->empty()) return absl::OkStatus();
  const absl::StatusOr<ResolverUri> uri = ParseResolverUri(*name);
  if (!uri.ok()) return uri.status();
  if (tls->has_value() && (*tls)->server_name.empty()) {
    (*tls)->server_name = ServerNameOf(*uri);
  }
  if (!discovery->etcd_broker_tls.has_value()) {
    discovery->etcd_broker_tls = tls->has_value();
  }
  absl::StatusOr<std::shared_ptr<ResolverSource>> made =
      MakeResolver(*uri, *discovery);
  if (!made.ok()) return made.status();
  *resolver = *std::move(made);
  return absl::OkStatus();
}

}  // namespace rmq
