#include "common/etcd/etcd_options.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/host_and_port.h"
#include "common/loopback_host.h"
#include "common/text_fields.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr size_t kMostPasswordBytes = 4096;
constexpr absl::Duration kLeastCallTimeout = absl::Milliseconds(100);

}  // namespace

absl::Status EtcdOptions::Validate() const {
  if (endpoints.empty() || endpoints.size() > kMostEndpoints) {
    return absl::InvalidArgumentError(
        absl::StrCat("etcd must have 1 to ", kMostEndpoints,
                     " endpoints \"host:port\", got ", endpoints.size()));
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (const std::string& endpoint : endpoints) {
    if (!IsHostAndPort(endpoint)) {
      return absl::InvalidArgumentError(
          absl::StrCat("etcd must be \"host:port\", or several with commas "
                       "between, got ",
                       Quoted(endpoint)));
    }
    if (!seen.insert(endpoint).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "etcd must not name an endpoint twice, got ", Quoted(endpoint)));
    }
  }
  if (user.empty() != password_file.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "etcd_user and etcd_password_file must be given together, got only ",
        user.empty() ? "etcd_password_file " : "etcd_user ",
        Quoted(user.empty() ? password_file : user)));
  }
  if (call_timeout < kLeastCallTimeout ||
      call_timeout == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("call_timeout must be finite and at least ",
                     absl::FormatDuration(kLeastCallTimeout), ", got ",
                     absl::FormatDuration(call_timeout)));
  }
  return tls.has_value() ? tls->Validate() : absl::OkStatus();
}

absl::Status PasswordStaysSecret(const EtcdOptions& options) {
  if (options.user.empty() || options.tls.has_value()) return absl::OkStatus();
  for (const std::string& endpoint : options.endpoints) {
    if (IsLoopbackAddress(endpoint)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("etcd_user must go with TLS to etcd (etcd_tls), unless "
                     "etcd is on this machine, got ",
                     Quoted(endpoint)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadEtcdPassword(const EtcdOptions& options) {
  absl::StatusOr<std::string> text =
      ReadTextFile("etcd_password_file", options.password_file,
                   kMostPasswordBytes, TextFileMode::kOwnersOnly);
  if (!text.ok()) return text.status();
  absl::string_view password = *text;
  absl::ConsumeSuffix(&password, "\n");
  absl::ConsumeSuffix(&password, "\r");
  if (password.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("etcd_password_file must have a password, got an empty "
                     "file ",
                     options.password_file));
  }
  return std::string(password);
}

}  // namespace rmq
