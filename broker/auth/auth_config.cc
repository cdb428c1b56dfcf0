#include "broker/auth/auth_config.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/auth/name_pattern.h"
#include "broker/auth/resource_pattern.h"
#include "common/ip_range.h"
#include "common/validation.h"

namespace rmq {
namespace {

using List = AuthConfigError::List;

bool IsUserName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxAuthNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  c == '.' || c == '_' || c == '-' || c == '@';
         });
}

class Checker {
 public:
  explicit Checker(const AuthConfig* config) : config_(*config) {}

  std::vector<AuthConfigError> Check() {
    CheckUsers();
    CheckCertificates();
    CheckRules();
    CheckRulesOfNames();
    CheckPattern("client_id_pattern", config_.client_id_pattern);
    CheckPattern("group_pattern", config_.group_pattern);
    return std::move(errors_);
  }

 private:
  // An entry of a list, while it is checked.
  struct Entry {
    List list;
    size_t index;
    // As messages name it.
    std::string name;
  };

  void Add(const Entry& entry, absl::string_view field,
           absl::string_view message,
           absl::optional<size_t> first = absl::nullopt) {
    errors_.push_back({entry.list, entry.index, field,
                       absl::StrCat(entry.name, ": ", message), first});
  }

  // Says so once, at the first entry that is too much.
  void CheckCount(const Entry& entry, absl::string_view field,
                  absl::string_view list, size_t most) {
    if (entry.index != most) return;
    Add(entry, field, absl::StrCat("there must be at most ", most, " ", list));
  }

  void CheckUsers() {
    for (size_t i = 0; i < config_.users.size(); ++i) {
      const AuthUser& user = config_.users[i];
      const Entry entry{List::kUsers, i,
                        absl::StrCat("user ", Quoted(user.name))};
      CheckCount(entry, "name", "users", kMaxAuthUsers);
      if (!IsUserName(user.name)) {
        Add(entry, "name",
            absl::StrCat("name must be 1 to ", kMaxAuthNameBytes,
                         " letters, digits, '.', '_', '-' and '@', got ",
                         user.name.size(), " bytes"));
      }
      const auto [first, is_new] = users_.try_emplace(user.name, i);
      if (!is_new) Add(entry, "name", "stands there twice", first->second);
      if (user.secret.has_value() &&
          (user.secret->empty() || user.secret->size() > kMaxAuthSecretBytes ||
           !IsPlainText(*user.secret))) {
        Add(entry, "secret",
            absl::StrCat("secret must be 1 to ", kMaxAuthSecretBytes,
                         " bytes of UTF-8 without control characters, got ",
                         user.secret->size(), " bytes"));
      }
    }
  }

  void CheckUser(const Entry& entry, absl::string_view user) {
    if (users_.contains(user)) return;
    Add(entry, "user",
        absl::StrCat("user must be one of users, got ", Quoted(user)));
  }

  void CheckCertificates() {
    absl::flat_hash_map<absl::string_view, size_t> matches;
    for (size_t i = 0; i < config_.certificates.size(); ++i) {
      const AuthCertificate& certificate = config_.certificates[i];
      const Entry entry{
          List::kCertificates, i,
          absl::StrCat("certificate ", Quoted(certificate.match))};
      CheckCount(entry, "match", "certificates", kMaxAuthCertificates);
      if (certificate.match.empty() ||
          certificate.match.size() > kMaxAuthMatchBytes ||
          !IsPlainText(certificate.match)) {
        Add(entry, "match",
            absl::StrCat("match must be 1 to ", kMaxAuthMatchBytes,
                         " bytes of UTF-8 without control characters, got ",
                         certificate.match.size(), " bytes"));
      }
      const auto [first, is_new] = matches.try_emplace(certificate.match, i);
      if (!is_new) Add(entry, "match", "stands there twice", first->second);
      CheckUser(entry, certificate.user);
    }
  }

  Entry EntryOf(size_t rule) const {
    const AuthRule& named = config_.rules[rule];
    return {List::kRules, rule,
            absl::StrCat("rule of ", Quoted(named.user), " for ",
                         Quoted(named.resource))};
  }

  void CheckRules() {
    for (size_t i = 0; i < config_.rules.size(); ++i) {
      const AuthRule& rule = config_.rules[i];
      const Entry entry = EntryOf(i);
      CheckCount(entry, "user", "rules", kMaxAuthRules);
      CheckUser(entry, rule.user);
      CheckSuper(entry, rule);
      const auto pattern = ParseResourcePattern(rule.resource);
      if (!pattern.ok()) {
        Add(entry, "resource",
            absl::StrCat("resource ", pattern.status().message()));
      }
      if (rule.actions.empty()) {
        Add(entry, "action",
            "action must be at least one of ALL, PUB, SUB, CREATE, UPDATE, "
            "DELETE, GET and LIST, got none");
      }
      CheckSources(entry, rule, pattern.ok());
    }
  }

  // The rules of the user that cover the name, or the beginning of names, of
  // `pattern`, each counted once for each source.
  size_t RulesOfName(absl::string_view user,
                     const ResourcePattern& pattern) const {
    const auto count = [&](absl::string_view resource) {
      const auto found = rules_of_.find(std::make_pair(user, resource));
      return found == rules_of_.end() ? 0 : found->second;
    };
    size_t rules = count("*");
    if (!pattern.kind.has_value()) return rules;
    std::string resource = absl::StrCat(Name(*pattern.kind), ":");
    if (pattern.match == ResourcePattern::Match::kLiteral) {
      rules += count(absl::StrCat(resource, pattern.name));
    }
    resource.push_back('*');
    rules += count(resource);
    for (const char c : pattern.name) {
      resource.back() = c;
      resource.push_back('*');
      rules += count(resource);
    }
    return rules;
  }

