#include "broker/service/grpc_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/service/test_broker.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/support/time.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/client_callback.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A unary call of any method with any bytes.
struct GenericOutcome {
  grpc::Status status;
  int response_code = -1;
  grpc::ByteBuffer response;
};
GenericOutcome GenericCall(const std::shared_ptr<grpc::Channel>& connection,
                           const std::string& method,
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
absl::optional<bool> Serving(const std::shared_ptr<grpc::Channel>& connection) {
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

// --- Options and listening ---

TEST(GrpcServerOptionsTest, DefaultsValidate) {
  EXPECT_THAT(GrpcServer::Options().Validate(), IsOk());
}

struct BadOption {
  const char* name;
  std::function<void(GrpcServer::Options&)> set;
  const char* message;
};

class BadGrpcServerOptionTest : public ::testing::TestWithParam<BadOption> {};

TEST_P(BadGrpcServerOptionTest, IsRefusedByName) {
  GrpcServer::Options options;
  GetParam().set(options);
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadGrpcServerOptionTest,
    ::testing::Values(
        BadOption{"EmptyAddress", [](auto& o) { o.address = ""; },
                  "address must be host:port"},
        BadOption{"NoPort", [](auto& o) { o.address = "127.0.0.1"; },
                  "address must be host:port"},
        BadOption{"NoHost", [](auto& o) { o.address = ":10911"; },
                  "address must be host:port"},
        BadOption{"PortTooGreat",
                  [](auto& o) { o.address = "127.0.0.1:65536"; },
                  "got \"127.0.0.1:65536\""},
        BadOption{"PortNoNumber", [](auto& o) { o.address = "localhost:http"; },
                  "address must be host:port"},
        BadOption{"UnixSocket", [](auto& o) { o.address = "unix:/tmp/x"; },
                  "address must be host:port"},
        BadOption{"BareIpv6", [](auto& o) { o.address = "::1:10911"; },
                  "address must be host:port"},
        BadOption{"FrameTooSmall", [](auto& o) { o.max_frame_bytes = 1023; },
                  "max_frame_bytes must be 1 KiB to 64 MiB, got 1023"},
        BadOption{"FrameTooLarge",
                  [](auto& o) { o.max_frame_bytes = 64 * 1024 * 1024 + 1; },
                  "max_frame_bytes must be 1 KiB to 64 MiB"},
        BadOption{"NegativeRate", [](auto& o) { o.max_frame_rate = -1; },
                  "max_frame_rate must not be negative, got -1"},
        BadOption{"NoSlowReaderLimit",
                  [](auto& o) { o.slow_reader_limit = absl::ZeroDuration(); },
                  "slow_reader_limit must be positive, got 0"},
        BadOption{"NoStreams",
                  [](auto& o) { o.max_streams_per_connection = 0; },
                  "max_streams_per_connection must be 1 to 1000000, got 0"},
        BadOption{"TooManyStreams",
                  [](auto& o) { o.max_streams_per_connection = 1'000'001; },
                  "max_streams_per_connection must be 1 to 1000000, got "
                  "1000001"},
        BadOption{"NegativeBytesRate",
                  [](auto& o) { o.rates.max_unary_bytes_rate = -1; },
                  "max_unary_bytes_rate must be 0 to"},
        BadOption{"NoKeepaliveTime",
                  [](auto& o) { o.keepalive_time = absl::ZeroDuration(); },
                  "keepalive_time must be 1ms to 24h, got 0"},
        BadOption{"KeepaliveTimeoutTooLong",
                  [](auto& o) { o.keepalive_timeout = absl::Hours(25); },
                  "keepalive_timeout must be 1ms to 24h, got 25h"},
        BadOption{"NoThreads", [](auto& o) { o.threads = 0; },
                  "threads must be 1 to 64, got 0"},
        BadOption{"TooManyThreads", [](auto& o) { o.threads = 65; },
                  "threads must be 1 to 64, got 65"},
        BadOption{"NegativeNap", [](auto& o) { o.nap = -absl::Nanoseconds(1); },
                  "nap must be 0 to 100ms, got -1ns"},
        BadOption{"NapTooLong",
                  [](auto& o) {
                    o.nap = absl::Milliseconds(100) + absl::Nanoseconds(1);
                  },
                  "nap must be 0 to 100ms, got 100.000001ms"}),
    [](const auto& test) { return test.param.name; });

TEST(GrpcServerOptionsTest, BothEdgesOfEachLimitValidate) {
  GrpcServer::Options options;
  for (const char* address :
       {"127.0.0.1:0", "localhost:65535", "[::1]:10911", "0.0.0.0:1"}) {
    options.address = address;
    EXPECT_THAT(options.Validate(), IsOk()) << address;
  }
  options.max_frame_bytes = 1024;
  options.max_frame_rate = 0;
  options.max_streams_per_connection = 1;
  options.slow_reader_limit = absl::Nanoseconds(1);
  options.keepalive_time = absl::Milliseconds(1);
  options.keepalive_timeout = absl::Milliseconds(1);
  options.threads = 64;
  options.nap = absl::ZeroDuration();
  EXPECT_THAT(options.Validate(), IsOk());
  options.max_frame_bytes = 64 * 1024 * 1024;
  options.max_streams_per_connection = 1'000'000;
  options.keepalive_time = absl::Hours(24);
  options.keepalive_timeout = absl::Hours(24);
  options.nap = absl::Milliseconds(100);
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST(GrpcServerTest, TellsThePortThatTheSystemChose) {
  TestBroker broker;
  EXPECT_GT(broker.controller().port(), 0);
  EXPECT_EQ(broker.address(),
            absl::StrCat("127.0.0.1:", broker.controller().port()));
}

TEST(GrpcServerTest, ASecondBrokerOnThePortIsToldSoInOneLine) {
  TestBroker broker;
  BrokerController::Options options;
  options.server.address = broker.address();
  SimulatedClock clock;
  EXPECT_THAT(
      BrokerController::Start(options, &clock),
      StatusIs(
          absl::StatusCode::kUnavailable,
          AllOf(HasSubstr(absl::StrCat("cannot listen on ", broker.address())),
                HasSubstr("the port is in use"), Not(HasSubstr("\n")))));
  EXPECT_THAT(broker.ConsumerIds("orders"), IsEmpty());  // The first lives.
}

// --- Unary calls ---

TEST(GrpcServerTest, UnaryErrorsCarryRocketMqsCodeInTheTrailingMetadata) {
  TestBroker broker;
  int code = -1;
  pb::HeartbeatResponse response;
  EXPECT_TRUE(
      broker.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response, &code)
          .ok());
  EXPECT_EQ(code, 0);

  const grpc::Status bad =
      broker.Heartbeat(ConsumerHeartbeat("c1", "no blanks"), &response, &code);
  EXPECT_EQ(bad.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(bad.error_message(),
              AllOf(HasSubstr("consumers[0].group"), HasSubstr("no blanks")));
  EXPECT_EQ(code, 1);

  pb::GetConsumerListByGroupRequest list;
  list.set_group("unknown");
  GenericOutcome outcome = GenericCall(
      broker.connection(),
      "/rocketmq.clientmanager.v1.ClientManager/GetConsumerListByGroup",
      list.SerializeAsString());
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(outcome.response_code, 1);

  pb::CheckClientConfigRequest check;
  check.set_client_id("c1");
  check.set_group("orders");
  check.mutable_subscription()->set_expression_type("XPATH");
  outcome =
      GenericCall(broker.connection(),
                  "/rocketmq.clientmanager.v1.ClientManager/CheckClientConfig",
                  check.SerializeAsString());
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(outcome.response_code, 23);
}

TEST(GrpcServerTest, ARequestOverTheSizeLimitIsResourceExhausted) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.max_frame_bytes = 4096;
  TestBroker broker(options);
  pb::HeartbeatRequest request = ConsumerHeartbeat("c1", "orders");
  pb::SubscriptionData* const subscription =
      request.mutable_consumers(0)->mutable_subscriptions(0);
  // Two bytes more for each of two lengths that no longer fit into one.
  subscription->set_expression(
      std::string(4096 - request.ByteSizeLong() - 1, 'x'));
  while (request.ByteSizeLong() > 4096) {
    subscription->mutable_expression()->pop_back();
  }
  ASSERT_EQ(request.ByteSizeLong(), 4096);
  pb::HeartbeatResponse response;
  EXPECT_TRUE(broker.Heartbeat(request, &response).ok());

  subscription->mutable_expression()->push_back('x');
  int code = -1;
  const grpc::Status status = broker.Heartbeat(request, &response, &code);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(),
            "message must be at most 4096 bytes, got 4097");
  EXPECT_EQ(code, 2);
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
}

TEST(GrpcServerTest, BytesThatAreNoRequestAreRefusedAndTheNextCallIsServed) {
  TestBroker broker;
  const std::string method =
      "/rocketmq.clientmanager.v1.ClientManager/Heartbeat";
  const GenericOutcome outcome =
      GenericCall(broker.connection(), method, "\x0a\xff");
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(outcome.status.error_message(),
            "the message is not a HeartbeatRequest");
  EXPECT_EQ(outcome.response_code, 1);
  EXPECT_THAT(GenericCall(broker.connection(), method, "").status,
              SaysInvalid("client_id"));
}

// A heartbeat by a client that has not said what: a stream of requests may be
// none, which a unary call's client cannot say.
class CallWithoutAMessage {
 public:
  explicit CallWithoutAMessage(
      const std::shared_ptr<grpc::Channel>& connection) {
    SetTestDeadline(context_);
    call_.reset(
        grpc::internal::ClientWriterFactory<pb::HeartbeatRequest>::Create(
            connection.get(), method_, &context_, &response_));
  }

  grpc::ClientWriter<pb::HeartbeatRequest>* operator->() { return call_.get(); }

 private:
  const grpc::internal::RpcMethod method_{
      "/rocketmq.clientmanager.v1.ClientManager/Heartbeat",
      grpc::internal::RpcMethod::CLIENT_STREAMING};
  grpc::ClientContext context_;
  pb::HeartbeatResponse response_;
  std::unique_ptr<grpc::ClientWriter<pb::HeartbeatRequest>> call_;
};

TEST(GrpcServerTest, ACallWithoutAMessageIsRefused) {
  TestBroker broker;
  CallWithoutAMessage call(broker.connection());
  call->WritesDone();
  EXPECT_THAT(call->Finish(), SaysInvalid("the call has no message"));
}

TEST(GrpcServerTest, ACallWhoseMessageDoesNotComeEndsAfterTenSeconds) {
  TestBroker broker;
  CallWithoutAMessage call(broker.connection());
  // On the same connection, so the call before it has begun.
  EXPECT_EQ(Serving(broker.connection()), absl::make_optional(true));
  broker.clock().Advance(absl::Milliseconds(9999));
  EXPECT_EQ(Serving(broker.connection()), absl::make_optional(true));
  CallWithoutAMessage later(broker.connection());
  EXPECT_EQ(Serving(broker.connection()), absl::make_optional(true));
  broker.clock().Advance(absl::Milliseconds(1));
  const grpc::Status status = call->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(),
            "the call's message did not come within 10s");
  // Each has its own time.
  ASSERT_TRUE(later->Write(ConsumerHeartbeat("c1", "orders")));
  later->WritesDone();
  EXPECT_TRUE(later->Finish().ok());
}

