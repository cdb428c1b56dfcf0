#include "client/watch/watched_event.h"

namespace rmq {

// No default case: the compiler names a value that is left out.
absl::string_view Name(WatchedEvent::Type type) {
  switch (type) {
    case WatchedEvent::Type::kUnknown: return "UNKNOWN";
    case WatchedEvent::Type::kClientRegister: return "CLIENT_REGISTER";
    case WatchedEvent::Type::kClientUnregister: return "CLIENT_UNREGISTER";
    case WatchedEvent::Type::kRegister: return "REGISTER";
    case WatchedEvent::Type::kUnregister: return "UNREGISTER";
    case WatchedEvent::Type::kDuplicateClientId: return "DUPLICATE_CLIENT_ID";
    case WatchedEvent::Type::kSubscriptionsInconsistent:
      return "SUBSCRIPTIONS_INCONSISTENT";
    case WatchedEvent::Type::kSubscriptionsConsistent:
      return "SUBSCRIPTIONS_CONSISTENT";
  }
  return "?";
}

}  // namespace rmq
