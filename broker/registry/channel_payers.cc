#include "broker/registry/channel_payers.h"

#include <algorithm>

namespace rmq {
namespace {

// How many are forgotten when one comes to wait: more than come, so that few
// wait whose rate is available.
constexpr int kForgottenAtOnce = 2;

}  // namespace

void ChannelPayers::Add(const Payer& payer) {
  Entry& entry = payers_[payer];
  if (++entry.channels > 1) return;
  if (waiting_.erase({entry.changes_full_at, payer}) > 0 &&
      payer.is_principal) {
    principals_.Drop(static_cast<Principals::Number>(payer.number));
  }
}

void ChannelPayers::Remove(const Payer& payer, absl::Time now) {
  const auto found = payers_.find(payer);
  if (found == payers_.end() || --found->second.channels > 0) return;
  if (found->second.changes_full_at <= now) {
    payers_.erase(found);
    return;
  }
  if (payer.is_principal) {
    principals_.Take(
        principals_.NameOf(static_cast<Principals::Number>(payer.number)));
  }
  waiting_.insert({found->second.changes_full_at, payer});
  for (int i = 0; i < kForgottenAtOnce && !waiting_.empty() &&
                  waiting_.begin()->changes_full_at <= now;
       ++i) {
    ForgetFirst();
  }
  if (waiting_.size() > kMostWithoutChannel) ForgetFirst();
}

void ChannelPayers::ForgetFirst() {
  const Payer payer = waiting_.begin()->payer;
  waiting_.erase(waiting_.begin());
  payers_.erase(payer);
  if (payer.is_principal) {
    principals_.Drop(static_cast<Principals::Number>(payer.number));
  }
}

size_t ChannelPayers::channels(const Payer& payer) const {
  const auto found = payers_.find(payer);
  return found == payers_.end() ? 0 : found->second.channels;
}

absl::Time ChannelPayers::MayChangeAt(const Payer& payer,
                                      absl::Time now) const {
  const auto found = payers_.find(payer);
  if (found == payers_.end() ||
      changes_.Allows(now, found->second.changes_full_at)) {
    return now;
  }
  return changes_.AllowsFrom(found->second.changes_full_at);
}

void ChannelPayers::NoteChange(const Payer& payer, absl::Time now) {
  const auto found = payers_.find(payer);
  if (found == payers_.end() || found->second.channels == 0) return;
  changes_.Take(now, &found->second.changes_full_at);
  latest_full_at_ = std::max(latest_full_at_, found->second.changes_full_at);
}

}  // namespace rmq