TEST(GrpcServerTest, ASlowReaderLimitBelowThatOfMessagesHoldsForAnswersToo) {
  BrokerController::Options options = LargeAnswerOptions();
  options.server.slow_reader_limit = absl::Seconds(3);
  TestBroker broker(options);
  const auto connection = broker.NewNarrowConnection();
  const grpc::internal::RpcMethod method(
      "/rocketmq.clientmanager.v1.ClientManager/Heartbeat",
      grpc::internal::RpcMethod::BIDI_STREAMING);
  grpc::ClientContext context;
  SetTestDeadline(context);
  const std::unique_ptr<
      grpc::ClientReaderWriter<pb::HeartbeatRequest, pb::HeartbeatResponse>>
      call(grpc::internal::ClientReaderWriterFactory<
           pb::HeartbeatRequest,
           pb::HeartbeatResponse>::Create(connection.get(), method, &context));
  ASSERT_TRUE(call->Write(LargeAnswerHeartbeat("c1", "orders")));
  call->WritesDone();
  broker.authorizer().AwaitCount("Heartbeat", 1);
  for (int i = 0; i < 4; ++i) {
    broker.ConsumerIds("orders");
    broker.clock().Advance(absl::Seconds(1));
    broker.clock().WaitForWaiters(1);
  }
  pb::HeartbeatResponse response;
  while (call->Read(&response)) {
  }
  EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(GrpcServerTest, AnAnswerThatIsNotReadEndsAfterTheSlowReaderLimit) {
  BrokerController::Options options = LargeAnswerOptions();
  options.table.channel_expiry = absl::Hours(24);
  options.server.slow_reader_limit = absl::Seconds(30);
  TestBroker broker(options);
  // Of two alike one reads.
  const auto connection = broker.NewNarrowConnection();
  const grpc::internal::RpcMethod method(
      "/rocketmq.clientmanager.v1.ClientManager/Heartbeat",
      grpc::internal::RpcMethod::BIDI_STREAMING);
  using Call =
      grpc::ClientReaderWriter<pb::HeartbeatRequest, pb::HeartbeatResponse>;
  grpc::ClientContext contexts[2];
  std::unique_ptr<Call> calls[2];
  for (int i = 0; i < 2; ++i) {
    SetTestDeadline(contexts[i]);
    calls[i].reset(grpc::internal::ClientReaderWriterFactory<
                   pb::HeartbeatRequest,
                   pb::HeartbeatResponse>::Create(connection.get(), method,
                                                  &contexts[i]));
    ASSERT_TRUE(calls[i]->Write(LargeAnswerHeartbeat("c1", "orders")));
    calls[i]->WritesDone();
    broker.authorizer().AwaitCount("Heartbeat", i + 1);
  }
  broker.ConsumerIds("orders");
  broker.clock().Advance(absl::Seconds(10));
  broker.clock().WaitForWaiters(1);
  broker.ConsumerIds("orders");
  pb::HeartbeatResponse response;
  EXPECT_TRUE(calls[0]->Read(&response));
  EXPECT_TRUE(calls[0]->Finish().ok());
  for (int i = 0; i < 5; ++i) {
    broker.clock().Advance(absl::Seconds(10));
    broker.ConsumerIds("orders");
    broker.clock().WaitForWaiters(1);
  }
  while (calls[1]->Read(&response)) {
  }
  EXPECT_EQ(calls[1]->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(GrpcServerTest, CompressedRequestsAreAnsweredUpToTheSizeLimit) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.max_frame_bytes = 4096;
  TestBroker broker(options);
  for (auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    const auto connection = broker.NewCompressingConnection(algorithm);
    const auto heartbeat = [&](size_t expression_bytes) {
      pb::HeartbeatRequest request = ConsumerHeartbeat("c1", "orders");
      request.mutable_consumers(0)->mutable_subscriptions(0)->set_expression(
          std::string(expression_bytes, 'x'));
      grpc::ClientContext context;
      SetTestDeadline(context);
      pb::HeartbeatResponse response;
      return pb::ClientManager::NewStub(connection)
          ->Heartbeat(&context, request, &response);
    };
    EXPECT_TRUE(heartbeat(4000).ok());
    for (size_t bytes : {size_t{4096}, size_t{1} << 20}) {
      const grpc::Status status = heartbeat(bytes);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
      EXPECT_THAT(status.error_message(),
                  HasSubstr("message must be at most 4096 bytes, got more: "));
    }
    // Small ones are not compressed, and to health they are the same.
    EXPECT_EQ(Serving(connection), absl::make_optional(true));
  }
}

TEST(GrpcServerTest, UnaryCallsOfAnAddressAreRatedByGroupsRowsAndBytes) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.rates.max_unary_bytes_rate = 10'000;
  options.server.rates.max_unary_groups_rate = 1;
  options.server.rates.max_listed_rows_rate = 1;
  TestBroker broker(options);
  pb::HeartbeatResponse response;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(
        broker.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response).ok());
  }
  int code = -1;
  grpc::Status status =
      broker.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response, &code);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(code, 2);
  EXPECT_EQ(status.error_message(),
            "groups of unary requests from one address must be at most 1 a "
            "second, come again in 1ms");
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
  }
  const auto list = [&] {
    grpc::ClientContext context;
    SetTestDeadline(context);
    pb::GetConsumerListByGroupRequest request;
    request.set_group("orders");
    pb::GetConsumerListByGroupResponse members;
    return pb::ClientManager::NewStub(broker.connection())
        ->GetConsumerListByGroup(&context, request, &members);
  };
  EXPECT_THAT(list().error_message(),
              HasSubstr("rows of listings from one address must be at most 1"));
  broker.clock().Advance(absl::Seconds(1));
  EXPECT_TRUE(list().ok());
  EXPECT_TRUE(
      broker.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response).ok());

  pb::HeartbeatRequest large = ConsumerHeartbeat("c1", "orders");
  large.mutable_consumers(0)->mutable_subscriptions(0)->set_expression(
      std::string(60'000, 'x'));
  broker.clock().Advance(absl::Seconds(2));
  EXPECT_TRUE(broker.Heartbeat(large, &response).ok());
  EXPECT_THAT(list().error_message(), HasSubstr("bytes of unary requests"));
}

TEST(GrpcServerTest, ACallThatSendsNoMessageDelaysNoStop) {
  TestBroker broker;
  CallWithoutAMessage call(broker.connection());
  EXPECT_EQ(Serving(broker.connection()), absl::make_optional(true));
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_LT(stopwatch.seconds(), 40);
  EXPECT_FALSE(call->Finish().ok());
}

TEST(GrpcServerTest, EveryUnaryMethodOfItsServicesIsServed) {
  TestBroker broker;
  const google::protobuf::FileDescriptor* const files[] = {
      pb::HeartbeatRequest::descriptor()->file(),
      pb::ListGroupsRequest::descriptor()->file(),
      grpc::health::v1::HealthCheckRequest::descriptor()->file()};
  for (const auto* const file : files) {
    ASSERT_EQ(file->service_count(), 1);
    const auto& service = *file->service(0);
    for (int i = 0; i < service.method_count(); ++i) {
      const auto& method = *service.method(i);
      if (method.server_streaming()) continue;
      const GenericOutcome outcome = GenericCall(
          broker.connection(),
          absl::StrCat("/", service.full_name(), "/", method.name()), "");
      EXPECT_NE(outcome.status.error_code(), grpc::StatusCode::UNIMPLEMENTED)
          << method.full_name();
    }
  }
}

TEST(GrpcServerTest, AnUnknownMethodIsUnimplemented) {
  TestBroker broker;
  for (const std::string method :
       {"/rocketmq.clientmanager.v1.ClientManager/SendMessage",
        "/no.such.Service/Heartbeat", "nonsense"}) {
    const GenericOutcome outcome = GenericCall(broker.connection(), method, "");
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
    EXPECT_EQ(outcome.status.error_message(),
              absl::StrCat("no such method: \"", method, "\""));
    EXPECT_EQ(outcome.response_code, 3);
  }
}

TEST(GrpcServerTest, HealthSaysServing) {
  TestBroker broker;
  EXPECT_EQ(Serving(broker.connection()), absl::make_optional(true));
}

// --- The end ---

TEST(GrpcServerTest, AStopIsIdempotent) {
  TestBroker broker;
  broker.controller().Shutdown(absl::Seconds(1));
  broker.controller().Shutdown(absl::Seconds(1));
  EXPECT_EQ(Serving(broker.connection()), absl::nullopt);
}

TEST(GrpcServerTest, ADrainWithClientsThatReadEndsLongBeforeItsTimeout) {
  TestBroker broker;
  const auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_LT(stopwatch.seconds(), 40);
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("DRAINED"));
  EXPECT_EQ(EndReasonOf(stream->context()), "DRAINED");
}

