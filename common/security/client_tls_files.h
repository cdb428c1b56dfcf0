// Reads and checks the files of a client's TlsOptions.
#ifndef COMMON_SECURITY_CLIENT_TLS_FILES_H_
#define COMMON_SECURITY_CLIENT_TLS_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/security/tls_options.h"

namespace rmq {

// What is in the files, in PEM; empty where there is no file.
struct ClientTlsFiles {
  std::string authorities;
  std::string certificate;
  std::string key;
};

// `tls` must validate. `now` is the wall clock's time.
//
// FailedPrecondition, with the field, the file and the reason, if a file cannot
// be read; if it has no certificate or no private key, or something that is
// none; if the key has a passphrase, is not that of the certificate, or may be
// read by others; if the certificate is not valid yet, or any more.
absl::StatusOr<ClientTlsFiles> ReadClientTlsFiles(const TlsOptions& tls,
                                                  absl::Time now);

}  // namespace rmq

#endif  // COMMON_SECURITY_CLIENT_TLS_FILES_H_
