#include "broker/fronts/admin/named_resources.h"

#include <string>

#include "google/protobuf/descriptor.h"

namespace rmq {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

// The value of the string field `name`; null if there is no such field.
const std::string* FindString(const Message& message, const char* name) {
  const FieldDescriptor* const field =
      message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() ||
      field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
    return nullptr;
  }
  // Of use only for fields that are not stored as strings, as all here are.
  static std::string& unused = *new std::string;
  return &message.GetReflection()->GetStringReference(message, field, &unused);
}

// Adds the values of the repeated string field `name`, if there is one.
template <typename Names>
void AddStrings(const Message& message, const char* name, Names* names) {
  const FieldDescriptor* const field =
      message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || !field->is_repeated() ||
      field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
    return;
  }
  static std::string& unused = *new std::string;  // As above.
  const google::protobuf::Reflection& values = *message.GetReflection();
  for (int i = 0; i < values.FieldSize(message, field); ++i) {
    names->push_back(
        values.GetRepeatedStringReference(message, field, i, &unused));
  }
}

// The message field `name`; null if there is no such field, or it is not set.
const Message* FindMessage(const Message& message, const char* name) {
  const FieldDescriptor* const field =
      message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() ||
      field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
      !message.GetReflection()->HasField(message, field)) {
    return nullptr;
  }
  return &message.GetReflection()->GetMessage(message, field);
}

}  // namespace

CallResources NamedResources(const Message& request) {
  // What a filter names counts as what the request itself does.
  if (const Message* filter = FindMessage(request, "filter")) {
    return NamedResources(*filter);
  }
  CallResources resources;
  if (const std::string* client_id = FindString(request, "client_id")) {
    resources.client_id = *client_id;
  }
  if (const std::string* group = FindString(request, "group")) {
    resources.groups.push_back(*group);
  }
  AddStrings(request, "groups", &resources.groups);
  if (const std::string* topic = FindString(request, "topic")) {
    resources.topics.push_back(*topic);
  }
  return resources;
}

}  // namespace rmq