TEST(GrpcServerTest, ADrainEndsStreamsThatHaveSentNoHeartbeat) {
  TestBroker broker;
  const auto stream = broker.Connect();
  pb::ClientFrame unknown;
  stream->Call(unknown);
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_LT(stopwatch.seconds(), 40);
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(EndReasonOf(stream->context()), "DRAINED");
}

TEST(GrpcServerTest, ADrainPushesNothing) {
  TestBroker broker;
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < 10; ++i) {
    streams.push_back(
        broker.Join(ConsumerHeartbeat(absl::StrCat("c", i), "orders")));
  }
  // What came of the others' joining is read before.
  for (const auto& stream : streams) stream->Call(ListFrame("orders"));
  broker.controller().Shutdown(absl::Seconds(50));
  for (const auto& stream : streams) {
    std::vector<pb::BrokerFrame> rest;
    EXPECT_EQ(stream->Finish(&rest).error_code(),
              grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(rest, IsEmpty());
  }
}

// The loop is in the middle of a call while the server goes down and cancels
// all others: their events come when the server is gone, and need the queue.
TEST(GrpcServerTest, AStopDuringACallWaitsForAllThatStillHasToEnd) {
  TestBroker broker(LargeAnswerOptions());
  const auto slow = broker.JoinAndStall("slow", "orders");

  broker.authorizer().Hold("UnregisterClient");
  std::thread caller([&] {
    grpc::ClientContext context;
    SetTestDeadline(context);
    pb::UnregisterClientResponse response;
    EXPECT_FALSE(pb::ClientManager::NewStub(broker.NewConnection())
                     ->UnregisterClient(&context, {}, &response)
                     .ok());
  });
  broker.authorizer().AwaitCount("UnregisterClient", 1);

  absl::Notification stopped;
  std::thread stopper([&] {
    broker.controller().Shutdown(absl::ZeroDuration());
    stopped.Notify();
  });
  caller.join();
  EXPECT_FALSE(slow->Finish().ok());
  EXPECT_FALSE(stopped.WaitForNotificationWithTimeout(absl::Milliseconds(100)));
  broker.authorizer().Hold("");
  stopper.join();
}

