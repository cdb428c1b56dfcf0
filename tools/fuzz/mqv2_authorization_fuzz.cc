// Feeds any bytes to the parser of the header by which RocketMQ's clients
// authenticate. See tools/fuzz/run.
//
// What is taken must be in the header; what is refused must be told in short,
// printable words that repeat nothing of the header.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/security/mqv2_authorization.h"

namespace rmq {
namespace {

void Require(bool holds, absl::string_view what, absl::string_view got = "") {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s: %s\n", std::string(what).c_str(),
               absl::CHexEscape(got).c_str());
  std::abort();
}

void RequireGoodRefusal(const absl::Status& status) {
  Require(absl::IsInvalidArgument(status), "the code of a refusal");
  Require(status.message().size() < 500, "few words", status.message());
  for (const char c : status.message()) {
    Require(absl::ascii_isprint(static_cast<unsigned char>(c)),
            "printable words", status.message());
  }
}

void TryHeader(absl::string_view header) {
  const absl::StatusOr<Mqv2Authorization> parsed =
      ParseMqv2Authorization(header);
  if (!parsed.ok()) {
    RequireGoodRefusal(parsed.status());
    return;
  }
  const absl::string_view key = parsed->access_key;
  Require(absl::StrContains(header, absl::StrCat("Credential=", key)),
          "the access key is in the header", key);
  Require(!absl::StrContains(key, '/') && !absl::StrContains(key, ','),
          "the access key ends", key);
  if (key.empty()) return;
  const std::string hex = absl::BytesToHexString(
      std::string(parsed->signature.begin(), parsed->signature.end()));
  Require(absl::StrContains(absl::AsciiStrToLower(header),
                            absl::StrCat("signature=", hex)),
          "the signature is in the header", hex);
}

void TryDate(absl::string_view date) {
  const absl::Time now = absl::FromUnixSeconds(1703706379);
  const absl::Status narrow = CheckMqv2DateTime(date, now, absl::Minutes(15));
  const absl::Status wide = CheckMqv2DateTime(date, now, absl::Hours(24));
  if (!narrow.ok()) RequireGoodRefusal(narrow);
  Require(!narrow.ok() || wide.ok(), "a wider window takes more", date);
  const absl::Status form = ValidateMqv2DateTime(date);
  if (!form.ok()) RequireGoodRefusal(form);
}

}  // namespace
}  // namespace rmq

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  rmq::TryHeader(bytes);
  rmq::TryHeader(absl::StrCat("MQv2-HMAC-SHA1 ", bytes));
  rmq::TryDate(bytes);
  return 0;
}
