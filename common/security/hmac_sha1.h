// HMAC-SHA1 (RFC 2104), by OpenSSL: what RocketMQ's clients sign with.
#ifndef COMMON_SECURITY_HMAC_SHA1_H_
#define COMMON_SECURITY_HMAC_SHA1_H_

#include <array>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "openssl/evp.h"

namespace rmq {

// The signature of a text.
using HmacSha1Signature = std::array<unsigned char, 20>;

// A key that signs texts and checks signatures. OpenSSL keeps what it has
// prepared of the key, and overwrites it when the object goes; the key itself
// is not kept. Immutable: calls may overlap.
class HmacSha1 {
 public:
  // `key` is not empty. Internal if OpenSSL has no HMAC-SHA1 (a FIPS provider
  // of another configuration, say) or no memory.
  static absl::StatusOr<HmacSha1> Create(absl::string_view key);

  // Internal if OpenSSL has no memory.
  absl::StatusOr<HmacSha1Signature> Sign(absl::string_view text) const;

  // Whether `signature` is that of `text`. How long the comparison takes does
  // not depend on where the two differ. False too if OpenSSL has no memory.
  bool Verify(absl::string_view text, const HmacSha1Signature& signature) const;

 private:
  struct Free {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_MAC_CTX, Free>;

  explicit HmacSha1(Context keyed) : keyed_(std::move(keyed)) {}

  // With the key, and no text yet: a copy of it costs half of a new one.
  Context keyed_;
};

}  // namespace rmq

#endif  // COMMON_SECURITY_HMAC_SHA1_H_
