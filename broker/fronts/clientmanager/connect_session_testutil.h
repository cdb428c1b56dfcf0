// Helpers of the tests of Connect streams.
#ifndef BROKER_FRONTS_CLIENTMANAGER_CONNECT_SESSION_TESTUTIL_H_
#define BROKER_FRONTS_CLIENTMANAGER_CONNECT_SESSION_TESTUTIL_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/server/test_broker.h"
#include "common/rpc/server/server_stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {

MATCHER_P2(EndsWith, code, message, "") {
  *result_listener << arg.error_code() << ": " << arg.error_message();
  return arg.error_code() == code &&
         ::testing::ExplainMatchResult(::testing::HasSubstr(message),
                                       arg.error_message(), result_listener);
}

// No heartbeat is missed: what happens has another reason.
inline BrokerController::Options NoExpiry(BrokerController::Options options) {
  options.table.channel_expiry = absl::Hours(24);
  return options;
}

// Lists asked for when as many replies wait as may: JoinAndStall() asks for
// one.
inline constexpr int kAskedWhenFull = 1 + ServerStream::kMaxWaitingReplies;

// Everything that a stream was sent so far has been read by its client then.
inline std::vector<std::string> PushesSoFar(TestStream& stream) {
  pb::ClientFrame unknown;  // Answered, whatever state the stream is in.
  stream.Call(unknown);
  return stream.TakePushes();
}

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_CONNECT_SESSION_TESTUTIL_H_
