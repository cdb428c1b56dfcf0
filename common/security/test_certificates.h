// Certificates for tests, made while the test runs.
#ifndef COMMON_SECURITY_TEST_CERTIFICATES_H_
#define COMMON_SECURITY_TEST_CERTIFICATES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/security/openssl_pointers.h"

namespace rmq {

// A certificate and its private key, both in PEM.
struct TestCertificate {
  std::string certificate;
  std::string key;
};

// A certificate authority. Fails the process if OpenSSL cannot do its work.
//
// Not thread-safe.
class TestAuthority {
 public:
  struct Subject {
    std::string common_name;
    // Without names of either kind the certificate has no alternative names.
    std::vector<std::string> dns_names;
    std::vector<std::string> uris;
    // The dates of the certificate, from now on.
    absl::Duration not_before = -absl::Hours(1);
    absl::Duration not_after = absl::Hours(24);
  };

  explicit TestAuthority(const std::string& common_name);

  // The certificate of the authority, in PEM.
  const std::string& certificate() const { return certificate_; }

  // A certificate with a new key (of the curve P-256), for servers and clients.
  TestCertificate Issue(const Subject& subject);
  // One for "localhost", as common name and as DNS name.
  TestCertificate IssueLocalhost();

  // The list of those that are revoked, in PEM. `revoked`: certificates that
  // this authority issued.
  std::string RevocationList(const std::vector<std::string>& revoked,
                             absl::Duration next_update = absl::Hours(24));
  // The name that the list's file must have in a directory of lists.
  std::string RevocationListName() const;

 private:
  X509Pointer ca_;
  KeyPointer key_;
  std::string certificate_;
  int64_t last_serial_ = 1;
  int64_t last_list_ = 0;
};

// Writes the file, with `mode`, in one step: who reads it reads the old content
// or the new one. Fails the process if that is not possible.
void WriteTestFile(const std::string& path, absl::string_view content,
                   int mode = 0600);

}  // namespace rmq

#endif  // COMMON_SECURITY_TEST_CERTIFICATES_H_
