#include "broker/registrar/registrar_options.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/security/client_tls_files.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr absl::Duration kLeastLease = absl::Seconds(2);
constexpr absl::Duration kMostLease = absl::Minutes(10);
constexpr absl::Duration kLeastCallTimeout = absl::Milliseconds(100);

}  // namespace

EtcdOptions RegistrarOptions::Etcd() const {
  EtcdOptions options;
  options.endpoints = absl::StrSplit(etcd, ',');
  if (etcd_tls || !etcd_tls_ca.empty() || !etcd_tls_cert.empty() ||
      !etcd_tls_key.empty() || !etcd_tls_server_name.empty()) {
    options.tls.emplace();
    options.tls->ca_file = etcd_tls_ca;
    options.tls->cert_file = etcd_tls_cert;
    options.tls->key_file = etcd_tls_key;
    options.tls->server_name = etcd_tls_server_name;
  }
  // So that endpoints that hang cost no lease: each third of it they are all
  // asked in turn.
  options.call_timeout = std::clamp(
      etcd_lease / (3 * std::max<size_t>(1, options.endpoints.size())),
      kLeastCallTimeout, options.call_timeout);
  options.user = etcd_user;
  options.password_file = etcd_password_file;
  return options;
}

absl::Status RegistrarOptions::Validate(bool allow_insecure) const {
  if (!is_on()) return absl::OkStatus();
  const EtcdOptions options = Etcd();
  absl::Status status = options.Validate();
  if (!status.ok()) return BySettings(status);
  status = ValidateDiscoveryPrefix(etcd_prefix);
  if (!status.ok()) return status;
  if (etcd_lease < kLeastLease || etcd_lease > kMostLease ||
      absl::Trunc(etcd_lease, absl::Seconds(1)) != etcd_lease) {
    return absl::InvalidArgumentError(
        absl::StrCat("etcd_lease must be 2s to 10m, in whole seconds, got ",
                     absl::FormatDuration(etcd_lease)));
  }
  if (allow_insecure) return absl::OkStatus();
  status = PasswordStaysSecret(options);
  return status.ok()
             ? status
             : absl::InvalidArgumentError(absl::StrCat(
                   status.message(), "; allow_insecure_remote allows it"));
}

absl::Status RegistrarOptions::CheckFiles(absl::Time now) const {
  if (!is_on()) return absl::OkStatus();
  const EtcdOptions options = Etcd();
  if (options.tls.has_value()) {
    const absl::Status tls = ReadClientTlsFiles(*options.tls, now).status();
    if (!tls.ok()) return BySettings(tls);
  }
  return options.user.empty() ? absl::OkStatus()
                              : ReadEtcdPassword(options).status();
}

absl::Status BySettings(const absl::Status& error) {
  return absl::Status(
      error.code(),
      absl::StrReplaceAll(error.message(),
                          {{"tls.ca_file", "etcd_tls_ca"},
                           {"tls.cert_file", "etcd_tls_cert"},
                           {"tls.key_file", "etcd_tls_key"},
                           {"tls.server_name", "etcd_tls_server_name"}}));
}

}  // namespace rmq
