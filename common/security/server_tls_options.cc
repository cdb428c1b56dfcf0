#include "common/security/server_tls_options.h"

namespace rmq {
namespace {

absl::Status Invalid(absl::string_view message) {
  return absl::InvalidArgumentError(message);
}

}  // namespace

absl::string_view Name(ClientCertificates certificates) {
  switch (certificates) {
    case ClientCertificates::kOff: return "off";
    case ClientCertificates::kOptional: return "optional";
    case ClientCertificates::kRequired: return "required";
  }
  return "";
}

absl::optional<ClientCertificates> ParseClientCertificates(
    absl::string_view name) {
  for (const ClientCertificates certificates :
       {ClientCertificates::kOff, ClientCertificates::kOptional,
        ClientCertificates::kRequired}) {
    if (name == Name(certificates)) return certificates;
  }
  return absl::nullopt;
}

absl::Status ServerTlsOptions::Validate() const {
  if (!cert_file.empty() && key_file.empty()) {
    return Invalid("tls_key must be given with tls_cert, and is not");
  }
  if (cert_file.empty() && !key_file.empty()) {
    return Invalid("tls_cert must be given with tls_key, and is not");
  }
  if (!client_ca_file.empty() && !is_on()) {
    return Invalid("tls_client_ca needs tls_cert, which is not given");
  }
  const bool asks = client_certificates != ClientCertificates::kOff;
  if (asks && client_ca_file.empty()) {
    return Invalid(
        "tls_client_cert needs tls_client_ca, unless it is off: the "
        "certificates of those who issue clients' certificates");
  }
  if (!asks && !client_ca_file.empty()) {
    return Invalid(
        "tls_client_ca needs tls_client_cert to be optional or required: it is "
        "off, and nobody would be asked for a certificate");
  }
  if (!crl_directory.empty() && !asks) {
    return Invalid(
        "tls_crl_directory needs tls_client_cert to be optional or required: "
        "it is off, and nobody is asked for a certificate");
  }
  return absl::OkStatus();
}

}  // namespace rmq
