// What commands that call one method and show its response are made of.
#ifndef TOOLS_CMCTL_LOOK_UP_H_
#define TOOLS_CMCTL_LOOK_UP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {

// Arguments that fill the fields of their names.
inline constexpr Argument kGroup = {"GROUP", "group"};
inline constexpr Argument kClientId = {"CLIENT_ID", "client_id"};
inline constexpr Argument kTopic = {"TOPIC", "topic"};

// Shows a response as text for people.
using View = std::function<std::string(
    const CommandLine&, const google::protobuf::Message&, const TableTime&)>;

bool WantsJson(const CommandLine& line);

// How the answer was asked for. Leaves out what `answer`, if there is one, says
// itself.
JsonMembers ArgumentsAsJson(const CommandLine& line,
                            const google::protobuf::Message* answer = nullptr);

void Append(JsonMembers more, JsonMembers* members);

// The request with the command's arguments in the fields of their names.
std::unique_ptr<google::protobuf::Message> RequestFor(
    const CommandLine& line, const google::protobuf::Message& prototype);

// Calls the method that takes a `Request`, and shows its response: by `view`,
// or as JSON, behind the arguments.
template <typename Request>
Run Show(View view) {
  return [view = std::move(view)](
             const CommandLine& line, const Ask& ask,
             const TableTime& time) -> absl::StatusOr<std::string> {
    const auto answer = ask(*RequestFor(line, Request::default_instance()));
    if (!answer.ok()) return answer.status();
    if (!WantsJson(line)) return view(line, **answer, time);
    JsonMembers members = ArgumentsAsJson(line, answer->get());
    Append(JsonMembersOf(**answer), &members);
    return JsonObject(members);
  };
}

View InTable(Table table);

// "1 stream", "2 streams".
std::string Count(int64_t count, absl::string_view what);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_LOOK_UP_H_
