// How the broker finds out who calls and who may what.
#ifndef BROKER_FRONTS_AUTH_OPTIONS_H_
#define BROKER_FRONTS_AUTH_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace rmq {

enum class AuthMode {
  kOff,  // Everybody is anonymous, and may do everything.
  kLog,  // Decides and logs what it would refuse, and refuses nothing.
  kOn,
};

// "log".
absl::string_view Name(AuthMode mode);
absl::optional<AuthMode> ParseAuthMode(absl::string_view text);

struct AuthOptions {
  AuthMode mode = AuthMode::kOff;
  // Of users, certificates and rules: see ReadAuthFile().
  std::string file;
  // How far the date that a client signs may be from now, when its call or
  // stream opens; zero: any date will do.
  absl::Duration date_window = absl::ZeroDuration();
  // Signatures are taken over connections that are not secured, too. Who hears
  // one may use it again.
  bool allow_insecure = false;

  // InvalidArgument with the first option that makes no sense.
  absl::Status Validate() const;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_AUTH_OPTIONS_H_
