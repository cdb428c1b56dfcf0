#include "broker/policy/skipped_groups.h"

#include "common/mutex_lock.h"

namespace rmq {

bool SkippedGroups::Note(const PassedOverGroup& skipped,
                         absl::string_view client_id, absl::Time now) {
  MutexLock lock(&mu_);
  const auto found = by_key_.find({skipped.kind, {skipped.group, client_id}});
  if (found != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
  } else {
    Entry& added = entries_.emplace_front();
    added.group = std::string(skipped.group);
    added.client.kind = skipped.kind;
    added.client.client_id = std::string(client_id);
    by_key_.emplace(Key(skipped.kind, {added.group, added.client.client_id}),
                    entries_.begin());
  }
  SkippedClient& client = entries_.front().client;
  const bool is_news = client.times == 0 || client.reason != skipped.reason;
  client.reason = skipped.reason;
  client.detail = skipped.detail;
  client.last = now;
  ++client.times;
  if (entries_.size() > kMost) {
    const Entry& oldest = entries_.back();
    by_key_.erase(
        Key(oldest.client.kind, {oldest.group, oldest.client.client_id}));
    entries_.pop_back();
  }
  return is_news;
}

std::vector<SkippedClient> SkippedGroups::Of(absl::string_view group,
                                             size_t max) const {
  std::vector<SkippedClient> found;
  MutexLock lock(&mu_);
  for (const Entry& entry : entries_) {
    if (found.size() == max) break;
    if (entry.group == group) found.push_back(entry.client);
  }
  return found;
}

}  // namespace rmq
