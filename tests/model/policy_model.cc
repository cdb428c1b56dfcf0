#include "tests/model/policy_model.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rmq::model {
namespace {

constexpr int32_t kReadAndWrite = 6;
constexpr int32_t kUnitSubscription = 2;

bool IsLegalGroup(const std::string& group) {
  return !group.empty() && group.size() <= 120 &&
         std::all_of(group.begin(), group.end(), [](unsigned char c) {
           return c < 128 && (std::isalnum(c) || c == '%' || c == '|' ||
                              c == '_' || c == '-');
         });
}

}  // namespace

PolicyModel::PolicyModel(PolicyOptions options)
    : options_(std::move(options)) {}

std::string PolicyModel::Admit(const StatedConsumer& stated) {
  if (options_.reject_pull_consumers &&
      stated.modes.consume_type == ConsumeType::kConsumeActively) {
    return "PULL_CONSUMER_REJECTED";
  }
  EnsureConfig(stated.group);
  const auto config = options_.groups.find(stated.group);
  if (config == options_.groups.end()) {
    return IsLegalGroup(stated.group) ? "NO_SUCH_GROUP" : "ILLEGAL_GROUP";
  }
  const bool is_ordered = std::any_of(
      stated.subscriptions.begin(), stated.subscriptions.end(),
      [&](const auto& subscription) {
        const auto topic = options_.topics.find(subscription.first);
        return topic != options_.topics.end() && topic->second.ordered;
      });
  const auto [retry, is_new] =
      options_.topics.try_emplace(absl::StrCat("%RETRY%", stated.group));
  if (is_new) {
    retry->second.read_queues = config->second.retry_queues;
    retry->second.write_queues = config->second.retry_queues;
    retry->second.perm = kReadAndWrite;
    retry->second.sys_flag = stated.unit_mode ? kUnitSubscription : 0;
  }
  retry->second.ordered = is_ordered;
  return "";
}

void PolicyModel::EnsureConfig(const std::string& group) {
  const bool may_be_made =
      IsLegalGroup(group) &&
      (options_.auto_create_groups || absl::StartsWith(group, "CID_RMQ_SYS_"));
  if (may_be_made) options_.groups.try_emplace(group);
}

bool PolicyModel::IsNotified(const std::string& group) const {
  const auto config = options_.groups.find(group);
  return config == options_.groups.end() ||
         config->second.notify_consumer_ids_changed;
}

}  // namespace rmq::model
