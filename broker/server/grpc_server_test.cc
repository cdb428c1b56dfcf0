// The options of the server, and where it listens.

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/server/server_options.h"
#include "broker/server/test_broker.h"
#include "common/real_clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(GrpcServerOptionsTest, DefaultsValidate) {
  EXPECT_THAT(ServerOptions().Validate(), IsOk());
}

struct BadOption {
  const char* name;
  std::function<void(ServerOptions&)> set;
  const char* message;
};

class BadGrpcServerOptionTest : public ::testing::TestWithParam<BadOption> {};

TEST_P(BadGrpcServerOptionTest, IsRefusedByName) {
  ServerOptions options;
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
        BadOption{"RelativeUnixSocket", [](auto& o) { o.address = "unix:x"; },
                  "address must be unix: and the absolute path"},
        BadOption{"UnixSocketTwice",
                  [](auto& o) { o.address = "unix:/tmp/x,unix:/tmp/x"; },
                  "address must name each address once, got unix:/tmp/x twice"},
        BadOption{"OneBadOfSeveral",
                  [](auto& o) { o.address = "127.0.0.1:1,localhost"; },
                  "got \"localhost\""},
        BadOption{"OnePortTwoWays",
                  [](auto& o) {
                    o.tls.cert_file = "cert";
                    o.tls.key_file = "key";
                    o.address = "127.0.0.1:1,plaintext://127.0.0.1:1";
                  },
                  "got plaintext://127.0.0.1:1 twice"},
        BadOption{"AdminAddress", [](auto& o) { o.admin_address = "here"; },
                  "admin_address must be host:port"},
        BadOption{"AdminAddressThatIsOneOfClients",
                  [](auto& o) { o.admin_address = o.address; },
                  "admin_address must name each address once, got "
                  "127.0.0.1:10911 twice"},
        BadOption{"TlsWithoutCertificate",
                  [](auto& o) { o.address = "tls://127.0.0.1:1"; },
                  "address must have no tls:// unless tls_cert is given, got "
                  "tls://127.0.0.1:1"},
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
  ServerOptions options;
  for (const char* address :
       {"127.0.0.1:0", "localhost:65535", "[::1]:10911", "0.0.0.0:1",
        "plaintext://127.0.0.1:1", "unix:/tmp/x", "unix:/tmp/x,unix:/tmp/y"}) {
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

TEST(GrpcServerTest, ListensOnEachOfSeveralAddresses) {
  BrokerController::Options options;
  options.server.address = "127.0.0.1:0,127.0.0.2:0";
  options.metrics_address = "";
  const auto broker = BrokerController::Start(options, &RealClock());
  ASSERT_THAT(broker, IsOk());
  ASSERT_EQ((*broker)->addresses().size(), 2);
  EXPECT_EQ((*broker)->address(), (*broker)->addresses()[0]);
  for (const std::string& address : (*broker)->addresses()) {
    const auto channel =
        grpc::CreateChannel(address, PlaintextChannelCredentials().Get());
    EXPECT_TRUE(channel->WaitForConnected(gpr_time_add(
        gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(20, GPR_TIMESPAN))))
        << address;
  }
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

}  // namespace
}  // namespace rmq
