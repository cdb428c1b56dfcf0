#include "client/examples/security_flags.h"

#include <string>

#include "absl/flags/flag.h"
#include "common/security/client_security.h"

ABSL_FLAG(std::string, tls_ca, "",
          "over TLS: the authorities to trust, or system for the system's");
ABSL_FLAG(std::string, tls_cert, "", "over TLS: the client's certificate");
ABSL_FLAG(std::string, tls_key, "", "the certificate's private key");
ABSL_FLAG(std::string, tls_server_name, "",
          "over TLS: the name of the brokers' certificates, if not their "
          "hosts'");
ABSL_FLAG(std::string, credentials_file, "",
          "says who calls, with access_key: \"...\" secret_key: \"...\"");

namespace rmq::examples {

absl::optional<TlsOptions> TlsOfFlags() {
  return rmq::TlsOfFlags(
      absl::GetFlag(FLAGS_tls_ca), absl::GetFlag(FLAGS_tls_cert),
      absl::GetFlag(FLAGS_tls_key), absl::GetFlag(FLAGS_tls_server_name));
}

absl::optional<Credentials> CredentialsOfFlags() {
  const std::string file = absl::GetFlag(FLAGS_credentials_file);
  if (file.empty()) return absl::nullopt;
  Credentials credentials;
  credentials.credentials_file = file;
  return credentials;
}

}  // namespace rmq::examples
