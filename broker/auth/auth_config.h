// Users, certificates and rules as they are written, and what is wrong with
// them.
#ifndef BROKER_AUTH_AUTH_CONFIG_H_
#define BROKER_AUTH_AUTH_CONFIG_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"

namespace rmq {

inline constexpr size_t kMaxAuthUsers = 10'000;
inline constexpr size_t kMaxAuthCertificates = 10'000;
inline constexpr size_t kMaxAuthRules = 20'000;
inline constexpr size_t kMaxAuthNameBytes = 64;
inline constexpr size_t kMaxAuthSecretBytes = 256;
inline constexpr size_t kMaxAuthMatchBytes = 255;
inline constexpr size_t kMaxAuthSources = 16;
// Rules of one user that cover one name, a rule counted once for each of its
// sources: a check may look at all of them.
inline constexpr size_t kMaxAuthRulesOfName = 256;

// Reference: User.java.
struct AuthUser {
  // Letters, digits, '.', '_', '-' and '@'.
  std::string name;
  // What the user signs with: UTF-8 without control characters. Nothing: the
  // user has none, and shows a certificate.
  absl::optional<std::string> secret = absl::nullopt;
  // Passes every check.
  bool is_super = false;
  // Not enabled: passes none.
  bool is_enabled = true;
};

// Whoever shows a certificate with the identity `match` is `user`.
struct AuthCertificate {
  // A SPIFFE id, a DNS name in lower case, or a common name.
  std::string match;
  std::string user;
};

// Reference: PolicyEntry.java.
struct AuthRule {
  std::string user;
  // "Group:pay*": see ParseResourcePattern().
  std::string resource;
  AuthActions actions;
  // Addresses and ranges of them. Empty: any, clients without an address
  // included.
  std::vector<std::string> sources;
  bool allows = false;
};

// "rules { user: "pay" resource: "Group:pay*" action: [SUB] decision: ALLOW }".
std::string Text(const AuthRule& rule);

// What the file of rules says. Differs: RocketMQ also has default policies,
// which count if no custom one matches; here there is one kind.
struct AuthConfig {
  std::vector<AuthUser> users;
  std::vector<AuthCertificate> certificates;
  std::vector<AuthRule> rules;
  // What the client ids and the groups of users must look like, as "${user}-*":
  // see NamePattern. Empty: anything.
  std::string client_id_pattern;
  std::string group_pattern;
};

// An error in an AuthConfig.
struct AuthConfigError {
  enum class List { kUsers, kCertificates, kRules, kNone };

  // Where: in a field of an entry, named as in the file. kNone: in a field of
  // the AuthConfig itself.
  List list = List::kNone;
  size_t index = 0;
  absl::string_view field;
  // Names the entry, the field, the value and what is allowed; of a secret not
  // the value.
  std::string message;
  // The entry of the same list that this one repeats or contradicts.
  absl::optional<size_t> first = absl::nullopt;
};

// All that is wrong, list by list. Nothing: AuthRules can be made of it.
std::vector<AuthConfigError> FindErrors(const AuthConfig& config);

}  // namespace rmq

#endif  // BROKER_AUTH_AUTH_CONFIG_H_
