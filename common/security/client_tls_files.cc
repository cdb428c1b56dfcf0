#include "common/security/client_tls_files.h"

#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "common/security/openssl_pointers.h"
#include "common/security/pem_files.h"

namespace rmq {

absl::StatusOr<ClientTlsFiles> ReadClientTlsFiles(const TlsOptions& tls,
                                                  absl::Time now) {
  ClientTlsFiles files;
  if (!tls.ca_file.empty()) {
    const NamedFile name = {"tls.ca_file", tls.ca_file};
    absl::StatusOr<PemFile> file = ReadPemFile(name);
    if (!file.ok()) return file.status();
    // An authority that has expired proves nothing, and harms no other.
    const auto authorities =
        ParseCertificates(name, file->text, /*wall_now=*/absl::nullopt);
    if (!authorities.ok()) return authorities.status();
    files.authorities = std::move(file->text);
  }
  if (tls.cert_file.empty()) return files;
  const NamedFile cert_name = {"tls.cert_file", tls.cert_file};
  absl::StatusOr<PemFile> cert = ReadPemFile(cert_name);
  if (!cert.ok()) return cert.status();
  const auto chain = ParseCertificates(cert_name, cert->text, now);
  if (!chain.ok()) return chain.status();
  const NamedFile key_name = {"tls.key_file", tls.key_file};
  absl::StatusOr<PemFile> key = ReadPemFile(key_name);
  if (!key.ok()) return key.status();
  const absl::Status status = CheckKey(key_name, *key, chain->front().get());
  if (!status.ok()) return status;
  files.certificate = std::move(cert->text);
  files.key = std::move(key->text);
  return files;
}

}  // namespace rmq
