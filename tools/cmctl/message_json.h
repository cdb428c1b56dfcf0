// Shows protobuf messages as JSON for programs.
//
// Every field stands there, empty ones too, under its name in the .proto files;
// but no page token, since all pages are one answer.
#ifndef TOOLS_CMCTL_MESSAGE_JSON_H_
#define TOOLS_CMCTL_MESSAGE_JSON_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace rmq::cmctl {

// The members of an object: names, and values that are JSON already.
using JsonMembers = std::vector<std::pair<std::string, std::string>>;

// protobuf's JSON of the fields of `message`.
JsonMembers JsonMembersOf(const google::protobuf::Message& message);

// `text` as a JSON string.
std::string JsonString(absl::string_view text);

// protobuf's JSON of `message`, in one line.
std::string JsonLine(const google::protobuf::Message& message);

// The object, a member a line and an element of an array a line, with a line's
// end.
std::string JsonObject(const JsonMembers& members);

// An array of what is JSON already, each on lines of its own.
std::string JsonArray(const std::vector<std::string>& elements);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_MESSAGE_JSON_H_
