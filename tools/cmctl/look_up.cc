#include "tools/cmctl/look_up.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"

namespace rmq::cmctl {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsForPrograms(const CommandLine& line) {
  return line.output == OutputFormat::kJson ||
         line.output == OutputFormat::kYaml;
}

JsonMembers ArgumentsAsJson(const CommandLine& line, const Message* answer) {
  JsonMembers members;
  for (const Argument& argument : line.command->arguments) {
    if (answer != nullptr && answer->GetDescriptor()->FindFieldByName(
                                 std::string(argument.field)) != nullptr) {
      continue;
    }
    members.emplace_back(argument.field,
                         JsonString(line.value(argument.field)));
  }
  return members;
}

void Append(JsonMembers more, JsonMembers* members) {
  for (auto& member : more) members->push_back(std::move(member));
}

std::unique_ptr<Message> RequestFor(const CommandLine& line,
                                    const Message& prototype) {
  std::unique_ptr<Message> request(prototype.New());
  for (const Argument& argument : line.command->arguments) {
    const FieldDescriptor* const field =
        request->GetDescriptor()->FindFieldByName(std::string(argument.field));
    request->GetReflection()->SetString(request.get(), field,
                                        line.value(argument.field));
  }
  return request;
}

View InTable(Table table) {
  return [table = std::move(table)](const CommandLine&, const Message& message,
                                    const TableTime& time) {
    return std::vector<AnswerPart>{PartOf(message, table, time)};
  };
}

AnswerPart LinesPart(
    absl::string_view header,
    const google::protobuf::RepeatedPtrField<std::string>& lines) {
  AnswerPart part;
  part.columns = {{std::string(header)}};
  part.has_header = false;
  for (const std::string& line : lines) part.rows.push_back({Printable(line)});
  return part;
}

std::string Count(int64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

}  // namespace rmq::cmctl
