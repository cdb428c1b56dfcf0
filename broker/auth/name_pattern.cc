#include "broker/auth/name_pattern.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr absl::string_view kUser = "${user}";
constexpr size_t kMaxPatternBytes = 255;

bool IsPlain(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c)) && c != '*' &&
           c != '$';
  });
}

}  // namespace

absl::StatusOr<NamePattern> NamePattern::Parse(absl::string_view text) {
  const size_t user = text.find(kUser);
  if (user == absl::string_view::npos || text.size() > kMaxPatternBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("must be at most ", kMaxPatternBytes,
                     " bytes with ${user} once, got ", Quoted(text)));
  }
  NamePattern pattern;
  pattern.text_ = std::string(text);
  pattern.before_ = std::string(text.substr(0, user));
  absl::string_view behind = text.substr(user + kUser.size());
  pattern.is_open_ = absl::ConsumeSuffix(&behind, "*");
  pattern.behind_ = std::string(behind);
  if (!IsPlain(pattern.before_) || !IsPlain(pattern.behind_)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "must be printable ASCII characters with ${user} once, no other $, and "
        "a * at its end alone, got ",
        Quoted(text)));
  }
  return pattern;
}

bool NamePattern::Matches(absl::string_view user,
                          absl::string_view name) const {
  return absl::ConsumePrefix(&name, before_) &&
         absl::ConsumePrefix(&name, user) &&
         absl::ConsumePrefix(&name, behind_) && (is_open_ || name.empty());
}

}  // namespace rmq
