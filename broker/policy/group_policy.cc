#include "broker/policy/group_policy.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"
#include "common/validation.h"

namespace rmq {
namespace {

// Reference: MixAll.CID_RMQ_SYS_PREFIX.
constexpr absl::string_view kSystemGroupPrefix = "CID_RMQ_SYS_";
// Reference: PermName.PERM_READ | PERM_WRITE; TopicSysFlag#buildSysFlag.
constexpr int32_t kReadAndWrite = 6;
constexpr int32_t kUnitSubscription = 2;

}  // namespace

std::vector<BadField> FindBadFields(const SubscriptionGroupConfig& config) {
  const std::string at =
      absl::StrCat("subscription group ", Quoted(config.group));
  std::vector<BadField> bad;
  if (!IsLegalConsumerGroup(config.group)) {
    bad.push_back(
        {"group",
         absl::StrCat(
             at,
             ": group must be 1 to 120 letters, digits, '%', '|', '_' and "
             "'-'")});
  }
  if (config.retry_queue_nums < 0) {
    bad.push_back(
        {"retry_queue_nums",
         absl::StrCat(at, ": retry_queue_nums must not be negative, got ",
                      config.retry_queue_nums)});
  }
  return bad;
}

std::vector<BadField> FindBadFields(const TopicConfig& config) {
  const std::string at = absl::StrCat("topic ", Quoted(config.topic));
  std::vector<BadField> bad;
  if (!IsLegalName(config.topic)) {
    bad.push_back(
        {"topic",
         absl::StrCat(
             at, ": topic must be letters, digits, '%', '|', '_' and '-'")});
  }
  for (const auto& [name, queues] :
       {std::make_pair("read_queue_nums", config.read_queue_nums),
        std::make_pair("write_queue_nums", config.write_queue_nums)}) {
    if (queues < 0) {
      bad.push_back(
          {name, absl::StrCat(at, ": ", name, " must not be negative, got ",
                              queues)});
    }
  }
  return bad;
}

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
    : options_(std::move(options)), in_use_(std::move(in_use)) {
  for (const SubscriptionGroupConfig& config : options_.subscription_groups) {
    auto entry = std::make_unique<Entry>();
    entry->config = config;
    const absl::string_view name = entry->config.group;
    names_.insert(name);
    entries_.emplace(name, std::move(entry));
  }
  for (const TopicConfig& config : options_.topics) {
    topics_.emplace(config.topic, config);
    if (config.order) ordered_topics_.insert(config.topic);
  }
}

GroupPolicy::Verdict GroupPolicy::AdmitConsumer(
    const ConsumerStatement& statement) {
  Verdict verdict;
  if (options_.reject_pull_consumer_enable &&
      statement.modes.consume_type == ConsumeType::kConsumeActively) {
    verdict.skip = SkipReason::kPullConsumerRejected;
    return verdict;
  }
  SkipReason reason;
  do {
    MutexLock lock(&mu_);
    Entry* const entry = FindOrCreateLocked(statement.group, &reason);
    if (entry != nullptr) return AdmitLocked(statement, *entry);
  } while (reason == SkipReason::kTooManyGroups && MakeRoom());
  verdict.skip = reason;
  return verdict;
}

GroupPolicy::Verdict GroupPolicy::AdmitLocked(
    const ConsumerStatement& statement, Entry& entry) {
  // Before this group's retry topic is made: it may be one of those stated.
  const bool has_ordered_topic = std::any_of(
      statement.subscriptions.begin(), statement.subscriptions.end(),
      [&](const SubscriptionStatement& subscription)
          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
            return IsOrderedLocked(subscription.topic);
          });
  if (!entry.retry_topic.has_value()) {
    TopicConfig& topic = entry.retry_topic.emplace();
    topic.topic = absl::StrCat(kRetryTopicPrefix, statement.group);
    const auto of_the_start = topics_.find(topic.topic);
    if (of_the_start != topics_.end()) {
      topic = of_the_start->second;
    } else {
      topic.read_queue_nums = entry.config.retry_queue_nums;
      topic.write_queue_nums = entry.config.retry_queue_nums;
      topic.perm = kReadAndWrite;
      topic.topic_sys_flag = statement.unit_mode ? kUnitSubscription : 0;
    }
    retry_topics_.emplace(topic.topic, &entry);
    topic.order = has_ordered_topic;
    NoteOrderLocked();
  } else if (entry.retry_topic->order != has_ordered_topic) {
    entry.retry_topic->order = has_ordered_topic;
    NoteOrderLocked();
  }
  Verdict verdict;
  verdict.notify_consumer_ids_changed =
      entry.config.notify_consumer_ids_changed_enable;
  if (entry.auto_created) {
    verdict.held = true;
    SetUseLocked(entry, entry.has_members, entry.holds + 1);
  }
  return verdict;
}

void GroupPolicy::Release(absl::Span<const absl::string_view> consumer_groups) {
  if (consumer_groups.empty()) return;
  MutexLock lock(&mu_);
  for (absl::string_view group : consumer_groups) {
    const auto found = entries_.find(group);
    if (found == entries_.end() || found->second->holds == 0) continue;
    Entry& entry = *found->second;
    SetUseLocked(entry, entry.has_members, entry.holds - 1);
  }
}

void GroupPolicy::SetUseLocked(Entry& entry, bool has_members, int64_t holds) {
  if (entry.is_unused()) unused_.erase(entry.unused);
  entry.has_members = has_members;
  entry.holds = holds;
  entry.last_use = ++uses_;
  if (entry.is_unused()) entry.unused = unused_.insert(unused_.end(), &entry);
}

