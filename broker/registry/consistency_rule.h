// What is done about members of a consumer group that state different things.
#ifndef BROKER_REGISTRY_CONSISTENCY_RULE_H_
#define BROKER_REGISTRY_CONSISTENCY_RULE_H_

#include <cstdint>

#include "absl/time/time.h"

namespace rmq {

// A value.
struct ConsistencyRule {
  enum class Policy : uint8_t {
    // The group, and the members that differ from most others, are reported.
    kReport,
    // A statement that differs from that of most other members is not applied.
    kReject,
  };
  Policy policy = Policy::kReport;
  // How long members may differ before that is reported, as they do while
  // another version of a program is rolled out. Not negative.
  absl::Duration grace = absl::ZeroDuration();
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CONSISTENCY_RULE_H_
