// RocketMQ's enumerations by the names that traces give them.
#ifndef TESTS_CONFORMANCE_MODES_OF_H_
#define TESTS_CONFORMANCE_MODES_OF_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/client_types.h"
#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// The value up to `last` that RocketMQ calls `name`; unspecified for any other
// name.
template <typename Enum>
Enum ValueOf(absl::string_view name, Enum last) {
  for (int i = 1; i <= static_cast<int>(last); ++i) {
    if (Name(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  }
  return Enum::kUnspecified;
}

inline ConsumerModes ModesOf(const Consumer& consumer) {
  ConsumerModes modes;
  modes.consume_type =
      ValueOf(consumer.consume_type(), ConsumeType::kConsumePop);
  modes.message_model =
      ValueOf(consumer.message_model(), MessageModel::kClustering);
  modes.consume_from_where =
      ValueOf(consumer.consume_from_where(), ConsumeFromWhere::kTimestamp);
  return modes;
}

// Fills the modes of a group as a snapshot shows them: unspecified is absent.
inline void ShowModes(const ConsumerModes& modes, ConsumerGroup* group) {
  if (modes.consume_type != ConsumeType::kUnspecified) {
    group->set_consume_type(std::string(Name(modes.consume_type)));
  }
  if (modes.message_model != MessageModel::kUnspecified) {
    group->set_message_model(std::string(Name(modes.message_model)));
  }
  if (modes.consume_from_where != ConsumeFromWhere::kUnspecified) {
    group->set_consume_from_where(std::string(Name(modes.consume_from_where)));
  }
}

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_MODES_OF_H_
