#include "broker/processor/client_kicker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/client_event.h"
#include "common/mutex_lock.h"

namespace rmq {

absl::Status ClientKicker::Options::Validate() const {
  if (kick_hold < absl::ZeroDuration() || kick_hold > kLongestHold) {
    return absl::InvalidArgumentError(absl::StrCat(
        "kick_hold must be 0 to ", absl::FormatDuration(kLongestHold), ", got ",
        absl::FormatDuration(kick_hold)));
  }
  return absl::OkStatus();
}

ClientKicker::ClientKicker(const Options& options, ClientTable* table,
                           ConsumerIdsNotifier* notifier, DueListener on_due)
    : options_(options),
      table_(*table),
      notifier_(*notifier),
      on_due_(std::move(on_due)) {}

absl::StatusOr<size_t> ClientKicker::Kick(const ChannelFilter& filter,
                                          absl::optional<absl::Duration> hold,
                                          const std::string& reason,
                                          absl::Time now) {
  {
    MutexLock lock(&mu_);
    if (waiting_.size() >= kMostWaiting) {
      return absl::ResourceExhaustedError(
          absl::StrCat("kicks under way must be at most ", kMostWaiting,
                       "; ask again when one is over"));
    }
  }
  Waiting kick;
  kick.hold = {now + hold.value_or(options_.kick_hold),
               std::make_shared<const std::string>(reason)};
  ChannelId cursor = 0;
  do {
    table_.HoldMatching(filter, kick.hold, now, &cursor, &kick.channels);
  } while (cursor != 0);
  const size_t count = kick.channels.size();
  TakeOut(&kick, kMostAtOnce, now);
  if (kick.done < count) {
    {
      MutexLock lock(&mu_);
      // Calls at the same time may make it a few more.
      waiting_.push_back(std::move(kick));
    }
    if (on_due_) on_due_(now);
  }
  return count;
}

size_t ClientKicker::Release(absl::string_view client_id, absl::Time now) {
  size_t released = 0;
  bool more = true;
  while (more) released += table_.ReleaseSome(client_id, now, &more);
  return released;
}

absl::Time ClientKicker::NextDue() {
  MutexLock lock(&mu_);
  return waiting_.empty() ? absl::InfiniteFuture() : absl::InfinitePast();
}

void ClientKicker::Run(absl::Time now) {
  Waiting* kick;
  {
    MutexLock lock(&mu_);
    if (waiting_.empty()) return;
    // Others append only, and a deque's elements keep their place.
    kick = &waiting_.front();
  }
  TakeOut(kick, kMostInARun, now);
  if (kick->done < kick->channels.size()) return;
  Waiting over;
  MutexLock lock(&mu_);
  over = std::move(waiting_.front());
  waiting_.pop_front();
}

void ClientKicker::TakeOut(Waiting* kick, size_t max, absl::Time now) {
  const auto some =
      absl::MakeConstSpan(kick->channels).subspan(kick->done, max);
  if (some.empty()) return;
  std::vector<ClientChannelPtr> closed;
  table_.CloseChannels(some, RemovalReason::kKicked, now, &closed);
  kick->done += some.size();
  notifier_.Flush(table_, now);
  const ChannelEnd end(RemovalReason::kKicked,
                       std::max(kick->hold.until - now, absl::ZeroDuration()),
                       *kick->hold.reason);
  for (const ClientChannelPtr& channel : closed) channel->End(end);
}

}  // namespace rmq
