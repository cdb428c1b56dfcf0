#include "broker/registry/table_options.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace rmq {
namespace {

constexpr int32_t kMostStatementChanges = 1'000;
constexpr int32_t kMostStatementChangesPerAddress = 1'000'000;
constexpr size_t kMostRecentlyClosed = 1'000'000;
// The broker wakes up four times an expiry, for all clients, if one asks for
// it.
constexpr absl::Duration kLeastRequestedExpiry = absl::Seconds(1);
// A message on the wire holds longer ones; they say little.
constexpr absl::Duration kMostExpiry = absl::Hours(24 * 365);

}  // namespace

absl::Duration TableOptions::ExpiryFor(absl::Duration requested) const {
  if (requested <= absl::ZeroDuration()) return channel_expiry;
  return std::clamp(requested, min_channel_expiry, max_channel_expiry);
}

absl::Status TableOptions::Validate() const {
  if (channel_expiry <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("channel_expiry must be positive, got ",
                     absl::FormatDuration(channel_expiry)));
  }
  if (min_channel_expiry < kLeastRequestedExpiry) {
    return absl::InvalidArgumentError(
        absl::StrCat("min_channel_expiry must be at least ",
                     absl::FormatDuration(kLeastRequestedExpiry), ", got ",
                     absl::FormatDuration(min_channel_expiry)));
  }
  if (max_channel_expiry < min_channel_expiry ||
      max_channel_expiry > kMostExpiry) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_channel_expiry must be min_channel_expiry (",
                     absl::FormatDuration(min_channel_expiry), ") to ",
                     absl::FormatDuration(kMostExpiry), ", got ",
                     absl::FormatDuration(max_channel_expiry)));
  }
  if (max_channels == 0) {
    return absl::InvalidArgumentError("max_channels must be at least 1, got 0");
  }
  if (recently_closed > kMostRecentlyClosed) {
    return absl::InvalidArgumentError(
        absl::StrCat("recently_closed must be 0 to ", kMostRecentlyClosed,
                     ", got ", recently_closed));
  }
  for (const auto& [name, rate, most] :
       {std::make_tuple("max_statement_changes", max_statement_changes,
                        kMostStatementChanges),
        std::make_tuple("max_statement_changes_per_address",
                        max_statement_changes_per_address,
                        kMostStatementChangesPerAddress)}) {
    if (rate < 0 || rate > most) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " must be 0 to ", most, ", got ", rate));
    }
  }
  return absl::OkStatus();
}

}  // namespace rmq
