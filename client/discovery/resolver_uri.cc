#include "client/discovery/resolver_uri.h"

#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/validation.h"

namespace rmq {
namespace {

using Scheme = ResolverUri::Scheme;

constexpr char kForms[] =
    "\"static:///HOST:PORT,...\", \"file:///PATH\", \"dns:///NAME:PORT\", "
    "\"etcd:///CLUSTER\" or \"etcd://HOST:PORT,.../CLUSTER\"";

// The bounds of the system, and of etcd's keys.
constexpr size_t kMaxPathBytes = 4095;
constexpr size_t kMaxHostNameBytes = 253;
constexpr size_t kMaxClusterBytes = 255;

absl::Status Invalid(absl::string_view text, absl::string_view rule) {
  return absl::InvalidArgumentError(
      absl::StrCat("resolver must ", rule, ", got ", Quoted(text)));
}

absl::Status InvalidForm(absl::string_view text) {
  return Invalid(text, absl::StrCat("be ", kForms));
}

bool ToScheme(absl::string_view name, Scheme* scheme) {
  for (Scheme known :
       {Scheme::kStatic, Scheme::kFile, Scheme::kDns, Scheme::kEtcd}) {
    if (name != ResolverSchemeName(known)) continue;
    *scheme = known;
    return true;
  }
  return false;
}

bool IsPrintable(absl::string_view text) {
  for (char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// An address of the DNS: what has a letter, and no IPv6 address.
bool IsHostName(absl::string_view host) {
  if (host.size() > kMaxHostNameBytes || host.front() == '[') return false;
  for (char c : host) {
    if (absl::ascii_isalpha(static_cast<unsigned char>(c))) return true;
  }
  return false;
}

absl::Status ValidatePath(absl::string_view text, const ResolverUri& uri) {
  switch (uri.scheme) {
    case Scheme::kStatic: return ParseBrokerAddresses(uri.path).status();
    case Scheme::kFile:
      if (uri.path.size() > kMaxPathBytes || absl::EndsWith(uri.path, "/") ||
          absl::StrContains(uri.path, absl::string_view("\0", 1))) {
        return Invalid(text,
                       absl::StrCat("name a file by a path of at most ",
                                    kMaxPathBytes, " bytes after \"file://\""));
      }
      return absl::OkStatus();
    case Scheme::kDns: {
      const auto address = ParseBrokerAddresses(uri.path);
      if (!address.ok()) return address.status();
      if (address->size() != 1 ||
          !IsHostName(uri.path.substr(0, uri.path.rfind(':')))) {
        return Invalid(
            text, absl::StrCat("have one name of at most ", kMaxHostNameBytes,
                               " bytes and a port after \"dns:///\", and "
                               "\"static:///\" where there are addresses "
                               "instead of a name"));
      }
      return absl::OkStatus();
    }
    case Scheme::kEtcd:
      if (!uri.authority.empty()) {
        absl::Status status = ParseBrokerAddresses(uri.authority).status();
        if (!status.ok()) {
          return absl::Status(status.code(), absl::StrCat("etcd's endpoints: ",
                                                          status.message()));
        }
      }
      if (uri.path.empty() || uri.path.size() > kMaxClusterBytes ||
          absl::StrContains(uri.path, '/') || !IsPrintable(uri.path)) {
        return Invalid(
            text, absl::StrCat("end with the name of a cluster: 1 to ",
                               kMaxClusterBytes,
                               " printable ASCII characters without \"/\""));
      }
      return absl::OkStatus();
  }
  return InvalidForm(text);
}

}  // namespace

absl::string_view ResolverSchemeName(ResolverUri::Scheme scheme) {
  switch (scheme) {
    case Scheme::kStatic: return "static";
    case Scheme::kFile: return "file";
    case Scheme::kDns: return "dns";
    case Scheme::kEtcd: return "etcd";
  }
  return "unknown";
}

std::string ResolverUri::ToString() const {
  return absl::StrCat(ResolverSchemeName(scheme), "://", authority,
                      scheme == Scheme::kFile ? "" : "/", path);
}

absl::StatusOr<ResolverUri> ParseResolverUri(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits("://", 1));
  ResolverUri uri;
  const size_t slash = parts.second.find('/');
  if (!ToScheme(parts.first, &uri.scheme) || slash == parts.second.npos) {
    return InvalidForm(text);
  }
  uri.authority = std::string(parts.second.substr(0, slash));
  // The path of a file begins with the slash, and the others after it.
  uri.path = std::string(
      parts.second.substr(uri.scheme == Scheme::kFile ? slash : slash + 1));
  if (!uri.authority.empty() && uri.scheme != Scheme::kEtcd) {
    return Invalid(
        text, absl::StrCat("have three slashes after \"",
                           ResolverSchemeName(uri.scheme),
                           ":\" (a server to ask can be named for etcd only)"));
  }
  absl::Status status = ValidatePath(text, uri);
  if (!status.ok()) {
    // The addresses' own errors tell the address alone.
    if (absl::StartsWith(status.message(), "resolver ")) return status;
    return absl::Status(status.code(), absl::StrCat("resolver ", Quoted(text),
                                                    ": ", status.message()));
  }
  return uri;
}

std::string ServerNameOf(const ResolverUri& uri) {
  if (uri.scheme != Scheme::kDns) return "";
  return uri.path.substr(0, uri.path.rfind(':'));
}

absl::StatusOr<std::vector<BrokerEntry>> ParseBrokerAddresses(
    absl::string_view addresses) {
  std::vector<BrokerEntry> brokers;
  for (absl::string_view address : absl::StrSplit(addresses, ',')) {
    brokers.emplace_back().address = std::string(address);
  }
  absl::Status status = ValidateBrokers(brokers);
  if (!status.ok()) return status;
  return brokers;
}

}  // namespace rmq
