#include "broker/server/server_options.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/server/listen_address.h"

namespace rmq {
namespace {

// A longer nap makes answers late and saves nothing more.
constexpr absl::Duration kLongestNap = absl::Milliseconds(100);

}  // namespace

absl::Status ServerOptions::Validate() const {
  const absl::Status listen = ParseListenAddress("address", address).status();
  if (!listen.ok()) return listen;
  if (max_frame_bytes < 1024 || max_frame_bytes > kLargestFrame) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_frame_bytes must be 1 KiB to 64 MiB, got ", max_frame_bytes));
  }
  if (max_frame_rate < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_frame_rate must not be negative, got ", max_frame_rate));
  }
  if (slow_reader_limit <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("slow_reader_limit must be positive, got ",
                     absl::FormatDuration(slow_reader_limit)));
  }
  const absl::Status rates_status = rates.Validate();
  if (!rates_status.ok()) return rates_status;
  constexpr int kMostStreams = 1'000'000;
  if (max_streams_per_connection < 1 ||
      max_streams_per_connection > kMostStreams) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_streams_per_connection must be 1 to ", kMostStreams,
                     ", got ", max_streams_per_connection));
  }
  for (const auto& [name, duration] :
       {std::make_pair("keepalive_time", keepalive_time),
        std::make_pair("keepalive_timeout", keepalive_timeout)}) {
    if (duration < absl::Milliseconds(1) || duration > absl::Hours(24)) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, " must be 1ms to 24h, got ", absl::FormatDuration(duration)));
    }
  }
  if (threads < 1 || threads > 64) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads must be 1 to 64, got ", threads));
  }
  if (nap < absl::ZeroDuration() || nap > kLongestNap) {
    return absl::InvalidArgumentError(absl::StrCat(
        "nap must be 0 to 100ms, got ", absl::FormatDuration(nap)));
  }
  return absl::OkStatus();
}

}  // namespace rmq
