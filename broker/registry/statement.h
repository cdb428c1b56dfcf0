// What a client states in a full heartbeat, as the edge passes it to the core.
//
// Everything here is a view, valid for the call to which it is passed. The
// registry copies only what changed.
#ifndef BROKER_REGISTRY_STATEMENT_H_
#define BROKER_REGISTRY_STATEMENT_H_

#include <cstdint>
#include <limits>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/registry/labels.h"
#include "common/client_types.h"

namespace rmq {

// One topic of a consumer group. Reference: SubscriptionData.java.
struct SubscriptionStatement {
  absl::string_view topic;
  absl::string_view expression;
  // "TAG" or "SQL92", not checked by heartbeats; or kInferredExpressionType.
  absl::string_view expression_type;
  // The client's own number; a greater one replaces the group's subscription.
  int64_t sub_version = 0;
};

// Of a subscription that nobody has stated: the broker infers it of what a
// client asks, and does not know the expression. By its version it counts only
// where no member states the topic.
inline constexpr absl::string_view kInferredExpressionType = "INFERRED";
inline constexpr int64_t kInferredSubVersion =
    std::numeric_limits<int64_t>::min();

// One consumer group. Reference: ConsumerData.java.
struct ConsumerStatement {
  absl::string_view group;
  ConsumerModes modes;
  bool unit_mode = false;
  // No topic twice: the edge refuses it.
  absl::Span<const SubscriptionStatement> subscriptions;
  // Why the client's principal may not be in the group, in words; empty: it
  // may. The group is passed over, and the channel leaves it.
  absl::string_view refusal = {};
};

// Who acts as a client. A client id belongs to the principal that holds it
// while a channel of it lives.
struct ClientPrincipal {
  // Empty: anonymous; all anonymous callers are one principal.
  absl::string_view name;
  // Rules are only tried out: it may act as each client, and holds its id then.
  bool is_trial = false;

  // Who pays for what the client takes; empty: its address does.
  absl::string_view pays_as() const {
    return is_trial ? absl::string_view() : name;
  }
};

// One full heartbeat. Reference: HeartbeatData.java.
struct HeartbeatStatement {
  absl::string_view client_id;
  // Distinguishes a process from an older one of the same client id; 0 if the
  // client did not say.
  uint64_t incarnation = 0;
  // Rises with each stream that the process opens; 0 if the client did not say.
  uint64_t stream_number = 0;
  LanguageCode language = LanguageCode::kUnspecified;
  int32_t version = 0;
  // The channel expiry that the client asks for; zero if it asks for none.
  absl::Duration requested_channel_expiry = absl::ZeroDuration();
  // In the order of their keys, each of which is there once.
  absl::Span<const StatedLabel> labels;
  // No group twice in either.
  absl::Span<const absl::string_view> producer_groups;
  absl::Span<const ConsumerStatement> consumers;
  ClientPrincipal principal = {};
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_STATEMENT_H_
