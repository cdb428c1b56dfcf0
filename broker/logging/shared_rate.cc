#include "broker/logging/shared_rate.h"

namespace rmq {

bool SharedRate::Take(const Payer& payer, absl::Time now) {
  if (!all_.Allows(now, all_full_at_)) return false;
  const bool leaves_half = all_.Allows(now, all_full_at_, burst_ / 2 + 1);
  const bool is_own = of_one_.Take(now, &FullAt(payer, now));
  return (leaves_half || is_own) && all_.Take(now, &all_full_at_);
}

absl::Time& SharedRate::FullAt(const Payer& payer, absl::Time now) {
  if (full_at_.size() >= 4 * static_cast<size_t>(burst_)) {
    for (auto at = full_at_.begin(); at != full_at_.end();) {
      const auto looked_at = at++;
      if (looked_at->second <= now) full_at_.erase(looked_at);
    }
  }
  return full_at_.try_emplace(payer, absl::InfinitePast()).first->second;
}

}  // namespace rmq
