// Shows protobuf messages as aligned tables for people.
//
// Cells are made by the type of their field, so that a new table is a list of
// columns. What is not printable is escaped: names and expressions come from
// clients and must not steer the operator's terminal.
#ifndef TOOLS_CMCTL_MESSAGE_TABLE_H_
#define TOOLS_CMCTL_MESSAGE_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "tools/cmctl/answer.h"

namespace rmq::cmctl {

// What the times in a table are relative to.
struct TableTime {
  absl::Time now;
  absl::TimeZone zone;
};

// Makes the cell of `field`, a field of `message`.
using CellFormat = std::string (*)(
    const google::protobuf::Message& message,
    const google::protobuf::FieldDescriptor& field, const TableTime& time);

// By the field's type: text or "-" if it is empty; a number; "yes" or "no"; an
// enum value without its enum's name, "-" for number 0; the date and time of a
// Timestamp. "-" for an optional field that is absent.
std::string PlainCell(const google::protobuf::Message& message,
                      const google::protobuf::FieldDescriptor& field,
                      const TableTime& time);
// How long ago a Timestamp was; "-" if it is absent.
std::string AgoCell(const google::protobuf::Message& message,
                    const google::protobuf::FieldDescriptor& field,
                    const TableTime& time);

struct Column {
  absl::string_view header;
  // The field of a row's message, or of a message in it: "connection.version".
  absl::string_view field;
  CellFormat format = PlainCell;
  Shown shown = Shown::kAlways;
};

struct Table {
  // The field whose messages are the rows, repeated or not; empty: the message
  // itself is the only row.
  absl::string_view rows;
  std::vector<Column> columns;
  // What is shown in place of a table without rows; "": the header alone.
  absl::string_view if_empty = "";
  // See AnswerPart.
  int name_column = 0;
};

// UTF-8 with its control characters written out; "-" for nothing.
std::string Printable(absl::string_view text);

// A part with the columns of the table, and no rows.
AnswerPart EmptyPart(const Table& table);
// The cells of each row, without the header.
std::vector<std::vector<std::string>> RowsOf(
    const google::protobuf::Message& message, const Table& table,
    const TableTime& time);

AnswerPart PartOf(const google::protobuf::Message& message, const Table& table,
                  const TableTime& time);

// The cell of one field of `message`.
std::string CellOf(const google::protobuf::Message& message,
                   absl::string_view field, const TableTime& time,
                   CellFormat format = PlainCell);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_MESSAGE_TABLE_H_
