#include "broker/fronts/proto_time.h"

#include <cstdint>

namespace rmq {

void FillTimestamp(absl::Time time, google::protobuf::Timestamp* message) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  message->set_seconds(seconds);
  message->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

void FillDuration(absl::Duration duration,
                  google::protobuf::Duration* message) {
  const int64_t seconds =
      absl::IDivDuration(duration, absl::Seconds(1), &duration);
  message->set_seconds(seconds);
  message->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

absl::Duration ToDuration(const google::protobuf::Duration& message) {
  return absl::Seconds(message.seconds()) + absl::Nanoseconds(message.nanos());
}

}  // namespace rmq
