#include "client/membership_feed.h"

#include <algorithm>
#include <iterator>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"
#include "common/validation.h"

namespace rmq {
namespace {

using Members = MembershipFeed::Members;

Members Difference(const Members& a, const Members& b) {
  Members difference;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(),
                      std::back_inserter(difference));
  return difference;
}

}  // namespace

void MembershipFeed::Update(const BrokerEntry& broker, absl::string_view group,
                            const MembershipReport& report,
                            absl::Time settled_at) {
  MutexLock lock(&mu_);
  Entry& entry = entries_[Key(broker.address, std::string(group))];
  entry.broker = broker;
  entry.epoch = report.epoch;
  entry.members = report.members;
  entry.settled_at = settled_at;
  entry.is_current = true;
  entry.is_taken = false;
  // Only of those whom the callback has seen: that bounds the reasons.
  for (const DepartedMember& member : report.left) {
    if (entry.seen != nullptr &&
        std::binary_search(entry.seen->begin(), entry.seen->end(),
                           member.client_id)) {
      entry.reasons[member.client_id] = member.reason;
    }
  }
  changed_.SignalAll();
}

void MembershipFeed::Suspend(absl::string_view address) {
  MutexLock lock(&mu_);
  for (auto& [key, entry] : entries_) {
    if (key.first == address) entry.is_current = false;
  }
}

void MembershipFeed::End(absl::string_view address, absl::string_view group) {
  MutexLock lock(&mu_);
  entries_.erase(Key(address, group));
}

absl::optional<MembershipChange> MembershipFeed::Take(absl::string_view address,
                                                      absl::string_view group) {
  const absl::Time now = clock_.TimeNow();
  MembershipChange change;
  std::shared_ptr<const Members> members, seen;
  absl::flat_hash_map<std::string, absl::optional<RemovalReason>> reasons;
  {
    MutexLock lock(&mu_);
    const auto found = entries_.find(Key(address, group));
    if (found == entries_.end()) return absl::nullopt;
    Entry& entry = found->second;
    if (std::exchange(entry.is_taken, true)) return absl::nullopt;
    change.broker = entry.broker;
    change.epoch = entry.epoch;
    if (entry.settled_at != absl::InfiniteFuture()) {
      change.settling = std::max(entry.settled_at - now, absl::ZeroDuration());
    }
    members = entry.members;
    seen = std::exchange(entry.seen, entry.members);
    reasons.swap(entry.reasons);
  }
  change.group = std::string(group);
  change.members = *members;
  if (seen == nullptr) seen = std::make_shared<Members>();
  change.joined = Difference(*members, *seen);
  for (std::string& id : Difference(*seen, *members)) {
    DepartedMember& member = change.left.emplace_back();
    const auto reason = reasons.find(id);
    if (reason != reasons.end()) member.reason = reason->second;
    member.client_id = std::move(id);
  }
  return change;
}

absl::StatusOr<Members> MembershipFeed::Await(
    absl::string_view address, absl::string_view group,
    const std::function<bool()>& has_group,
    const std::function<bool(const Members&)>& predicate, absl::Time deadline) {
  const Key key(address, group);
  // Before the client is asked for the group, so that no end is missed.
  Wait wait{key.second};
  {
    MutexLock lock(&mu_);
    waits_.insert(&wait);
  }
  const auto forget = absl::MakeCleanup([this, &wait] {
    MutexLock lock(&mu_);
    waits_.erase(&wait);
  });
  const absl::Status no_group = absl::NotFoundError(
      absl::StrCat("the client has no consumer group ", Quoted(group)));
  if (!has_group()) return no_group;
  std::shared_ptr<const Members> looked_at;
  while (true) {
    {
      MutexLock lock(&mu_);
      const auto has_news = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        const std::shared_ptr<const Members> current = CurrentLocked(key);
        return closed_ || wait.has_ended ||
               (current != nullptr && current != looked_at);
      };
      const bool news =
          clock_.AwaitWithDeadline(&lock, &changed_, has_news, deadline);
      if (closed_) return absl::CancelledError("the client is shut down");
      if (wait.has_ended) return no_group;
      if (!news) break;
      looked_at = CurrentLocked(key);
    }
    if (predicate(*looked_at)) return *looked_at;
  }
  return absl::DeadlineExceededError(
      absl::StrCat("members of ", Quoted(group), " at ", address, ": ",
                   looked_at == nullptr
                       ? std::string("the broker has not told them in time")
                       : absl::StrCat("the ", looked_at->size(),
                                      " are not those that were waited for")));
}

void MembershipFeed::EndWaits(absl::string_view group) {
  MutexLock lock(&mu_);
  for (Wait* const wait : waits_) {
    if (wait->group == group) wait->has_ended = true;
  }
  changed_.SignalAll();
}

void MembershipFeed::Close() {
  MutexLock lock(&mu_);
  closed_ = true;
  changed_.SignalAll();
}

std::shared_ptr<const Members> MembershipFeed::CurrentLocked(
    const Key& key) const {
  const auto entry = entries_.find(key);
  if (entry == entries_.end() || !entry->second.is_current) return nullptr;
  return entry->second.members;
}

}  // namespace rmq
