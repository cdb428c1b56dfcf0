#include "client/broker_health.h"

namespace rmq {

// No default case: the compiler names a value that is left out.
absl::string_view Name(EndReason reason) {
  switch (reason) {
    case EndReason::kNone: return "NONE";
    case EndReason::kExpired: return "EXPIRED";
    case EndReason::kReplaced: return "REPLACED";
    case EndReason::kKicked: return "KICKED";
    case EndReason::kDrained: return "DRAINED";
  }
  return "?";
}

absl::string_view Name(BrokerState state) {
  switch (state) {
    case BrokerState::kIdle: return "IDLE";
    case BrokerState::kConnecting: return "CONNECTING";
    case BrokerState::kStating: return "STATING";
    case BrokerState::kOnline: return "ONLINE";
    case BrokerState::kPartial: return "PARTIAL";
    case BrokerState::kBackoff: return "BACKOFF";
    case BrokerState::kRefused: return "REFUSED";
    case BrokerState::kReserve: return "RESERVE";
    case BrokerState::kLeaving: return "LEAVING";
    case BrokerState::kReplaced: return "REPLACED";
    case BrokerState::kKicked: return "KICKED";
    case BrokerState::kStopped: return "STOPPED";
  }
  return "?";
}

bool IsOnline(BrokerState state) {
  return state == BrokerState::kOnline || state == BrokerState::kPartial;
}

}  // namespace rmq
