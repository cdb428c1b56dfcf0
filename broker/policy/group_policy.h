// Which consumer groups are admitted: by the broker's switches and the groups'
// configs. A group that is admitted has a config and a retry topic.
//
// Reference: SubscriptionGroupManager.java, TopicConfigManager.java (as far as
// ClientManageProcessor uses them), BrokerConfig.java.
#ifndef BROKER_POLICY_GROUP_POLICY_H_
#define BROKER_POLICY_GROUP_POLICY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "broker/policy/group_configs.h"
#include "broker/policy/passed_over_group.h"
#include "broker/policy/skipped_groups.h"
#include "broker/policy/topic_configs.h"
#include "broker/registry/client_event.h"
#include "broker/registry/consistency_rule.h"
#include "broker/registry/statement.h"
#include "common/payer.h"

namespace rmq {

// The lock over GroupConfigs and TopicConfigs. At the limit on automatic
// configs the longest-unused one is dropped. The policy hears from the
// ClientTable's events which groups have members, so the one to drop is found
// at once; events may be delivered late, so the policy asks the table before it
// drops a config.
//
// Thread-safe.
class GroupPolicy final : public ClientEventListener {
 public:
  struct Options {
    // Reference: BrokerConfig, the properties of the same names.
    bool auto_create_subscription_group = true;
    bool reject_pull_consumer_enable = false;
    // Differs: Java's default is false, so that every SQL92 consumer fails
    // until an operator finds the switch.
    bool enable_property_filter = true;
    // false: a channel may not join a producer group that it is not in.
    // Differs: Java's switch needs rejectTransactionMessage too, and its broker
    // does not pass it on.
    bool enable_register_producer = true;
    // How many automatic configs are kept. At the limit the longest-unused one
    // without members is dropped, with its retry topic; a new group is passed
    // over only if all have members. (Differs: Java keeps all, for ever.)
    size_t max_auto_created_groups = 100'000;
    // How many of them may be made for clients of one address, or of one
    // principal, as long as they are kept: see Payer. At the limit the
    // longest-unused one of these is dropped. None: half of
    // `max_auto_created_groups`. 0: no limit.
    absl::optional<size_t> max_auto_created_groups_per_address = 0;
    // Configured groups and topics. No name twice.
    std::vector<SubscriptionGroupConfig> subscription_groups;
    std::vector<TopicConfig> topics;

    // `max_auto_created_groups_per_address` as it applies.
    size_t auto_created_groups_per_address() const {
      return max_auto_created_groups_per_address.value_or(
          (max_auto_created_groups + 1) / 2);
    }

    // InvalidArgument naming the entry and the field that make no sense.
    absl::Status Validate() const;
  };

  // For whom a config is made.
  struct Client {
    // Empty: anonymous.
    absl::string_view principal;
    absl::string_view remote_address;
  };

  // Whether a consumer group has members. Called with no lock of the policy
  // held, while a heartbeat is admitted or in EnsureConfig().
  using InUse = std::function<bool(absl::string_view group)>;

  // `options` must validate.
  GroupPolicy(Options options, InUse in_use);

  const Options& options() const { return options_; }

  // A number that grows when a statement that is repeated may have another
  // outcome here than before: when topics became ordered or no longer are.
  uint64_t order_changes() const {
    return order_changes_.load(std::memory_order_acquire);
  }

  // Makes the config of a group unless it exists or may not be made. An
  // unregister does so for the group that it names, as in Java.
  void EnsureConfig(absl::string_view consumer_group, const Client& client)
      ABSL_LOCKS_EXCLUDED(mu_);

  void OnClientEvent(const ClientEvent& event) override
      ABSL_LOCKS_EXCLUDED(mu_);

  // --- For operators ---

  // The groups that were passed over lately; the processor notes them.
  SkippedGroups& skipped() { return skipped_; }
  const SkippedGroups& skipped() const { return skipped_; }

  absl::optional<SubscriptionGroupConfig> FindSubscriptionGroup(
      absl::string_view group) const ABSL_LOCKS_EXCLUDED(mu_);

  absl::optional<TopicConfig> FindTopic(absl::string_view topic) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Copies, by name, those greater than `after`.

  std::vector<SubscriptionGroupConfig> ListSubscriptionGroups(
      absl::string_view after, size_t max) const ABSL_LOCKS_EXCLUDED(mu_);
  // Configured topics and retry topics.
  std::vector<TopicConfig> ListTopics(absl::string_view after, size_t max) const
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class Admission;

  struct Verdict {
    // Nothing: the group is admitted.
    absl::optional<SkipReason> skip;
    // Whether changes of the group are pushed to its members.
    bool notify_consumer_ids_changed = true;
    ConsistencyRule consistency = {};
    // The group's config if it was made automatically, otherwise null. It stays
    // until Unpin().
    GroupConfigs::Entry* pinned = nullptr;
  };

  // Whether a consumer group of a heartbeat is admitted. If so its config
  // exists afterwards, and so does its retry topic: made once, with the
  // config's queues and the unit flag; `order` is set to whether this statement
  // has an ordered topic.
  // Reference: TopicConfigManager#createTopicInSendMessageBackMethod.
  Verdict AdmitConsumer(const ConsumerStatement& statement,
                        const Client& client) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes back one pin of each entry.
  void Unpin(absl::Span<GroupConfigs::Entry* const> pinned)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The config of a group, made if need be and allowed. Null with the reason if
  // there is none; MakeRoom() may help.
  GroupConfigs::Entry* FindOrCreateLocked(absl::string_view group,
                                          const Client& client,
                                          SkipReason* reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Verdict AdmitLocked(const ConsumerStatement& statement,
                      GroupConfigs::Entry& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A retry topic came or went, or its order changed.
  void NoteOrderLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whose configs count for the limit of an address or principal.
  Payer CountedPayer(const Client& client) const;
  // Makes room for one more automatic config where `reason` is that there are
  // too many. Returns false if it is another one, or if all are in use. After
  // true another thread may have taken the room: try again.
  bool MakeRoom(SkipReason reason, const Client& client)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Whether the limit that `reason` stands for is reached.
  bool IsFullLocked(SkipReason reason, const Payer& payer) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EraseLocked(GroupConfigs::Entry& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const Options options_;
  const InUse in_use_;

  SkippedGroups skipped_;  // Synchronises itself.

  mutable absl::Mutex mu_;
  GroupConfigs groups_ ABSL_GUARDED_BY(mu_);
  TopicConfigs topics_ ABSL_GUARDED_BY(mu_);
  // Written under mu_, read without.
  std::atomic<uint64_t> order_changes_{0};
};

}  // namespace rmq

#endif  // BROKER_POLICY_GROUP_POLICY_H_
