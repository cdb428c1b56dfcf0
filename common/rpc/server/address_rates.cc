#include "common/rpc/server/address_rates.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/peer_address.h"

namespace rmq {
namespace {

// The key of all addresses beyond kMostAddresses.
constexpr char kOthers[] = "others";
constexpr absl::Duration kSweepPause = absl::Seconds(1);

absl::string_view NameOf(AddressRates::Kind kind) {
  switch (kind) {
    case AddressRates::Kind::kBytes:
      return "bytes of unary requests and compressed messages";
    case AddressRates::Kind::kGroups: return "groups of unary requests";
    case AddressRates::Kind::kRows: return "rows of listings";
  }
  return "";
}

}  // namespace

absl::Status AddressRates::Options::Validate() const {
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

AddressRates::AddressRates(const Options& options)
    : rates_{options.max_unary_bytes_rate, options.max_unary_groups_rate,
             options.max_listed_rows_rate} {}

CallStatus AddressRates::Check(Kind kind, absl::string_view peer,
                               absl::Time now) {
  const int64_t rate = rates_[static_cast<size_t>(kind)];
  if (rate == 0) return {};
  absl::Duration wait;
  {
    MutexLock lock(&mu_);
    const Buckets& buckets = FindLocked(peer, now);
    wait = buckets[static_cast<size_t>(kind)] - now - absl::Seconds(kBurst);
  }
  // An empty bucket will be full in kBurst seconds.
  if (wait < absl::ZeroDuration()) return {};
  return OverLimit(absl::StrCat(
      NameOf(kind), " from one address must be at most ", rate,
      " a second, come again in ",
      absl::FormatDuration(absl::Ceil(std::max(wait, absl::Milliseconds(1)),
                                      absl::Milliseconds(1)))));
}

void AddressRates::Take(Kind kind, absl::string_view peer, int64_t amount,
                        absl::Time now) {
  const int64_t rate = rates_[static_cast<size_t>(kind)];
  if (rate == 0 || amount == 0) return;
  MutexLock lock(&mu_);
  absl::Time& full_at = FindLocked(peer, now)[static_cast<size_t>(kind)];
  full_at = std::max(full_at, now) + absl::Seconds(1) * amount / rate;
}

AddressRates::Buckets& AddressRates::FindLocked(absl::string_view peer,
                                                absl::Time now) {
  const Buckets full = {absl::InfinitePast(), absl::InfinitePast(),
                        absl::InfinitePast()};
  std::string network = NetworkOf(peer);
  const auto found = addresses_.find(network);
  if (found != addresses_.end()) return found->second;
  if (addresses_.size() >= kMostAddresses && now - swept_ >= kSweepPause) {
    swept_ = now;
    absl::erase_if(addresses_, [now](const auto& address) {
      return std::all_of(address.second.begin(), address.second.end(),
                         [now](absl::Time full_at) { return full_at <= now; });
    });
  }
  if (addresses_.size() >= kMostAddresses) network = kOthers;
  return addresses_.try_emplace(std::move(network), full).first->second;
}

}  // namespace rmq
