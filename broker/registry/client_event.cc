#include "broker/registry/client_event.h"

namespace rmq {

absl::string_view Name(GroupKind kind) {
  switch (kind) {
    case GroupKind::kProducer: return "producer";
    case GroupKind::kConsumer: return "consumer";
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
    case EventType::kDuplicateClientId: return "DUPLICATE_CLIENT_ID";
    case EventType::kSubscriptionsInconsistent:
      return "SUBSCRIPTIONS_INCONSISTENT";
    case EventType::kSubscriptionsConsistent: return "SUBSCRIPTIONS_CONSISTENT";
  }
  return "?";
}

}  // namespace rmq
