#include "broker/auth/access.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/validation.h"

namespace rmq {

absl::string_view Name(AuthAction action) {
  switch (action) {
    case AuthAction::kPub: return "PUB";
    case AuthAction::kSub: return "SUB";
    case AuthAction::kCreate: return "CREATE";
    case AuthAction::kUpdate: return "UPDATE";
    case AuthAction::kDelete: return "DELETE";
    case AuthAction::kGet: return "GET";
    case AuthAction::kList: return "LIST";
  }
  return "";
}

std::string Names(AuthActions actions) {
  if (actions == AuthActions::All()) return "ALL";
  std::vector<absl::string_view> names;
  for (const AuthAction action : kAllAuthActions) {
    if (actions.Intersects({action})) names.push_back(Name(action));
  }
  return absl::StrJoin(names, ", ");
}

absl::StatusOr<AuthActions> ParseAuthAction(absl::string_view text) {
  if (absl::EqualsIgnoreCase(text, "ALL")) return AuthActions::All();
  for (const AuthAction action : kAllAuthActions) {
    if (absl::EqualsIgnoreCase(text, Name(action))) return AuthActions{action};
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "must be ALL, PUB, SUB, CREATE, UPDATE, DELETE, GET or LIST, got ",
      Quoted(text)));
}

absl::string_view Name(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kCluster: return "Cluster";
    case ResourceKind::kTopic: return "Topic";
    case ResourceKind::kGroup: return "Group";
  }
  return "";
}

absl::StatusOr<AuthResource> ParseAuthResource(absl::string_view text) {
  for (const ResourceKind kind : kAllResourceKinds) {
    const absl::string_view word = Name(kind);
    if (text.size() < word.size() + 2 || !absl::StartsWith(text, word) ||
        text[word.size()] != ':') {
      continue;
    }
    return AuthResource{kind, text.substr(word.size() + 1)};
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "must be Cluster:NAME, Topic:NAME or Group:NAME, got ", Quoted(text)));
}

}  // namespace rmq
