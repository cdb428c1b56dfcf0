#include "broker/auth/authenticate.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/security/hmac_sha1.h"
#include "common/security/mqv2_authorization.h"

namespace rmq {
namespace {

constexpr absl::string_view kSpiffeScheme = "spiffe://";

absl::Status Unauthenticated(absl::string_view why) {
  return absl::UnauthenticatedError(why);
}

absl::StatusOr<Principal> EnabledUser(const AuthRules& rules,
                                      absl::string_view name) {
  const AuthRules::User* const user = rules.FindUser(name);
  if (user == nullptr || !user->is_enabled) {
    return Unauthenticated(absl::StrCat("user \"", name, "\" is disabled"));
  }
  return Principal{std::string(name)};
}

// Of a DNS name or a common name. It must not pass for a SPIFFE id, which is
// looked up in the same entries. Nothing: it stands for nobody.
absl::optional<absl::string_view> UserOfName(const AuthRules& rules,
                                             absl::string_view name) {
  if (absl::StartsWith(name, kSpiffeScheme)) return absl::nullopt;
  return rules.UserOfIdentity(name);
}

// Empty: the certificate stands for nobody.
absl::StatusOr<absl::string_view> UserOfCertificate(
    const AuthRules& rules, const CertificateIdentities& certificate) {
  if (!certificate.spiffe_id.empty()) {
    return rules.UserOfIdentity(certificate.spiffe_id).value_or("");
  }
  if (!certificate.dns_names.empty()) {
    absl::string_view user;
    for (const absl::string_view name : certificate.dns_names) {
      const absl::string_view other =
          UserOfName(rules, absl::AsciiStrToLower(name)).value_or(user);
      if (!user.empty() && other != user) {
        return Unauthenticated(
            "the DNS names of the certificate stand for several users");
      }
      user = other;
    }
    return user;
  }
  return UserOfName(rules, certificate.common_name).value_or("");
}

absl::StatusOr<Principal> UserOfSignature(const AuthRules& rules,
                                          const CallerProof& proof,
                                          absl::Duration date_window,
                                          absl::Time now) {
  const absl::StatusOr<Mqv2Authorization> authorization =
      ParseMqv2Authorization(*proof.authorization);
  if (!authorization.ok()) {
    return Unauthenticated(authorization.status().message());
  }
  if (authorization->access_key.empty()) return Principal{};
  const absl::string_view date_time = proof.date_time.value_or("");
  absl::Status status = ValidateMqv2DateTime(date_time);
  if (status.ok() && date_window > absl::ZeroDuration()) {
    status = CheckMqv2DateTime(date_time, now, date_window);
  }
  if (!status.ok()) return Unauthenticated(status.message());
  const AuthRules::User* const user = rules.FindUser(authorization->access_key);
  const bool has_key = user != nullptr && user->key != nullptr;
  const HmacSha1& key = has_key ? *user->key : rules.nobodys_key();
  if (!key.Verify(date_time, authorization->signature) || !has_key) {
    return Unauthenticated(
        "authorization: there is no user of this access key, or the signature "
        "is not that of the user's secret and x-mq-date-time");
  }
  return EnabledUser(rules, authorization->access_key);
}

}  // namespace

absl::StatusOr<Principal> Authenticate(const AuthRules& rules,
                                       const CallerProof& proof,
                                       absl::Duration date_window,
                                       absl::Time now) {
  const absl::StatusOr<absl::string_view> user =
      UserOfCertificate(rules, proof.certificate);
  if (!user.ok()) return user.status();
  if (!user->empty()) return EnabledUser(rules, *user);
  if (!proof.authorization.has_value()) return Principal{};
  return UserOfSignature(rules, proof, date_window, now);
}

}  // namespace rmq
