// The resources that a rule is about: "Group:pay", "Group:pay*", "Group:*",
// "*".
#ifndef BROKER_AUTH_RESOURCE_PATTERN_H_
#define BROKER_AUTH_RESOURCE_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"

namespace rmq {

// The names of resources, as far as a rule may be about them.
inline constexpr size_t kMaxResourceNameBytes = 255;

// A value.
struct ResourcePattern {
  enum class Match : uint8_t {
    // `name` itself.
    kLiteral,
    // All names that begin with `name`, which is not empty.
    kPrefix,
    // All names. `name` is empty.
    kAny,
  };

  // Nothing: a resource of any kind; then `match` is kAny.
  absl::optional<ResourceKind> kind;
  Match match = Match::kAny;
  std::string name;

  bool Covers(const AuthResource& resource) const;
};

// Reads a pattern. The names of topics and groups are letters, digits, '%',
// '|', '_' and '-'; that of a cluster is printable ASCII without blanks and
// '*'. InvalidArgument if `text` is none; the message has it, and says what is
// allowed.
absl::StatusOr<ResourcePattern> ParseResourcePattern(absl::string_view text);

// As ParseResourcePattern() reads it.
std::string Text(const ResourcePattern& pattern);

}  // namespace rmq

#endif  // BROKER_AUTH_RESOURCE_PATTERN_H_
