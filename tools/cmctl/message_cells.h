// Cells of tables that several commands show.
#ifndef TOOLS_CMCTL_MESSAGE_CELLS_H_
#define TOOLS_CMCTL_MESSAGE_CELLS_H_

#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {

// The field, and "stream" or "unary" by the message's field `stream`.
std::string ChannelCell(const google::protobuf::Message& message,
                        const google::protobuf::FieldDescriptor& field,
                        const TableTime& time);

// Of a map of strings: "host=h1,zone=a", by key.
std::string LabelsCell(const google::protobuf::Message& message,
                       const google::protobuf::FieldDescriptor& field,
                       const TableTime& time);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_MESSAGE_CELLS_H_
