// Times and durations as messages.
#ifndef BROKER_FRONTS_PROTO_TIME_H_
#define BROKER_FRONTS_PROTO_TIME_H_

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace rmq {

void FillTimestamp(absl::Time time, google::protobuf::Timestamp* message);

// `duration` must be one that the message can hold: up to 10,000 years.
void FillDuration(absl::Duration duration, google::protobuf::Duration* message);

// The other way round.
absl::Duration ToDuration(const google::protobuf::Duration& message);

}  // namespace rmq

#endif  // BROKER_FRONTS_PROTO_TIME_H_
