#include "broker/notify/consumer_ids_notifier.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"

namespace rmq {

absl::Status ConsumerIdsNotifier::Options::Validate() const {
  if (notify_window < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("notify_window must not be negative, got ",
                     absl::FormatDuration(notify_window)));
  }
  return absl::OkStatus();
}

void ConsumerIdsNotifier::OnClientEvent(const ClientEvent& event) {
  if (event.type != EventType::kChange || !options_.enabled) return;
  MutexLock lock(&mu_);
  if (draining_) return;
  ++counts_.changes;
  if (!dirty_.insert(event.group).second) ++counts_.coalesced;
}

void ConsumerIdsNotifier::Flush(const ClientTable& table, absl::Time now) {
  absl::flat_hash_set<std::string> groups;
  bool opened = false;
  {
    MutexLock lock(&mu_);
    if (dirty_.empty()) return;
    if (dirty_since_ == absl::InfiniteFuture()) {
      dirty_since_ = now;
      opened = true;
    }
    if (now >= dirty_since_ + options_.notify_window) {
      groups.swap(dirty_);
      dirty_since_ = absl::InfiniteFuture();
    }
  }
  if (groups.empty()) {
    if (opened && on_deadline_) on_deadline_(now + options_.notify_window);
    return;
  }
  int64_t pushes = 0;
  std::vector<ClientChannelPtr> channels;
  for (const std::string& group : groups) {
    MemberCursor cursor = 0;
    do {
      channels.clear();
      table.ListChannels(group, ClientTable::kMaxPiece, &cursor, &channels);
      for (const ClientChannelPtr& channel : channels) {
        if (channel->kind() != ClientChannel::Kind::kStream) continue;
        channel->NotifyConsumerIdsChanged(group);
        ++pushes;
      }
    } while (cursor != 0);
  }
  MutexLock lock(&mu_);
  counts_.pushes += pushes;
}

absl::Time ConsumerIdsNotifier::NextDeadline() const {
  MutexLock lock(&mu_);
  return dirty_since_ + options_.notify_window;
}

void ConsumerIdsNotifier::StartDraining() {
  MutexLock lock(&mu_);
  draining_ = true;
  dirty_.clear();
  dirty_since_ = absl::InfiniteFuture();
}

ConsumerIdsNotifier::Counts ConsumerIdsNotifier::counts() const {
  MutexLock lock(&mu_);
  return counts_;
}

}  // namespace rmq
