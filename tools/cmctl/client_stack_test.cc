// `client CLIENT_ID --stack`.

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/channel_commands.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/command_line.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

class ClientStackTest : public ::testing::Test {
 protected:
  // Runs the command over a broker that answers with `stack_trace` and OK, or
  // with an error.
  absl::Status Run(const std::string& stack_trace,
                   const absl::Status& error = absl::OkStatus()) {
    const Stream stream =
        [&](const google::protobuf::Message& request,
            const std::function<bool(const google::protobuf::Message&)>&
                on_response) {
          ++asked_;
          request_.CopyFrom(request);
          pb::PrintThreadStackTraceResponse response;
          response.set_thread_stack_trace(stack_trace);
          if (error.ok()) on_response(response);
          return AdminStreamEnd{error, "", {}};
        };
    const Screen screen = {
        out_,
        /*is_terminal=*/false,
        [] { return 80; },
        [] { return 24; },
        [] { return true; },
        [] {
          return TableTime{absl::UnixEpoch(), absl::UTCTimeZone()};
        }};
    const Command command = ChannelCommands()[0];
    EXPECT_EQ(command.name, "client");
    EXPECT_EQ(command.follow_with, "stack");
    line_.values["client_id"] = "c1";
    std::vector<FollowedBroker> brokers;
    for (const BrokerTarget& target : line_.brokers) {
      brokers.push_back({target, stream, nullptr});
    }
    return command.follow(line_, brokers, screen);
  }

  CommandLine line_;
  int asked_ = 0;
  pb::PrintThreadStackTraceRequest request_;
  std::ostringstream out_;
};

TEST_F(ClientStackTest, TheStackIsPrintedAsTheClientWroteIt) {
  EXPECT_THAT(Run("main\n\tat Main.java:3"), IsOk());
  EXPECT_EQ(request_.client_id(), "c1");
  EXPECT_EQ(out_.str(), "main\n    at Main.java:3\n");
}

TEST_F(ClientStackTest, ControlsAreEscapedAndDoNotReachTheTerminal) {
  EXPECT_THAT(Run("a\x1b[2Jb"), IsOk());
  EXPECT_EQ(out_.str().find('\x1b'), std::string::npos);
}

TEST_F(ClientStackTest, JsonIsTheResponse) {
  line_.output = OutputFormat::kJson;
  EXPECT_THAT(Run("main\n  x"), IsOk());
  EXPECT_EQ(out_.str(), "{\"thread_stack_trace\":\"main\\n  x\"}\n");
}

TEST_F(ClientStackTest, YamlHasTheSame) {
  line_.output = OutputFormat::kYaml;
  EXPECT_THAT(Run("main\n  x"), IsOk());
  EXPECT_EQ(out_.str(), "thread_stack_trace: \"main\\n  x\"\n");
}

TEST_F(ClientStackTest, AClientThatCannotBeAskedIsTheError) {
  EXPECT_THAT(Run("", absl::FailedPreconditionError("no stream")),
              StatusIs(absl::StatusCode::kFailedPrecondition, "no stream"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ClientStackTest, OfSeveralBrokersTheFirstThatHasTheClientAsksIt) {
  line_.brokers = {{"a:0", "h:1", {}}, {"b:0", "h:2", {}}};
  EXPECT_THAT(Run("main"), IsOk());
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(out_.str(), "main\n");
}

TEST_F(ClientStackTest, ABrokerThatHasNotTheClientLeavesItToTheNext) {
  line_.brokers = {{"a:0", "h:1", {}}, {"b:0", "h:2", {}}};
  EXPECT_THAT(Run("", absl::NotFoundError("no such client")),
              StatusIs(absl::StatusCode::kNotFound, "b:0: no such client"));
  EXPECT_EQ(asked_, 2);
}

TEST_F(ClientStackTest, AClientThatDoesNotAnswerIsAskedOnce) {
  line_.brokers = {{"a:0", "h:1", {}}, {"b:0", "h:2", {}}};
  EXPECT_THAT(Run("", absl::AbortedError("it does not answer")),
              StatusIs(absl::StatusCode::kAborted, "a:0: it does not answer"));
  EXPECT_EQ(asked_, 1);
}

TEST(ClientCommandTest, OnlyWithTheOptionIsTheClientAsked) {
  const auto with =
      ParseCommandLine({"client", "c1", "--stack"}, ChannelCommands());
  ASSERT_THAT(with, IsOk());
  EXPECT_EQ(with->value("stack"), "true");
  const auto without = ParseCommandLine({"client", "c1"}, ChannelCommands());
  ASSERT_THAT(without, IsOk());
  EXPECT_EQ(without->value("stack"), "");
  EXPECT_EQ(without->timeout, absl::Seconds(5));
}

TEST(ClientCommandTest, AStackHasNoColumnsAndNoRows) {
  const auto refused = [](const std::string& option) {
    return ParseCommandLine({"client", "c1", "--stack", option},
                            ChannelCommands())
        .status();
  };
  EXPECT_THAT(refused("--output=name"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "--output must be table, json or yaml with --stack, got "
                       "\"name\""));
  EXPECT_THAT(refused("--output=wide"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(refused("--sort=group"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(refused("--output=yaml"), IsOk());
  EXPECT_THAT(
      ParseCommandLine({"client", "c1", "--output=name"}, ChannelCommands()),
      IsOk());
}

}  // namespace
}  // namespace rmq::cmctl
