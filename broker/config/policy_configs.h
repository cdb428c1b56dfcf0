// The groups and topics of a BrokerConfig as the policy's options, and back.
#ifndef BROKER_CONFIG_POLICY_CONFIGS_H_
#define BROKER_CONFIG_POLICY_CONFIGS_H_

#include <vector>

#include "broker/policy/bad_field.h"
#include "broker/policy/group_policy.h"
#include "rocketmq/clientmanager/v1/broker_config.pb.h"

namespace rmq {

// What is absent has its default: that of the options, and 16 queues of a
// topic.
SubscriptionGroupConfig ToOptions(
    const rocketmq::clientmanager::v1::SubscriptionGroupConfig& group);
TopicConfig ToOptions(const rocketmq::clientmanager::v1::TopicConfig& topic);

// Fields whose text cannot be read. ToOptions() takes them as absent.
std::vector<BadField> FindUnreadableFields(
    const rocketmq::clientmanager::v1::SubscriptionGroupConfig& group);

rocketmq::clientmanager::v1::SubscriptionGroupConfig FromOptions(
    const SubscriptionGroupConfig& group);
rocketmq::clientmanager::v1::TopicConfig FromOptions(const TopicConfig& topic);

}  // namespace rmq

#endif  // BROKER_CONFIG_POLICY_CONFIGS_H_
