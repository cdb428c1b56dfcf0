#include "tools/cmctl/drain_command.h"

#include <cstdint>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/command_line.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'000'000);

pb::DrainProgress Progress(pb::DrainProgress::State state, int64_t left) {
  pb::DrainProgress progress;
  progress.set_state(state);
  progress.set_clients_at_start(300);
  progress.set_clients_left(left);
  progress.mutable_ends_at()->set_seconds(1'000'042);
  return progress;
}
pb::DrainProgress Draining(int64_t left) {
  return Progress(pb::DrainProgress::STATE_DRAINING, left);
}

class DrainCommandTest : public ::testing::Test {
 protected:
  // Runs the command over a broker that answers with `progress` and `end`.
  absl::Status Run(const std::vector<pb::DrainProgress>& progress,
                   const AdminStreamEnd& end = {}) {
    const Stream stream =
        [&](const google::protobuf::Message& request,
            const std::function<bool(const google::protobuf::Message&)>&
                on_response) {
          request_.CopyFrom(request);
          for (const pb::DrainProgress& one : progress) {
            if (!on_response(one)) {
              return AdminStreamEnd{absl::CancelledError("enough"), "", {}};
            }
          }
          goes_on_ = goes_on_ && !interrupted_;
          return end;
        };
    const Screen screen = {out_,
                           is_terminal_,
                           [] { return 80; },
                           [] { return 24; },
                           [this] { return goes_on_; },
                           [] {
                             return TableTime{kNow, absl::UTCTimeZone()};
                           }};
    return DrainCommands()[0].follow(line_, {{line_.broker(), stream, nullptr}},
                                     screen);
  }

  absl::Status Check() { return DrainCommands()[0].check(line_); }

  CommandLine line_;
  bool is_terminal_ = false;
  bool goes_on_ = true;
  bool interrupted_ = false;
  pb::DrainRequest request_;
  std::ostringstream out_;
};

TEST_F(DrainCommandTest, ProgressIsALineEach) {
  EXPECT_THAT(Run({Draining(300), Draining(156),
                   Progress(pb::DrainProgress::STATE_DRAINED, 0)}),
              IsOk());
  EXPECT_EQ(request_.duration().seconds(), 300);
  EXPECT_EQ(out_.str(),
            "300 of 300 clients left, 42s to go\n"
            "156 of 300 clients left, 42s to go\n"
            "drained: all clients are gone, and the broker takes no clients "
            "until cmctl drain --cancel\n");
}

TEST_F(DrainCommandTest, WhenTheTimeIsOverTheDrainGoesOnAndThatIsAnError) {
  line_.timeout = absl::Seconds(10);
  const AdminStreamEnd over = {
      absl::DeadlineExceededError("no answer from b within 10s"), "", {}};
  EXPECT_THAT(Run({Draining(300), Draining(156)}, over),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       "10s are over: 156 of 300 clients are left, and the "
                       "drain goes on; cmctl drain --cancel ends it"));
  EXPECT_THAT(Run({}, over), StatusIs(absl::StatusCode::kDeadlineExceeded,
                                      "no answer from b within 10s"));
}

TEST_F(DrainCommandTest, OfABrokerThatGoesDownNobodyCancelsTheDrain) {
  pb::DrainProgress draining = Draining(156);
  draining.set_going_down(true);
  pb::DrainProgress drained = Progress(pb::DrainProgress::STATE_DRAINED, 0);
  drained.set_going_down(true);
  EXPECT_THAT(Run({draining, drained}), IsOk());
  EXPECT_EQ(out_.str(),
            "156 of 300 clients left, 42s to go: the broker goes down\n"
            "drained: all clients are gone, and the broker goes down\n");
  out_.str("");
  interrupted_ = true;
  EXPECT_THAT(Run({draining}, {absl::CancelledError("interrupted"), "", {}}),
              IsOk());
  EXPECT_THAT(out_.str(),
              EndsWith("the drain goes on, and then the broker goes down\n"));
}

TEST_F(DrainCommandTest, OnATerminalOneLineIsDrawnAgain) {
  is_terminal_ = true;
  EXPECT_THAT(
      Run({Draining(150), Progress(pb::DrainProgress::STATE_DRAINED, 0)}),
      IsOk());
  EXPECT_THAT(out_.str(),
              AllOf(StartsWith("\r\x1b[K[#"), HasSubstr("#...."),
                    HasSubstr(" 50 %  150 of 300 clients left, 42s to go\n"),
                    EndsWith("--cancel\n")));
}

