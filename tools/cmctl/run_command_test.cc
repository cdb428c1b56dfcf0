// cmctl against a broker that answers by script, over loopback.
#include "tools/cmctl/run_command.h"

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/rpc/credentials/credentials_source.h"
#include "gmock/gmock.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"
#include "tools/cmctl/fake_broker.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
  int exit_code;
  std::string out;
  std::string err;
};

class RunCommandTest : public ::testing::Test {
 protected:
  RunCommandTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", PlaintextServerCredentials().Get(),
                             &port_);
    builder.RegisterService(&admin_);
    builder.RegisterService(&client_manager_);
    server_ = builder.BuildAndStart();
  }
  ~RunCommandTest() override { server_->Shutdown(); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  static Outcome RunWith(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code = RunCommand(arguments, out, err);
    return {exit_code, out.str(), err.str()};
  }
  Outcome Run(std::vector<std::string> arguments) const {
    arguments.push_back(absl::StrCat("--broker=", address()));
    return RunWith(arguments);
  }

 private:
  FakeAdmin admin_;
  FakeClientManager client_manager_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(RunCommandTest, GroupsFollowsAllPagesOfBothKinds) {
  const Outcome outcome = Run({"groups"});
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_THAT(outcome.out,
              AllOf(StartsWith("KIND"), HasSubstr("consumer  consumers0"),
                    HasSubstr("consumer  consumers4"),
                    HasSubstr("producer  producers0")));
  EXPECT_EQ(outcome.err, "");
}

TEST_F(RunCommandTest, GroupsOfOneKindLeavesTheOtherOut) {
  const Outcome outcome = Run({"groups", "--kind=producer", "-o", "json"});
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_THAT(outcome.out, StartsWith("{\n\"producer_groups\": [\n"));
  EXPECT_THAT(outcome.out, ::testing::Not(HasSubstr("consumer_groups")));
}

TEST_F(RunCommandTest, ConnectionsFollowsAllPagesAndKeepsTheSubscriptions) {
  const Outcome outcome = Run({"connections", "orders", "--output=json"});
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("on-the-first-page-only"),
                                 HasSubstr("client0"), HasSubstr("client2")));
}

TEST_F(RunCommandTest, ConnectionsOfAProducerGroupFollowsAllPages) {
  const Outcome outcome = Run({"connections", "orders", "--kind=producer"});
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_THAT(outcome.out, AllOf(StartsWith("producer group orders\n"),
                                 HasSubstr("client0"), HasSubstr("client2")));
}

TEST_F(RunCommandTest, ConnectionsSayIfThereIsAGroupOfTheOtherKind) {
  Outcome outcome = Run({"connections", "produced"});
  EXPECT_EQ(outcome.exit_code, kExitError);
  EXPECT_EQ(outcome.err,
            "no consumer group \"produced\" is registered; there is a producer "
            "group of that name: --kind=producer\n");
  outcome = Run({"connections", "both"});
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_THAT(outcome.out, EndsWith("\nThere is a producer group of that name "
                                    "too: --kind=producer\n"));
  outcome = Run({"connections", "orders"});
  EXPECT_THAT(outcome.out, ::testing::Not(HasSubstr("There is")));
  outcome = Run({"connections", "orders", "--kind=producer"});
  EXPECT_THAT(outcome.out, EndsWith("\nThere is a consumer group of that name "
                                    "too: --kind=consumer\n"));
}

TEST_F(RunCommandTest, IdsAreOneALine) {
  const Outcome outcome = Run({"ids", "orders"});
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_EQ(outcome.out, "client0\nclient1\nclient2\nclient3\nclient4\n");
}

TEST_F(RunCommandTest, ListsFollowAllPages) {
  const struct {
    std::vector<std::string> arguments;
    std::string element;  // Its number comes in the place of the '#'.
  } cases[] = {
      {{"producers"}, "producers#"},
      {{"topic-groups", "t"}, "reader#-of-t"},
      {{"subscription-groups"}, "config#"},
      {{"topics"}, "topic#"},
  };
  for (const auto& c : cases) {
    for (const char* format : {"table", "json"}) {
      std::vector<std::string> arguments = c.arguments;
      arguments.insert(arguments.end(), {"-o", format});
      const Outcome outcome = Run(arguments);
      EXPECT_EQ(outcome.exit_code, kExitOk) << outcome.err;
      for (const char* number : {"0", "1", "2", "3", "4"}) {
        EXPECT_THAT(outcome.out,
                    HasSubstr(absl::StrReplaceAll(c.element, {{"#", number}})));
      }
    }
  }
}

TEST_F(RunCommandTest, LookUpsAskForWhatTheArgumentsName) {
  const struct {
    std::vector<std::string> arguments;
    std::string answer;
  } cases[] = {
      {{"subscription", "g", "t"}, "of-g"},
      {{"consumer-channel", "g", "c"}, "consumer c in g"},
      {{"producer-channel", "c"}, "producer c"},
      {{"available-producer", "g"}, "one of g"},
      {{"why", "g"}, "skipped in g"},
      {{"policy"}, "77"},
  };
  for (const auto& c : cases) {
    for (const char* format : {"table", "json"}) {
      std::vector<std::string> arguments = c.arguments;
      arguments.insert(arguments.end(), {"-o", format});
      const Outcome outcome = Run(arguments);
      EXPECT_EQ(outcome.exit_code, kExitOk) << outcome.err;
      EXPECT_THAT(outcome.out, HasSubstr(c.answer));
      EXPECT_EQ(outcome.err, "");
    }
  }
}

