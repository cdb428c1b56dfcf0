// What becomes of Java's requests on their way to this broker's core: which
// ones the edge refuses, and what is left of a subscription on the wire. Model
// and runner play the edge by the same rules.
#ifndef TESTS_CONFORMANCE_EDGE_RULES_H_
#define TESTS_CONFORMANCE_EDGE_RULES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// Whether the call cannot be made of this broker, for its form: what Java
// throws a NullPointerException for, an empty client id, a value that no
// enumeration has, a group or a topic stated twice. (The edge's checks of names
// and limits are not played: the recordings show what the core does with them.)
bool IsRefusedByTheEdge(const Operation& operation);

// A subscription without what the wire does not have: no type is TAG, and the
// sets of tags and codes are those that RocketMQ's clients derive from the
// expression. Reference: FilterAPI#buildSubscriptionData.
Subscription AsOnTheWire(const Subscription& subscription);

// Java's String#hashCode of UTF-8 text: over its UTF-16 code units.
int32_t JavaHash(absl::string_view text);

// Whether the heartbeat is one of RocketMQ's V2 that leave the subscriptions
// out: it is played as a light heartbeat.
bool IsLight(const Heartbeat& body);

// What a client compares before it sends a light heartbeat: equal for two
// bodies with the same client id, groups and modes.
std::string StatementKey(const Heartbeat& body);

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_EDGE_RULES_H_