TEST(GrpcServerTest, AClientThatDoesNotReadDelaysADrainByItsTimeoutOnly) {
  TestBroker broker(LargeAnswerOptions());
  const auto slow = broker.JoinAndStall("slow", "orders");
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Milliseconds(300));
  EXPECT_GE(stopwatch.seconds(), 0.29);
  EXPECT_LT(stopwatch.seconds(), 40);
  EXPECT_FALSE(slow->Finish().ok());
}

// A clock that stops the one who asks it for the time, when a test says so.
class HoldingClock final : public Clock {
 public:
  absl::Time TimeNow() override {
    {
      MutexLock lock(&mu_);
      if (armed_ && skipped_-- == 0) {
        armed_ = false;
        held_ = true;
        const auto released = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
          return !held_;
        };
        mu_.Await(absl::Condition(&released));
      }
    }
    return simulated_.TimeNow();
  }
  void WaitUntil(MutexLock* lock, CondVar* cond_var,
                 absl::Time deadline) override {
    simulated_.WaitUntil(lock, cond_var, deadline);
  }
  absl::Time ClockToWall(absl::Time time) override { return time; }

  SimulatedClock& simulated() { return simulated_; }
  // The next one, or the one after so many more.
  void HoldNext(int skipped = 0) {
    MutexLock lock(&mu_);
    armed_ = true;
    skipped_ = skipped;
  }
  void AwaitHeld() {
    MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&held_));
  }
  void Release() {
    MutexLock lock(&mu_);
    held_ = false;
  }

 private:
  SimulatedClock simulated_;
  absl::Mutex mu_;
  bool armed_ ABSL_GUARDED_BY(mu_) = false;
  int skipped_ ABSL_GUARDED_BY(mu_) = 0;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
};

