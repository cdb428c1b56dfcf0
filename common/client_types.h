// What clients say of themselves and of their groups: RocketMQ's enumerations.
// Numbers are those of proto/rocketmq/clientmanager/v1/client_manager.proto.
#ifndef COMMON_CLIENT_TYPES_H_
#define COMMON_CLIENT_TYPES_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace rmq {

// Reference: remoting/protocol/LanguageCode.java, whose code is one less.
enum class LanguageCode : uint8_t {
  kUnspecified = 0,
  kJava = 1,
  kCpp = 2,
  kDotnet = 3,
  kPython = 4,
  kDelphi = 5,
  kErlang = 6,
  kRuby = 7,
  kOther = 8,
  kHttp = 9,
  kGo = 10,
  kPhp = 11,
  kOms = 12,
  kRust = 13,
  kNodeJs = 14,
};

// How a consumer group gets its messages.
enum class ConsumeType : uint8_t {
  kUnspecified = 0,
  kConsumeActively = 1,   // Pull.
  kConsumePassively = 2,  // Push.
  kConsumePop = 3,
};

// How a consumer group shares its messages. Unspecified counts as clustering.
enum class MessageModel : uint8_t {
  kUnspecified = 0,
  kBroadcasting = 1,
  kClustering = 2,
};

// Where a new consumer group begins to read.
enum class ConsumeFromWhere : uint8_t {
  kUnspecified = 0,
  kLastOffset = 1,
  kFirstOffset = 2,
  kTimestamp = 3,
};

// The modes of a consumer group.
struct ConsumerModes {
  ConsumeType consume_type = ConsumeType::kUnspecified;
  MessageModel message_model = MessageModel::kUnspecified;
  ConsumeFromWhere consume_from_where = ConsumeFromWhere::kUnspecified;

  friend bool operator==(const ConsumerModes& a, const ConsumerModes& b) {
    return a.consume_type == b.consume_type &&
           a.message_model == b.message_model &&
           a.consume_from_where == b.consume_from_where;
  }
  friend bool operator!=(const ConsumerModes& a, const ConsumerModes& b) {
    return !(a == b);
  }
};

// RocketMQ's spelling of each value, "UNSPECIFIED" for none; what the language,
// type, ... are called in logs and on the command line.
absl::string_view Name(LanguageCode value);
absl::string_view Name(ConsumeType value);
absl::string_view Name(MessageModel value);
absl::string_view Name(ConsumeFromWhere value);

}  // namespace rmq

#endif  // COMMON_CLIENT_TYPES_H_
