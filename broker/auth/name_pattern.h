// What a user's client ids or groups must look like.
#ifndef BROKER_AUTH_NAME_PATTERN_H_
#define BROKER_AUTH_NAME_PATTERN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rmq {

// A text with "${user}" once, which stands for the user's name, and perhaps a
// '*' at its end, which stands for anything: "${user}-*". A user may then have
// a name that begins like another's, as "pay" and "pay-roll" do: a character
// behind "${user}" that no user's name has, as '%' or '|', keeps them apart.
//
// Immutable: calls may overlap.
class NamePattern {
 public:
  // InvalidArgument if `text` is no pattern; the message has it, and says what
  // is allowed.
  static absl::StatusOr<NamePattern> Parse(absl::string_view text);

  // Whether the user may have something of that name.
  bool Matches(absl::string_view user, absl::string_view name) const;

  const std::string& text() const { return text_; }

 private:
  NamePattern() = default;

  std::string text_;
  // What stands before and behind "${user}".
  std::string before_;
  std::string behind_;
  // '*' stands at the end.
  bool is_open_ = false;
};

}  // namespace rmq

#endif  // BROKER_AUTH_NAME_PATTERN_H_
