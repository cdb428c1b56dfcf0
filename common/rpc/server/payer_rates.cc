#include "common/rpc/server/payer_rates.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

constexpr absl::Duration kSweepPause = absl::Seconds(1);

absl::string_view NameOf(PayerRates::Kind kind) {
  switch (kind) {
    case PayerRates::Kind::kBytes:
      return "bytes of unary requests and compressed messages";
    case PayerRates::Kind::kGroups: return "groups of unary requests";
    case PayerRates::Kind::kRows: return "rows of listings";
  }
  return "";
}

}  // namespace

absl::Status PayerRates::Options::Validate() const {
  constexpr int64_t kLargest = int64_t{1} << 40;
  for (const auto& [name, rate] :
       {std::make_pair("max_unary_bytes_rate", max_unary_bytes_rate),
        std::make_pair("max_unary_groups_rate", max_unary_groups_rate),
        std::make_pair("max_listed_rows_rate", max_listed_rows_rate)}) {
    if (rate < 0 || rate > kLargest) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " must be 0 to ", kLargest, ", got ", rate));
    }
  }
  return absl::OkStatus();
}

PayerRates::PayerRates(const Options& options)
    : rates_{options.max_unary_bytes_rate, options.max_unary_groups_rate,
             options.max_listed_rows_rate} {
  others_.fill(absl::InfinitePast());
}

CallStatus PayerRates::Check(Kind kind, const Payer& payer, absl::Time now) {
  const int64_t rate = rates_[static_cast<size_t>(kind)];
  if (rate == 0) return {};
  absl::Duration wait;
  {
    MutexLock lock(&mu_);
    const Buckets& buckets = FindLocked(payer, now);
    wait = buckets[static_cast<size_t>(kind)] - now - absl::Seconds(kBurst);
  }
  // An empty bucket will be full in kBurst seconds.
  if (wait < absl::ZeroDuration()) return {};
  return OverLimit(absl::StrCat(
      NameOf(kind), payer.is_principal ? " of one user" : " from one address",
      " must be at most ", rate, " a second, come again in ",
      absl::FormatDuration(absl::Ceil(std::max(wait, absl::Milliseconds(1)),
                                      absl::Milliseconds(1)))));
}

void PayerRates::Take(Kind kind, const Payer& payer, int64_t amount,
                      absl::Time now) {
  const int64_t rate = rates_[static_cast<size_t>(kind)];
  if (rate == 0 || amount == 0) return;
  MutexLock lock(&mu_);
  absl::Time& full_at = FindLocked(payer, now)[static_cast<size_t>(kind)];
  full_at = std::max(full_at, now) + absl::Seconds(1) * amount / rate;
}

PayerRates::Buckets& PayerRates::FindLocked(const Payer& payer,
                                            absl::Time now) {
  const auto found = payers_.find(payer);
  if (found != payers_.end()) return found->second;
  if (payers_.size() >= kMostPayers && now - swept_ >= kSweepPause) {
    swept_ = now;
    absl::erase_if(payers_, [now](const auto& entry) {
      return std::all_of(entry.second.begin(), entry.second.end(),
                         [now](absl::Time full_at) { return full_at <= now; });
    });
  }
  if (payers_.size() >= kMostPayers) return others_;
  Buckets full;
  full.fill(absl::InfinitePast());
  return payers_.try_emplace(payer, full).first->second;
}

}  // namespace rmq
