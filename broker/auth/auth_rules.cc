#include "broker/auth/auth_rules.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "broker/auth/resource_pattern.h"

namespace rmq {
namespace {

absl::Status MakeKey(absl::string_view secret,
                     std::unique_ptr<const HmacSha1>* key) {
  absl::StatusOr<HmacSha1> made = HmacSha1::Create(secret);
  if (!made.ok()) return made.status();
  *key = std::make_unique<const HmacSha1>(*std::move(made));
  return absl::OkStatus();
}

absl::optional<NamePattern> PatternOf(absl::string_view text) {
  if (text.empty()) return absl::nullopt;
  return *NamePattern::Parse(text);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const AuthRules>> AuthRules::Create(
    const AuthConfig& config) {
  const std::vector<AuthConfigError> errors = FindErrors(config);
  if (!errors.empty()) {
    return absl::InvalidArgumentError(errors.front().message);
  }
  // The constructor is private.
  std::shared_ptr<AuthRules> made(new AuthRules);
  absl::Status status = MakeKey("nobody", &made->nobodys_key_);
  for (const AuthUser& user : config.users) {
    User& entry = made->users_[user.name];
    entry.is_super = user.is_super;
    entry.is_enabled = user.is_enabled;
    if (user.secret.has_value())
      status.Update(MakeKey(*user.secret, &entry.key));
  }
  if (!status.ok()) return status;
  for (const AuthCertificate& certificate : config.certificates) {
    made->identities_[certificate.match] = certificate.user;
  }
  made->rules_ = config.rules;
  for (size_t i = 0; i < config.rules.size(); ++i) {
    const AuthRule& rule = config.rules[i];
    RuleSet& rules = made->users_[rule.user].rules;
    const auto pattern = ParseResourcePattern(rule.resource);
    const auto index = static_cast<uint32_t>(i);
    if (rule.sources.empty()) {
      rules.Add(*pattern, rule.actions, absl::nullopt, rule.allows, index);
    }
    for (const std::string& source : rule.sources) {
      rules.Add(*pattern, rule.actions, *IpRange::Parse(source), rule.allows,
                index);
    }
  }
  for (auto& [name, user] : made->users_) user.rules.Seal();
  made->client_id_pattern_ = PatternOf(config.client_id_pattern);
  made->group_pattern_ = PatternOf(config.group_pattern);
  return made;
}

AccessVerdict AuthRules::Check(const AccessQuestion& question) const {
  using Reason = AccessVerdict::Reason;
  if (question.user.empty()) return {false, Reason::kAnonymous};
  const User* const user = FindUser(question.user);
  if (user == nullptr) return {false, Reason::kNoSuchUser};
  if (!user->is_enabled) return {false, Reason::kDisabled};
  if (user->is_super) return {true, Reason::kSuper};
  const absl::optional<RuleSet::Deciding> deciding =
      user->rules.Find(question.resource, question.actions, question.source);
  if (!deciding.has_value()) return {false, Reason::kNoRule};
  return {deciding->allows, Reason::kRule, deciding->index};
}

const AuthRules::User* AuthRules::FindUser(absl::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : &found->second;
}

absl::optional<absl::string_view> AuthRules::UserOfIdentity(
    absl::string_view identity) const {
  const auto found = identities_.find(identity);
  if (found == identities_.end()) return absl::nullopt;
  return found->second;
}

bool AuthRules::Fits(const absl::optional<NamePattern>& pattern,
                     absl::string_view user, absl::string_view name) const {
  const User* const found = FindUser(user);
  return found != nullptr && (found->is_super || !pattern.has_value() ||
                              pattern->Matches(user, name));
}

bool AuthRules::MayHaveClientId(absl::string_view user,
                                absl::string_view client_id) const {
  return Fits(client_id_pattern_, user, client_id);
}

bool AuthRules::MayHaveGroup(absl::string_view user,
                             absl::string_view group) const {
  return Fits(group_pattern_, user, group);
}

}  // namespace rmq
