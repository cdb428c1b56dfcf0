#include "broker/policy/group_policy.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/client_network.h"
#include "common/mutex_lock.h"
#include "common/validation.h"

namespace rmq {

absl::Status GroupPolicy::Options::Validate() const {
  if (max_auto_created_groups == 0) {
    return absl::InvalidArgumentError(
        "max_auto_created_groups must be at least 1, got 0");
  }
  absl::flat_hash_set<absl::string_view> seen;
  const auto check = [&seen](const auto& config, absl::string_view kind,
                             absl::string_view name) {
    const std::vector<BadField> bad = FindBadFields(config);
    if (!bad.empty()) {
      return absl::InvalidArgumentError(bad.front().message);
    }
    if (seen.insert(name).second) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(kind, " ", Quoted(name), " stands there twice"));
  };
  for (const SubscriptionGroupConfig& config : subscription_groups) {
    absl::Status status = check(config, "subscription group", config.group);
    if (!status.ok()) return status;
  }
  seen.clear();
  for (const TopicConfig& config : topics) {
    absl::Status status = check(config, "topic", config.topic);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

GroupPolicy::GroupPolicy(Options options, InUse in_use)
    : options_(std::move(options)),
      in_use_(std::move(in_use)),
      groups_(options_.subscription_groups),
      topics_(options_.topics) {}

GroupPolicy::Verdict GroupPolicy::AdmitConsumer(
    const ConsumerStatement& statement, const Client& client) {
  Verdict verdict;
  if (options_.reject_pull_consumer_enable &&
      statement.modes.consume_type == ConsumeType::kConsumeActively) {
    verdict.skip = SkipReason::kPullConsumerRejected;
    return verdict;
  }
  SkipReason reason;
  do {
    MutexLock lock(&mu_);
    GroupConfigs::Entry* const entry =
        FindOrCreateLocked(statement.group, client, &reason);
    if (entry != nullptr) return AdmitLocked(statement, *entry);
  } while (MakeRoom(reason, client));
  verdict.skip = reason;
  return verdict;
}

GroupPolicy::Verdict GroupPolicy::AdmitLocked(
    const ConsumerStatement& statement, GroupConfigs::Entry& entry) {
  // Before this group's retry topic is made: it may be one of those stated.
  const bool has_ordered_topic = topics_.HasOrdered(statement.subscriptions);
  const bool is_new = entry.retry_topic == nullptr;
  if (is_new) {
    entry.retry_topic = &topics_.MakeRetryTopic(
        statement.group, entry.config.retry_queue_nums, statement.unit_mode);
  }
  if (std::exchange(entry.retry_topic->order, has_ordered_topic) !=
          has_ordered_topic ||
      is_new) {
    NoteOrderLocked();
  }
  Verdict verdict;
  verdict.notify_consumer_ids_changed =
      entry.config.notify_consumer_ids_changed_enable;
  verdict.consistency = entry.config.consistency;
  if (entry.auto_created) {
    groups_.Pin(entry);
    verdict.pinned = &entry;
  }
  return verdict;
}

void GroupPolicy::Unpin(absl::Span<GroupConfigs::Entry* const> pinned) {
  if (pinned.empty()) return;
  MutexLock lock(&mu_);
  for (GroupConfigs::Entry* const entry : pinned) groups_.Unpin(*entry);
}

void GroupPolicy::EnsureConfig(absl::string_view consumer_group,
                               const Client& client) {
  SkipReason reason;
  do {
    MutexLock lock(&mu_);
    GroupConfigs::Entry* const entry =
        FindOrCreateLocked(consumer_group, client, &reason);
    if (entry == nullptr) continue;
    groups_.NoteUse(*entry);
    return;
  } while (MakeRoom(reason, client));
}

Payer GroupPolicy::CountedPayer(const Client& client) const {
  return options_.auto_created_groups_per_address() == 0
             ? Payer()
             : PayerOf(client.principal,
                       ClientNetworkOf(client.remote_address));
}

GroupConfigs::Entry* GroupPolicy::FindOrCreateLocked(absl::string_view group,
                                                     const Client& client,
                                                     SkipReason* reason) {
  if (GroupConfigs::Entry* const entry = groups_.Find(group)) return entry;
  if (!IsLegalConsumerGroup(group)) {
    *reason = SkipReason::kIllegalGroup;
    return nullptr;
  }
  if (!options_.auto_create_subscription_group &&
      !absl::StartsWith(group, kSystemGroupPrefix)) {
    *reason = SkipReason::kNoSuchGroup;
    return nullptr;
  }
  const Payer payer = CountedPayer(client);
  // A payer at its own limit does not cost others their configs.
  for (SkipReason full :
       {SkipReason::kTooManyGroupsOfAddress, SkipReason::kTooManyGroups}) {
    if (IsFullLocked(full, payer)) {
      *reason = full;
      return nullptr;
    }
  }
  return &groups_.AutoCreate(group, payer);
}

bool GroupPolicy::IsFullLocked(SkipReason reason, const Payer& payer) const {
  if (reason == SkipReason::kTooManyGroups) {
    return groups_.auto_created() >= options_.max_auto_created_groups;
  }
  const size_t most = options_.auto_created_groups_per_address();
  return most > 0 && groups_.auto_created_of(payer) >= most;
}

bool GroupPolicy::MakeRoom(SkipReason reason, const Client& client) {
  const bool of_payer = reason == SkipReason::kTooManyGroupsOfAddress;
  if (!of_payer && reason != SkipReason::kTooManyGroups) return false;
  const Payer payer = CountedPayer(client);
  absl::optional<uint64_t> begun;
  while (true) {
    std::string group;
    uint64_t last_use;
    {
      MutexLock lock(&mu_);
      if (!IsFullLocked(reason, payer)) return true;
      if (!begun.has_value()) begun = groups_.last_use();
      // Configs that became unused after the call began are not looked at, so
      // other threads cannot prolong the call.
      const GroupConfigs::Entry* const entry =
          of_payer ? groups_.LongestUnusedOf(payer, *begun)
                   : groups_.LongestUnused(*begun);
      if (entry == nullptr) return false;
      group = entry->config.group;
      last_use = GroupConfigs::LastUseOf(*entry);
    }
    const bool in_use = in_use_(group);
    MutexLock lock(&mu_);
    GroupConfigs::Entry* const entry = groups_.Find(group);
    // Another thread dropped it first. It may have taken the room for the same
    // group that this call is for.
    if (entry == nullptr) return true;
    // The answer is older than what another thread did to the config.
    if (GroupConfigs::LastUseOf(*entry) != last_use) continue;
    if (!in_use) {
      EraseLocked(*entry);
      return true;
    }
    groups_.SetHasMembers(*entry, true);
  }
}

void GroupPolicy::EraseLocked(GroupConfigs::Entry& entry) {
  if (entry.retry_topic != nullptr) {
    topics_.RemoveRetryTopic(*entry.retry_topic);
    NoteOrderLocked();
  }
  groups_.Erase(entry);
}

void GroupPolicy::NoteOrderLocked() {
  if (topics_.CanBeOrdered()) {
    order_changes_.fetch_add(1, std::memory_order_release);
  }
}

void GroupPolicy::OnClientEvent(const ClientEvent& event) {
  if (event.kind != GroupKind::kConsumer) return;
  const bool has_members = event.type == EventType::kClientRegister;
  // kUnregister: the last member has left.
  if (!has_members && event.type != EventType::kUnregister) return;
  MutexLock lock(&mu_);
  GroupConfigs::Entry* const entry = groups_.Find(event.group);
  if (entry != nullptr) groups_.SetHasMembers(*entry, has_members);
}

absl::optional<SubscriptionGroupConfig> GroupPolicy::FindSubscriptionGroup(
    absl::string_view group) const {
  MutexLock lock(&mu_);
  const GroupConfigs::Entry* const entry = groups_.Find(group);
  if (entry == nullptr) return absl::nullopt;
  return entry->config;
}

absl::optional<TopicConfig> GroupPolicy::FindTopic(
    absl::string_view topic) const {
  MutexLock lock(&mu_);
  const TopicConfig* const config = topics_.Find(topic);
  if (config == nullptr) return absl::nullopt;
  return *config;
}

std::vector<SubscriptionGroupConfig> GroupPolicy::ListSubscriptionGroups(
    absl::string_view after, size_t max) const {
  MutexLock lock(&mu_);
  return groups_.List(after, max);
}

std::vector<TopicConfig> GroupPolicy::ListTopics(absl::string_view after,
                                                 size_t max) const {
  MutexLock lock(&mu_);
  return topics_.List(after, max);
}

}  // namespace rmq
