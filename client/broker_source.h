// Where the brokers of a client or a watcher come from, as its options say it.
#ifndef CLIENT_BROKER_SOURCE_H_
#define CLIENT_BROKER_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "client/broker_resolver.h"
#include "client/discovery/discovery_options.h"
#include "common/security/credentials.h"
#include "common/security/tls_options.h"

namespace rmq {

// A resolver, or the string that names its source. Null or empty: not given.
using BrokerResolverOption =
    absl::variant<std::shared_ptr<BrokerResolver>, std::string>;

bool IsGiven(const BrokerResolverOption& resolver);

// The options of a client or a watcher, whose names these are. Borrowed.
struct BrokerSourceOptions {
  const std::vector<std::string>& brokers;
  const BrokerResolverOption& resolver;
  const DiscoveryOptions& discovery;
  const absl::optional<TlsOptions>& tls;
  const absl::optional<Credentials>& credentials;
  bool allow_insecure_credentials;
};

// InvalidArgument, naming the field, the value and what is allowed, unless
// there are either brokers that validate or a resolver, and what goes to the
// brokers is secured as ValidateClientSecurity() asks.
absl::Status ValidateBrokerSource(const BrokerSourceOptions& options);

}  // namespace rmq

#endif  // CLIENT_BROKER_SOURCE_H_
