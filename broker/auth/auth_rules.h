// The users of a broker and what each of them may do.
#ifndef BROKER_AUTH_AUTH_RULES_H_
#define BROKER_AUTH_AUTH_RULES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"
#include "broker/auth/auth_config.h"
#include "broker/auth/name_pattern.h"
#include "broker/auth/rule_set.h"
#include "common/ip_range.h"
#include "common/security/hmac_sha1.h"

namespace rmq {

// Whether somebody may do something. A value; views valid for the check.
struct AccessQuestion {
  // Empty: an anonymous caller.
  absl::string_view user;
  AuthResource resource;
  // Any one of them will do: a rule matches that has one.
  AuthActions actions;
  // Nothing: a client that has none, as on a Unix socket.
  absl::optional<IpAddress> source;
};

struct AccessVerdict {
  enum class Reason {
    // Denied.
    kAnonymous,
    kNoSuchUser,
    kDisabled,
    kNoRule,
    // Allowed.
    kSuper,
    // `rule` says.
    kRule,
  };

  bool is_allowed = false;
  Reason reason = Reason::kNoRule;
  // The index of the rule in AuthConfig::rules.
  absl::optional<uint32_t> rule = absl::nullopt;
};

// The file of rules, understood. Immutable: calls may overlap. Does not know
// how it was loaded, and is replaced as a whole.
//
// Reference: UserAuthorizationHandler.java, AclAuthorizationHandler.java.
class AuthRules {
 public:
  struct User {
    // Null: the user has no secret.
    std::unique_ptr<const HmacSha1> key;
    bool is_super = false;
    bool is_enabled = true;
    RuleSet rules;
  };

  // InvalidArgument with the first of FindErrors(), if there is one. Internal
  // if OpenSSL cannot make a key.
  static absl::StatusOr<std::shared_ptr<const AuthRules>> Create(
      const AuthConfig& config);

  // An anonymous caller, an unknown or disabled user, and whom no rule allows
  // it, is denied. A SUPER user is allowed everything. Does not allocate.
  AccessVerdict Check(const AccessQuestion& question) const;

  // Null if there is none of that name. Lives as long as the rules.
  const User* FindUser(absl::string_view name) const;

  // The user that the certificates' entries give the identity; nothing if none
  // does. Lives as long as the rules.
  absl::optional<absl::string_view> UserOfIdentity(
      absl::string_view identity) const;

  // Whether a client id, or a group, fits the pattern of the file, if it has
  // one. Everything fits for a SUPER user, nothing for who is no user.
  bool MayHaveClientId(absl::string_view user,
                       absl::string_view client_id) const;
  bool MayHaveGroup(absl::string_view user, absl::string_view group) const;

  // A key that nobody has. Who looks for a user's key and finds none checks
  // with this one, so that it takes as long.
  const HmacSha1& nobodys_key() const { return *nobodys_key_; }

  // The rules, in the order of AuthConfig::rules.
  const std::vector<AuthRule>& rules() const { return rules_; }

 private:
  AuthRules() = default;

  bool Fits(const absl::optional<NamePattern>& pattern, absl::string_view user,
            absl::string_view name) const;

  absl::flat_hash_map<std::string, User> users_;
  absl::flat_hash_map<std::string, std::string> identities_;
  std::vector<AuthRule> rules_;
  absl::optional<NamePattern> client_id_pattern_;
  absl::optional<NamePattern> group_pattern_;
  std::unique_ptr<const HmacSha1> nobodys_key_;
};

}  // namespace rmq

#endif  // BROKER_AUTH_AUTH_RULES_H_
