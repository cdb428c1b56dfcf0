#include "common/rpc/server/listen_address.h"

#include <sys/un.h>

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/loopback_host.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr int kMaxPort = 65535;
// The zero at the end left out.
constexpr size_t kMostPathBytes = sizeof(sockaddr_un::sun_path) - 1;

bool IsBracketed(absl::string_view host) {
  return absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
}

}  // namespace

std::string TextOf(const ListenAddress& address) {
  return address.kind == TransportKind::kLocal
             ? absl::StrCat("unix:", address.path)
             : absl::StrCat(address.host, ":", address.port);
}

absl::StatusOr<ListenAddress> ParseServerAddress(absl::string_view field,
                                                 absl::string_view address,
                                                 TransportKind bare) {
  absl::string_view rest = address;
  ListenAddress parsed;
  if (absl::ConsumePrefix(&rest, "unix:")) {
    if (!absl::StartsWith(rest, "/") || absl::EndsWith(rest, "/") ||
        rest.size() > kMostPathBytes || absl::StrContains(rest, '\0')) {
      return absl::InvalidArgumentError(absl::StrCat(
          field, " must be unix: and the absolute path of a file, of at most ",
          kMostPathBytes, " bytes, got ", Quoted(address)));
    }
    parsed.kind = TransportKind::kLocal;
    parsed.path = std::string(rest);
    return parsed;
  }
  TransportKind kind = bare;
  if (absl::ConsumePrefix(&rest, "tls://")) {
    kind = TransportKind::kTls;
  } else if (absl::ConsumePrefix(&rest, "plaintext://")) {
    kind = TransportKind::kPlaintext;
  }
  absl::StatusOr<ListenAddress> host_and_port = ParseListenAddress(field, rest);
  if (!host_and_port.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        field,
        " must be host:port (an IPv6 host in brackets) with a "
        "port of 0 to 65535, tls://host:port, plaintext://host:port "
        "or unix:/path, got ",
        Quoted(address)));
  }
  host_and_port->kind = kind;
  return host_and_port;
}

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
  return address.kind == TransportKind::kLocal || IsLoopbackHost(address.host);
}

}  // namespace rmq
