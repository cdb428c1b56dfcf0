#include "common/security/pem_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "openssl/asn1.h"
#include "openssl/err.h"
#include "openssl/pem.h"

namespace rmq {
namespace {

constexpr absl::string_view kBeginsCertificate = "-----BEGIN CERTIFICATE-----";

BioPointer BioOf(const std::string& text) {
  return BioPointer(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

size_t CountOf(absl::string_view text, absl::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != absl::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

std::string Show(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace

absl::Status NamedFile::Is(absl::string_view problem) const {
  return absl::FailedPreconditionError(
      absl::StrCat(name, " ", path, ": ", problem));
}

absl::StatusOr<PemFile> ReadPemFile(const NamedFile& file) {
  // Not waiting for the writer of a pipe.
  const int fd = open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return file.Is(absl::StrCat("cannot be read: ",
                                std::generic_category().message(errno)));
  }
  struct stat status = {};
  std::string text;
  absl::Status problem;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    problem = file.Is("must be a file, and is none");
  }
  std::array<char, 16 * 1024> bytes;
  for (ssize_t size = 1; problem.ok() && size > 0;) {
    size = read(fd, bytes.data(), bytes.size());
    if (size < 0) {
      problem = file.Is(absl::StrCat("cannot be read: ",
                                     std::generic_category().message(errno)));
    } else {
      text.append(bytes.data(), static_cast<size_t>(size));
    }
    if (text.size() > PemFile::kLongest) {
      problem = file.Is(absl::StrCat("must have at most ", PemFile::kLongest,
                                     " bytes, and has more"));
    }
  }
  close(fd);
  if (!problem.ok()) return problem;
  return PemFile{std::move(text), status.st_mode};
}

absl::Time TimeOfAsn1(const ASN1_TIME* time) {
  std::tm parts = {};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    return absl::InfiniteFuture();
  }
  return absl::FromTM(parts, absl::UTCTimeZone());
}

absl::StatusOr<std::vector<X509Pointer>> ParseCertificates(
    const NamedFile& file, const std::string& text,
    absl::optional<absl::Time> wall_now) {
  const size_t count = CountOf(text, kBeginsCertificate);
  if (count == 0) {
    return file.Is(
        "must have a certificate in PEM (\"-----BEGIN CERTIFICATE-----\"), "
        "and has none");
  }
  std::vector<X509Pointer> certificates;
  const BioPointer bio = BioOf(text);
  for (size_t i = 1; i <= count; ++i) {
    X509Pointer certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (certificate == nullptr) {
      return file.Is(absl::StrCat("certificate ", i, " of ", count,
                                  " is damaged or not written to its end"));
    }
    const absl::Time since = TimeOfAsn1(X509_get0_notBefore(certificate.get()));
    const absl::Time until = TimeOfAsn1(X509_get0_notAfter(certificate.get()));
    if (wall_now.has_value() && *wall_now < since) {
      return file.Is(absl::StrCat("certificate ", i, " of ", count,
                                  " must be valid now, ", Show(*wall_now),
                                  ", and is not before ", Show(since)));
    }
    if (wall_now.has_value() && *wall_now > until) {
      return file.Is(absl::StrCat("certificate ", i, " of ", count,
                                  " must be valid now, ", Show(*wall_now),
                                  ", and expired at ", Show(until)));
    }
    certificates.push_back(std::move(certificate));
  }
  return certificates;
}

absl::Status CheckKey(const NamedFile& file, const PemFile& key,
                      X509* certificate) {
  constexpr mode_t kOthers = 0007;
  constexpr mode_t kGroupWrites = 0020;
  constexpr mode_t kPermissions = 0777;
  if ((key.mode & (kOthers | kGroupWrites)) != 0) {
    return file.Is(absl::StrFormat(
        "must have a mode by which its owner and group alone read it, as 0600 "
        "or 0640, and has %04o",
        key.mode & kPermissions));
  }
  bool has_passphrase = false;
  const BioPointer bio = BioOf(key.text);
  const KeyPointer parsed(PEM_read_bio_PrivateKey(
      bio.get(), nullptr,
      [](char*, int, int, void* asked) {
        *static_cast<bool*>(asked) = true;
        return -1;
      },
      &has_passphrase));
  ERR_clear_error();
  if (has_passphrase) {
    return file.Is("must be a key without a passphrase, and has one");
  }
  if (parsed == nullptr) {
    return file.Is(
        "must have a private key in PEM (\"-----BEGIN PRIVATE KEY-----\"), "
        "and has none, or it is damaged or not written to its end");
  }
  const bool fits = X509_check_private_key(certificate, parsed.get()) == 1;
  ERR_clear_error();
  return fits ? absl::OkStatus()
              : file.Is(
                    "must be the key of the certificate, and does not "
                    "fit it");
}

}  // namespace rmq
