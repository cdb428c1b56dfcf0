#include "tools/cmctl/message_json.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/wrappers.pb.h"

namespace rmq::cmctl {
namespace {

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  // Fails only for an Any of an unknown type, and there is none.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options)
           .ok()) {
    return "{}";
  }
  return json;
}

// The members of an object or the elements of an array: what stands between the
// outermost brackets of `json`, cut at their commas.
std::vector<absl::string_view> Cut(absl::string_view json) {
  std::vector<absl::string_view> parts;
  json = json.substr(1, json.size() - 2);
  int depth = 0;
  bool in_string = false;
  size_t begin = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',' && depth == 0) {
      parts.push_back(json.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  if (!json.empty()) parts.push_back(json.substr(begin));
  return parts;
}

// An element a line.
std::string LayOut(absl::string_view value) {
  if (!absl::StartsWith(value, "[") || value == "[]") return std::string(value);
  return absl::StrCat("[\n  ", absl::StrJoin(Cut(value), ",\n  "), "\n]");
}

}  // namespace

JsonMembers JsonMembersOf(const google::protobuf::Message& message) {
  const std::string json = ToJson(message);
  JsonMembers members;
  for (const absl::string_view member : Cut(json)) {
    // Names of fields need no escapes.
    const size_t name_end = member.find("\":");
    const absl::string_view name = member.substr(1, name_end - 1);
    if (name == "next_page_token") continue;
    members.emplace_back(name, LayOut(member.substr(name_end + 2)));
  }
  return members;
}

std::string JsonString(absl::string_view text) {
  google::protobuf::StringValue value;
  value.set_value(std::string(text));
  return ToJson(value);
}

std::string JsonLine(const google::protobuf::Message& message) {
  return ToJson(message);
}

std::string JsonObject(const JsonMembers& members) {
  return absl::StrCat("{\n",
                      absl::StrJoin(members, ",\n",
                                    [](std::string* out, const auto& member) {
                                      absl::StrAppend(out, "\"", member.first,
                                                      "\": ", member.second);
                                    }),
                      "\n}\n");
}

std::string JsonArray(const std::vector<std::string>& elements) {
  if (elements.empty()) return "[]";
  return absl::StrCat(
      "[\n",
      absl::StrJoin(elements, ",\n",
                    [](std::string* out, absl::string_view element) {
                      absl::StrAppend(out, absl::StripSuffix(element, "\n"));
                    }),
      "\n]");
}

}  // namespace rmq::cmctl
