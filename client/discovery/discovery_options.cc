#include "client/discovery/discovery_options.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "client/discovery/resolver_uri.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr absl::Duration kMinTime = absl::Milliseconds(100);
constexpr absl::Duration kMaxTime = absl::Hours(24);

absl::Status ValidateTime(absl::string_view field, absl::Duration value) {
  if (value >= kMinTime && value <= kMaxTime) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " must be between 100ms and 24h, got ",
                   absl::FormatDuration(value)));
}

}  // namespace

absl::Status DiscoveryOptions::Validate() const {
  absl::Status status = ValidateTime("file_interval", file_interval);
  if (!status.ok()) return status;
  status = ValidateTime("dns_interval", dns_interval);
  if (!status.ok()) return status;
  status = ValidateTime("dns_timeout", dns_timeout);
  if (!status.ok()) return status;
  if (!etcd_endpoints.empty()) {
    status = ParseBrokerAddresses(absl::StrJoin(etcd_endpoints, ",")).status();
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("etcd_endpoints: ", status.message()));
    }
  }
  if (!absl::StartsWith(etcd_prefix, "/") || absl::EndsWith(etcd_prefix, "/")) {
    return absl::InvalidArgumentError(
        absl::StrCat("etcd_prefix must begin with \"/\" and not end with it, "
                     "got ",
                     Quoted(etcd_prefix)));
  }
  if (etcd_user.empty() != etcd_password_file.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "etcd_user and etcd_password_file must be given together, got ",
        Quoted(etcd_user), " and ", Quoted(etcd_password_file)));
  }
  if (etcd_unlisted_stay < absl::ZeroDuration() ||
      (etcd_unlisted_stay > kMaxTime &&
       etcd_unlisted_stay != absl::InfiniteDuration())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "etcd_unlisted_stay must be between 0 and 24h, or infinite, got ",
        absl::FormatDuration(etcd_unlisted_stay)));
  }
  return etcd_tls.has_value() ? etcd_tls->Validate() : absl::OkStatus();
}

}  // namespace rmq
