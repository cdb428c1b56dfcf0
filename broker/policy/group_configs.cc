#include "broker/policy/group_configs.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr absl::Duration kLongestInconsistencyGrace = absl::Hours(24 * 365);

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
  if (config.consistency.grace < absl::ZeroDuration() ||
      config.consistency.grace > kLongestInconsistencyGrace) {
    bad.push_back(
        {"inconsistency_grace",
         absl::StrCat(at, ": inconsistency_grace must be 0 to ",
                      absl::FormatDuration(kLongestInconsistencyGrace),
                      ", got ",
                      absl::FormatDuration(config.consistency.grace))});
  }
  return bad;
}

GroupConfigs::GroupConfigs(
    const std::vector<SubscriptionGroupConfig>& configured) {
  for (const SubscriptionGroupConfig& config : configured) {
    auto entry = std::make_unique<Entry>();
    entry->config = config;
    Insert(std::move(entry));
  }
}

GroupConfigs::Entry* GroupConfigs::Find(absl::string_view group) const {
  const auto found = entries_.find(group);
  return found == entries_.end() ? nullptr : found->second.get();
}

GroupConfigs::Entry& GroupConfigs::Insert(std::unique_ptr<Entry> entry) {
  Entry& inserted = *entry;
  names_.insert(inserted.config.group);
  entries_.emplace(inserted.config.group, std::move(entry));
  return inserted;
}

GroupConfigs::Entry& GroupConfigs::AutoCreate(absl::string_view group,
                                              const Payer& payer) {
  auto owned = std::make_unique<Entry>();
  owned->config.group = std::string(group);
  owned->auto_created = true;
  owned->payer = payer;
  owned->last_use = ++uses_;
  Entry& entry = Insert(std::move(owned));
  ++payers_[payer].configs;
  ++auto_created_;
  AppendToUnused(entry);
  return entry;
}

void GroupConfigs::Erase(Entry& entry) {
  TakeFromUnused(entry);
  const auto payer = payers_.find(entry.payer);
  if (--payer->second.configs == 0) payers_.erase(payer);
  --auto_created_;
  // A copy: the keys die with the entry.
  const std::string name = entry.config.group;
  names_.erase(name);
  entries_.erase(name);
}

template <typename Change>
void GroupConfigs::Use(Entry& entry, Change change) {
  if (!entry.auto_created) return;
  if (entry.is_unused()) TakeFromUnused(entry);
  change();
  entry.last_use = ++uses_;
  if (entry.is_unused()) AppendToUnused(entry);
}

void GroupConfigs::AppendToUnused(Entry& entry) {
  entry.unused = unused_.insert(unused_.end(), &entry);
  std::list<Entry*>& of_payer = payers_.find(entry.payer)->second.unused;
  entry.unused_of_payer = of_payer.insert(of_payer.end(), &entry);
}

void GroupConfigs::TakeFromUnused(Entry& entry) {
  unused_.erase(entry.unused);
  payers_.find(entry.payer)->second.unused.erase(entry.unused_of_payer);
}

void GroupConfigs::NoteUse(Entry& entry) {
  Use(entry, [] {});
}

void GroupConfigs::SetHasMembers(Entry& entry, bool has_members) {
  Use(entry, [&] { entry.has_members = has_members; });
}

void GroupConfigs::Pin(Entry& entry) {
  Use(entry, [&] { ++entry.pins; });
}

void GroupConfigs::Unpin(Entry& entry) {
  Use(entry, [&] { --entry.pins; });
}

GroupConfigs::Entry* GroupConfigs::LongestUnused(uint64_t use) const {
  return FirstUsedBy(use, unused_);
}

GroupConfigs::Entry* GroupConfigs::LongestUnusedOf(const Payer& payer,
                                                   uint64_t use) const {
  const auto found = payers_.find(payer);
  return found == payers_.end() ? nullptr
                                : FirstUsedBy(use, found->second.unused);
}

GroupConfigs::Entry* GroupConfigs::FirstUsedBy(
    uint64_t use, const std::list<Entry*>& unused) {
  return unused.empty() || unused.front()->last_use > use ? nullptr
                                                          : unused.front();
}

size_t GroupConfigs::auto_created_of(const Payer& payer) const {
  const auto found = payers_.find(payer);
  return found == payers_.end() ? 0 : found->second.configs;
}

std::vector<SubscriptionGroupConfig> GroupConfigs::List(absl::string_view after,
                                                        size_t max) const {
  std::vector<SubscriptionGroupConfig> listed;
  for (auto name = names_.upper_bound(after);
       name != names_.end() && listed.size() < max; ++name) {
    listed.push_back(entries_.find(*name)->second->config);
  }
  return listed;
}

}  // namespace rmq
