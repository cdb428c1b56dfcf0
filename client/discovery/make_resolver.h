// Makes a resolver of the string that names its source.
//
//   absl::StatusOr<std::shared_ptr<rmq::ResolverSource>> resolver =
//       rmq::MakeResolver("dns:///brokers.example.com:10911", {});
//   if (!resolver.ok()) return resolver.status();
//   options.resolver = *resolver;
//   ...
//   rmq::ResolverStatus status = (*resolver)->Status();
//
// ClientOptions::resolver takes the string itself where nobody asks for the
// status.
#ifndef CLIENT_DISCOVERY_MAKE_RESOLVER_H_
#define CLIENT_DISCOVERY_MAKE_RESOLVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/discovery/discovery_options.h"
#include "client/discovery/resolver_source.h"
#include "client/discovery/resolver_uri.h"

namespace rmq {

// Begins to ask the source. A file is read before this returns; who is asked
// over the network is not waited for. A source that is away is no error: the
// status tells of it, and the source is asked until it is there.
//
// InvalidArgument if `options` do not validate. Unimplemented for a source that
// this version does not have.
absl::StatusOr<std::shared_ptr<ResolverSource>> MakeResolver(
    const ResolverUri& uri, const DiscoveryOptions& options);
// The same; InvalidArgument also where ParseResolverUri() says it.
absl::StatusOr<std::shared_ptr<ResolverSource>> MakeResolver(
    absl::string_view uri, const DiscoveryOptions& options);

// Waits for the first list of `resolver`: for tools that ask once. Blocks for
// at most `timeout`, which must be positive.
//
// The error of the source if it has one that does not pass by itself (any but
// Unavailable and DeadlineExceeded), or still has one at the end; else
// DeadlineExceeded.
absl::StatusOr<std::vector<BrokerEntry>> AwaitBrokers(ResolverSource* resolver,
                                                      absl::Duration timeout);

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_MAKE_RESOLVER_H_