// A call of a service that gRPC brings along, which stays open.
class OpenCall final
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  OpenCall(const std::shared_ptr<grpc::Channel>& connection,
           const std::string& method, const std::string& request)
      : stub_(connection),
        request_slice_(request),
        request_(&request_slice_, 1) {
    SetTestDeadline(context_);
    stub_.PrepareBidiStreamingCall(&context_, method, {}, this);
    StartWrite(&request_);
    StartRead(&response_);
    StartCall();
  }

  // Blocks until a response has come, or the call is over. Which?
  bool AwaitResponse() {
    read_.WaitForNotification();
    return has_response_;
  }
  void Cancel() { context_.TryCancel(); }
  grpc::Status AwaitEnd() {
    done_.WaitForNotification();
    return status_;
  }

 private:
  void OnReadDone(bool ok) override {
    if (!read_.HasBeenNotified()) {
      has_response_ = ok;
      read_.Notify();
    }
    // The end is told to who has read all that came before it.
    if (ok) StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override {
    status_ = status;
    done_.Notify();
  }

  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  grpc::Slice request_slice_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  bool has_response_ = false;
  grpc::Status status_;
  absl::Notification read_;
  absl::Notification done_;
};

class ForeignCallTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ForeignCallTest, ThatStaysOpenDelaysNoStop) {
  TestBroker broker;
  // Of reflection: list_services, "". For health: an unknown field, skipped.
  OpenCall call(broker.connection(), GetParam(), {"\x3a\x00", 2});
  ASSERT_TRUE(call.AwaitResponse());
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_LT(stopwatch.seconds(), 40);
  EXPECT_FALSE(call.AwaitEnd().ok());
}

