// A resolver that tells how it fares: what it knows, and what keeps it from
// knowing better. make_resolver.h makes one from a string.
#ifndef CLIENT_DISCOVERY_RESOLVER_SOURCE_H_
#define CLIENT_DISCOVERY_RESOLVER_SOURCE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_resolver.h"

namespace rmq {

// A value. All times are the wall clock's.
struct ResolverStatus {
  // By what the list is learned: the resolver's string, as "dns:///a:10911".
  std::string source;
  // When the source last told the list that is present, whether or not it had
  // changed. InfinitePast: there is no list yet.
  absl::Time learned_at = absl::InfinitePast();
  // How many brokers the present list has.
  size_t brokers = 0;
  // OK: the list is what the source says. Else why it is not: the source is
  // away, or says what is no list. The last list is kept meanwhile.
  absl::Status error;
  // Since when there has been an error; InfiniteFuture: there is none.
  absl::Time error_since = absl::InfiniteFuture();
  // How many entries of the source are not in the list because this version
  // cannot read them. 0 for sources that have no such entries.
  size_t passed_over = 0;
};

// Learns a list of brokers from a source outside of this process. A source that
// is away, or tells nonsense, takes no broker from a client: the last list is
// kept, the status has the reason, and the log has a line when the source
// begins to fail, and one when it is well again.
//
// Thread-safety: as BrokerResolver.
// Ownership: the last owner ends the source's threads and waits for them, so a
//   listener must not be the last owner of its own resolver.
class ResolverSource : public BrokerResolver {
 public:
  // A snapshot. Does not block.
  virtual ResolverStatus Status() const = 0;
};

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_RESOLVER_SOURCE_H_
