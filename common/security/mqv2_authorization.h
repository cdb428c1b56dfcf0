// The metadata by which RocketMQ 5's clients say who they are:
//
//   authorization: MQv2-HMAC-SHA1 Credential=ACCESS-KEY/REGION/RocketMQ,
//       SignedHeaders=x-mq-date-time, Signature=HEX
//   x-mq-date-time: 20231227T194619Z
//
// The signature is the HMAC-SHA1 of the value of x-mq-date-time, as sent, by
// the secret that goes with the access key. Nothing else is signed, so a header
// that was seen once is good for every call until the secret changes, or until
// its date is out of the window. It proves something over TLS alone.
//
// Pure functions, thread-safe. No error repeats a value of `authorization`.
// Reference: DefaultAuthenticationContextBuilder.java.
#ifndef COMMON_SECURITY_MQV2_AUTHORIZATION_H_
#define COMMON_SECURITY_MQV2_AUTHORIZATION_H_

#include <cstddef>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/security/hmac_sha1.h"

namespace rmq {

// Keys of the metadata.
inline constexpr absl::string_view kAuthorizationKey = "authorization";
inline constexpr absl::string_view kMqv2DateTimeKey = "x-mq-date-time";

inline constexpr size_t kMaxAuthorizationBytes = 8 << 10;
inline constexpr size_t kMaxMqv2DateTimeBytes = 64;

struct Mqv2Authorization {
  // Empty: a client without credentials, as some clients send it; then there is
  // no signature.
  std::string access_key;
  HmacSha1Signature signature = {};
};

// Parses the value of `authorization`. Letter case of the scheme and of the
// hexadecimal digits is ignored, and so are parts of other names.
// InvalidArgument says what is wrong, and what is allowed.
//
// Differs: the Java method accepts any scheme, and any SignedHeaders.
absl::StatusOr<Mqv2Authorization> ParseMqv2Authorization(
    absl::string_view header);

// Whether the value of `x-mq-date-time` can have been signed: 1 to 64
// characters of printable ASCII. InvalidArgument if not.
absl::Status ValidateMqv2DateTime(absl::string_view date_time);

// Whether `date_time` is at most `window` away from `now`, before or after it.
// It is 20231227T194619Z, or RFC 3339's 2023-12-27T19:46:19Z with any offset.
// InvalidArgument names both times. Some clients send local times with a "Z":
// for those a window must be wider than the offset of their time zone.
absl::Status CheckMqv2DateTime(absl::string_view date_time, absl::Time now,
                               absl::Duration window);

// What a client sends. `access_key` is a name without ',', '/' and blanks; the
// signature is that of the value of `x-mq-date-time`. The region is empty.
std::string FormatMqv2Authorization(absl::string_view access_key,
                                    const HmacSha1Signature& signature);

// As RocketMQ's clients write the time: 20231227T194619Z, in UTC.
std::string FormatMqv2DateTime(absl::Time time);

}  // namespace rmq

#endif  // COMMON_SECURITY_MQV2_AUTHORIZATION_H_
