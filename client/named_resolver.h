// Makes the resolver that options name by a string.
#ifndef CLIENT_NAMED_RESOLVER_H_
#define CLIENT_NAMED_RESOLVER_H_

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "client/broker_source.h"
#include "client/discovery/discovery_options.h"
#include "common/security/tls_options.h"

namespace rmq {

// Puts a resolver in the place of the string, if `resolver` is one; its source
// begins to be asked. What `tls` and `discovery` leave to the source is set:
// the name of the brokers' certificates, and which of a broker's addresses is
// taken. The options must validate (ValidateBrokerSource()).
//
// Errors: as MakeResolver().
absl::Status MakeNamedResolver(BrokerResolverOption* resolver,
                               absl::optional<TlsOptions>* tls,
                               DiscoveryOptions* discovery);

}  // namespace rmq

#endif  // CLIENT_NAMED_RESOLVER_H_
