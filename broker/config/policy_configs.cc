#include "broker/config/policy_configs.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/consistency_rule.h"
#include "common/validation.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

SubscriptionGroupConfig ToOptions(const pb::SubscriptionGroupConfig& group) {
  SubscriptionGroupConfig config;
  config.group = group.group();
  if (group.has_notify_consumer_ids_changed_enable()) {
    config.notify_consumer_ids_changed_enable =
        group.notify_consumer_ids_changed_enable();
  }
  if (group.has_retry_queue_nums()) {
    config.retry_queue_nums = group.retry_queue_nums();
  }
  if (group.subscription_consistency() == pb::SubscriptionGroupConfig::REJECT) {
    config.consistency.policy = ConsistencyRule::Policy::kReject;
  }
  absl::Duration grace;
  if (absl::ParseDuration(group.inconsistency_grace(), &grace)) {
    config.consistency.grace = grace;
  }
  return config;
}

std::vector<BadField> FindUnreadableFields(
    const pb::SubscriptionGroupConfig& group) {
  const std::string at =
      absl::StrCat("subscription group ", Quoted(group.group()));
  std::vector<BadField> bad;
  // The text format takes any number.
  if (!pb::SubscriptionGroupConfig::SubscriptionConsistency_IsValid(
          group.subscription_consistency())) {
    bad.push_back(
        {"subscription_consistency",
         absl::StrCat(at,
                      ": subscription_consistency must be REPORT or REJECT, "
                      "got ",
                      static_cast<int>(group.subscription_consistency()))});
  }
  absl::Duration grace;
  if (group.has_inconsistency_grace() &&
      !absl::ParseDuration(group.inconsistency_grace(), &grace)) {
    bad.push_back(
        {"inconsistency_grace",
         absl::StrCat(at,
                      ": inconsistency_grace must be a time such as 10m, "
                      "got ",
                      Quoted(group.inconsistency_grace()))});
  }
  return bad;
}

TopicConfig ToOptions(const pb::TopicConfig& topic) {
  constexpr int32_t kDefaultQueues = 16;
  TopicConfig config;
  config.topic = topic.topic();
  config.read_queue_nums =
      topic.has_read_queue_nums() ? topic.read_queue_nums() : kDefaultQueues;
  config.write_queue_nums =
      topic.has_write_queue_nums() ? topic.write_queue_nums() : kDefaultQueues;
  if (topic.has_perm()) config.perm = topic.perm();
  config.topic_sys_flag = topic.topic_sys_flag();
  config.order = topic.order();
  return config;
}

pb::SubscriptionGroupConfig FromOptions(const SubscriptionGroupConfig& group) {
  pb::SubscriptionGroupConfig config;
  config.set_group(group.group);
  config.set_notify_consumer_ids_changed_enable(
      group.notify_consumer_ids_changed_enable);
  config.set_retry_queue_nums(group.retry_queue_nums);
  config.set_subscription_consistency(
      group.consistency.policy == ConsistencyRule::Policy::kReject
          ? pb::SubscriptionGroupConfig::REJECT
          : pb::SubscriptionGroupConfig::REPORT);
  config.set_inconsistency_grace(absl::FormatDuration(group.consistency.grace));
  return config;
}

pb::TopicConfig FromOptions(const TopicConfig& topic) {
  pb::TopicConfig config;
  config.set_topic(topic.topic);
  config.set_read_queue_nums(topic.read_queue_nums);
  config.set_write_queue_nums(topic.write_queue_nums);
  config.set_perm(topic.perm);
  config.set_topic_sys_flag(topic.topic_sys_flag);
  config.set_order(topic.order);
  return config;
}

}  // namespace rmq
