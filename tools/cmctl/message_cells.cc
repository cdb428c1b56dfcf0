#include "tools/cmctl/message_cells.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace rmq::cmctl {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string ChannelCell(const Message& message, const FieldDescriptor& field,
                        const TableTime& time) {
  return absl::StrCat(
      PlainCell(message, field, time),
      CellOf(message, "stream", time) == "yes" ? " stream" : " unary");
}

std::string LabelsCell(const Message& message, const FieldDescriptor& field,
                       const TableTime&) {
  std::map<std::string, std::string> labels;
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const auto text = [&entry](int number) {
      return entry.GetReflection()->GetString(
          entry, entry.GetDescriptor()->FindFieldByNumber(number));
    };
    labels[text(1)] = text(2);
  }
  return Printable(absl::StrJoin(labels, ",", absl::PairFormatter("=")));
}

}  // namespace rmq::cmctl
