// Helpers of the tests of the server.
#ifndef BROKER_SERVER_SERVER_TESTUTIL_H_
#define BROKER_SERVER_SERVER_TESTUTIL_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "absl/types/optional.h"
#include "broker/server/test_broker.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/support/time.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

namespace rmq {

// A unary call of any method with any bytes.
struct GenericOutcome {
  grpc::Status status;
  int response_code = -1;
  grpc::ByteBuffer response;
};
inline GenericOutcome GenericCall(
    const std::shared_ptr<grpc::Channel>& connection, const std::string& method,
    const std::string& request) {
  GenericOutcome outcome;
  grpc::ClientContext context;
  SetTestDeadline(context);
  grpc::Slice slice(request);
  const grpc::ByteBuffer bytes(&slice, 1);
  absl::Notification done;
  grpc::GenericStub(connection)
      .UnaryCall(&context, method, {}, &bytes, &outcome.response,
                 [&](grpc::Status status) {
                   outcome.status = std::move(status);
                   done.Notify();
                 });
  done.WaitForNotification();
  outcome.response_code = ResponseCodeOf(context);
  return outcome;
}

MATCHER_P(SaysInvalid, message, "") {
  *result_listener << arg.error_code() << ": " << arg.error_message();
  return arg.error_code() == grpc::StatusCode::INVALID_ARGUMENT &&
         absl::StrContains(arg.error_message(), message);
}

// Whether the standard health service says SERVING; nothing if it cannot be
// asked.
inline absl::optional<bool> Serving(
    const std::shared_ptr<grpc::Channel>& connection) {
  const GenericOutcome outcome =
      GenericCall(connection, "/grpc.health.v1.Health/Check",
                  grpc::health::v1::HealthCheckRequest().SerializeAsString());
  if (!outcome.status.ok()) return absl::nullopt;
  grpc::Slice slice;
  EXPECT_TRUE(outcome.response.DumpToSingleSlice(&slice).ok());
  grpc::health::v1::HealthCheckResponse response;
  EXPECT_TRUE(
      response.ParseFromArray(slice.begin(), static_cast<int>(slice.size())));
  return response.status() ==
         grpc::health::v1::HealthCheckResponse_ServingStatus_SERVING;
}

class Stopwatch {
 public:
  double seconds() const {
    return gpr_timespec_to_micros(
               gpr_time_sub(gpr_now(GPR_CLOCK_MONOTONIC), start_)) /
           1e6;
  }

 private:
  const gpr_timespec start_ = gpr_now(GPR_CLOCK_MONOTONIC);
};

}  // namespace rmq

#endif  // BROKER_SERVER_SERVER_TESTUTIL_H_
