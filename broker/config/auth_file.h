// The file of users and rules: auth_rules.proto in protobuf's text format.
#ifndef BROKER_CONFIG_AUTH_FILE_H_
#define BROKER_CONFIG_AUTH_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/auth/auth_config.h"

namespace rmq {

struct AuthText {
  // AuthRules can be made of it.
  AuthConfig config;
  // The line in which each of its rules begins, counted from 1.
  std::vector<int> rule_lines;
};

// A file of as many users, certificates and rules as there may be has less.
inline constexpr size_t kMaxAuthFileBytes = 16 << 20;

// Parses `text`. `name` is the file's, for messages.
//
// InvalidArgument with all that is wrong, each on a line as "NAME:LINE:COLUMN:
// what is wrong, and what is allowed": the first thing in each user,
// certificate and rule that does not parse, and what FindErrors() finds. No
// message has a secret, or what stands where a secret should.
absl::StatusOr<AuthText> ParseAuthText(absl::string_view name,
                                       const std::string& text);

// The same for the file at `path`. If it cannot be read whole, the error of the
// operating system (NotFound if there is none), with the path.
// InvalidArgument if it is no file, or others than its owner may read or write
// it, or if it has more than kMaxAuthFileBytes, or no user.
absl::StatusOr<AuthText> ReadAuthFile(const std::string& path);

}  // namespace rmq

#endif  // BROKER_CONFIG_AUTH_FILE_H_
