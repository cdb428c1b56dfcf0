#include "broker/policy/topic_configs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/validation.h"

namespace rmq {
namespace {

// Reference: PermName.PERM_READ | PERM_WRITE; TopicSysFlag#buildSysFlag.
constexpr int32_t kReadAndWrite = 6;
constexpr int32_t kUnitSubscription = 2;

}  // namespace

std::vector<BadField> FindBadFields(const TopicConfig& config) {
  const std::string at = absl::StrCat("topic ", Quoted(config.topic));
  std::vector<BadField> bad;
  if (!IsLegalName(config.topic)) {
    bad.push_back(
        {"topic",
         absl::StrCat(
             at, ": topic must be letters, digits, '%', '|', '_' and '-'")});
  }
  for (const auto& [name, queues] :
       {std::make_pair("read_queue_nums", config.read_queue_nums),
        std::make_pair("write_queue_nums", config.write_queue_nums)}) {
    if (queues < 0) {
      bad.push_back(
          {name, absl::StrCat(at, ": ", name, " must not be negative, got ",
                              queues)});
    }
  }
  return bad;
}

TopicConfigs::TopicConfigs(const std::vector<TopicConfig>& configured) {
  for (const TopicConfig& config : configured) {
    configured_.emplace(config.topic, config);
    if (config.order) ordered_.insert(config.topic);
  }
}

const TopicConfig* TopicConfigs::Find(absl::string_view topic) const {
  const auto configured = configured_.find(topic);
  if (configured != configured_.end()) return &configured->second;
  const auto retry = retry_.find(topic);
  return retry == retry_.end() ? nullptr : retry->second.get();
}

bool TopicConfigs::HasOrdered(
    absl::Span<const SubscriptionStatement> subscriptions) const {
  return std::any_of(subscriptions.begin(), subscriptions.end(),
                     [this](const SubscriptionStatement& subscription) {
                       return IsOrdered(subscription.topic);
                     });
}

bool TopicConfigs::IsOrdered(absl::string_view topic) const {
  if (absl::StartsWith(topic, kRetryTopicPrefix)) {
    const auto retry = retry_.find(topic);
    if (retry != retry_.end()) return retry->second->order;
  }
  return ordered_.contains(topic);
}

TopicConfig& TopicConfigs::MakeRetryTopic(absl::string_view group,
                                          int32_t queue_nums, bool unit_mode) {
  auto owned = std::make_unique<TopicConfig>();
  TopicConfig& topic = *owned;
  topic.topic = absl::StrCat(kRetryTopicPrefix, group);
  const auto configured = configured_.find(topic.topic);
  if (configured != configured_.end()) {
    topic = configured->second;
  } else {
    topic.read_queue_nums = queue_nums;
    topic.write_queue_nums = queue_nums;
    topic.perm = kReadAndWrite;
    topic.topic_sys_flag = unit_mode ? kUnitSubscription : 0;
  }
  retry_.emplace(topic.topic, std::move(owned));
  return topic;
}

void TopicConfigs::RemoveRetryTopic(const TopicConfig& topic) {
  retry_.erase(retry_.find(topic.topic));
}

std::vector<TopicConfig> TopicConfigs::List(absl::string_view after,
                                            size_t max) const {
  std::vector<TopicConfig> listed;
  auto fixed = configured_.upper_bound(after);
  auto retry = retry_.upper_bound(after);
  while (listed.size() < max) {
    const bool has_fixed = fixed != configured_.end();
    const bool has_retry = retry != retry_.end();
    if (!has_fixed && !has_retry) break;
    if (has_fixed && (!has_retry || fixed->first < retry->first)) {
      listed.push_back(fixed->second);
      ++fixed;
    } else {
      // The retry topic has taken the place of a configured one.
      if (has_fixed && fixed->first == retry->first) ++fixed;
      listed.push_back(*retry->second);
      ++retry;
    }
  }
  return listed;
}

}  // namespace rmq
