// How a client secures its connections.
#ifndef COMMON_SECURITY_TLS_OPTIONS_H_
#define COMMON_SECURITY_TLS_OPTIONS_H_

#include <string>

#include "absl/status/status.h"

namespace rmq {

// TLS from a client to its servers. All files are in PEM. They are read when a
// client begins, and an error then names the file and the reason. They are read
// anew when they have changed, and connections that are made afterwards use
// them; what is then wrong with them is logged, and what was read before stays.
struct TlsOptions {
  // The certificates of the authorities that the client trusts. Empty: those
  // that the system trusts.
  std::string ca_file;
  // The certificate that the client shows, followed by those of the authorities
  // between it and the root, and its private key, which is not encrypted and
  // which others than the file's owner and group must not be able to read.
  // Empty: the client shows none. Both are given, or neither.
  std::string cert_file;
  std::string key_file;
  // The name that the server's certificate must have. Empty: the host of the
  // server's address.
  std::string server_name;

  // InvalidArgument naming the field, the value and what is allowed. Reads no
  // file.
  absl::Status Validate() const;
};

}  // namespace rmq

#endif  // COMMON_SECURITY_TLS_OPTIONS_H_
