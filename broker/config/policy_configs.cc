#include "broker/config/policy_configs.h"

#include <cstdint>

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
  return config;
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
