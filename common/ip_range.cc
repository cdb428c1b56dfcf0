#include "common/ip_range.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace rmq {
namespace {

// What an IPv4 address begins with that is written as one of IPv6.
constexpr unsigned char kMapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// A mask of the first `bits` bits, 0 to 64.
uint64_t FirstBits(int bits) {
  return bits <= 0 ? 0 : ~uint64_t{0} << (64 - bits);
}

absl::Status Bad(absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat("must be ", rule));
}

}  // namespace

IpAddress::IpAddress(const std::array<unsigned char, 16>& bytes) {
  for (size_t i = 0; i < 8; ++i) high_ = high_ << 8 | bytes[i];
  for (size_t i = 8; i < 16; ++i) low_ = low_ << 8 | bytes[i];
  if (!std::equal(std::begin(kMapped), std::end(kMapped), bytes.begin())) {
    return;
  }
  low_ &= 0xffffffff;
  is_v4_ = true;
}

absl::optional<IpAddress> IpAddress::Parse(absl::string_view text) {
  // inet_pton() wants a terminated string; no address is longer than that.
  if (text.size() >= INET6_ADDRSTRLEN || absl::StrContains(text, '\0')) {
    return absl::nullopt;
  }
  char terminated[INET6_ADDRSTRLEN] = {};
  text.copy(terminated, text.size());
  std::array<unsigned char, 16> bytes = {};
  if (inet_pton(AF_INET6, terminated, bytes.data()) == 1) {
    return IpAddress(bytes);
  }
  std::copy(std::begin(kMapped), std::end(kMapped), bytes.begin());
  if (inet_pton(AF_INET, terminated, &bytes[sizeof(kMapped)]) == 1) {
    return IpAddress(bytes);
  }
  return absl::nullopt;
}

absl::optional<IpAddress> IpAddress::OfPeer(absl::string_view host_port) {
  absl::string_view host = host_port.substr(0, host_port.rfind(':'));
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    host = host.substr(1, host.size() - 2);
    host = host.substr(0, host.find('%'));
  }
  return Parse(host);
}

IpRange::IpRange(const IpAddress& first, int bits)
    : first_(first),
      high_mask_(first.is_v4_ ? ~uint64_t{0} : FirstBits(std::min(bits, 64))),
      low_mask_(FirstBits(first.is_v4_ ? 32 + bits : bits - 64)) {}

absl::StatusOr<IpRange> IpRange::Parse(absl::string_view text) {
  constexpr absl::string_view kForms =
      "an address such as 10.1.2.3 or a range such as 10.0.0.0/8 or fe80::/10";
  const size_t slash = text.find('/');
  const absl::optional<IpAddress> address =
      IpAddress::Parse(text.substr(0, slash));
  if (!address.has_value()) return Bad(kForms);
  const int most = address->is_v4() ? 32 : 128;
  int bits = most;
  if (slash != absl::string_view::npos) {
    const absl::string_view digits = text.substr(slash + 1);
    const bool is_number =
        !digits.empty() && digits.size() <= 3 &&
        std::all_of(digits.begin(), digits.end(), [](char c) {
          return absl::ascii_isdigit(static_cast<unsigned char>(c));
        });
    if (!is_number || !absl::SimpleAtoi(digits, &bits) || bits > most) {
      return Bad(absl::StrCat(kForms, "; behind the / must be 0 to ", most));
    }
  }
  const IpRange range(*address, bits);
  if (!range.Contains(*address)) {
    return Bad(
        absl::StrCat("a range whose bits behind the first ", bits, " are 0"));
  }
  return range;
}

}  // namespace rmq
