#include "common/security/client_tls_files.h"

#include <cstddef>
#include <ctime>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/security/openssl_pointers.h"
#include "common/text_fields.h"
#include "openssl/bio.h"
#include "openssl/err.h"
#include "openssl/pem.h"
#include "openssl/x509.h"

namespace rmq {
namespace {

constexpr size_t kMaxFileBytes = 4 << 20;

absl::Status Bad(absl::string_view what, const std::string& path,
                 absl::string_view why) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(what, " ", path, " ", why));
}

BioPointer Open(const std::string& pem) {
  return BioPointer(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// All certificates of the text, which are one at least.
absl::StatusOr<std::vector<X509Pointer>> ParseCertificates(
    absl::string_view what, const std::string& path, const std::string& pem) {
  const BioPointer bio = Open(pem);
  std::vector<X509Pointer> certificates;
  ERR_clear_error();
  while (X509* const certificate =
             PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  // At its end the text has no further line that begins something.
  const bool is_end =
      ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!is_end) {
    return Bad(what, path,
               absl::StrCat("has something after ", certificates.size(),
                            " certificates that is no certificate in PEM"));
  }
  if (certificates.empty()) return Bad(what, path, "has no certificate in PEM");
  ERR_clear_error();
  return certificates;
}

absl::Time ToTime(const ASN1_TIME* time) {
  std::tm parts;
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

std::string Format(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
}

absl::Status CheckDates(const std::string& path, const X509& certificate,
                        absl::Time now) {
  const absl::Time begin = ToTime(X509_get0_notBefore(&certificate));
  const absl::Time end = ToTime(X509_get0_notAfter(&certificate));
  if (now < begin) {
    return Bad(
        "certificate file", path,
        absl::StrCat("has a certificate that is valid from ", Format(begin),
                     " on only, and it is ", Format(now)));
  }
  if (now > end) {
    return Bad("certificate file", path,
               absl::StrCat("has a certificate that was valid until ",
                            Format(end), ", and it is ", Format(now)));
  }
  return absl::OkStatus();
}

// Has no passphrase to give.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*rw*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

absl::Status CheckKey(const TlsOptions& tls, const std::string& pem,
                      const X509& certificate) {
  constexpr absl::string_view kWhat = "key file";
  const BioPointer bio = Open(pem);
  bool is_encrypted = false;
  const KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr,
                                               &NoPassphrase, &is_encrypted));
  if (is_encrypted) {
    return Bad(kWhat, tls.key_file, "must not be encrypted");
  }
  if (key == nullptr) {
    return Bad(kWhat, tls.key_file, "has no private key in PEM");
  }
  if (X509_check_private_key(&certificate, key.get()) != 1) {
    return Bad(kWhat, tls.key_file,
               absl::StrCat("has another key than the certificate in ",
                            tls.cert_file));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ClientTlsFiles> ReadClientTlsFiles(const TlsOptions& tls,
                                                  absl::Time now) {
  ClientTlsFiles files;
  if (!tls.ca_file.empty()) {
    absl::StatusOr<std::string> pem =
        ReadTextFile("CA file", tls.ca_file, kMaxFileBytes, TextFileMode::kAny);
    if (!pem.ok()) return pem.status();
    const auto parsed = ParseCertificates("CA file", tls.ca_file, *pem);
    if (!parsed.ok()) return parsed.status();
    files.authorities = *std::move(pem);
  }
  if (tls.cert_file.empty()) return files;
  absl::StatusOr<std::string> pem = ReadTextFile(
      "certificate file", tls.cert_file, kMaxFileBytes, TextFileMode::kAny);
  if (!pem.ok()) return pem.status();
  const auto chain = ParseCertificates("certificate file", tls.cert_file, *pem);
  if (!chain.ok()) return chain.status();
  absl::Status status = CheckDates(tls.cert_file, *chain->front(), now);
  if (!status.ok()) return status;
  files.certificate = *std::move(pem);
  pem = ReadTextFile("key file", tls.key_file, kMaxFileBytes,
                     TextFileMode::kNotForOthers);
  if (!pem.ok()) return pem.status();
  status = CheckKey(tls, *pem, *chain->front());
  if (!status.ok()) return status;
  files.key = *std::move(pem);
  return files;
}

}  // namespace rmq
