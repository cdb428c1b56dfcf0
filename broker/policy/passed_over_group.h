// A group of a heartbeat that the broker passes over, and why.
#ifndef BROKER_POLICY_PASSED_OVER_GROUP_H_
#define BROKER_POLICY_PASSED_OVER_GROUP_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "broker/registry/client_event.h"

namespace rmq {

// Why a group of a statement is passed over. Numbers are those of
// SkippedGroup.Reason in the proto.
enum class SkipReason {
  kIllegalGroup = 1,
  kNoSuchGroup = 2,
  kPullConsumerRejected = 3,
  kProducerRejected = 4,
  kTooManyGroups = 5,
  kInconsistentSubscription = 6,
  kTooManyGroupsOfAddress = 7,
  kPermissionDenied = 8,
};

inline constexpr size_t kSkipReasons = 8;

absl::string_view Name(SkipReason reason);

// A group that was passed over while the rest of its heartbeat was applied.
// `group` is a view into the statement.
struct PassedOverGroup {
  absl::string_view group;
  GroupKind kind = GroupKind::kConsumer;
  SkipReason reason = SkipReason::kIllegalGroup;
  // SkippedGroups::Note() did not know it yet.
  bool is_news = false;
  // Of kInconsistentSubscription: what differs, in words. Of kPermissionDenied:
  // what the client may not do.
  std::string detail = {};
};

// The reason in words, with what an operator can do about it.
std::string Explain(const PassedOverGroup& skipped);

}  // namespace rmq

#endif  // BROKER_POLICY_PASSED_OVER_GROUP_H_
