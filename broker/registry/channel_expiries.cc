#include "broker/registry/channel_expiries.h"

#include <algorithm>

namespace rmq {

bool ChannelExpiries::Set(ChannelRecord& channel, absl::Duration expiry) {
  const absl::Duration before = Of(channel);
  if (expiry == before) return false;
  if (before != usual_) Forget(before);
  if (expiry == usual_) {
    channel.exceptions->expiry = absl::ZeroDuration();
    channel.DropExceptionsIfEmpty();
  } else {
    channel.MutableExceptions().expiry = expiry;
    ++requested_[expiry];
  }
  return expiry < before;
}

void ChannelExpiries::File(ChannelRecord& channel, absl::Time heard,
                           absl::Time now) {
  index_.File(channel, std::max(heard + Of(channel), now));
}

void ChannelExpiries::FileAnew(ChannelRecord& channel, absl::Time heard,
                               absl::Time now) {
  index_.Remove(channel);
  File(channel, heard, now);
}

void ChannelExpiries::Remove(ChannelRecord& channel) {
  index_.Remove(channel);
  Set(channel, usual_);
}

void ChannelExpiries::Forget(absl::Duration expiry) {
  const auto found = requested_.find(expiry);
  if (--found->second == 0) requested_.erase(found);
}

ExpiryOutlook ChannelExpiries::Outlook() const {
  const absl::Duration shortest =
      requested_.empty() ? usual_ : std::min(usual_, requested_.begin()->first);
  return {index_.NextDue(), shortest};
}

}  // namespace rmq
