#include "broker/registry/inconsistent_groups.h"

#include <string>

namespace rmq {
namespace {

const MemberStatement& StatementOf(ChannelRecord& channel,
                                   const RegisteredGroup& group) {
  size_t hint = 0;
  return GroupMembers::Find(channel, group, &hint)->statement;
}

// The number of the news about `group` that the channel was told; 0: none.
uint64_t ToldOf(const ChannelRecord& channel, const RegisteredGroup& group) {
  if (channel.exceptions == nullptr) return 0;
  const auto told = channel.exceptions->told.find(&group);
  return told == channel.exceptions->told.end() ? 0 : told->second;
}

}  // namespace

void InconsistentGroups::Update(const RegisteredGroup& group,
                                const GroupConsistency& consistency,
                                absl::Duration grace, TableChange* change) {
  if (consistency.is_consistent()) {
    if (entries_.empty()) return;
    const auto found = entries_.find(group.name);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    if (entry.is_reported) {
      --reported_;
      change->AddConsistent(group);
    }
    SetDue(entry, absl::InfiniteFuture());
    untold_.erase(group.name);
    entries_.erase(found);
    return;
  }
  const auto [at, is_new] =
      entries_.try_emplace(group.name, Entry{&group, &consistency});
  Entry& entry = at->second;
  if (is_new) {
    if (grace > absl::ZeroDuration()) {
      SetDue(entry, change->now() + grace);
    } else {
      Report(entry, change);
    }
  } else if (entry.is_reported &&
             entry.reference != consistency.reference().number) {
    WantTell(entry, change->now());
  }
}

void InconsistentGroups::Report(Entry& entry, TableChange* change) {
  entry.is_reported = true;
  ++reported_;
  change->AddInconsistent(*entry.group, entry.consistency->Describe());
  WantTell(entry, change->now());
}

void InconsistentGroups::WantTell(Entry& entry, absl::Time now) {
  entry.reference = entry.consistency->reference().number;
  entry.news = ++last_news_;
  const absl::Time again = entry.told_at + kTellInterval;
  if (now < again) {
    SetDue(entry, again);
    return;
  }
  entry.told_at = now;
  entry.looked_at = 0;
  untold_.insert(entry.group->name);
}

void InconsistentGroups::SetDue(Entry& entry, absl::Time due) {
  const absl::string_view name = entry.group->name;
  if (entry.due != absl::InfiniteFuture()) due_.erase({entry.due, name});
  entry.due = due;
  if (due != absl::InfiniteFuture()) due_.emplace(due, name);
}

void InconsistentGroups::ReportDue(size_t max, TableChange* change) {
  for (; max > 0 && NextDue() <= change->now(); --max) {
    Entry& entry = entries_.find(due_.begin()->second)->second;
    SetDue(entry, absl::InfiniteFuture());
    if (entry.is_reported) {
      WantTell(entry, change->now());
    } else {
      Report(entry, change);
    }
  }
}

bool InconsistentGroups::IsUntold(const Entry& entry,
                                  const ChannelRecord& channel) const {
  return ToldOf(channel, *entry.group) != entry.news;
}

void InconsistentGroups::Tell(size_t* budget) {
  while (!untold_.empty() && *budget > 0) {
    Entry& entry = entries_.find(*untold_.begin())->second;
    const auto& members = entry.group->members;
    auto member = members.upper_bound(entry.looked_at);
    for (; member != members.end() && *budget > 0; ++member, --*budget) {
      ChannelRecord& channel = **member;
      entry.looked_at = channel.id;
      if (IsUntold(entry, channel) &&
          entry.consistency->IsOdd(StatementOf(channel, *entry.group))) {
        channel.liveness.SetAttention(true);
      }
    }
    if (member == members.end()) untold_.erase(untold_.begin());
  }
}

bool InconsistentGroups::HasNews(const ChannelRecord& channel,
                                 const Membership& membership,
                                 const GroupConsistency& consistency) const {
  if (consistency.is_consistent() || !consistency.IsOdd(membership.statement)) {
    return false;
  }
  const Entry& entry = entries_.find(membership.group->name)->second;
  return entry.is_reported && IsUntold(entry, channel);
}

absl::optional<ClientWarning> InconsistentGroups::TakeWarning(
    ChannelRecord& channel, const Membership& membership,
    const GroupConsistency& consistency, bool only_news) {
  const RegisteredGroup& group = *membership.group;
  if (consistency.is_consistent() || !consistency.IsOdd(membership.statement)) {
    channel.ForgetTold(group);
    return absl::nullopt;
  }
  const Entry& entry = entries_.find(group.name)->second;
  if (!entry.is_reported || (only_news && !IsUntold(entry, channel))) {
    return absl::nullopt;
  }
  channel.MutableExceptions().told[&group] = entry.news;

  ClientWarning warning;
  warning.kind = ClientWarning::Kind::kInconsistentSubscription;
  warning.group = group.name;
  warning.message = consistency.DescribeOdd(group.name, membership.statement);
  const uint64_t reference = consistency.reference().number;
  size_t looks = 0;
  for (ChannelRecord* const member : group.members) {
    if (++looks > kLooksForNames ||
        warning.client_ids.size() == kNamedClients) {
      break;
    }
    size_t hint = 0;
    const Membership& other = *GroupMembers::Find(*member, group, &hint);
    if (consistency.CampOf(other.statement) == reference) {
      warning.client_ids.emplace_back(member->ClientOf(other).client_id());
    }
  }
  return warning;
}

}  // namespace rmq
