// Finds out who calls.
#ifndef BROKER_AUTH_AUTHENTICATE_H_
#define BROKER_AUTH_AUTHENTICATE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "broker/auth/auth_rules.h"
#include "broker/auth/principal.h"

namespace rmq {

// The identities in a client's certificate, which has been verified. Views.
struct CertificateIdentities {
  // Empty: the certificate has none.
  absl::string_view spiffe_id;
  absl::Span<const absl::string_view> dns_names;
  absl::string_view common_name;
};

// What a client shows of itself when it opens a call or a stream. Views.
struct CallerProof {
  // All empty: no certificate.
  CertificateIdentities certificate;
  // Metadata of these names; nothing: not sent.
  absl::optional<absl::string_view> authorization;
  absl::optional<absl::string_view> date_time;
};

// The user whom the certificate stands for: by its SPIFFE id if it has one,
// else by its DNS names if it has any, else by its common name. If it stands
// for nobody, the user whose access key and signature `authorization` has. A
// client that shows neither, or an empty access key, is anonymous.
//
// Unauthenticated, with words for the client and for the log, if what it shows
// is wrong, or the user is disabled. The words repeat no access key and no
// signature, and do not tell an unknown user from a wrong signature.
//
// `date_window`: how far the date that was signed may be from `now`, a wall
// time; zero: any date will do. The date is judged when a call or a stream
// opens. When the rules have changed, ask anew for a stream with a window of
// zero: the answer is another, or an error, if the user is gone or disabled, or
// has another secret.
//
// A pure function, thread-safe.
// Reference: DefaultAuthenticationHandler.java. Differs: it tells an unknown
// user, a disabled one and a wrong signature apart, and knows no certificates.
absl::StatusOr<Principal> Authenticate(const AuthRules& rules,
                                       const CallerProof& proof,
                                       absl::Duration date_window,
                                       absl::Time now);

}  // namespace rmq

#endif  // BROKER_AUTH_AUTHENTICATE_H_
