#include "client/broker_warning.h"

namespace rmq {

// No default case: the compiler names a value that is left out.
absl::string_view Name(BrokerWarning::Kind kind) {
  switch (kind) {
    case BrokerWarning::Kind::kUnknown: return "UNKNOWN";
    case BrokerWarning::Kind::kDuplicateClientId: return "DUPLICATE_CLIENT_ID";
    case BrokerWarning::Kind::kInconsistentSubscription:
      return "INCONSISTENT_SUBSCRIPTION";
  }
  return "?";
}

}  // namespace rmq
