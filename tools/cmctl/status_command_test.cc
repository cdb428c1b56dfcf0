#include "tools/cmctl/status_command.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/answer_view.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/command_line.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::Message;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr int64_t kNow = 1'700'000'000;
const TableTime kTime = {absl::FromUnixSeconds(kNow), absl::UTCTimeZone()};

// A broker that answers with what it has, in pages.
class ScriptedBroker {
 public:
  explicit ScriptedBroker(const std::string& label)
      : target_{label, label, {}} {
    facts_.set_broker_name(label);
    facts_.set_state(pb::GetBrokerResponse::STATE_SERVING);
    facts_.mutable_now()->set_seconds(kNow);
    facts_.mutable_started_at()->set_seconds(kNow - 3600);
    facts_.set_max_channels(10);
  }

  void AddClients(int count) {
    for (int i = 0; i < count; ++i) {
      clients_.push_back(absl::StrCat("c", clients_.size()));
    }
  }
  void set_status(absl::Status status) { status_ = std::move(status); }
  void set_group(const std::string& name, const std::string& expression) {
    group_ = name;
    expression_ = expression;
  }
  // The epoch grows by `step` with each look.
  void set_epoch_step(uint64_t step) { step_ = step; }
  pb::GetBrokerResponse& facts() { return facts_; }
  const std::vector<int>& pages() const { return pages_; }

  AskedBroker asked() { return {target_, ask_}; }

 private:
  absl::StatusOr<std::unique_ptr<Message>> Answer(const Message& request) {
    if (!status_.ok()) return status_;
    const auto* const type = request.GetDescriptor();
    if (type == pb::GetBrokerRequest::descriptor()) {
      return std::make_unique<pb::GetBrokerResponse>(facts_);
    }
    if (type == pb::ListClientsRequest::descriptor()) {
      return Clients(static_cast<const pb::ListClientsRequest&>(request));
    }
    if (type == pb::ListGroupsRequest::descriptor()) {
      auto groups = std::make_unique<pb::ListGroupsResponse>();
      if (!group_.empty()) groups->add_groups()->set_group(group_);
      return groups;
    }
    if (type == pb::GetGroupMembershipRequest::descriptor()) {
      auto membership = std::make_unique<pb::GetGroupMembershipResponse>();
      membership->set_epoch(epoch_);
      epoch_ += step_;
      return membership;
    }
    auto group = std::make_unique<pb::GetConsumerConnectionListResponse>();
    pb::SubscriptionData* const subscription = group->add_subscriptions();
    subscription->set_topic("t");
    subscription->set_expression(expression_);
    return group;
  }

  std::unique_ptr<Message> Clients(const pb::ListClientsRequest& request) {
    auto page = std::make_unique<pb::ListClientsResponse>();
    if (request.filter().state() == pb::ClientFilter::STATE_RECENTLY_CLOSED) {
      page->add_clients()->mutable_closed_at()->set_seconds(kNow - 3);
      return page;
    }
    pages_.push_back(request.page_size());
    size_t next = request.page_token().empty()
                      ? 0
                      : static_cast<size_t>(std::stoi(request.page_token()));
    while (next < clients_.size() &&
           page->clients_size() < request.page_size()) {
      pb::ListedClient* const client = page->add_clients();
      client->set_client_id(clients_[next++]);
      client->mutable_channel()->mutable_opened_at()->set_seconds(kNow - 60);
    }
    if (next < clients_.size()) page->set_next_page_token(std::to_string(next));
    return page;
  }

  const BrokerTarget target_;
  const Ask ask_ = [this](const Message& request) { return Answer(request); };
  absl::Status status_;
  pb::GetBrokerResponse facts_;
  std::vector<std::string> clients_;
  std::string group_;
  std::string expression_;
  uint64_t epoch_ = 5;
  uint64_t step_ = 0;
  std::vector<int> pages_;
};