TEST_F(RunCommandTest, WhatIsNotFoundExitsWithOne) {
  const Outcome outcome = Run({"producer-channel", "nobody", "-o", "json"});
  EXPECT_EQ(outcome.exit_code, kExitError);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "not there\n");
}

TEST_F(RunCommandTest, OnlineExitsWithOneUnlessTheGroupIsThereAsOneOfTheKinds) {
  const Outcome both = Run({"online", "orders"});
  EXPECT_EQ(both.exit_code, kExitOk);
  EXPECT_THAT(both.out,
              AllOf(HasSubstr("consumer  yes"), HasSubstr("producer  no")));

  const Outcome producer = Run({"online", "orders", "--kind=producer"});
  EXPECT_EQ(producer.exit_code, kExitError);
  EXPECT_EQ(producer.out, "");
  EXPECT_EQ(producer.err, "no producer group \"orders\" is online\n");

  const Outcome neither = Run({"online", "nobody", "-o", "json"});
  EXPECT_EQ(neither.exit_code, kExitError);
  EXPECT_EQ(neither.err, "no group \"nobody\" is online\n");
}

TEST_F(RunCommandTest, AnExpressionThatTheBrokerTakesExitsWithZero) {
  const Outcome outcome = Run({"check-expression", "a || b"});
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_EQ(outcome.out,
            absl::StrCat(address(), " takes the TAG expression \"a || b\"\n"));
}

TEST_F(RunCommandTest, AnExpressionThatTheBrokerRefusesExitsWithItsMessage) {
  const Outcome outcome = Run({"check-expression", "--type=SQL92", "a > "});
  EXPECT_EQ(outcome.exit_code, kExitError);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "expression: expected an operand at column 5\n");
}

TEST_F(RunCommandTest, AGroupThatIsNotThereIsSaidAsTheBrokerSaysIt) {
  const Outcome outcome = Run({"connections", "nobody"});
  EXPECT_EQ(outcome.exit_code, kExitError);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "no consumer group \"nobody\" is registered\n");
}

TEST_F(RunCommandTest, ABrokerThatDoesNotAnswerIsGivenUpAfterTheTimeout) {
  const Outcome outcome =
      Run({"connections", "silent", "--kind=producer", "--timeout=50ms"});
  EXPECT_EQ(outcome.exit_code, kExitError);
  EXPECT_EQ(outcome.err, absl::StrCat("no answer from ", address(),
                                      " within 50ms (see --timeout)\n"));
}

TEST_F(RunCommandTest, ACallThatTheServerDoesNotHaveIsSaidSo) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", PlaintextServerCredentials().Get(),
                           &port);
  FakeClientManager other_service;
  builder.RegisterService(&other_service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const Outcome outcome =
      RunWith({"groups", absl::StrCat("--broker=127.0.0.1:", port)});
  EXPECT_EQ(outcome.exit_code, kExitError);
  EXPECT_THAT(outcome.err, StartsWith(absl::StrCat(
                               "127.0.0.1:", port,
                               " does not offer this call; is it a broker?")));
  server->Shutdown();
}

TEST(RunCommandWithoutBrokerTest, ABrokerThatIsNotThereIsAskedAfter) {
  std::ostringstream out;
  std::ostringstream err;
  // Port 1 (tcpmux) is nobody's.
  EXPECT_EQ(RunCommand({"groups", "--broker=127.0.0.1:1"}, out, err),
            kExitError);
  EXPECT_EQ(out.str(), "");
  EXPECT_EQ(err.str(),
            "cannot reach 127.0.0.1:1: connection refused; is the broker "
            "running?\n");
}

TEST(RunCommandWithoutBrokerTest, BadUsageExitsWithTwo) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunCommand({"groops"}, out, err), kExitUsage);
  EXPECT_EQ(out.str(), "");
  EXPECT_THAT(err.str(), AllOf(StartsWith("unknown command \"groops\""),
                               EndsWith("see cmctl --help\n")));
}

TEST(RunCommandWithoutBrokerTest, HelpNeedsNoBroker) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunCommand({"help"}, out, err), kExitOk);
  EXPECT_THAT(out.str(), HasSubstr("Usage: cmctl"));
  EXPECT_EQ(err.str(), "");
}

TEST(RunCommandWithoutBrokerTest, AnOutputThatCannotBeWrittenIsSaid) {
  std::ostringstream out;
  std::ostringstream err;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(RunCommand({"help"}, out, err), kExitError);
  EXPECT_EQ(err.str(), "the answer cannot be written to the output\n");
}

}  // namespace
}  // namespace rmq::cmctl
