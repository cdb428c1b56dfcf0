#include "common/security/test_certificates.h"

#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "glog/logging.h"
#include "openssl/asn1.h"
#include "openssl/ec.h"
#include "openssl/evp.h"
#include "openssl/pem.h"
#include "openssl/x509v3.h"

namespace rmq {
namespace {

KeyPointer NewKey() {
  // EVP_EC_gen() casts a const away.
  KeyPointer key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  CHECK(key != nullptr);
  return key;
}

std::string TextOf(const BioPointer& bio) {
  char* data = nullptr;
  const int64_t size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

std::string PemOf(X509* certificate) {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(bio.get(), certificate));
  return TextOf(bio);
}

std::string PemOf(EVP_PKEY* key) {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr,
                                 nullptr));
  return TextOf(bio);
}

X509Pointer ParsePem(const std::string& pem) {
  const BioPointer bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509Pointer certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  CHECK(certificate != nullptr);
  return certificate;
}

void SetName(X509_NAME* name, const std::string& common_name) {
  CHECK(X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(common_name.data()),
      static_cast<int>(common_name.size()), -1, 0));
}

void AddExtension(X509* certificate, X509* issuer, int nid,
                  const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  CHECK(extension != nullptr) << value;
  CHECK(X509_add_ext(certificate, extension, -1));
  X509_EXTENSION_free(extension);
}

X509Pointer NewCertificate(int64_t serial, EVP_PKEY* key,
                           const TestAuthority::Subject& subject) {
  X509Pointer certificate(X509_new());
  CHECK(X509_set_version(certificate.get(), X509_VERSION_3));
  CHECK(
      ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate.get()), serial));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()),
                  absl::ToInt64Seconds(subject.not_before));
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                  absl::ToInt64Seconds(subject.not_after));
  CHECK(X509_set_pubkey(certificate.get(), key));
  SetName(X509_get_subject_name(certificate.get()), subject.common_name);
  return certificate;
}

void Sign(X509* certificate, EVP_PKEY* key) {
  CHECK(X509_sign(certificate, key, EVP_sha256()) > 0);
}

}  // namespace

TestAuthority::TestAuthority(const std::string& common_name) : key_(NewKey()) {
  Subject subject;
  subject.common_name = common_name;
  ca_ = NewCertificate(last_serial_, key_.get(), subject);
  CHECK(X509_set_issuer_name(ca_.get(), X509_get_subject_name(ca_.get())));
  AddExtension(ca_.get(), ca_.get(), NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(ca_.get(), ca_.get(), NID_key_usage,
               "critical,keyCertSign,cRLSign");
  Sign(ca_.get(), key_.get());
  certificate_ = PemOf(ca_.get());
}

TestCertificate TestAuthority::Issue(const Subject& subject) {
  const KeyPointer key = NewKey();
  const X509Pointer certificate =
      NewCertificate(++last_serial_, key.get(), subject);
  CHECK(X509_set_issuer_name(certificate.get(),
                             X509_get_subject_name(ca_.get())));
  std::string names;
  for (const std::string& dns : subject.dns_names) {
    absl::StrAppend(&names, names.empty() ? "" : ",", "DNS:", dns);
  }
  for (const std::string& uri : subject.uris) {
    absl::StrAppend(&names, names.empty() ? "" : ",", "URI:", uri);
  }
  if (!names.empty()) {
    AddExtension(certificate.get(), ca_.get(), NID_subject_alt_name, names);
  }
  Sign(certificate.get(), key_.get());
  return {PemOf(certificate.get()), PemOf(key.get())};
}

TestCertificate TestAuthority::IssueLocalhost() {
  Subject subject;
  subject.common_name = "localhost";
  subject.dns_names = {"localhost"};
  return Issue(subject);
}

std::string TestAuthority::RevocationList(
    const std::vector<std::string>& revoked, absl::Duration next_update) {
  const X509CrlPointer list(X509_CRL_new());
  CHECK(X509_CRL_set_version(list.get(), X509_CRL_VERSION_2));
  CHECK(X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(ca_.get())));
  ASN1_TIME* const time = ASN1_TIME_new();
  X509_gmtime_adj(time, -60);
  CHECK(X509_CRL_set1_lastUpdate(list.get(), time));
  X509_gmtime_adj(time, absl::ToInt64Seconds(next_update));
  CHECK(X509_CRL_set1_nextUpdate(list.get(), time));
  ASN1_INTEGER* const number = ASN1_INTEGER_new();
  ASN1_INTEGER_set_int64(number, ++last_list_);
  CHECK(X509_CRL_add1_ext_i2d(list.get(), NID_crl_number, number, 0, 0));
  ASN1_INTEGER_free(number);
  X509_gmtime_adj(time, -60);
  for (const std::string& pem : revoked) {
    const X509Pointer certificate = ParsePem(pem);
    X509_REVOKED* const entry = X509_REVOKED_new();
    CHECK(X509_REVOKED_set_serialNumber(
        entry, X509_get_serialNumber(certificate.get())));
    CHECK(X509_REVOKED_set_revocationDate(entry, time));
    CHECK(X509_CRL_add0_revoked(list.get(), entry));
  }
  ASN1_TIME_free(time);
  CHECK(X509_CRL_sort(list.get()));
  CHECK(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
  const BioPointer bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509_CRL(bio.get(), list.get()));
  return TextOf(bio);
}

std::string TestAuthority::RevocationListName() const {
  return absl::StrFormat(
      "%08x.r0", X509_NAME_hash_ex(X509_get_subject_name(ca_.get()), nullptr,
                                   nullptr, nullptr));
}

void WriteTestFile(const std::string& path, absl::string_view content,
                   int mode) {
  const std::string written = absl::StrCat(path, ".new");
  std::ofstream(written) << content << std::flush;
  CHECK_EQ(chmod(written.c_str(), static_cast<mode_t>(mode)), 0) << written;
  CHECK_EQ(std::rename(written.c_str(), path.c_str()), 0) << path;
}

}  // namespace rmq
