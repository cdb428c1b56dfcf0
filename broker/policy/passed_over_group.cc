#include "broker/policy/passed_over_group.h"

#include "absl/strings/str_cat.h"
#include "common/validation.h"

namespace rmq {

absl::string_view Name(SkipReason reason) {
  switch (reason) {
    case SkipReason::kIllegalGroup: return "ILLEGAL_GROUP";
    case SkipReason::kNoSuchGroup: return "NO_SUCH_GROUP";
    case SkipReason::kPullConsumerRejected: return "PULL_CONSUMER_REJECTED";
    case SkipReason::kProducerRejected: return "PRODUCER_REJECTED";
    case SkipReason::kTooManyGroups: return "TOO_MANY_GROUPS";
    case SkipReason::kInconsistentSubscription:
      return "INCONSISTENT_SUBSCRIPTION";
    case SkipReason::kTooManyGroupsOfAddress:
      return "TOO_MANY_GROUPS_OF_ADDRESS";
    case SkipReason::kPermissionDenied: return "PERMISSION_DENIED";
  }
  return "?";
}

std::string Explain(const PassedOverGroup& skipped) {
  const std::string group =
      absl::StrCat(Name(skipped.kind), " group ", Quoted(skipped.group));
  switch (skipped.reason) {
    case SkipReason::kIllegalGroup:
      return absl::StrCat(group,
                          " is not 1 to 120 letters, digits, '%', '|', "
                          "'_' and '-'");
    case SkipReason::kNoSuchGroup:
      return absl::StrCat(group,
                          " has no config, and this broker makes none "
                          "automatically");
    case SkipReason::kPullConsumerRejected:
      return absl::StrCat(group,
                          " consumes actively, which this broker rejects");
    case SkipReason::kProducerRejected:
      return absl::StrCat(group,
                          " is new, and this broker takes no new "
                          "producers");
    case SkipReason::kTooManyGroups:
      return absl::StrCat(group,
                          " is new, and this broker has made as many "
                          "configs as it may");
    case SkipReason::kInconsistentSubscription:
      return absl::StrCat(
          group,
          " rejects what differs from most other members, by its "
          "subscription_consistency",
          skipped.detail.empty() ? "" : ": ", skipped.detail);
    case SkipReason::kTooManyGroupsOfAddress:
      return absl::StrCat(group,
                          " is new, and this broker has made as many configs "
                          "for clients of this user or address as "
                          "max_auto_created_groups_per_address allows");
    case SkipReason::kPermissionDenied:
      return absl::StrCat(group, " is not for this client: ", skipped.detail);
  }
  return group;
}

}  // namespace rmq
