// What the processor asks before it lets a consumer group in: subscription
// group configs, the retry topics that come with them, and the broker's
// switches.
//
// Reference: SubscriptionGroupManager.java, TopicConfigManager.java (as far as
// ClientManageProcessor uses them), BrokerConfig.java.
#ifndef BROKER_POLICY_GROUP_POLICY_H_
#define BROKER_POLICY_GROUP_POLICY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "broker/policy/skipped_groups.h"
#include "broker/registry/client_event.h"
#include "broker/registry/statement.h"

namespace rmq {

// Reference: SubscriptionGroupConfig.java.
struct SubscriptionGroupConfig {
  std::string group;
  // Whether the group's members are told when its consumer ids change.
  bool notify_consumer_ids_changed_enable = true;
  // Queues of the group's retry topic.
  int32_t retry_queue_nums = 1;
};

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

// A field of a config whose value makes no sense, and why, with the config's
// name.
struct BadField {
  absl::string_view field;
  std::string message;
};

std::vector<BadField> FindBadFields(const SubscriptionGroupConfig& config);
std::vector<BadField> FindBadFields(const TopicConfig& config);

// Thread-safe. Listens to the ClientTable's events to know which automatic
// configs are unused: at the limit the longest-unused one goes.
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
    // Configs made automatically that are kept. At this many the longest-unused
    // one without members goes, with its retry topic; only if all have members
    // is a new group passed over. (Differs: Java keeps all, for ever.)
    size_t max_auto_created_groups = 100'000;
    // Configs and topics that exist at the start. No name twice.
    std::vector<SubscriptionGroupConfig> subscription_groups;
    std::vector<TopicConfig> topics;

    // InvalidArgument naming the entry and the field that make no sense.
    absl::Status Validate() const;
  };

  // Whether a consumer group has members. Called with no lock of the policy
  // held, in a call of AdmitConsumer() or EnsureConfig().
  using InUse = std::function<bool(absl::string_view group)>;

  // `options` must validate. Events may be delivered late, so the policy asks
  // `in_use` before it drops a config.
  GroupPolicy(Options options, InUse in_use);

  const Options& options() const { return options_; }

  struct Verdict {
    // Nothing: the group is let in.
    absl::optional<SkipReason> skip;
    // Whether the group's members are told of changes.
    bool notify_consumer_ids_changed = true;
    // The config was made automatically and stays at least until Release(),
    // which the caller calls after the heartbeat has been applied.
    bool held = false;
  };

  // Whether a consumer group of a heartbeat is let in. If so its config exists
  // afterwards, and so does its retry topic: made with the config's queues and
  // the unit flag once, `order` set to whether this statement has an ordered
  // topic. Reference: ClientManageProcessor#heartBeat,
  // TopicConfigManager#createTopicInSendMessageBackMethod.
  Verdict AdmitConsumer(const ConsumerStatement& statement)
      ABSL_LOCKS_EXCLUDED(mu_);

  // A number that grows when a consumer group's statement may, said again, have
  // another outcome here than before: when topics became ordered or no longer.
  uint64_t order_changes() const {
    return order_changes_.load(std::memory_order_acquire);
  }

  // Ends the holds of a heartbeat: `consumer_groups` has a group once for each
  // verdict that held it. From here on the group's members keep its config.
  void Release(absl::Span<const absl::string_view> consumer_groups)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Makes the config of a group unless it exists or may not be made. An
  // unregister does so for the group that it names, as in Java.
  void EnsureConfig(absl::string_view consumer_group) ABSL_LOCKS_EXCLUDED(mu_);

  void OnClientEvent(const ClientEvent& event) override
      ABSL_LOCKS_EXCLUDED(mu_);

  // --- For operators ---

  // Who was passed over lately; the caller of AdmitConsumer() notes it.
  SkippedGroups& skipped() { return skipped_; }
  const SkippedGroups& skipped() const { return skipped_; }

  absl::optional<SubscriptionGroupConfig> FindSubscriptionGroup(
      absl::string_view group) const ABSL_LOCKS_EXCLUDED(mu_);

  // Copies, by name, those greater than `after`.

  std::vector<SubscriptionGroupConfig> ListSubscriptionGroups(
      absl::string_view after, size_t max) const ABSL_LOCKS_EXCLUDED(mu_);
  // Topics of the start and retry topics.
  std::vector<TopicConfig> ListTopics(absl::string_view after, size_t max) const
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    SubscriptionGroupConfig config;
    // Once a consumer of the group has been let in.
    absl::optional<TopicConfig> retry_topic;
    bool auto_created = false;
    // The rest matters for auto-created ones only, and SetUseLocked() sets it.
    //
    // What the events so far, or InUse, say. It is false for a group whose
    // members joined before this config was made, until InUse is asked.
    bool has_members = false;
    // Verdicts that hold the config.
    int64_t holds = 0;
    // Value of uses_ when it was last set.
    uint64_t last_use = 0;
    // Place in unused_, if is_unused().
    std::list<Entry*>::iterator unused;
    bool is_unused() const {
      return auto_created && !has_members && holds == 0;
    }
  };

  // Whether the broker knows `topic` as ordered: one of the start, or a retry
  // topic. Reference: TopicConfigManager#isOrderTopic.
  bool IsOrderedLocked(absl::string_view topic) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The config of a group, made if need be and allowed. Null with the reason if
  // there is none; after kTooManyGroups MakeRoom() may help.
  Entry* FindOrCreateLocked(absl::string_view group, SkipReason* reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Verdict AdmitLocked(const ConsumerStatement& statement, Entry& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Sets what keeps an automatic config. If nothing does, the config becomes
  // the shortest-unused one.
  void SetUseLocked(Entry& entry, bool has_members, int64_t holds)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A retry topic came or went, or its order changed.
  void NoteOrderLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    // Where no topic of the start is ordered, none ever is.
    if (!ordered_topics_.empty()) {
      order_changes_.fetch_add(1, std::memory_order_release);
    }
  }
  // Makes room for one more automatic config. Returns false if all are in use.
  // After true another thread may have taken the room: try again.
  bool MakeRoom() ABSL_LOCKS_EXCLUDED(mu_);
  void EraseLocked(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const Options options_;
  const InUse in_use_;
  absl::btree_map<std::string, TopicConfig> topics_;
  absl::flat_hash_set<std::string> ordered_topics_;

  SkippedGroups skipped_;  // Own synchronisation.

  mutable absl::Mutex mu_;
  // Keys of the next two are the entries' own names.
  absl::flat_hash_map<absl::string_view, std::unique_ptr<Entry>> entries_
      ABSL_GUARDED_BY(mu_);
  absl::btree_set<absl::string_view> names_ ABSL_GUARDED_BY(mu_);
  // Topic -> entry, of the retry topics that exist, in order for ListTopics().
  absl::btree_map<std::string, Entry*> retry_topics_ ABSL_GUARDED_BY(mu_);
  // Automatic configs that are not known to be in use, the longest-unused
  // first.
  std::list<Entry*> unused_ ABSL_GUARDED_BY(mu_);
  // Counts the changes of use, so that one is seen that happens while
  // MakeRoom() has let the lock go.
  uint64_t uses_ ABSL_GUARDED_BY(mu_) = 0;
  size_t auto_created_ ABSL_GUARDED_BY(mu_) = 0;
  // Written under mu_, read without.
  std::atomic<uint64_t> order_changes_{0};
};

}  // namespace rmq

#endif  // BROKER_POLICY_GROUP_POLICY_H_
