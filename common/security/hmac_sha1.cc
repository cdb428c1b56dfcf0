#include "common/security/hmac_sha1.h"

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "openssl/core_names.h"
#include "openssl/crypto.h"
#include "openssl/params.h"

namespace rmq {
namespace {

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::Status Failed() {
  return absl::InternalError("OpenSSL cannot compute HMAC-SHA1");
}

}  // namespace

absl::StatusOr<HmacSha1> HmacSha1::Create(absl::string_view key) {
  struct FreeMac {
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  };
  const std::unique_ptr<EVP_MAC, FreeMac> mac(
      EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
  if (mac == nullptr) return Failed();
  Context context(EVP_MAC_CTX_new(mac.get()));
  char digest[] = "SHA1";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  if (context == nullptr ||
      EVP_MAC_init(context.get(), Bytes(key), key.size(), parameters) != 1) {
    return Failed();
  }
  return HmacSha1(std::move(context));
}

absl::StatusOr<HmacSha1Signature> HmacSha1::Sign(absl::string_view text) const {
  const Context context(EVP_MAC_CTX_dup(keyed_.get()));
  HmacSha1Signature signature;
  size_t size = 0;
  if (context == nullptr ||
      EVP_MAC_update(context.get(), Bytes(text), text.size()) != 1 ||
      EVP_MAC_final(context.get(), signature.data(), &size, signature.size()) !=
          1 ||
      size != signature.size()) {
    return Failed();
  }
  return signature;
}

bool HmacSha1::Verify(absl::string_view text,
                      const HmacSha1Signature& signature) const {
  const absl::StatusOr<HmacSha1Signature> right = Sign(text);
  return right.ok() &&
         CRYPTO_memcmp(right->data(), signature.data(), signature.size()) == 0;
}

}  // namespace rmq
