#include "common/rpc/server/listen_address.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/loopback_host.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr int kMaxPort = 65535;

bool IsBracketed(absl::string_view host) {
  return absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view field,
                                                 absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon != absl::string_view::npos) {
    const absl::string_view host = address.substr(0, colon);
    const absl::string_view port = address.substr(colon + 1);
    const bool digits =
        !port.empty() && port.size() <= 5 &&
        std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
    const bool is_one_host =
        IsBracketed(host) || (!host.empty() && host.find_first_of(":[]/") ==
                                                   absl::string_view::npos);
    ListenAddress parsed;
    if (digits && is_one_host && absl::SimpleAtoi(port, &parsed.port) &&
        parsed.port <= kMaxPort) {
      parsed.host = std::string(host);
      return parsed;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat(field,
                   " must be host:port (an IPv6 host in brackets) with a "
                   "port of 0 to 65535, got ",
                   Quoted(address)));
}

bool IsLoopback(const ListenAddress& address) {
  return IsLoopbackHost(address.host);
}

}  // namespace rmq
