#include "common/member_change.h"

namespace rmq {

absl::string_view Name(RemovalReason reason) {
  switch (reason) {
    case RemovalReason::kUnregistered: return "UNREGISTERED";
    case RemovalReason::kDisconnected: return "DISCONNECTED";
    case RemovalReason::kExpired: return "EXPIRED";
    case RemovalReason::kReplaced: return "REPLACED";
    case RemovalReason::kKicked: return "KICKED";
    case RemovalReason::kDrained: return "DRAINED";
  }
  return "?";
}

}  // namespace rmq
