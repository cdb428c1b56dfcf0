// Which groups the broker lets in, and the configs and retry topics that it
// makes on the way.
#ifndef TESTS_MODEL_POLICY_MODEL_H_
#define TESTS_MODEL_POLICY_MODEL_H_

#include <cstdint>
#include <map>
#include <string>

#include "tests/model/membership.h"

namespace rmq::model {

struct GroupConfig {
  bool notify_consumer_ids_changed = true;
  int32_t retry_queues = 1;
};

struct TopicConfig {
  int32_t read_queues = 0;
  int32_t write_queues = 0;
  int32_t perm = 0;
  int32_t sys_flag = 0;
  bool ordered = false;
};

struct PolicyOptions {
  bool auto_create_groups = true;
  bool reject_pull_consumers = false;
  bool register_producers = true;
  std::map<std::string, GroupConfig> groups;
  std::map<std::string, TopicConfig> topics;
};

// Differs from the broker: the number of configs has no limit.
class PolicyModel {
 public:
  explicit PolicyModel(PolicyOptions options);

  // A full heartbeat states the consumer group. Returns why the group is passed
  // over, by the name of the reason; empty if it is let in. Makes the group's
  // config and retry topic if they are missing. Each statement sets anew
  // whether the retry topic is ordered: it is if one of the stated topics is.
  std::string Admit(const StatedConsumer& stated);

  // Makes the config of a consumer group if it is missing and may be made.
  void EnsureConfig(const std::string& group);

  // Whether the consumer group's config allows CHANGE events.
  bool IsNotified(const std::string& group) const;

  bool registers_producers() const { return options_.register_producers; }

  // Configs of consumer groups, those made on the way too.
  const std::map<std::string, GroupConfig>& groups() const {
    return options_.groups;
  }
  const std::map<std::string, TopicConfig>& topics() const {
    return options_.topics;
  }

 private:
  // The options of the start, and what was made since.
  PolicyOptions options_;
};

}  // namespace rmq::model

#endif  // TESTS_MODEL_POLICY_MODEL_H_
