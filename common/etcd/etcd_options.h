// How a client of etcd reaches it.
#ifndef COMMON_ETCD_ETCD_OPTIONS_H_
#define COMMON_ETCD_ETCD_OPTIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/security/tls_options.h"

namespace rmq {

struct EtcdOptions {
  static constexpr size_t kMostEndpoints = 16;

  // The members of the etcd cluster, or some of them, each "host:port"; 1 to
  // kMostEndpoints.
  std::vector<std::string> endpoints;
  // Not given: plain text.
  absl::optional<TlsOptions> tls;
  // The user of etcd's authentication. Empty: none.
  std::string user;
  // A file that has the user's password, and maybe a line's end; only its owner
  // may read it. It is read whenever the client authenticates. Given if, and
  // only if, there is a user.
  std::string password_file;
  // How long one call to one endpoint may take; at least 100 ms.
  absl::Duration call_timeout = absl::Seconds(3);

  // InvalidArgument naming the field, the value and what is allowed. Reads no
  // file.
  absl::Status Validate() const;
};

// InvalidArgument, naming the first endpoint at fault, if `options` would have
// a password sent in plain text to another machine.
absl::Status PasswordStaysSecret(const EtcdOptions& options);

// Reads the password of `options`, which has a user. Returns the error of
// ReadTextFile(), naming etcd_password_file, or InvalidArgument if the file is
// empty.
absl::StatusOr<std::string> ReadEtcdPassword(const EtcdOptions& options);

}  // namespace rmq

#endif  // COMMON_ETCD_ETCD_OPTIONS_H_
