// The topics that the broker knows: those of its configuration, and the retry
// topics of consumer groups.
#ifndef BROKER_POLICY_TOPIC_CONFIGS_H_
#define BROKER_POLICY_TOPIC_CONFIGS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/policy/bad_field.h"
#include "broker/registry/statement.h"

namespace rmq {

// Reference: TopicConfig.java.
struct TopicConfig {
  std::string topic;
  int32_t read_queue_nums = 0;
  int32_t write_queue_nums = 0;
  // PermName: 4 read, 2 write.
  int32_t perm = 6;
  // TopicSysFlag: 2 unit subscription.
  int32_t topic_sys_flag = 0;
  bool order = false;
};

std::vector<BadField> FindBadFields(const TopicConfig& config);

// Not thread-safe: a part of GroupPolicy, guarded by its lock.
// Reference: TopicConfigManager.java, as far as ClientManageProcessor uses it.
class TopicConfigs {
 public:
  // `configured` has no topic twice.
  explicit TopicConfigs(const std::vector<TopicConfig>& configured);

  // Whether one of the topics is known as ordered.
  // Reference: TopicConfigManager#isOrderTopic.
  bool HasOrdered(absl::Span<const SubscriptionStatement> subscriptions) const;

  // Makes the retry topic of a group that has none, with `queue_nums` queues
  // each way. A configured topic of that name is taken instead; then only its
  // `order` ever changes. The topic lives until RemoveRetryTopic().
  TopicConfig& MakeRetryTopic(absl::string_view group, int32_t queue_nums,
                              bool unit_mode);
  void RemoveRetryTopic(const TopicConfig& topic);

  // Whether an ordered topic is configured. If none is, none ever becomes one.
  bool CanBeOrdered() const { return !ordered_.empty(); }

  // The config of a topic; null if there is none.
  const TopicConfig* Find(absl::string_view topic) const;

  // Copies of up to `max` topics whose name is greater than `after`, by name.
  std::vector<TopicConfig> List(absl::string_view after, size_t max) const;

 private:
  bool IsOrdered(absl::string_view topic) const;

  absl::btree_map<std::string, TopicConfig> configured_;
  // Names of the ordered ones of `configured_`.
  absl::flat_hash_set<std::string> ordered_;
  // By name, which is the topic's own.
  absl::btree_map<absl::string_view, std::unique_ptr<TopicConfig>> retry_;
};

}  // namespace rmq

#endif  // BROKER_POLICY_TOPIC_CONFIGS_H_