INSTANTIATE_TEST_SUITE_P(
    Each, ForeignCallTest,
    ::testing::Values(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.health.v1.Health/Watch"),
    [](const auto& test) {
      return absl::StrContains(test.param, "Watch") ? "Health" : "Reflection";
    });

// gRPC serves each call of reflection with a thread.
TEST(GrpcServerTest, ReflectionRefusesCallsBeyondItsThreadsAndServesAgain) {
  TestBroker broker;
  const std::string method =
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  const std::string request("\x3a\x00", 2);  // list_services, "".
  std::vector<std::unique_ptr<OpenCall>> calls;
  int refused = 0;
  int answered = 0;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(
        std::make_unique<OpenCall>(broker.connection(), method, request));
    if (calls.back()->AwaitResponse()) {
      ++answered;
    } else {
      ++refused;
      EXPECT_EQ(calls.back()->AwaitEnd().error_code(),
                grpc::StatusCode::RESOURCE_EXHAUSTED);
    }
  }
  EXPECT_GE(answered, 1);
  EXPECT_GE(refused, 10);
  for (const auto& call : calls) call->Cancel();
  bool is_served = false;
  for (int i = 0; i < 1000 && !is_served; ++i) {
    OpenCall call(broker.connection(), method, request);
    is_served = call.AwaitResponse();
    call.Cancel();
    call.AwaitEnd();
  }
  EXPECT_TRUE(is_served);
  for (const auto& call : calls) call->AwaitEnd();
}

// One is held by the clock, the other goes on.
BrokerController::Options TwoThreads() {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.threads = 2;
  return options;
}

TEST(GrpcServerTest, AStreamThatOpensBehindTheDrainIsTurnedAwayToo) {
  HoldingClock clock;
  TestBroker broker(TwoThreads(), &clock);
  clock.simulated().WaitForWaiters(1);  // The timer asks no more.
  const auto joined = broker.Join(ConsumerHeartbeat("c1", "orders"));

  // It is being opened ...
  clock.HoldNext();
  const auto late = broker.Connect();
  clock.AwaitHeld();
  // ... while all that are open are ended.
  const Stopwatch stopwatch;
  std::thread stopper([&] { broker.controller().Shutdown(absl::Seconds(50)); });
  EXPECT_EQ(joined->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  clock.Release();
  const grpc::Status status = late->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("DRAINED"));
  EXPECT_EQ(EndReasonOf(late->context()), "DRAINED");
  stopper.join();
  EXPECT_LT(stopwatch.seconds(), 40);
}

