// How a server secures its TLS connections.
#ifndef COMMON_SECURITY_SERVER_TLS_OPTIONS_H_
#define COMMON_SECURITY_SERVER_TLS_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace rmq {

// Whether clients are asked for a certificate.
enum class ClientCertificates {
  kOff,       // They are not asked.
  kOptional,  // They are asked. One that is not valid is refused.
  kRequired,  // A connection without a valid one is refused.
};
// "off", "optional" or "required".
absl::string_view Name(ClientCertificates certificates);
absl::optional<ClientCertificates> ParseClientCertificates(
    absl::string_view name);

// The files are those that CheckedServerCertificates reads. A path is empty if
// there is no such file.
struct ServerTlsOptions {
  // The server's certificate, followed by those of the authorities between it
  // and the root, and its private key; in PEM. Without them there is no TLS.
  std::string cert_file;
  std::string key_file;
  // The certificates of the authorities that issue clients' certificates, in
  // PEM.
  std::string client_ca_file;
  ClientCertificates client_certificates = ClientCertificates::kOff;
  // A directory of certificate revocation lists in PEM, with the names that
  // `openssl rehash` makes. A client's certificate that is on its authority's
  // list is refused; an authority without a list has revoked nothing.
  std::string crl_directory;

  bool is_on() const { return !cert_file.empty(); }

  // Returns InvalidArgument, naming the flag, for options that do not fit
  // together. Reads no file.
  absl::Status Validate() const;
};

}  // namespace rmq

#endif  // COMMON_SECURITY_SERVER_TLS_OPTIONS_H_
