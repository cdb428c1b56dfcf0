#include "common/security/server_certificates.h"

#include <dirent.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "common/security/openssl_pointers.h"
#include "common/security/pem_files.h"
#include "common/validation.h"
#include "openssl/bio.h"
#include "openssl/err.h"
#include "openssl/pem.h"
#include "openssl/x509v3.h"

namespace rmq {
namespace {

constexpr absl::string_view kBeginsList = "-----BEGIN X509 CRL-----";

BioPointer BioOf(const std::string& text) {
  return BioPointer(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string Show(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string SubjectOf(X509* certificate) {
  const BioPointer text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0,
                     XN_FLAG_RFC2253);
  const char* data;
  const long size = BIO_get_mem_data(text.get(), &data);
  return Quoted(absl::string_view(data, static_cast<size_t>(size)));
}

// Each certificate behind the first one must be that of an issuer: a client
// could not follow the chain.
absl::Status CheckChain(const NamedFile& file,
                        const std::vector<X509Pointer>& chain) {
  for (size_t i = 1; i < chain.size(); ++i) {
    const bool is_issuer =
        std::any_of(chain.begin(), chain.end(), [&](const X509Pointer& other) {
          return other != chain[i] &&
                 X509_check_issued(chain[i].get(), other.get()) == X509_V_OK;
        });
    if (is_issuer) continue;
    return file.Is(absl::StrCat(
        "must have the server's certificate and then those of its issuers, and "
        "certificate ",
        i + 1, ", ", SubjectOf(chain[i].get()), ", has issued none of them"));
  }
  return absl::OkStatus();
}

// Clients' certificates are issued by these. One that has issued itself may
// stand for itself.
absl::Status CheckAuthorities(const NamedFile& file,
                              const std::vector<X509Pointer>& authorities) {
  for (size_t i = 0; i < authorities.size(); ++i) {
    X509* const each = authorities[i].get();
    if (X509_check_ca(each) != 0 ||
        X509_check_issued(each, each) == X509_V_OK) {
      continue;
    }
    return file.Is(absl::StrCat(
        "must have certificates of authorities alone, and certificate ", i + 1,
        ", ", SubjectOf(each),
        ", is of none: no client's certificate is "
        "issued by it"));
  }
  return absl::OkStatus();
}

// Whether OpenSSL looks for revocation lists in a file of this name:
// "0123abcd.r0".
bool IsListName(absl::string_view name) {
  constexpr size_t kHashDigits = 8;
  return name.size() > kHashDigits + 2 &&
         std::all_of(name.begin(), name.begin() + kHashDigits,
                     absl::ascii_isxdigit) &&
         name.substr(kHashDigits, 2) == ".r" &&
         std::all_of(name.begin() + kHashDigits + 2, name.end(),
                     absl::ascii_isdigit);
}

// The names in the directory, in order.
absl::StatusOr<std::vector<std::string>> NamesIn(const NamedFile& directory) {
  struct CloseDirectory {
    void operator()(DIR* open) const { closedir(open); }
  };
  const std::unique_ptr<DIR, CloseDirectory> open(
      opendir(directory.path.c_str()));
  if (open == nullptr) {
    return directory.Is(
        absl::StrCat("must be a directory that can be read, and is not: ",
                     std::generic_category().message(errno)));
  }
  std::vector<std::string> names;
  while (const dirent* const entry = readdir(open.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    if (names.size() > ServerCertificates::kMostLists) {
      return directory.Is(absl::StrCat("must have at most ",
                                       ServerCertificates::kMostLists,
                                       " files, and has more"));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Checks one list. Adds the hash of its authority's name to `hashes`.
absl::Status CheckList(const NamedFile& file, const std::string& text,
                       const std::vector<X509Pointer>& authorities,
                       absl::Time now, std::set<std::string>* hashes) {
  const BioPointer bio = BioOf(text);
  const X509CrlPointer list(
      PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (list == nullptr) {
    return file.Is(
        "must be a certificate revocation list in PEM, and is none, or it is "
        "damaged or not written to its end");
  }
  X509_NAME* const issuer = X509_CRL_get_issuer(list.get());
  const absl::Time until = TimeOfAsn1(X509_CRL_get0_nextUpdate(list.get()));
  if (now > until) {
    return file.Is(absl::StrCat("must be valid now, ", Show(now),
                                ", and was to be replaced by ", Show(until),
                                ": nobody's certificate would be accepted"));
  }
  for (const X509Pointer& authority : authorities) {
    if (X509_NAME_cmp(X509_get_subject_name(authority.get()), issuer) != 0) {
      continue;
    }
    const bool is_signed =
        X509_CRL_verify(list.get(), X509_get0_pubkey(authority.get())) == 1;
    ERR_clear_error();
    if (!is_signed) {
      return file.Is(
          "must be signed by its authority in tls_client_ca, and is not");
    }
  }
  hashes->insert(absl::StrFormat(
      "%08x", X509_NAME_hash_ex(issuer, nullptr, nullptr, nullptr)));
  return absl::OkStatus();
}

// Checks the lists, and returns a digest of them.
absl::StatusOr<std::string> CheckLists(
    const std::string& path, const std::vector<X509Pointer>& authorities,
    absl::Time now) {
  const NamedFile directory = {"tls_crl_directory", path};
  const absl::StatusOr<std::vector<std::string>> names = NamesIn(directory);
  if (!names.ok()) return names.status();
  // By hash, the numbers behind ".r".
  std::map<std::string, std::set<std::string>> found;
  // By the hash of their authority, a file that has a list.
  std::set<std::string> needed_hashes;
  std::string all;
  for (const std::string& name : *names) {
    const NamedFile file = {directory.name, absl::StrCat(path, "/", name)};
    const absl::StatusOr<PemFile> list = ReadPemFile(file);
    if (!list.ok()) return list.status();
    absl::StrAppend(&all, name, "\n", list->text.size(), "\n", list->text);
    const bool has_name = IsListName(name);
    if (!has_name && !absl::StrContains(list->text, kBeginsList)) continue;
    const absl::Status status =
        CheckList(file, list->text, authorities, now, &needed_hashes);
    if (!status.ok()) return status;
    if (has_name) {
      found[absl::AsciiStrToLower(name.substr(0, 8))].insert(name.substr(10));
    }
  }
  for (const std::string& hash : needed_hashes) {
    if (found.count(hash) == 0) {
      return directory.Is(
          absl::StrCat("must have a file ", hash,
                       ".r0, by which the list of that authority is found, and "
                       "has none: run `openssl rehash` on the directory"));
    }
  }
  for (const auto& [hash, numbers] : found) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (numbers.count(absl::StrCat(i)) > 0) continue;
      return directory.Is(absl::StrCat(
          "must have a file ", hash, ".r", i,
          ", since lists of that authority with greater numbers are not read "
          "without it, and has none: run `openssl rehash` on the directory"));
    }
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_Digest(all.data(), all.size(), digest.data(), &size, EVP_sha256(),
             nullptr);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

}  // namespace

absl::StatusOr<ServerCertificates> ReadServerCertificates(
    const ServerTlsOptions& options, absl::Time wall_now) {
  ServerCertificates read;
  const NamedFile cert_file = {"tls_cert", options.cert_file};
  const absl::StatusOr<PemFile> cert = ReadPemFile(cert_file);
  if (!cert.ok()) return cert.status();
  const auto chain = ParseCertificates(cert_file, cert->text, wall_now);
  if (!chain.ok()) return chain.status();
  const absl::Status follows = CheckChain(cert_file, *chain);
  if (!follows.ok()) return follows;
  read.not_after = absl::InfiniteFuture();
  for (const X509Pointer& certificate : *chain) {
    read.not_after = std::min(
        read.not_after, TimeOfAsn1(X509_get0_notAfter(certificate.get())));
  }
  const NamedFile key_file = {"tls_key", options.key_file};
  const absl::StatusOr<PemFile> key = ReadPemFile(key_file);
  if (!key.ok()) return key.status();
  const absl::Status fits = CheckKey(key_file, *key, chain->front().get());
  if (!fits.ok()) return fits;
  read.identity = absl::StrCat(key->text, "\n", cert->text);
  if (options.client_ca_file.empty()) return read;

  const NamedFile ca_file = {"tls_client_ca", options.client_ca_file};
  absl::StatusOr<PemFile> ca = ReadPemFile(ca_file);
  if (!ca.ok()) return ca.status();
  const auto authorities = ParseCertificates(ca_file, ca->text, wall_now);
  if (!authorities.ok()) return authorities.status();
  const absl::Status can_issue = CheckAuthorities(ca_file, *authorities);
  if (!can_issue.ok()) return can_issue;
  read.client_ca = std::move(ca->text);
  if (options.crl_directory.empty()) return read;

  absl::StatusOr<std::string> digest =
      CheckLists(options.crl_directory, *authorities, wall_now);
  if (!digest.ok()) return digest.status();
  read.revocation_digest = *std::move(digest);
  return read;
}

}  // namespace rmq
