#include "tools/cmctl/message_table.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/timestamp.pb.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// "CONSUME_TYPE_" for the enum ConsumeType.
std::string EnumPrefix(absl::string_view enum_name) {
  std::string prefix;
  for (const char c : enum_name) {
    if (absl::ascii_isupper(c) && !prefix.empty()) prefix.push_back('_');
    prefix.push_back(absl::ascii_toupper(c));
  }
  return absl::StrCat(prefix, "_");
}

std::string EnumCell(const FieldDescriptor& field, int value) {
  if (value == 0) return "-";
  const auto* const known = field.enum_type()->FindValueByNumber(value);
  if (known == nullptr) return absl::StrCat(value);
  return std::string(
      absl::StripPrefix(known->name(), EnumPrefix(field.enum_type()->name())));
}

absl::Time TimeOf(const Message& message, const FieldDescriptor& field) {
  google::protobuf::Timestamp timestamp;
  timestamp.CopyFrom(message.GetReflection()->GetMessage(message, &field));
  return absl::FromUnixSeconds(timestamp.seconds()) +
         absl::Nanoseconds(timestamp.nanos());
}

// The cell of a field of `message`, or of a message in it.
std::string CellAt(const Message& message, const Column& column,
                   const TableTime& time) {
  const Message* holder = &message;
  const std::vector<std::string> path = absl::StrSplit(column.field, '.');
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    holder = &holder->GetReflection()->GetMessage(
        *holder, holder->GetDescriptor()->FindFieldByName(path[i]));
  }
  return column.format(
      *holder, *holder->GetDescriptor()->FindFieldByName(path.back()), time);
}

}  // namespace

std::string Printable(absl::string_view text) {
  return text.empty() ? "-" : EscapeControls(text);
}

std::string PlainCell(const Message& message, const FieldDescriptor& field,
                      const TableTime& time) {
  const Reflection& reflection = *message.GetReflection();
  if (field.has_presence() && !reflection.HasField(message, &field) &&
      field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    return "-";
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return Printable(reflection.GetString(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "yes" : "no";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrCat(reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return absl::StrCat(reflection.GetFloat(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumCell(field, reflection.GetEnumValue(message, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return absl::FormatTime("%Y-%m-%d %H:%M:%S %Ez", TimeOf(message, field),
                              time.zone);
  }
  return "-";
}

std::string AgoCell(const Message& message, const FieldDescriptor& field,
                    const TableTime& time) {
  if (!message.GetReflection()->HasField(message, &field)) return "-";
  return Ago(TimeOf(message, field), time.now);
}

std::string CellOf(const Message& message, absl::string_view field,
                   const TableTime& time, CellFormat format) {
  return CellAt(message, {"", field, format}, time);
}

AnswerPart EmptyPart(const Table& table) {
  AnswerPart part;
  for (const Column& column : table.columns) {
    part.columns.push_back({std::string(column.header), column.shown});
  }
  part.if_empty = std::string(table.if_empty);
  part.name_column = table.name_column;
  return part;
}

std::vector<std::vector<std::string>> RowsOf(const Message& message,
                                             const Table& table,
                                             const TableTime& time) {
  std::vector<const Message*> elements;
  if (table.rows.empty()) {
    elements = {&message};
  } else {
    const Reflection& reflection = *message.GetReflection();
    const FieldDescriptor* const field =
        message.GetDescriptor()->FindFieldByName(std::string(table.rows));
    if (!field->is_repeated()) {
      elements = {&reflection.GetMessage(message, field)};
    } else {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        elements.push_back(&reflection.GetRepeatedMessage(message, field, i));
      }
    }
  }
  std::vector<std::vector<std::string>> rows;
  for (const Message* const element : elements) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Column& column : table.columns) {
      row.push_back(CellAt(*element, column, time));
    }
  }
  return rows;
}

AnswerPart PartOf(const Message& message, const Table& table,
                  const TableTime& time) {
  AnswerPart part = EmptyPart(table);
  part.rows = RowsOf(message, table, time);
  return part;
}

}  // namespace rmq::cmctl