TEST(GrpcServerTest, AUnaryHeartbeatDuringTheDrainRegistersNothing) {
  HoldingClock clock;
  TestBroker broker(TwoThreads(), &clock);
  clock.simulated().WaitForWaiters(1);
  const auto joined = broker.Join(ConsumerHeartbeat("c1", "orders"));

  // The clock is asked when the call comes, and when its message does.
  clock.HoldNext(/*skipped=*/1);
  std::thread caller([&] {
    pb::HeartbeatResponse response;
    int code = -1;
    const grpc::Status status =
        broker.Heartbeat(ConsumerHeartbeat("late", "orders"), &response, &code);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(code, 1);
  });
  clock.AwaitHeld();
  std::thread stopper([&] { broker.controller().Shutdown(absl::Seconds(50)); });
  EXPECT_EQ(joined->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  clock.Release();
  caller.join();
  stopper.join();
}

// --- Connections ---

// An HTTP/2 connection by hand, to a broker on loopback, without any call. It
// answers nothing, as if its machine were gone, unless it is told to.
class RawConnection {
 public:
  explicit RawConnection(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)),
              0);
    const timeval longest = {kCallSeconds, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest));
    Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    Send(std::string("\0\0\0\4\0\0\0\0\0", kHeader));  // SETTINGS: none.
  }
  ~RawConnection() { close(socket_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // Answers the next `count` pings; false if the broker sends no more before.
  bool AnswerPings(int count) {
    constexpr char kPing = 6;
    constexpr char kAck = 1;
    while (count > 0) {
      std::string header(kHeader, '\0');
      if (!Receive(&header)) return false;
      std::string payload(
          static_cast<size_t>(static_cast<uint8_t>(header[1]) << 8 |
                              static_cast<uint8_t>(header[2])),
          '\0');
      if (!Receive(&payload)) return false;
      if (header[3] != kPing || header[4] == kAck) continue;
      header[4] = kAck;
      Send(header + payload);
      --count;
    }
    return true;
  }

  // Answers nothing. False if the broker does not close the connection within
  // kCallSeconds.
  bool AwaitClose() {
    std::string byte(1, '\0');
    while (Receive(&byte)) {
    }
    return closed_;
  }

 private:
  static constexpr size_t kHeader = 9;  // Bytes before a frame's payload.

  void Send(const std::string& bytes) {
    EXPECT_EQ(send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Fills all of `bytes`; false if it cannot.
  bool Receive(std::string* bytes) {
    if (bytes->empty()) return true;
    const ssize_t received =
        recv(socket_, &(*bytes)[0], bytes->size(), MSG_WAITALL);
    closed_ = received >= 0 || errno == ECONNRESET;
    return received == static_cast<ssize_t>(bytes->size());
  }

  const int socket_;
  bool closed_ = false;
};

BrokerController::Options QuickKeepalive() {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.keepalive_time = absl::Milliseconds(50);
  options.server.keepalive_timeout = absl::Seconds(1);
  return options;
}

TEST(GrpcServerTest, AConnectionWithoutACallThatAnswersNoPingIsClosed) {
  TestBroker broker(QuickKeepalive());
  RawConnection connection(broker.controller().port());
  EXPECT_TRUE(connection.AwaitClose());
}

TEST(GrpcServerTest, AConnectionIsKeptAsLongAsItAnswersPings) {
  TestBroker broker(QuickKeepalive());
  RawConnection connection(broker.controller().port());
  // A gRPC client would stop after two without data in between.
  EXPECT_TRUE(connection.AnswerPings(5));
  EXPECT_TRUE(connection.AwaitClose());
}

// --- The timer ---

// A clock that notes until when it is waited for.
class RecordingClock final : public Clock {
 public:
  absl::Time TimeNow() override { return simulated_.TimeNow(); }
  void WaitUntil(MutexLock* lock, CondVar* cond_var,
                 absl::Time deadline) override {
    {
      MutexLock waits_lock(&mu_);
      waits_.push_back(deadline);
    }
    simulated_.WaitUntil(lock, cond_var, deadline);
  }
  absl::Time ClockToWall(absl::Time time) override { return time; }

  SimulatedClock& simulated() { return simulated_; }
  // Blocks until there was one until `time`.
  void AwaitWaitUntil(absl::Time time) {
    MutexLock lock(&mu_);
    const auto found = [this, time]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return std::find(waits_.begin(), waits_.end(), time) != waits_.end();
    };
    mu_.Await(absl::Condition(&found));
  }
  // Blocks until there were `n`, and returns all.
  std::vector<absl::Time> AwaitWaits(size_t n) {
    MutexLock lock(&mu_);
    const auto enough = [this, n]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return waits_.size() >= n;
    };
    mu_.Await(absl::Condition(&enough));
    return waits_;
  }

 private:
  SimulatedClock simulated_;
  absl::Mutex mu_;
  std::vector<absl::Time> waits_ ABSL_GUARDED_BY(mu_);
};

TEST(GrpcServerTest, TheTimerWakesForWhatIsDueAndForNothingElse) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.notifier.notify_window = absl::Milliseconds(100);
  options.housekeeping.period = absl::Seconds(10);
  RecordingClock clock;
  const absl::Time start = clock.TimeNow();
  TestBroker broker(options, &clock);

  // Idle: the first housekeeping.
  EXPECT_THAT(clock.AwaitWaits(1), ElementsAre(start + absl::Seconds(10)));
  // A member came, who is told at once, and another: the end of the window.
  const auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  EXPECT_THAT(stream->TakePushes(), ElementsAre("orders"));
  const auto another = broker.Join(ConsumerHeartbeat("c2", "orders"));
  EXPECT_THAT(
      clock.AwaitWaits(2),
      ElementsAre(start + absl::Seconds(10), start + absl::Milliseconds(100)));
  clock.simulated().Advance(absl::Milliseconds(100));
  EXPECT_EQ(stream->ReadPush(), "orders");
  // Idle again.
  EXPECT_THAT(clock.AwaitWaits(3), ElementsAre(start + absl::Seconds(10),
                                               start + absl::Milliseconds(100),
                                               start + absl::Seconds(10)));
  // Each tick is followed by the wait for the next.
  clock.simulated().Advance(absl::Seconds(10));
  EXPECT_EQ(clock.AwaitWaits(4).back(),
            start + absl::Seconds(20) + absl::Milliseconds(100));
}

