// Runs of commands that print as they go.
#include <csignal>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/console.h"
#include "tools/cmctl/run_command.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

// A command that prints lines until it is stopped, by `lines` at the latest.
std::vector<Command> CountCommand(int lines, absl::Status status) {
  Command count = {"count", {}, "", "", {}};
  count.follow = [lines, status](const CommandLine&,
                                 const std::vector<FollowedBroker>&,
                                 const Screen& screen) {
    for (int i = 0; i < lines && screen.goes_on(); ++i) {
      screen.out << i << (screen.is_terminal ? "!" : "") << "\n";
    }
    return status;
  };
  return {count};
}

TEST(FollowTest, ACommandPrintsAsItGoesUntilThereIsNoMore) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunCommand({"count"}, out, err, Console(),
                       CountCommand(2, absl::OkStatus())),
            kExitOk);
  EXPECT_EQ(out.str(), "0\n1\n");
  EXPECT_EQ(err.str(), "");
}

TEST(FollowTest, WhatWasPrintedStaysWhenACommandFails) {
  std::ostringstream out;
  std::ostringstream err;
  Console console;
  console.is_terminal = true;
  EXPECT_EQ(RunCommand({"count"}, out, err, console,
                       CountCommand(1, absl::UnavailableError("gone\x1b"))),
            kExitError);
  EXPECT_EQ(out.str(), "0!\n");
  EXPECT_EQ(err.str(), "gone\\x1b\n");
}

TEST(FollowTest, CtrlCAndSigtermEndACommandWithoutAnError) {
  for (const int signal : {SIGINT, SIGTERM}) {
    std::ostringstream out;
    std::ostringstream err;
    bool caught = false;
    int looks = 0;
    Console console;
    console.catch_interrupts = [&caught] { caught = true; };
    console.interrupted_by = [&] { return caught && ++looks > 2 ? signal : 0; };
    EXPECT_EQ(RunCommand({"count"}, out, err, console,
                         CountCommand(9, absl::CancelledError("ended"))),
              128 + signal);
    EXPECT_EQ(out.str(), "0\n1\n");
    EXPECT_EQ(err.str(), "");
  }
}

TEST(FollowTest, AnOutputThatTakesNoMoreEndsACommand) {
  std::ostringstream out;
  std::ostringstream err;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(RunCommand({"count"}, out, err, Console(),
                       CountCommand(9, absl::CancelledError("ended"))),
            kExitError);
  EXPECT_EQ(err.str(), "the answer cannot be written to the output\n");
}

TEST(FollowTest, AStreamEndsWhenTheBrokerIsNotThere) {
  std::ostringstream out;
  std::ostringstream err;
  Command watch = {"watch", {}, "", "", {}};
  watch.follow = [](const CommandLine&,
                    const std::vector<FollowedBroker>& brokers, const Screen&) {
    const AdminStreamEnd end = brokers[0].stream(
        pb::WatchRequest(),
        [](const google::protobuf::Message&) { return true; });
    return end.status;
  };
  // Port 1 (tcpmux) is nobody's.
  EXPECT_EQ(RunCommand({"watch", "--broker=127.0.0.1:1"}, out, err, Console(),
                       {watch}),
            kExitError);
  EXPECT_NE(err.str(), "");
}

TEST(FollowTest, EachBrokerHasAStreamAndCanBeAsked) {
  std::ostringstream out;
  std::ostringstream err;
  Command count = {"count", {}, "", "", {}};
  count.follow = [](const CommandLine&,
                    const std::vector<FollowedBroker>& brokers,
                    const Screen& screen) {
    for (const FollowedBroker& broker : brokers) {
      screen.out << broker.target.label << " "
                 << broker.ask(pb::GetBrokerRequest()).status().code() << "\n";
    }
    return absl::OkStatus();
  };
  EXPECT_EQ(RunCommand({"count", "--broker=127.0.0.1:1,127.0.0.1:2"}, out, err,
                       Console(), {count}),
            kExitOk);
  EXPECT_EQ(out.str(), "127.0.0.1:1 UNAVAILABLE\n127.0.0.1:2 UNAVAILABLE\n");
}

TEST(FollowTest, BrokersThatTheCommandDoesNotTakeAreBadUsage) {
  std::ostringstream out;
  std::ostringstream err;
  std::vector<Command> count = CountCommand(1, absl::OkStatus());
  count[0].check_brokers = [](const CommandLine& line) {
    return absl::InvalidArgumentError(
        absl::StrCat("too many: ", line.brokers.size()));
  };
  EXPECT_EQ(
      RunCommand({"count", "--broker=h:1,h:2"}, out, err, Console(), count),
      kExitUsage);
  EXPECT_EQ(out.str(), "");
  EXPECT_EQ(err.str(), "too many: 2\n");
}

}  // namespace
}  // namespace rmq::cmctl