class StatusCommandTest : public ::testing::Test {
 protected:
  Answer Run(const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> all = {"status"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const absl::StatusOr<CommandLine> line = ParseCommandLine(all);
    EXPECT_THAT(line, IsOk());
    output_ = line->output;
    const auto answer =
        line->command->run_on_all(*line, {a_.asked(), b_.asked()}, kTime);
    EXPECT_THAT(answer, IsOk());
    return *answer;
  }
  std::string Shown(const std::vector<std::string>& arguments = {}) {
    const Answer answer = Run(arguments);
    return ShowAnswer(answer, output_);
  }

  ScriptedBroker a_{"a"};
  ScriptedBroker b_{"b"};
  OutputFormat output_ = OutputFormat::kTable;
};

TEST_F(StatusCommandTest, BrokersThatAgreeAreARowEach) {
  a_.AddClients(2);
  b_.AddClients(2);
  EXPECT_EQ(Run().exit_code, 0);
  EXPECT_EQ(Shown(),
            "BROKER  NAME  ID  VERSION  STATE    STARTED    CHANNELS  GROUPS  "
            "                CERTIFICATE ENDS  AUTH  LAST CHANGE\n"
            "a       a     0   -        serving  1h 0m ago  0 of 10   consumer "
            "0, producer 0  -                 -     3s ago\n"
            "b       b     0   -        serving  1h 0m ago  0 of 10   consumer "
            "0, producer 0  -                 -     3s ago\n"
            "\n"
            "the brokers agree: 2 clients and 0 consumer groups of 2 "
            "brokers\n");
}

TEST_F(StatusCommandTest, ADisagreementIsShownAndIsTheExitCode) {
  a_.AddClients(3);
  b_.AddClients(1);
  const Answer answer = Run({"--limit=1"});
  EXPECT_EQ(answer.exit_code, 4);
  EXPECT_THAT(ShowAnswer(answer, OutputFormat::kTable),
              AllOf(HasSubstr("THE BROKERS DISAGREE"),
                    HasSubstr("WHAT    NAME  WHERE\n"
                              "client  c1    on a; not on b\n"
                              "and 1 more of client: --limit\n")));
  EXPECT_THAT(Shown({"-o", "json"}),
              AllOf(HasSubstr("\"agree\": false"),
                    HasSubstr("{\"what\": \"client\", \"name\": \"c1\", "
                              "\"where\": \"on a; not on b\"}")));
}

TEST_F(StatusCommandTest, SubscriptionsThatMeanTheSameAgree) {
  a_.set_group("g", "x || y");
  b_.set_group("g", "y||x");
  EXPECT_EQ(Run().exit_code, 0);
  b_.set_group("g", "y");
  EXPECT_EQ(Run().exit_code, 4);
}

TEST_F(StatusCommandTest, ABrokerThatIsAwayIsARowAndAnError) {
  b_.set_status(absl::UnavailableError("cannot reach it"));
  Answer answer = Run();
  EXPECT_EQ(answer.exit_code, 3);
  EXPECT_THAT(answer.errors, ElementsAre("b: cannot reach it"));
  EXPECT_THAT(ShowAnswer(answer, OutputFormat::kTable),
              AllOf(HasSubstr("NO ANSWER"), HasSubstr("nothing is compared")));
  EXPECT_EQ(ShowAnswer(answer, OutputFormat::kName), "a\nb\n");
  a_.set_status(absl::UnavailableError("nor this"));
  EXPECT_EQ(Run().exit_code, 1);
}

TEST_F(StatusCommandTest, NoMoreClientsAreReadThanAsked) {
  a_.AddClients(2500);
  b_.AddClients(1500);
  const Answer answer = Run({"--clients=1500"});
  EXPECT_THAT(a_.pages(), ElementsAre(1000, 500));
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_THAT(ShowAnswer(answer, OutputFormat::kTable),
              HasSubstr("clients are not compared: a broker has more"));
  b_.AddClients(1000);
  EXPECT_EQ(Run({"--clients=2500"}).exit_code, 0);
}

TEST_F(StatusCommandTest, AnEpochThatStandsStillIsFoundWithFor) {
  a_.set_group("g", "x");
  b_.set_group("g", "x");
  a_.set_epoch_step(2);
  EXPECT_EQ(Run().exit_code, 0);
  const Answer answer = Run({"--for=1ms"});
  EXPECT_EQ(answer.exit_code, 4);
  EXPECT_THAT(ShowAnswer(answer, OutputFormat::kTable),
              HasSubstr("epoch  g     moved on a (5 to 7); stood still on b "
                        "(at 5)\n"));
  b_.set_epoch_step(1);
  EXPECT_EQ(Run({"--for=1ms"}).exit_code, 0);
}

}  // namespace
}  // namespace rmq::cmctl
