// Files of certificates and keys in PEM, read and checked.
//
// Errors are FailedPrecondition, in one line: the name of the flag or field,
// the file, what is allowed, and what is there.
#ifndef COMMON_SECURITY_PEM_FILES_H_
#define COMMON_SECURITY_PEM_FILES_H_

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/security/openssl_pointers.h"

namespace rmq {

// A file, and the flag or field that names it.
struct NamedFile {
  std::string name;
  std::string path;

  // The error that the file is not as it must be.
  absl::Status Is(absl::string_view problem) const;
};

struct PemFile {
  // A longer file is refused, in bytes.
  static constexpr size_t kLongest = 1024 * 1024;

  std::string text;
  mode_t mode;
};

// Reads a file of any text.
absl::StatusOr<PemFile> ReadPemFile(const NamedFile& file);

// The certificates in `text`, in their order: at least one, and all of them
// valid at `wall_now`, if it is given.
absl::StatusOr<std::vector<X509Pointer>> ParseCertificates(
    const NamedFile& file, const std::string& text,
    absl::optional<absl::Time> wall_now);

// Returns OK if `key` has a private key without a passphrase that fits
// `certificate`, and its file cannot be read by others than its owner and
// group.
absl::Status CheckKey(const NamedFile& file, const PemFile& key,
                      X509* certificate);

// A time of OpenSSL's; InfiniteFuture() if it is null or none.
absl::Time TimeOfAsn1(const ASN1_TIME* time);

}  // namespace rmq

#endif  // COMMON_SECURITY_PEM_FILES_H_
