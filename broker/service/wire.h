// Between the wire's messages and the core's structs: form and limits in,
// values out. No policy.
#ifndef BROKER_SERVICE_WIRE_H_
#define BROKER_SERVICE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_table.h"
#include "broker/registry/statement.h"
#include "broker/registry/subscription_table.h"
#include "common/clock.h"
#include "common/response_code.h"
#include "common/validation.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/status.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

// A full heartbeat as the core is told it: views into the request and into this
// object, which is filled once and does not move.
class ParsedStatement {
 public:
  ParsedStatement() = default;
  ParsedStatement(const ParsedStatement&) = delete;
  ParsedStatement& operator=(const ParsedStatement&) = delete;

  // Checks the form and limits of all but the client id, and fills
  // `statement()`. An error names field, value and rule.
  absl::Status Parse(const pb::HeartbeatRequest& request, const Limits& limits);

  const HeartbeatStatement& statement() const { return statement_; }

 private:
  absl::Status ParseConsumer(const pb::ConsumerData& consumer, int index,
                             const Limits& limits);

  HeartbeatStatement statement_;
  absl::InlinedVector<absl::string_view, 4> producer_groups_;
  absl::InlinedVector<ConsumerStatement, 4> consumers_;
  absl::InlinedVector<SubscriptionStatement, 8> subscriptions_;
};

// The request id that a frame's bytes begin with, as protobuf writes them; 0 if
// they begin with something else. Reads no further.
uint64_t ReadRequestId(google::protobuf::io::CodedInputStream* frame);

// A frame that holds a request id (not 0) and then a heartbeat, and no more, as
// protobuf writes them.
struct HeartbeatBytes {
  uint64_t request_id;
  // The HeartbeatRequest: a view into the frame.
  absl::string_view heartbeat;
};

// Nothing for any other bytes. Does not look into the heartbeat.
absl::optional<HeartbeatBytes> FindHeartbeatBytes(absl::string_view frame);

// Page sizes are 0 (the most) to ClientTable::kMaxPiece; returns the size
// meant.
absl::StatusOr<size_t> ParsePageSize(int32_t page_size);

// Page tokens of members are cursors; "" is the beginning.
absl::StatusOr<MemberCursor> ParseMemberPageToken(absl::string_view token);
std::string MemberPageToken(MemberCursor cursor);

// Page tokens of names are the last name of the page before.
absl::Status ValidateNamePageToken(absl::string_view token);

void FillSkippedGroup(const PassedOverGroup& skipped,
                      pb::SkippedGroup* message);
// `clock` turns the member's times into wall time.
void FillConnection(const MemberInfo& member, Clock& clock,
                    pb::Connection* message);
void FillSubscription(absl::string_view topic,
                      const SubscriptionData& subscription,
                      pb::SubscriptionData* message);

void FillTimestamp(absl::Time time, google::protobuf::Timestamp* message);
// Durations beyond what the message can hold do not occur.
void FillDuration(absl::Duration duration, google::protobuf::Duration* message);

// Of a call that is cut off since its answer is not read.
CallStatus NotRead();

// How many items the repeated fields of `message` have together.
int64_t CountItems(const google::protobuf::Message& message);

// How a stream's own Status message and a unary call's grpc::Status tell a
// CallStatus. The latter goes with trailing metadata kResponseCodeMetadata.
void FillStatus(const CallStatus& status, pb::Status* message);
grpc::Status ToGrpcStatus(const CallStatus& status);
inline constexpr char kResponseCodeMetadata[] = "rocketmq-response-code";

// Trailing metadata of a stream that the broker itself ends: why, as the name
// of a RemovalReason (FEATURE_END_REASON). A proxy, or gRPC, ends a stream with
// the same status codes, but without it.
inline constexpr char kEndReasonMetadata[] = "rocketmq-end-reason";

}  // namespace rmq

#endif  // BROKER_SERVICE_WIRE_H_
