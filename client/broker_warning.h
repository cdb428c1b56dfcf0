// Something that a broker wants the operator of a client to know.
#ifndef CLIENT_BROKER_WARNING_H_
#define CLIENT_BROKER_WARNING_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/broker_entry.h"

namespace rmq {

// The broker goes on serving the client. A value.
struct BrokerWarning {
  enum class Kind {
    // Of a later version of the broker: `message` says it all.
    kUnknown,
    // Another process uses this client id.
    kDuplicateClientId,
    // Most other members of `group` state another subscription or mode.
    kInconsistentSubscription,
  };

  BrokerEntry broker;
  Kind kind = Kind::kUnknown;
  // The consumer group; empty if the warning is about the client.
  std::string group;
  // The broker's words.
  std::string message;
  // The other clients that the warning is about; brokers name at most 10.
  std::vector<std::string> client_ids;
};

// "DUPLICATE_CLIENT_ID", ...
absl::string_view Name(BrokerWarning::Kind kind);

}  // namespace rmq

#endif  // CLIENT_BROKER_WARNING_H_
