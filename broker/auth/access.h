// What callers may be allowed to do, and with what: actions and resources.
// Reference: Action.java, Resource.java of RocketMQ 5's auth.
#ifndef BROKER_AUTH_ACCESS_H_
#define BROKER_AUTH_ACCESS_H_

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rmq {

// Their names are those of the rules: PUB, SUB, ...
enum class AuthAction : uint8_t {
  kPub,
  kSub,
  kCreate,
  kUpdate,
  kDelete,
  kGet,
  kList,
};

inline constexpr AuthAction kAllAuthActions[] = {
    AuthAction::kPub,    AuthAction::kSub,    AuthAction::kCreate,
    AuthAction::kUpdate, AuthAction::kDelete, AuthAction::kGet,
    AuthAction::kList};

// "SUB".
absl::string_view Name(AuthAction action);

// A set of actions. A value.
class AuthActions {
 public:
  constexpr AuthActions() = default;
  constexpr AuthActions(std::initializer_list<AuthAction> actions) {
    for (const AuthAction action : actions) Add(action);
  }
  static constexpr AuthActions All() {
    AuthActions all;
    for (const AuthAction action : kAllAuthActions) all.Add(action);
    return all;
  }

  constexpr void Add(AuthAction action) {
    bits_ = static_cast<uint8_t>(bits_ | 1 << static_cast<int>(action));
  }

  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool Intersects(AuthActions other) const {
    return (bits_ & other.bits_) != 0;
  }
  friend constexpr bool operator==(AuthActions a, AuthActions b) {
    return a.bits_ == b.bits_;
  }

 private:
  uint8_t bits_ = 0;
};

// "SUB, GET"; "ALL" for all of them.
std::string Names(AuthActions actions);

// InvalidArgument if `text` is none; the message says what is allowed. "ALL" is
// all of them.
absl::StatusOr<AuthActions> ParseAuthAction(absl::string_view text);

enum class ResourceKind : uint8_t { kCluster, kTopic, kGroup };

inline constexpr ResourceKind kAllResourceKinds[] = {
    ResourceKind::kCluster, ResourceKind::kTopic, ResourceKind::kGroup};

// "Group".
absl::string_view Name(ResourceKind kind);

// One cluster, topic or group. A value; the name is a view.
struct AuthResource {
  ResourceKind kind;
  absl::string_view name;
};

// Reads "Group:pay". InvalidArgument if `text` names no resource: the message
// has it, and says what is allowed. The name is a view into `text`.
absl::StatusOr<AuthResource> ParseAuthResource(absl::string_view text);

}  // namespace rmq

#endif  // BROKER_AUTH_ACCESS_H_
