// What commands that call one method and show its response are made of.
#ifndef TOOLS_CMCTL_LOOK_UP_H_
#define TOOLS_CMCTL_LOOK_UP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "google/protobuf/repeated_field.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {

// Arguments that fill the fields of their names.
inline constexpr Argument kGroup = {"GROUP", "group"};
inline constexpr Argument kClientId = {"CLIENT_ID", "client_id"};
inline constexpr Argument kTopic = {"TOPIC", "topic"};

// Whether Answer::json is shown, and not Answer::parts: a command makes one.
bool IsForPrograms(const CommandLine& line);

// Shows a response to people.
using View = std::function<std::vector<AnswerPart>(
    const CommandLine&, const google::protobuf::Message&, const TableTime&)>;

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
             const TableTime& time) -> absl::StatusOr<Answer> {
    const auto response = ask(*RequestFor(line, Request::default_instance()));
    if (!response.ok()) return response.status();
    Answer answer;
    if (IsForPrograms(line)) {
      answer.json = ArgumentsAsJson(line, response->get());
      Append(JsonMembersOf(**response), &answer.json);
    } else {
      answer.parts = view(line, **response, time);
    }
    return answer;
  };
}

View InTable(Table table);

// Lines without a header; `header` is that of the lines of several brokers.
AnswerPart LinesPart(
    absl::string_view header,
    const google::protobuf::RepeatedPtrField<std::string>& lines);

// "1 stream", "2 streams".
std::string Count(int64_t count, absl::string_view what);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_LOOK_UP_H_