void GroupPolicy::EnsureConfig(absl::string_view consumer_group) {
  SkipReason reason;
  do {
    MutexLock lock(&mu_);
    Entry* const entry = FindOrCreateLocked(consumer_group, &reason);
    if (entry == nullptr) continue;
    if (entry->auto_created) {
      SetUseLocked(*entry, entry->has_members, entry->holds);
    }
    return;
  } while (reason == SkipReason::kTooManyGroups && MakeRoom());
}

bool GroupPolicy::IsOrderedLocked(absl::string_view topic) const {
  if (absl::StartsWith(topic, kRetryTopicPrefix)) {
    const auto retry = retry_topics_.find(topic);
    if (retry != retry_topics_.end()) return retry->second->retry_topic->order;
  }
  return ordered_topics_.contains(topic);
}

GroupPolicy::Entry* GroupPolicy::FindOrCreateLocked(absl::string_view group,
                                                    SkipReason* reason) {
  const auto found = entries_.find(group);
  if (found != entries_.end()) return found->second.get();
  if (!IsLegalConsumerGroup(group)) {
    *reason = SkipReason::kIllegalGroup;
    return nullptr;
  }
  if (!options_.auto_create_subscription_group &&
      !absl::StartsWith(group, kSystemGroupPrefix)) {
    *reason = SkipReason::kNoSuchGroup;
    return nullptr;
  }
  if (auto_created_ >= options_.max_auto_created_groups) {
    *reason = SkipReason::kTooManyGroups;
    return nullptr;
  }
  auto owned = std::make_unique<Entry>();
  Entry& entry = *owned;
  entry.config.group = std::string(group);
  entry.auto_created = true;
  entry.last_use = ++uses_;
  entry.unused = unused_.insert(unused_.end(), &entry);
  ++auto_created_;
  names_.insert(entry.config.group);
  entries_.emplace(entry.config.group, std::move(owned));
  return &entry;
}

bool GroupPolicy::MakeRoom() {
  absl::optional<uint64_t> begun;
  while (true) {
    std::string group;
    uint64_t last_use;
    {
      MutexLock lock(&mu_);
      if (auto_created_ < options_.max_auto_created_groups) return true;
      if (!begun.has_value()) begun = uses_;
      // Configs that became unused after the call began are not looked at, so
      // other threads cannot prolong the call.
      if (unused_.empty() || unused_.front()->last_use > *begun) return false;
      group = unused_.front()->config.group;
      last_use = unused_.front()->last_use;
    }
    const bool in_use = in_use_(group);
    MutexLock lock(&mu_);
    const auto found = entries_.find(group);
    // Another thread dropped it first. It may have taken the room for the same
    // group that this call is for.
    if (found == entries_.end()) return true;
    Entry& entry = *found->second;
    // The answer is older than what another thread did to the config.
    if (entry.last_use != last_use) continue;
    if (!in_use) {
      EraseLocked(entry);
      return true;
    }
    SetUseLocked(entry, /*has_members=*/true, entry.holds);
  }
}

void GroupPolicy::EraseLocked(Entry& entry) {
  unused_.erase(entry.unused);
  if (entry.retry_topic.has_value()) {
    retry_topics_.erase(entry.retry_topic->topic);
    NoteOrderLocked();
  }
  --auto_created_;
  // A copy: the keys die with the entry.
  const std::string name = entry.config.group;
  names_.erase(name);
  entries_.erase(name);
}

void GroupPolicy::OnClientEvent(const ClientEvent& event) {
  if (event.kind != GroupKind::kConsumer) return;
  const bool has_members = event.type == EventType::kClientRegister;
  // kUnregister: the last member has left.
  if (!has_members && event.type != EventType::kUnregister) return;
  MutexLock lock(&mu_);
  const auto found = entries_.find(event.group);
  if (found == entries_.end() || !found->second->auto_created) return;
  SetUseLocked(*found->second, has_members, found->second->holds);
}

absl::optional<SubscriptionGroupConfig> GroupPolicy::FindSubscriptionGroup(
    absl::string_view group) const {
  MutexLock lock(&mu_);
  const auto found = entries_.find(group);
  if (found == entries_.end()) return absl::nullopt;
  return found->second->config;
}

std::vector<SubscriptionGroupConfig> GroupPolicy::ListSubscriptionGroups(
    absl::string_view after, size_t max) const {
  std::vector<SubscriptionGroupConfig> listed;
  MutexLock lock(&mu_);
  for (auto name = names_.upper_bound(after);
       name != names_.end() && listed.size() < max; ++name) {
    listed.push_back(entries_.find(*name)->second->config);
  }
  return listed;
}

std::vector<TopicConfig> GroupPolicy::ListTopics(absl::string_view after,
                                                 size_t max) const {
  std::vector<TopicConfig> listed;
  MutexLock lock(&mu_);
  auto fixed = topics_.upper_bound(after);
  auto retry = retry_topics_.upper_bound(after);
  while (listed.size() < max) {
    const bool has_fixed = fixed != topics_.end();
    const bool has_retry = retry != retry_topics_.end();
    if (!has_fixed && !has_retry) break;
    if (has_fixed && (!has_retry || fixed->first < retry->first)) {
      listed.push_back(fixed->second);
      ++fixed;
    } else {
      // It has taken the place of one of the start.
      if (has_fixed && fixed->first == retry->first) ++fixed;
      listed.push_back(*retry->second->retry_topic);
      ++retry;
    }
  }
  return listed;
}

}  // namespace rmq
