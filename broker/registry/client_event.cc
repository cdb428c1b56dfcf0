#include "broker/registry/client_event.h"

namespace rmq {

absl::string_view Name(GroupKind kind) {
  switch (kind) {
    case GroupKind::kProducer: return "producer";
    case GroupKind::kConsumer: return "consumer";
  }
  return "?";
}

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

absl::string_view Name(EventType type) {
  switch (type) {
    case EventType::kClientRegister: return "CLIENT_REGISTER";
    case EventType::kClientUnregister: return "CLIENT_UNREGISTER";
    case EventType::kChange: return "CHANGE";
    case EventType::kRegister: return "REGISTER";
    case EventType::kUnregister: return "UNREGISTER";
  }
  return "?";
}

}  // namespace rmq
