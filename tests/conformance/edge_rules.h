// The edge of this broker, as far as Java's requests meet it: which requests
// the edge refuses, and which fields of a subscription the wire has. The
// product's runner and the models apply the same rules.
#ifndef TESTS_CONFORMANCE_EDGE_RULES_H_
#define TESTS_CONFORMANCE_EDGE_RULES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// Whether the edge refuses the call for its form: Java throws a
// NullPointerException for it, the client id is empty, an enumeration does not
// have the value, or a group or topic is stated twice. The edge's checks of
// names and limits are not applied, since recordings show what the core does
// there.
bool IsRefusedByTheEdge(const Operation& operation);

// The subscription as the wire carries it. A missing type is TAG, and the sets
// of tags and codes are those that RocketMQ's clients derive from the
// expression. Reference: FilterAPI#buildSubscriptionData.
Subscription AsOnTheWire(const Subscription& subscription);

// Java's String#hashCode of UTF-8 text: over its UTF-16 code units.
int32_t JavaHash(absl::string_view text);

// Whether the heartbeat is a V2 heartbeat of RocketMQ's without subscriptions.
// It is played as a light heartbeat.
bool IsLight(const Heartbeat& body);

// What a client compares before it sends a light heartbeat: equal for two
// bodies with the same client id, groups and modes.
std::string StatementKey(const Heartbeat& body);

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_EDGE_RULES_H_