TEST_F(DrainCommandTest, JsonIsAnObjectALine) {
  line_.output = OutputFormat::kJson;
  is_terminal_ = true;
  EXPECT_THAT(Run({Draining(1)}), IsOk());
  EXPECT_THAT(out_.str(),
              AllOf(StartsWith("{\"state\":\"STATE_DRAINING\","),
                    HasSubstr("\"clients_left\":\"1\""), EndsWith("}\n")));
}

TEST_F(DrainCommandTest, AnInterruptSaysThatTheDrainGoesOn) {
  interrupted_ = true;
  EXPECT_THAT(Run({Draining(1)}, {absl::CancelledError("interrupted"), "", {}}),
              IsOk());
  EXPECT_THAT(out_.str(),
              EndsWith("the drain goes on; cmctl drain --cancel ends it\n"));
}

TEST_F(DrainCommandTest, TheOptionsAreThoseOfTheCommandLine) {
  const absl::StatusOr<CommandLine> line =
      ParseCommandLine({"drain", "--for=1h", "--no-wait"});
  ASSERT_THAT(line, IsOk());
  line_ = *line;
  EXPECT_EQ(line_.timeout, absl::InfiniteDuration());
  EXPECT_THAT(Run({Draining(3), Draining(2)}), IsOk());
  EXPECT_EQ(request_.duration().seconds(), 3600);
  EXPECT_THAT(ParseCommandLine({"drain", "--for=soon"}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(DrainCommandTest, NoWaitEndsWithTheFirstProgress) {
  line_.values["no-wait"] = "true";
  line_.values["for"] = "1m30s";
  EXPECT_THAT(Run({Draining(3), Draining(2)}), IsOk());
  EXPECT_EQ(request_.duration().seconds(), 90);
  EXPECT_EQ(out_.str(),
            "3 of 300 clients left, 42s to go\n"
            "the drain goes on; cmctl drain --cancel ends it\n");
}

TEST_F(DrainCommandTest, HowABrokerOfAClusterIsAskedWhileItIsNotListedIsSaid) {
  const std::vector<pb::DrainProgress> drained = {
      Progress(pb::DrainProgress::STATE_DRAINED, 0)};
  line_.brokers = {{"a:0", "h:1", {}}};
  EXPECT_THAT(Run(drained), IsOk());
  EXPECT_THAT(out_.str(),
              EndsWith("while it is drained its cluster does not list a:0: "
                       "--broker=h:1 asks it\n"));
  const AdminStreamEnd over = {absl::DeadlineExceededError("over"), "", {}};
  EXPECT_THAT(Run({Draining(1)}, over),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       EndsWith("the drain goes on; cmctl drain --cancel "
                                "--broker=h:1 ends it")));
  out_.str("");
  line_.brokers = {{"h:1", "h:1", {}}};
  EXPECT_THAT(Run(drained), IsOk());
  EXPECT_THAT(out_.str(), EndsWith("--cancel\n"));
}

TEST_F(DrainCommandTest, ACancelLetsClientsIn) {
  line_.values["cancel"] = "true";
  EXPECT_THAT(Run({Progress(pb::DrainProgress::STATE_CANCELLED, 7)}), IsOk());
  EXPECT_TRUE(request_.cancel());
  EXPECT_FALSE(request_.has_duration());
  EXPECT_EQ(out_.str(), "the broker takes clients, and has 7\n");
}

TEST_F(DrainCommandTest, ADrainThatAnotherCancelsFails) {
  EXPECT_THAT(
      Run({Draining(9), Progress(pb::DrainProgress::STATE_CANCELLED, 7)}),
      StatusIs(absl::StatusCode::kAborted, "the drain was cancelled"));
}

TEST_F(DrainCommandTest, TheBrokersErrorIsTold) {
  EXPECT_THAT(Run({}, {absl::InvalidArgumentError("duration must"), "", {}}),
              StatusIs(absl::StatusCode::kInvalidArgument, "duration must"));
}

TEST_F(DrainCommandTest, ADurationThatIsNoneIsRefused) {
  line_.values["for"] = "soon";
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kInvalidArgument,
                                "--for must be a duration, as 5m or 90s, got "
                                "\"soon\""));
  line_.values["for"] = "5m";
  line_.values["cancel"] = "true";
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kInvalidArgument,
                                "--for and --cancel exclude each other"));
}

TEST_F(DrainCommandTest, OneByOneGoesWithNothingThatSaysOtherwise) {
  line_.values["one-by-one"] = "true";
  EXPECT_THAT(Check(), IsOk());
  for (const std::string other : {"all", "cancel", "no-wait"}) {
    line_.values[other] = "true";
    EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kInvalidArgument,
                                  "--one-by-one and --" + other +
                                      " exclude each other"));
    line_.values[other] = "";
  }
}

}  // namespace
}  // namespace rmq::cmctl
