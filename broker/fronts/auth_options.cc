#include "broker/fronts/auth_options.h"

#include "absl/strings/str_cat.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr absl::Duration kMaxDateWindow = absl::Hours(24 * 365);

}  // namespace

absl::string_view Name(AuthMode mode) {
  switch (mode) {
    case AuthMode::kOff: return "off";
    case AuthMode::kLog: return "log";
    case AuthMode::kOn: return "on";
  }
  return "?";
}

absl::optional<AuthMode> ParseAuthMode(absl::string_view text) {
  for (const AuthMode mode : {AuthMode::kOff, AuthMode::kLog, AuthMode::kOn}) {
    if (text == Name(mode)) return mode;
  }
  return absl::nullopt;
}

absl::Status AuthOptions::Validate() const {
  if (mode != AuthMode::kOff && file.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "auth_file must be given if auth is ", Name(mode), ", got \"\""));
  }
  if (mode == AuthMode::kOff && !file.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "auth_file must be empty if auth is off, since nothing would be "
        "checked, got ",
        Quoted(file)));
  }
  if (date_window < absl::ZeroDuration() || date_window > kMaxDateWindow) {
    return absl::InvalidArgumentError(absl::StrCat(
        "auth_date_window must be 0 to ", absl::FormatDuration(kMaxDateWindow),
        ", got ", absl::FormatDuration(date_window)));
  }
  return absl::OkStatus();
}

}  // namespace rmq
