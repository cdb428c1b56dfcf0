// The settings of the sources of brokers.
#ifndef CLIENT_DISCOVERY_DISCOVERY_OPTIONS_H_
#define CLIENT_DISCOVERY_DISCOVERY_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/security/tls_options.h"

namespace rmq {

// A value. Each source reads the fields that begin with its name.
struct DiscoveryOptions {
  // How often a file is read: at least 100 ms.
  absl::Duration file_interval = absl::Seconds(1);

  // How often a name is looked up: each pause is drawn evenly from half of this
  // to all of it, so that clients do not ask in step. At least 100 ms. (How
  // long an answer may be kept, DNS tells to the system's resolver alone.)
  absl::Duration dns_interval = absl::Seconds(30);
  // After how long without an answer the status says so: at least 100 ms. The
  // answer is taken all the same if it comes.
  absl::Duration dns_timeout = absl::Seconds(5);

  // Where etcd is, "host:port" each: where the resolver's string does not say.
  std::vector<std::string> etcd_endpoints;
  // What the keys of all clusters begin with. As the broker's --etcd_prefix.
  std::string etcd_prefix = "/rocketmq-client-manager";
  // How connections to etcd are secured. Not given: in plain text.
  absl::optional<TlsOptions> etcd_tls;
  // Empty: etcd is not told who asks.
  std::string etcd_user;
  // The file with the user's password, readable by its owner alone.
  std::string etcd_password_file;
  // Which of a broker's addresses is taken: its first one with TLS, or without.
  // Not given, or if it has none so: its first one. (Where ClientOptions::
  // resolver is a string, as ClientOptions::tls is given or not.)
  absl::optional<bool> etcd_broker_tls;
  // BrokerResolver::UnlistedStay(), since brokers withdraw from etcd when they
  // begin to drain, and are gone from it when they are cut off from it, one or
  // all of them: up to 24 h, or InfiniteDuration, as long as they answer. 0:
  // clients leave at once.
  absl::Duration etcd_unlisted_stay = absl::InfiniteDuration();

  // InvalidArgument naming the field, the value and what is allowed. Reads no
  // file.
  absl::Status Validate() const;
};

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_DISCOVERY_OPTIONS_H_
