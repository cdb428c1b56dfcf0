// With what a client says who it is.
#ifndef COMMON_SECURITY_CREDENTIALS_H_
#define COMMON_SECURITY_CREDENTIALS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rmq {

// A user of the broker's file of users and rules, and his secret: either the
// two, or a file that has them. The secret itself is not sent; each call is
// signed with it (mqv2_authorization.h). A signature that was seen once is good
// for every call, so it is sent over TLS, or within the machine.
struct Credentials {
  // The user's name. Printable ASCII characters but ',', '/' and blanks.
  std::string access_key;
  std::string secret_key;
  // A file with both, as ReadCredentialsFile() reads it. It is read when a
  // client begins, and an error then names the file and the reason. It is read
  // anew when it has changed, for the calls that begin afterwards; what is then
  // wrong with it is logged, and what was read before stays.
  std::string credentials_file;

  // InvalidArgument naming the field, and what is allowed. Reads no file. No
  // error has a secret.
  absl::Status Validate() const;
};

// The access key and the secret key of the file at `path`, in protobuf's text
// format:
//
//   access_key: "pay"
//   secret_key: "..."
//
// If the file cannot be read, the error of the operating system (NotFound if
// there is none), with the path. InvalidArgument with the path, and the line
// and column where there is one, if others than its owner may read or write it,
// or if it is not as above. No error has what the file has.
absl::StatusOr<Credentials> ReadCredentialsFile(const std::string& path);

}  // namespace rmq

#endif  // COMMON_SECURITY_CREDENTIALS_H_
