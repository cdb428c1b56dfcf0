// The files of a server's TLS, read and checked.
#ifndef COMMON_SECURITY_SERVER_CERTIFICATES_H_
#define COMMON_SECURITY_SERVER_CERTIFICATES_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/security/server_tls_options.h"

namespace rmq {

// gRPC starts with whatever files it is given, and fails each handshake if they
// are wrong; so this reads and checks them first. A value.
struct ServerCertificates {
  // The most files of a directory of revocation lists.
  static constexpr size_t kMostLists = 1'000;

  // The key, then the certificate and those that follow it, in PEM.
  std::string identity;
  // In PEM; empty if clients are not asked for a certificate.
  std::string client_ca;
  // Differs if the directory of revocation lists has another content.
  std::string revocation_digest;
  // When the first of the certificates that the server shows expires.
  absl::Time not_after;

  bool operator==(const ServerCertificates& other) const {
    return identity == other.identity && client_ca == other.client_ca &&
           revocation_digest == other.revocation_digest;
  }
};

// Reads the files of `options`, which must validate. `wall_now` is the time by
// which certificates are valid.
//
// Returns FailedPrecondition in one line that names the flag, the file, the
// reason and what is allowed: a file cannot be read, is too long, or is no PEM
// (one that is half written); the certificate has expired or is not valid yet;
// the key has a passphrase, does not fit the certificate, or has a file that
// others than its owner and group can read; an authority has expired; a
// revocation list is damaged, has expired, is not by an authority of
// `client_ca_file`, or has a name under which nobody looks for it.
absl::StatusOr<ServerCertificates> ReadServerCertificates(
    const ServerTlsOptions& options, absl::Time wall_now);

}  // namespace rmq

#endif  // COMMON_SECURITY_SERVER_CERTIFICATES_H_
