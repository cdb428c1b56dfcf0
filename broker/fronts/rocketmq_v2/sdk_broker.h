// What calls of RocketMQ 5's protocol act on.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_SDK_BROKER_H_
#define BROKER_FRONTS_ROCKETMQ_V2_SDK_BROKER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "broker/assignment/group_assignments.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/rocketmq_v2/rocketmq5_options.h"
#include "broker/fronts/rocketmq_v2/sdk_clients.h"
#include "broker/policy/group_policy.h"
#include "broker/policy/topic_configs.h"
#include "common/discovery/discovery_entry.h"

namespace rmq {

// Borrowed parts; outlives the calls.
struct SdkBroker {
  const Rocketmq5Options& options;
  const ClientBroker& broker;
  const GroupPolicy& policy;
  SdkClients& clients;
  // "host:port" that the server listens on, once it has started.
  std::function<std::string()> address;
  // The living brokers of the cluster, this one among them, by name and id;
  // null: there is none but this one, as far as is known.
  std::function<std::shared_ptr<const std::vector<DiscoveryEntry>>()> cluster;
  // Null: clients are assigned no queue.
  GroupAssignments* assignments = nullptr;

  // The config of a topic: one that nobody has configured has queues too.
  TopicConfig TopicOf(const std::string& topic) const {
    absl::optional<TopicConfig> config = policy.FindTopic(topic);
    if (config.has_value()) return *std::move(config);
    TopicConfig made;
    made.topic = topic;
    made.read_queue_nums = options.topic_queues;
    made.write_queue_nums = options.topic_queues;
    return made;
  }
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_SDK_BROKER_H_
