#include "common/security/client_security.h"

#include "absl/strings/str_cat.h"
#include "common/loopback_host.h"
#include "common/validation.h"

namespace rmq {

absl::Status ValidateClientSecurity(
    const absl::optional<TlsOptions>& tls,
    const absl::optional<Credentials>& credentials,
    bool allow_insecure_credentials, const std::vector<std::string>& brokers,
    bool brokers_may_come, const ClientSecurityNames& names) {
  if (tls.has_value()) {
    const absl::Status status = tls->Validate();
    if (!status.ok()) return status;
  }
  if (!credentials.has_value()) return absl::OkStatus();
  const absl::Status status = credentials->Validate();
  if (!status.ok() || tls.has_value() || allow_insecure_credentials) {
    return status;
  }
  std::string where =
      brokers_may_come ? "a resolver, which may list any address" : "";
  for (const std::string& broker : brokers) {
    if (!IsLoopbackAddress(broker)) {
      where = absl::StrCat("the broker ", Quoted(broker));
      break;
    }
  }
  if (where.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "credentials must not be sent in plain text beyond this machine: give ",
      names.tls, ", or ", names.allow_insecure_credentials,
      " where the network is trusted, got ", where));
}

absl::optional<TlsOptions> TlsOfFlags(const std::string& ca_file,
                                      const std::string& cert_file,
                                      const std::string& key_file,
                                      const std::string& server_name) {
  if (absl::StrCat(ca_file, cert_file, key_file, server_name).empty()) {
    return absl::nullopt;
  }
  TlsOptions tls;
  if (ca_file != kSystemAuthorities) tls.ca_file = ca_file;
  tls.cert_file = cert_file;
  tls.key_file = key_file;
  tls.server_name = server_name;
  return tls;
}

}  // namespace rmq
