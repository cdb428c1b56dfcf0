// cmctl against a broker that answers by script, over loopback.
#include "tools/cmctl/run_command.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/rpc/credentials/credentials_source.h"
#include "gmock/gmock.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The page of [0, count) that `token` asks for; pages have two elements.
struct Page {
  Page(const std::string& token, int count) {
    if (!token.empty()) (void)absl::SimpleAtoi(token, &begin);
    end = std::min(begin + 2, count);
    if (end < count) next_page_token = absl::StrCat(end);
  }
  int begin = 0;
  int end = 0;
  std::string next_page_token;
};

class FakeAdmin final : public pb::ClientManagerAdmin::Service {
 public:
  grpc::Status ListGroups(grpc::ServerContext*,
                          const pb::ListGroupsRequest* request,
                          pb::ListGroupsResponse* response) override {
    const bool producers = request->kind() == pb::GROUP_KIND_PRODUCER;
    const Page page(request->page_token(), producers ? 1 : 5);
    for (int i = page.begin; i < page.end; ++i) {
      pb::GroupSummary* const group = response->add_groups();
      group->set_group(absl::StrCat(producers ? "producers" : "consumers", i));
      group->set_channels(1);
    }
    response->set_next_page_token(page.next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status GetConsumerConnectionList(
      grpc::ServerContext*, const pb::GetConsumerConnectionListRequest* request,
      pb::GetConsumerConnectionListResponse* response) override {
    if (request->group() != "orders" && request->group() != "both") {
      return {grpc::StatusCode::NOT_FOUND,
              absl::StrCat("no consumer group \"", request->group(),
                           "\" is registered")};
    }
    if (request->page_token().empty()) {
      response->add_subscriptions()->set_topic("on-the-first-page-only");
    }
    FillConnections(request->page_token(), response);
    return grpc::Status::OK;
  }

  grpc::Status GetAllProducerInfo(
      grpc::ServerContext*, const pb::GetAllProducerInfoRequest* request,
      pb::GetAllProducerInfoResponse* response) override {
    const Page page(request->page_token(), 5);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_producers()->set_group(absl::StrCat("producers", i));
    }
    response->set_next_page_token(page.next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status QueryTopicConsumeByWho(
      grpc::ServerContext*, const pb::QueryTopicConsumeByWhoRequest* request,
      pb::QueryTopicConsumeByWhoResponse* response) override {
    // Its second page is too much at first.
    if (!request->page_token().empty() && !refused_.exchange(true)) {
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many rows"};
    }
    const Page page(request->page_token(), 5);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_groups(absl::StrCat("reader", i, "-of-", request->topic()));
    }
    response->set_next_page_token(page.next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status GetGroupOnline(grpc::ServerContext*,
                              const pb::GetGroupOnlineRequest* request,
                              pb::GetGroupOnlineResponse* response) override {
    response->set_consumer(request->group() == "orders");
    response->set_producer(request->group() == "both" ||
                           request->group() == "produced");
    return grpc::Status::OK;
  }

  grpc::Status FindConsumerChannel(
      grpc::ServerContext*, const pb::FindConsumerChannelRequest* request,
      pb::FindConsumerChannelResponse* response) override {
    response->mutable_channel()->set_remote_address(absl::StrCat(
        "consumer ", request->client_id(), " in ", request->group()));
    return grpc::Status::OK;
  }

  grpc::Status FindProducerChannel(
      grpc::ServerContext*, const pb::FindProducerChannelRequest* request,
      pb::FindProducerChannelResponse* response) override {
    if (request->client_id() == "nobody") {
      return {grpc::StatusCode::NOT_FOUND, "not there"};
    }
    response->mutable_channel()->set_remote_address(
        absl::StrCat("producer ", request->client_id()));
    return grpc::Status::OK;
  }

  grpc::Status GetAvailableProducerChannel(
      grpc::ServerContext*,
      const pb::GetAvailableProducerChannelRequest* request,
      pb::GetAvailableProducerChannelResponse* response) override {
    response->mutable_channel()->set_remote_address(
        absl::StrCat("one of ", request->group()));
    return grpc::Status::OK;
  }

  grpc::Status FindSubscription(
      grpc::ServerContext*, const pb::FindSubscriptionRequest* request,
      pb::FindSubscriptionResponse* response) override {
    response->mutable_subscription()->set_topic(request->topic());
    response->mutable_subscription()->set_expression(
        absl::StrCat("of-", request->group()));
    return grpc::Status::OK;
  }

  grpc::Status ListSubscriptionGroups(
      grpc::ServerContext*, const pb::ListSubscriptionGroupsRequest* request,
      pb::ListSubscriptionGroupsResponse* response) override {
    const Page page(request->page_token(), 5);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_subscription_groups()->set_group(absl::StrCat("config", i));
    }
    response->set_next_page_token(page.next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status ListTopics(grpc::ServerContext*,
                          const pb::ListTopicsRequest* request,
                          pb::ListTopicsResponse* response) override {
    const Page page(request->page_token(), 5);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_topics()->set_topic(absl::StrCat("topic", i));
    }
    response->set_next_page_token(page.next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status ExplainGroup(grpc::ServerContext*,
                            const pb::ExplainGroupRequest* request,
                            pb::ExplainGroupResponse* response) override {
    response->add_skipped()->set_client_id(
        absl::StrCat("skipped in ", request->group()));
    return grpc::Status::OK;
  }

  grpc::Status GetPolicy(grpc::ServerContext*, const pb::GetPolicyRequest*,
                         pb::GetPolicyResponse* response) override {
    response->set_max_auto_created_groups(77);
    return grpc::Status::OK;
  }

  grpc::Status GetProducerConnectionList(
      grpc::ServerContext* context,
      const pb::GetProducerConnectionListRequest* request,
      pb::GetProducerConnectionListResponse* response) override {
    if (request->group() == "silent") {
      // Until the caller gives up.
      while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    }
    FillConnections(request->page_token(), response);
    return grpc::Status::OK;
  }

 private:
  template <typename Response>
  static void FillConnections(const std::string& page_token,
                              Response* response) {
    const Page page(page_token, 3);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_connections()->set_client_id(absl::StrCat("client", i));
    }
    response->set_next_page_token(page.next_page_token);
  }

  // Whether the second page of a topic's groups has been.
  std::atomic<bool> refused_{false};
};

class FakeClientManager final : public pb::ClientManager::Service {
 public:
  grpc::Status GetConsumerListByGroup(
      grpc::ServerContext*, const pb::GetConsumerListByGroupRequest* request,
      pb::GetConsumerListByGroupResponse* response) override {
    const Page page(request->page_token(), 5);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_client_ids(absl::StrCat("client", i));
    }
    response->set_next_page_token(page.next_page_token);
    response->set_broker_name("broker-a");
    return grpc::Status::OK;
  }

  grpc::Status CheckClientConfig(grpc::ServerContext*,
                                 const pb::CheckClientConfigRequest* request,
                                 pb::CheckClientConfigResponse*) override {
    if (request->subscription().expression_type() == "TAG") {
      return grpc::Status::OK;
    }
    return {grpc::StatusCode::INVALID_ARGUMENT,
            "expression: expected an operand at column 5"};
  }
};

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

// A command that prints lines until it is stopped, by `lines` at the latest.
std::vector<Command> CountCommand(int lines, absl::Status status) {
  Command count = {"count", {}, "", "", {}};
  count.follow = [lines, status](const CommandLine&, const Stream&,
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
  watch.follow = [](const CommandLine&, const Stream& stream, const Screen&) {
    const AdminStreamEnd end =
        stream(pb::WatchRequest(),
               [](const google::protobuf::Message&) { return true; });
    return end.status;
  };
  // Port 1 (tcpmux) is nobody's.
  EXPECT_EQ(RunCommand({"watch", "--broker=127.0.0.1:1"}, out, err, Console(),
                       {watch}),
            kExitError);
  EXPECT_NE(err.str(), "");
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