TEST(GrpcServerTest, ThoseThatLiveHaveTimeWhileVeryManyExpire) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.housekeeping.period = absl::Seconds(130);
  // The last reply may not be known to be written when the time is moved.
  options.server.slow_reader_limit = absl::Hours(1);
  RecordingClock clock;
  const absl::Time tick = clock.TimeNow() + absl::Seconds(130);
  TestBroker broker(options, &clock);
  const auto connection = broker.NewConnection();
  std::vector<std::unique_ptr<TestStream>> streams;
  for (size_t i = 0; i < Housekeeping::kEndsInAStep + 1; ++i) {
    streams.push_back(std::make_unique<TestStream>(connection));
    streams.back()->Call(ProducerHeartbeat(absl::StrCat("c", i), "payments"));
  }
  // Handled by the same thread, so what came of their writes has been.
  broker.ConsumerIds("orders");
  clock.simulated().Advance(absl::Seconds(130));
  clock.AwaitWaitUntil(tick + absl::Milliseconds(1));
  clock.simulated().Advance(absl::Milliseconds(1));
  for (const auto& stream : streams) {
    EXPECT_EQ(stream->Finish().error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  }
}

// A clock on which a piece of the timer's work takes kWorkTime. The timer looks
// at the time thrice a round: when it is woken, before its work and after it.
class WorkingClock final : public Clock {
 public:
  static constexpr absl::Duration kWorkTime = absl::Milliseconds(5);

  absl::Time TimeNow() override {
    bool works = false;
    {
      MutexLock lock(&mu_);
      works = std::this_thread::get_id() == timer_ && ++looks_ == 3;
    }
    if (works) recording_.simulated().Advance(kWorkTime);
    return recording_.TimeNow();
  }
  void WaitUntil(MutexLock* lock, CondVar* cond_var,
                 absl::Time deadline) override {
    {
      MutexLock looks_lock(&mu_);
      timer_ = std::this_thread::get_id();
      looks_ = 0;
    }
    recording_.WaitUntil(lock, cond_var, deadline);
  }
  absl::Time ClockToWall(absl::Time time) override { return time; }

  RecordingClock& recording() { return recording_; }

 private:
  RecordingClock recording_;
  absl::Mutex mu_;
  std::thread::id timer_ ABSL_GUARDED_BY(mu_);
  int looks_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(GrpcServerTest, TheTimerRestsForAsLongAsItsPushesTook) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.housekeeping.period = absl::Seconds(10);
  WorkingClock clock;
  const absl::Time start = clock.TimeNow();
  TestBroker broker(options, &clock);
  EXPECT_THAT(clock.recording().AwaitWaits(1),
              ElementsAre(start + absl::Seconds(10)));
  // A join pushes to the first of them. The others are left to the timer.
  pb::HeartbeatResponse response;
  for (size_t i = 0; i < 3 * ConsumerIdsNotifier::kMostPushes; ++i) {
    const std::string client_id = absl::StrCat("c", i);
    ASSERT_TRUE(
        broker.Heartbeat(ConsumerHeartbeat(client_id, "orders"), &response)
            .ok());
  }
  const absl::Time pause_ends = start + ConsumerIdsNotifier::kPause;
  EXPECT_EQ(clock.recording().AwaitWaits(2).back(), pause_ends);
  clock.recording().simulated().Advance(ConsumerIdsNotifier::kPause);
  // While it pushed, the next pause has ended too; it rests nevertheless.
  EXPECT_EQ(clock.recording().AwaitWaits(3).back(),
            pause_ends + 2 * WorkingClock::kWorkTime);
}

TEST(GrpcServerTest, TheFirstHousekeepingIsAPeriodAfterTheStart) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.housekeeping.period = absl::Seconds(10);
  RecordingClock clock;
  const absl::Time start = clock.TimeNow();
  TestBroker broker(options, &clock);
  // Perhaps before the timer's thread got to run.
  clock.simulated().Advance(absl::Seconds(5));
  EXPECT_THAT(clock.AwaitWaits(1), ElementsAre(start + absl::Seconds(10)));
}

}  // namespace
}  // namespace rmq
