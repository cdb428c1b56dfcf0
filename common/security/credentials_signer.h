// Signs the calls of a client that has credentials.
#ifndef COMMON_SECURITY_CREDENTIALS_SIGNER_H_
#define COMMON_SECURITY_CREDENTIALS_SIGNER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/file_changes.h"
#include "common/security/credentials.h"
#include "common/security/hmac_sha1.h"

namespace rmq {

// The values of the metadata kAuthorizationKey and kMqv2DateTimeKey.
struct CallSignature {
  std::string authorization;
  std::string date_time;
};

// Reads the file of its credentials anew when it has changed, at most once a
// second, in the call that signs. A file that is then wrong is logged once, and
// what was read before stays.
//
// Thread-safe. `clock` is borrowed.
class CredentialsSigner {
 public:
  // `credentials` must validate. Errors: those of ReadCredentialsFile(), and
  // Internal if OpenSSL has no HMAC-SHA1.
  static absl::StatusOr<std::unique_ptr<CredentialsSigner>> Create(
      const Credentials& credentials, Clock* clock);

  // A signature of the time that the clock shows. Internal if OpenSSL has no
  // memory.
  absl::StatusOr<CallSignature> Sign() ABSL_LOCKS_EXCLUDED(mu_);

  // Grows whenever Sign() begins to sign with something else.
  uint64_t generation() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Key {
    std::string access_key;
    HmacSha1 secret;
  };

  CredentialsSigner(const std::string& file, Clock* clock)
      : file_(file), clock_(*clock), changes_({file}, clock) {}

  static absl::StatusOr<std::shared_ptr<const Key>> MakeKey(
      const Credentials& credentials);
  void ReadIfChanged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string file_;  // Empty: there is none.
  Clock& clock_;
  absl::Mutex mu_;
  FileChanges changes_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const Key> key_ ABSL_GUARDED_BY(mu_);
  uint64_t generation_ ABSL_GUARDED_BY(mu_) = 1;
};

}  // namespace rmq

#endif  // COMMON_SECURITY_CREDENTIALS_SIGNER_H_
