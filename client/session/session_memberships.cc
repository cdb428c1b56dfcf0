#include "client/session/session_memberships.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "glog/logging.h"

namespace rmq {

namespace v1 = ::rocketmq::clientmanager::v1;

void SessionMemberships::Want(absl::string_view group, absl::Time now) {
  const auto entry = entries_.find(group);
  if (entry != entries_.end()) entry->second.membership.Want(now);
}

std::vector<std::string> SessionMemberships::KeepOnly(
    const HeartbeatRequest* statement) {
  Entries before;
  before.swap(entries_);
  if (statement != nullptr) {
    for (const v1::ConsumerData& consumer : statement->consumers()) {
      auto known = before.extract(consumer.group());
      const auto entry =
          known.empty() ? entries_
                              .emplace(consumer.group(),
                                       Entry{++last_id_,
                                             GroupMembership(consumer.group())})
                              .first
                        : entries_.insert(std::move(known)).position;
      GroupMembership& membership = entry->second.membership;
      if (all_are_wanted_) membership.Want(absl::InfiniteFuture());
      membership.set_expects_pushes(consumer.message_model() !=
                                    v1::MESSAGE_MODEL_BROADCASTING);
    }
  }
  std::vector<std::string> left;
  for (const auto& [group, entry] : before) left.push_back(group);
  return left;
}

void SessionMemberships::OnAccepted(const std::vector<std::string>& groups,
                                    const HeartbeatResponse& response,
                                    absl::Duration interval, absl::Time now) {
  incarnation_ = response.broker_incarnation();
  absl::flat_hash_map<absl::string_view, uint64_t> epochs;
  for (const v1::GroupEpoch& known : response.group_epochs()) {
    epochs[known.group()] = known.epoch();
  }
  for (const std::string& group : groups) {
    const auto entry = entries_.find(group);
    if (entry == entries_.end()) continue;
    const auto epoch = epochs.find(group);
    entry->second.membership.OnAccepted(
        incarnation_, epoch == epochs.end() ? 0 : epoch->second, interval, now);
  }
}

bool SessionMemberships::OnPush(const Push& push, absl::Time now) {
  const auto entry = entries_.find(push.group());
  return entry != entries_.end() && entry->second.membership.OnPush(push, now);
}

void SessionMemberships::OnStreamLost() {
  for (auto& [group, entry] : entries_) entry.membership.OnStreamLost();
  rate_full_at_ = absl::InfinitePast();  // The broker's is a new one, too.
  pages_asked_for_ = 0;
}

absl::Time SessionMemberships::NextAcknowledgment() const {
  const bool is_due =
      std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) {
        return entry.second.membership.has_acknowledgment();
      });
  return is_due ? rate_.AllowsFrom(rate_full_at_) : absl::InfiniteFuture();
}

v1::Acknowledge SessionMemberships::TakeAcknowledgments(absl::Time now) {
  v1::Acknowledge frame;
  auto entry = After(acknowledged_last_);
  for (size_t i = 0; i < entries_.size(); ++i) {
    auto& [group, e] = *entry;
    if (e.membership.has_acknowledgment()) {
      const bool has_room =
          frame.group().empty() || 1 + static_cast<size_t>(frame.more_size()) <
                                       kMaxAcknowledgmentsInOneFrame;
      if (!has_room || !rate_.Take(now, &rate_full_at_)) break;
      acknowledged_last_ = group;
      const uint64_t epoch = e.membership.TakeAcknowledgment();
      if (frame.group().empty()) {
        frame.set_group(group);
        frame.set_epoch(epoch);
      } else {
        v1::GroupEpoch& more = *frame.add_more();
        more.set_group(group);
        more.set_epoch(epoch);
      }
    }
    if (++entry == entries_.end()) entry = entries_.begin();
  }
  CHECK(!frame.group().empty());
  frame.set_broker_incarnation(incarnation_);
  return frame;
}

absl::Time SessionMemberships::NextPage() const {
  absl::Time next = absl::InfiniteFuture();
  if (pages_asked_for_ >= kMaxListings) return next;
  for (const auto& [group, entry] : entries_) {
    next = std::min(next, entry.membership.NextPage());
  }
  return next;
}

SessionMemberships::PageRequest SessionMemberships::TakePageRequest(
    absl::Time now) {
  auto entry = After(listed_last_);
  for (size_t i = 1; i < entries_.size(); ++i) {
    if (entry->second.membership.NextPage() <= now) break;
    if (++entry == entries_.end()) entry = entries_.begin();
  }
  CHECK_LE(entry->second.membership.NextPage(), now);
  ++pages_asked_for_;
  listed_last_ = entry->first;
  return {entry->second.id, entry->second.membership.TakePageRequest()};
}

void SessionMemberships::OnPage(uint64_t membership,
                                const GroupMembership::Page& page,
                                absl::Time now) {
  --pages_asked_for_;
  if (GroupMembership* const found = Find(membership)) found->OnPage(page, now);
}

void SessionMemberships::OnPageRefused(uint64_t membership, absl::Time now) {
  --pages_asked_for_;
  if (GroupMembership* const found = Find(membership)) {
    found->OnPageRefused(now);
  }
}

std::vector<std::pair<std::string, MembershipReport>>
SessionMemberships::TakeReports() {
  std::vector<std::pair<std::string, MembershipReport>> reports;
  for (auto& [group, entry] : entries_) {
    auto report = entry.membership.TakeReport();
    if (report.has_value()) reports.emplace_back(group, *std::move(report));
  }
  return reports;
}

void SessionMemberships::ReportAllAgain() {
  for (auto& [group, entry] : entries_) entry.membership.ReportAgain();
}

std::vector<AcknowledgedEpoch> SessionMemberships::Acknowledged() const {
  std::vector<AcknowledgedEpoch> acknowledged;
  for (const auto& [group, entry] : entries_) {
    const uint64_t epoch = entry.membership.acknowledged();
    if (epoch != 0) acknowledged.push_back({group, epoch});
  }
  return acknowledged;
}

SessionMemberships::Entries::iterator SessionMemberships::After(
    const std::string& group) {
  const auto entry = entries_.upper_bound(group);
  return entry == entries_.end() ? entries_.begin() : entry;
}

GroupMembership* SessionMemberships::Find(uint64_t membership) {
  for (auto& [group, entry] : entries_) {
    if (entry.id == membership) return &entry.membership;
  }
  return nullptr;
}

}  // namespace rmq
