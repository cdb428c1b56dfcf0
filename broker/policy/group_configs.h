// The configs of consumer groups: those of the broker's configuration, and
// those that are made automatically.
#ifndef BROKER_POLICY_GROUP_CONFIGS_H_
#define BROKER_POLICY_GROUP_CONFIGS_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "broker/policy/bad_field.h"
#include "broker/policy/topic_configs.h"
#include "broker/registry/consistency_rule.h"
#include "common/payer.h"

namespace rmq {

// Groups of RocketMQ's own. Reference: MixAll.CID_RMQ_SYS_PREFIX.
inline constexpr absl::string_view kSystemGroupPrefix = "CID_RMQ_SYS_";

// Reference: SubscriptionGroupConfig.java.
struct SubscriptionGroupConfig {
  std::string group;
  // Whether changes of the group's consumer ids are pushed to its members.
  bool notify_consumer_ids_changed_enable = true;
  // Queues of the group's retry topic.
  int32_t retry_queue_nums = 1;
  // What happens if members state different subscriptions or modes. Not
  // RocketMQ's.
  ConsistencyRule consistency = {};
};

std::vector<BadField> FindBadFields(const SubscriptionGroupConfig& config);

// Configs by group. An automatic config is *unused* if its group has no members
// and no heartbeat pins it. The unused ones stand in the order in which they
// were used last, so the one to drop is found at once.
//
// Not thread-safe: a part of GroupPolicy, guarded by its lock.
// Reference: SubscriptionGroupManager.java.
class GroupConfigs {
 public:
  struct Entry {
    SubscriptionGroupConfig config;
    // Null until a consumer of the group has been admitted.
    TopicConfig* retry_topic = nullptr;
    bool auto_created = false;

   private:
    friend class GroupConfigs;

    bool is_unused() const { return auto_created && !has_members && pins == 0; }

    // The rest matters for automatic configs only.
    //
    // Whether the group has members, as far as is known: by the events so far,
    // or because the table was asked. False for a group whose members joined
    // before this config was made, until the table is asked.
    bool has_members = false;
    // Heartbeats under way that have admitted the group.
    int64_t pins = 0;
    // Number of the last use.
    uint64_t last_use = 0;
    // Of the client whose request made the config.
    Payer payer;
    // Its places in unused_ and in the payer's, if is_unused().
    std::list<Entry*>::iterator unused;
    std::list<Entry*>::iterator unused_of_payer;
  };

  // `configured` has no group twice.
  explicit GroupConfigs(const std::vector<SubscriptionGroupConfig>& configured);

  // Null if the group has no config. An entry's address is constant.
  Entry* Find(absl::string_view group) const;
  // Makes the automatic config of a group that has none, for `payer`.
  Entry& AutoCreate(absl::string_view group, const Payer& payer);
  // Drops an unused automatic config.
  void Erase(Entry& entry);

  // Each of these is a use. They do nothing for a configured group.
  void NoteUse(Entry& entry);
  void SetHasMembers(Entry& entry, bool has_members);
  // A pinned config stays. Pins count.
  void Pin(Entry& entry);
  void Unpin(Entry& entry);

  // The unused config whose last use is the longest ago, of those that were
  // last used at `use` or before; null if there is none.
  Entry* LongestUnused(uint64_t use) const;
  // The same, of those that were made for `payer`.
  Entry* LongestUnusedOf(const Payer& payer, uint64_t use) const;
  // Numbers of uses rise: the number of the last use of all, and of `entry`.
  uint64_t last_use() const { return uses_; }
  static uint64_t LastUseOf(const Entry& entry) { return entry.last_use; }

  size_t auto_created() const { return auto_created_; }
  // Those that were made for `payer` and are there.
  size_t auto_created_of(const Payer& payer) const;

  // Copies of up to `max` configs whose group is greater than `after`, by name.
  std::vector<SubscriptionGroupConfig> List(absl::string_view after,
                                            size_t max) const;

 private:
  // The automatic configs that were made for one payer.
  struct OfPayer {
    size_t configs = 0;
    // The longest-unused one first.
    std::list<Entry*> unused;
  };

  // Takes the entry out of the unused ones, and back in as the shortest-unused
  // one if it is unused after `change`.
  template <typename Change>
  void Use(Entry& entry, Change change);
  Entry& Insert(std::unique_ptr<Entry> entry);
  // The first of `unused` if its last use was at `use` or before; or null.
  static Entry* FirstUsedBy(uint64_t use, const std::list<Entry*>& unused);
  void AppendToUnused(Entry& entry);
  void TakeFromUnused(Entry& entry);

  // Keys of both are the entries' own names.
  absl::flat_hash_map<absl::string_view, std::unique_ptr<Entry>> entries_;
  absl::btree_set<absl::string_view> names_;
  // The longest-unused one first.
  std::list<Entry*> unused_;
  // Those that have configs.
  absl::flat_hash_map<Payer, OfPayer> payers_;
  uint64_t uses_ = 0;
  size_t auto_created_ = 0;
};

}  // namespace rmq

#endif  // BROKER_POLICY_GROUP_CONFIGS_H_