  // When all rules are counted.
  void CheckRulesOfNames() {
    absl::flat_hash_set<std::pair<absl::string_view, absl::string_view>> seen;
    for (size_t i = 0; i < config_.rules.size(); ++i) {
      const AuthRule& rule = config_.rules[i];
      if (!seen.emplace(rule.user, rule.resource).second) continue;
      const auto pattern = ParseResourcePattern(rule.resource);
      if (!pattern.ok()) continue;
      const size_t rules = RulesOfName(rule.user, *pattern);
      if (rules <= kMaxAuthRulesOfName) continue;
      Add(EntryOf(i), "resource",
          absl::StrCat("a user must have at most ", kMaxAuthRulesOfName,
                       " rules that cover one name, each counted once for each "
                       "source, got ",
                       rules));
    }
  }

  void CheckSuper(const Entry& entry, const AuthRule& rule) {
    const auto user = users_.find(rule.user);
    if (rule.allows || user == users_.end() ||
        !config_.users[user->second].is_super) {
      return;
    }
    Add(entry, "decision",
        "decision must not be DENY, since a SUPER user passes every check");
  }

  void CheckSources(const Entry& entry, const AuthRule& rule,
                    bool has_resource) {
    if (rule.sources.size() > kMaxAuthSources) {
      Add(entry, "source",
          absl::StrCat("source must be given at most ", kMaxAuthSources,
                       " times, got ", rule.sources.size()));
      return;
    }
    const size_t before = errors_.size();
    std::vector<absl::optional<IpRange>> ranges;
    for (const std::string& source : rule.sources) {
      const absl::StatusOr<IpRange> range = IpRange::Parse(source);
      if (range.ok()) {
        ranges.push_back(*range);
      } else {
        Add(entry, "source",
            absl::StrCat("source ", range.status().message(), ", got ",
                         Quoted(source)));
      }
    }
    if (errors_.size() > before || !has_resource) return;
    if (ranges.empty()) ranges.push_back(absl::nullopt);
    rules_of_[std::make_pair(absl::string_view(rule.user),
                             absl::string_view(rule.resource))] +=
        ranges.size();
    for (const absl::optional<IpRange>& range : ranges) {
      if (!NoteDecision(entry, rule, range)) return;
    }
  }

  // False if another rule with all the same decides otherwise.
  bool NoteDecision(const Entry& entry, const AuthRule& rule,
                    const absl::optional<IpRange>& range) {
    // ALL beside one action is no contradiction: Deny wins.
    const bool is_all = rule.actions == AuthActions::All();
    for (const AuthAction action : kAllAuthActions) {
      if (!rule.actions.Intersects({action})) continue;
      const auto [known, is_new] = decisions_.try_emplace(
          Decided(rule.user, rule.resource, range,
                  is_all ? -1 : static_cast<int>(action)),
          entry.index);
      const size_t first = known->second;
      if (!is_new && config_.rules[first].allows != rule.allows) {
        Add(entry, "decision",
            absl::StrCat("decision must not be ",
                         rule.allows ? "ALLOW" : "DENY",
                         ", since another rule with the same resource, action "
                         "and source says otherwise"),
            first);
        return false;
      }
      if (is_all) break;
    }
    return true;
  }

  void CheckPattern(absl::string_view field, absl::string_view pattern) {
    if (pattern.empty()) return;
    const absl::StatusOr<NamePattern> parsed = NamePattern::Parse(pattern);
    if (parsed.ok()) return;
    errors_.push_back({List::kNone, 0, field,
                       absl::StrCat(field, " ", parsed.status().message())});
  }

  // User, resource, source, action (-1: ALL).
  using Decided = std::tuple<absl::string_view, absl::string_view,
                             absl::optional<IpRange>, int>;

  const AuthConfig& config_;
  std::vector<AuthConfigError> errors_;
  // Indexes of entries, by what they are found by.
  absl::flat_hash_map<absl::string_view, size_t> users_;
  absl::flat_hash_map<Decided, size_t> decisions_;
  absl::flat_hash_map<std::pair<absl::string_view, absl::string_view>, size_t>
      rules_of_;
};

}  // namespace

std::string Text(const AuthRule& rule) {
  const auto quoted = [](std::string* out, const std::string& text) {
    absl::StrAppend(out, "\"", absl::CEscape(text), "\"");
  };
  std::string text = "rules { user: ";
  quoted(&text, rule.user);
  absl::StrAppend(&text, " resource: ");
  quoted(&text, rule.resource);
  absl::StrAppend(&text, " action: [", Names(rule.actions), "]");
  if (!rule.sources.empty()) {
    absl::StrAppend(&text, " source: [",
                    absl::StrJoin(rule.sources, ", ", quoted), "]");
  }
  return absl::StrCat(text, " decision: ", rule.allows ? "ALLOW" : "DENY",
                      " }");
}

std::vector<AuthConfigError> FindErrors(const AuthConfig& config) {
  return Checker(&config).Check();
}

}  // namespace rmq
