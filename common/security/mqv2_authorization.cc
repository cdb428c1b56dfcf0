#include "common/security/mqv2_authorization.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr absl::string_view kScheme = "MQv2-HMAC-SHA1";
constexpr absl::string_view kForm =
    "MQv2-HMAC-SHA1 Credential=ACCESS-KEY, SignedHeaders=x-mq-date-time, "
    "Signature=HEX";

absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(kAuthorizationKey, ": ", what));
}

// The value of a part NAME=VALUE of the header.
struct Part {
  absl::string_view name;
  absl::string_view value;
  bool is_there = false;
};

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
}

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
}

}  // namespace

absl::StatusOr<Mqv2Authorization> ParseMqv2Authorization(
    absl::string_view header) {
  if (header.size() > kMaxAuthorizationBytes) {
    return Bad(absl::StrCat("must be at most ", kMaxAuthorizationBytes,
                            " bytes, got ", header.size()));
  }
  const size_t blank = header.find(' ');
  if (!absl::EqualsIgnoreCase(header.substr(0, blank), kScheme) ||
      blank == absl::string_view::npos) {
    return Bad(absl::StrCat("the scheme must be ", kScheme, ", as in ", kForm));
  }
  Part parts[] = {{"Credential", {}}, {"SignedHeaders", {}}, {"Signature", {}}};
  for (absl::string_view piece :
       absl::StrSplit(header.substr(blank + 1), ',')) {
    piece = absl::StripAsciiWhitespace(piece);
    const size_t equals = piece.find('=');
    if (equals == absl::string_view::npos) {
      return Bad(absl::StrCat("each part must be NAME=VALUE, as in ", kForm));
    }
    for (Part& part : parts) {
      if (part.name != piece.substr(0, equals)) continue;
      if (part.is_there) return Bad(absl::StrCat(part.name, " is there twice"));
      part.value = piece.substr(equals + 1);
      part.is_there = true;
    }
  }
  const auto& [credential, signed_headers, signature] = parts;
  if (!credential.is_there) {
    return Bad(absl::StrCat("Credential is missing, as in ", kForm));
  }
  Mqv2Authorization authorization;
  authorization.access_key =
      std::string(credential.value.substr(0, credential.value.find('/')));
  if (!IsPrintable(authorization.access_key)) {
    return Bad("the access key must be printable ASCII characters");
  }
  if (authorization.access_key.empty()) return authorization;
  if (signed_headers.is_there &&
      !absl::EqualsIgnoreCase(signed_headers.value, kMqv2DateTimeKey)) {
    return Bad(absl::StrCat("SignedHeaders must be ", kMqv2DateTimeKey));
  }
  constexpr size_t kDigits = 2 * std::tuple_size<HmacSha1Signature>();
  if (signature.value.size() != kDigits || !IsHex(signature.value)) {
    return Bad(absl::StrCat("Signature must be ", kDigits,
                            " hexadecimal digits, got ", signature.value.size(),
                            " bytes"));
  }
  const std::string bytes = absl::HexStringToBytes(signature.value);
  std::copy(bytes.begin(), bytes.end(), authorization.signature.begin());
  return authorization;
}

absl::Status ValidateMqv2DateTime(absl::string_view date_time) {
  if (date_time.empty() || date_time.size() > kMaxMqv2DateTimeBytes ||
      !IsPrintable(date_time)) {
    return absl::InvalidArgumentError(
        absl::StrCat(kMqv2DateTimeKey, " must be 1 to ", kMaxMqv2DateTimeBytes,
                     " printable ASCII characters, got ", Quoted(date_time)));
  }
  return absl::OkStatus();
}

absl::Status CheckMqv2DateTime(absl::string_view date_time, absl::Time now,
                               absl::Duration window) {
  absl::Time signed_at;
  std::string error;
  if (!absl::ParseTime("%E4Y%m%dT%H%M%SZ", date_time, &signed_at, &error) &&
      !absl::ParseTime(absl::RFC3339_full, date_time, &signed_at, &error)) {
    return absl::InvalidArgumentError(absl::StrCat(
        kMqv2DateTimeKey,
        " must be a time such as 20231227T194619Z or 2023-12-27T19:46:19Z, "
        "got ",
        Quoted(date_time)));
  }
  if (absl::AbsDuration(signed_at - now) <= window) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      kMqv2DateTimeKey, " must be at most ", absl::FormatDuration(window),
      " away from this broker's time, which is ",
      absl::FormatTime(absl::RFC3339_sec, now, absl::UTCTimeZone()), ", got ",
      absl::FormatTime(absl::RFC3339_sec, signed_at, absl::UTCTimeZone())));
}

std::string FormatMqv2Authorization(absl::string_view access_key,
                                    const HmacSha1Signature& signature) {
  const absl::string_view bytes(reinterpret_cast<const char*>(signature.data()),
                                signature.size());
  return absl::StrCat(
      kScheme, " Credential=", access_key,
      "//RocketMQ, SignedHeaders=", kMqv2DateTimeKey,
      ", Signature=", absl::AsciiStrToUpper(absl::BytesToHexString(bytes)));
}

std::string FormatMqv2DateTime(absl::Time time) {
  return absl::FormatTime("%E4Y%m%dT%H%M%SZ", time, absl::UTCTimeZone());
}

}  // namespace rmq
