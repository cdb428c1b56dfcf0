#include "tools/cmctl/client_commands.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
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
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const TableTime kNoon = {absl::FromUnixSeconds(1'700'000'060),
                         absl::FixedTimeZone(3600)};

template <typename T>
T Parse(const std::string& text) {
  T message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

class ClientCommandsTest : public ::testing::Test {
 protected:
  // The broker answers with `answers`, in turn.
  absl::StatusOr<std::string> Run(
      const std::vector<std::string>& arguments,
      const std::vector<const Message*>& answers = {}) {
    const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
    if (!line.ok()) return line.status();
    asked_.clear();
    const Ask ask = [&](const Message& request)
        -> absl::StatusOr<std::unique_ptr<Message>> {
      asked_.push_back(request.ShortDebugString());
      if (asked_.size() > answers.size()) {
        return absl::NotFoundError("no more answers");
      }
      const Message& answer = *answers[asked_.size() - 1];
      std::unique_ptr<Message> copy(answer.New());
      copy->CopyFrom(answer);
      return copy;
    };
    const absl::StatusOr<Answer> answer = line->command->run(*line, ask, kNoon);
    if (!answer.ok()) return answer.status();
    return ShowAnswer(*answer, line->output);
  }
  std::string Print(const std::vector<std::string>& arguments,
                    const std::vector<const Message*>& answers) {
    const absl::StatusOr<std::string> text = Run(arguments, answers);
    EXPECT_THAT(text, IsOk());
    return text.value_or("");
  }

  // What the broker was asked, each in one line.
  std::vector<std::string> asked_;
};

pb::ListClientsResponse OneClient(const std::string& id,
                                  const std::string& token = "") {
  auto response = Parse<pb::ListClientsResponse>(R"pb(
    clients {
      channel {
        channel_id: 7
        remote_address: "10.0.0.1:40000"
        stream: true
        opened_at { seconds: 1700000000 }
        last_heard_at { seconds: 1700000050 }
      }
      language: LANGUAGE_CODE_GO
      version: 3
      labels { key: "zone" value: "a" }
      consumer_groups: "orders"
      producer_groups: "pay"
      groups_left_out: 2
    })pb");
  response.mutable_clients(0)->set_client_id(id);
  response.set_next_page_token(token);
  return response;
}

TEST_F(ClientCommandsTest, ClientsAreATable) {
  const pb::ListClientsResponse one = OneClient("c1");
  EXPECT_EQ(
      Print({"clients"}, {&one}),
      "CLIENT ID  ADDRESS         CHANNEL   LANGUAGE  VERSION  OPENED AT"
      "                   LAST HEARD  GROUPS                          "
      "LABELS\n"
      "c1         10.0.0.1:40000  7 stream  GO        3        "
      "2023-11-14 23:13:20 +01:00  10s ago     orders, pay (producer), 2 more  "
      "zone=a\n");
  EXPECT_THAT(asked_, ::testing::ElementsAre("filter { } page_size: 1000"));
}

TEST_F(ClientCommandsTest, ClosedClientsAreShownWithTheReason) {
  pb::ListClientsResponse one = OneClient("c1");
  one.mutable_clients(0)->mutable_closed_at()->set_seconds(1'700'000'030);
  one.mutable_clients(0)->set_reason(pb::REMOVAL_REASON_KICKED);
  one.mutable_clients(0)->set_principal("pay-user");
  const std::string text = Print({"clients", "--closed", "--newest"}, {&one});
  EXPECT_THAT(text, HasSubstr("CLOSED   REASON  GROUPS"));
  EXPECT_THAT(text, HasSubstr("30s ago  KICKED  orders"));
  EXPECT_THAT(text, Not(HasSubstr("LAST HEARD")));
  EXPECT_THAT(asked_, ::testing::ElementsAre(
                          "filter { state: STATE_RECENTLY_CLOSED } "
                          "order: ORDER_NEWEST_FIRST page_size: 1000"));
  EXPECT_THAT(Print({"clients", "--closed", "-o", "wide"}, {&one}),
              AllOf(HasSubstr("PRINCIPAL"), HasSubstr("pay-user")));
}

TEST_F(ClientCommandsTest, OptionsAreCriteria) {
  const pb::ListClientsResponse one = OneClient("c1");
  Print({"clients", "--group=g", "--label=zone=a", "--label", "b=c=d",
         "--language=cpp", "--version", "0", "--address=10.0.0.1"},
        {&one});
  const auto asked = Parse<pb::ListClientsRequest>(asked_.at(0));
  EXPECT_EQ(asked.filter().group(), "g");
  EXPECT_THAT(asked.filter().labels(), SizeIs(2));
  EXPECT_EQ(asked.filter().labels().at("zone"), "a");
  EXPECT_EQ(asked.filter().labels().at("b"), "c=d");
  EXPECT_EQ(asked.filter().language(), pb::LANGUAGE_CODE_CPP);
  EXPECT_TRUE(asked.filter().has_version());
  EXPECT_EQ(asked.filter().remote_address(), "10.0.0.1");
}

TEST_F(ClientCommandsTest, NobodyIsAnErrorIfSomebodyWasLookedFor) {
  const pb::ListClientsResponse none;
  for (const char* criterion : {"--group=g", "--label=a=b", "--language=cpp",
                                "--version=0", "--address=10.0.0.1"}) {
    EXPECT_THAT(Run({"clients", criterion}, {&none}),
                StatusIs(absl::StatusCode::kNotFound, "no such client"))
        << criterion;
  }
  EXPECT_THAT(Run({"clients", "--group=g", "--closed", "-o", "json"}, {&none}),
              StatusIs(absl::StatusCode::kNotFound, "no such client"));
  EXPECT_EQ(Print({"clients"}, {&none}), "no client is connected\n");
  EXPECT_EQ(Print({"clients", "--closed"}, {&none}), "no client went lately\n");
  EXPECT_THAT(Print({"clients", "-o", "json"}, {&none}),
              HasSubstr("\"clients\": []"));
}

TEST_F(ClientCommandsTest, PagesAreAskedForUntilTheLimitAlsoEmptyOnes) {
  const pb::ListClientsResponse first = OneClient("c1", "t1");
  pb::ListClientsResponse empty;
  empty.set_next_page_token("t2");
  const pb::ListClientsResponse third = OneClient("c2", "t3");
  const std::string text =
      Print({"clients", "--limit=2"}, {&first, &empty, &third});
  EXPECT_THAT(text, HasSubstr("c1 "));
  EXPECT_THAT(text, HasSubstr("c2 "));
  EXPECT_THAT(text, HasSubstr("The first 2; there may be more: --limit\n"));
  EXPECT_THAT(asked_, ::testing::ElementsAre(
                          "filter { } page_size: 2",
                          "filter { } page_size: 1 page_token: \"t1\"",
                          "filter { } page_size: 1 page_token: \"t2\""));
}

TEST_F(ClientCommandsTest, JsonSaysWhetherThereAreMore) {
  const pb::ListClientsResponse more = OneClient("c1", "t1");
  EXPECT_THAT(Print({"clients", "--limit=1", "-o", "json"}, {&more}),
              HasSubstr("\"more\": true"));
  const pb::ListClientsResponse last = OneClient("c1");
  const std::string json = Print({"clients", "-o", "json"}, {&last});
  EXPECT_THAT(json, HasSubstr("\"more\": false"));
  EXPECT_THAT(json, Not(HasSubstr("next_page_token")));
}

TEST_F(ClientCommandsTest, KickTellsHowManyWereTakenOut) {
  pb::KickClientsResponse answer;
  answer.set_kicked(3);
  EXPECT_EQ(Print({"kick", "c1", "--for=90s", "--reason=too loud"}, {&answer}),
            "taken out: 3 channels\n");
  EXPECT_THAT(asked_, ::testing::ElementsAre(
                          "client_id: \"c1\" retry_after { seconds: 90 } "
                          "reason: \"too loud\""));
  answer.set_kicked(1);
  EXPECT_EQ(Print({"kick", "--all", "--reason=x"}, {&answer}),
            "taken out: 1 channel\n");
  EXPECT_THAT(asked_, ::testing::ElementsAre("all: true reason: \"x\""));
  EXPECT_THAT(
      Print({"kick", "--group=g", "--reason=x", "-o", "json"}, {&answer}),
      HasSubstr("\"kicked\": \"1\""));
}

TEST_F(ClientCommandsTest, SeveralClientsAreKickedByACallEach) {
  pb::KickClientsResponse two;
  two.set_kicked(2);
  pb::KickClientsResponse one;
  one.set_kicked(1);
  EXPECT_EQ(
      Print({"kick", "c1", "c2", "--group=g", "--reason=x"}, {&two, &one}),
      "c1: 2 channels\nc2: 1 channel\ntaken out: 3 channels\n");
  EXPECT_THAT(asked_, ::testing::ElementsAre(
                          "client_id: \"c1\" group: \"g\" reason: \"x\"",
                          "client_id: \"c2\" group: \"g\" reason: \"x\""));
  const std::string json =
      Print({"kick", "c1", "c2", "--reason=x", "-o", "json"}, {&two, &one});
  EXPECT_THAT(json, HasSubstr("\"kicked\": \"3\""));
  EXPECT_THAT(json, HasSubstr("{\"client_id\":\"c1\",\"kicked\":\"2\"}"));
}

TEST_F(ClientCommandsTest, ACallThatFailsSaysHowFarItCame) {
  pb::KickClientsResponse two;
  two.set_kicked(2);
  EXPECT_THAT(Run({"kick", "c1", "c2", "--reason=x"}, {&two}),
              StatusIs(absl::StatusCode::kNotFound,
                       "client c2: no more answers; kicked before that: 2"));
  EXPECT_THAT(Run({"kick", "c1", "c2", "--reason=x"}, {}),
              StatusIs(absl::StatusCode::kNotFound, "no more answers"));
}

TEST_F(ClientCommandsTest, ReleaseTellsHowManyAreLetIn) {
  pb::ReleaseClientsResponse one;
  one.set_released(1);
  EXPECT_EQ(Print({"kick", "--release", "c1"}, {&one}),
            "let in again: 1 client\n");
  EXPECT_THAT(asked_, ::testing::ElementsAre("client_id: \"c1\""));
  EXPECT_EQ(Print({"kick", "--release", "c1", "c2"}, {&one, &one}),
            "c1: 1 client\nc2: 1 client\nlet in again: 2 clients\n");
  EXPECT_THAT(Print({"kick", "--release", "--all", "-o", "json"}, {&one}),
              HasSubstr("\"released\": \"1\""));
  EXPECT_THAT(asked_, ::testing::ElementsAre("all: true"));
}

TEST_F(ClientCommandsTest, AHoldOfNoTimeIsNotAnAbsentOne) {
  const pb::KickClientsResponse answer;
  Print({"kick", "c1", "--for=0", "--reason=x"}, {&answer});
  EXPECT_THAT(asked_.at(0), HasSubstr("retry_after { }"));
}

TEST_F(ClientCommandsTest, WhatIsWrongIsNamed) {
  const auto refused = [](const char* message) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message));
  };
  EXPECT_THAT(Run({"clients", "--label=zone"}),
              refused("--label must be KEY=VALUE, got \"zone\""));
  EXPECT_THAT(Run({"clients", "--label=a=b", "--label=a=c"}),
              refused("--label must be given once for a key, got \"a=c\""));
  EXPECT_THAT(Run({"clients", "--language=latin"}),
              refused("--language must be one such as java, cpp or go"));
  EXPECT_THAT(Run({"clients", "--version=x"}),
              refused("--version must be a number"));
  for (const char* limit : {"--limit=0", "--limit=x"}) {
    EXPECT_THAT(Run({"clients", limit}),
                refused("--limit must be a positive number"));
  }
  EXPECT_THAT(Run({"kick", "c1"}), refused("--reason must be given"));
  EXPECT_THAT(Run({"kick", "--release"}),
              refused("--release takes either CLIENT_ID or --all"));
  EXPECT_THAT(Run({"kick", "--release", "--all", "c1"}),
              refused("--release takes either CLIENT_ID or --all"));
  EXPECT_THAT(Run({"kick", "--release", "c1", "--group=g"}),
              refused("--release takes CLIENT_ID or --all, and no --group"));
  EXPECT_THAT(Run({"kick", "--release", "c1", "--label=a=b"}),
              refused("--release takes CLIENT_ID or --all, and no --label"));
  for (const char* time : {"--for=-1s", "--for=24h1s", "--for=x"}) {
    EXPECT_THAT(Run({"kick", "c1", "--reason=x", time}),
                refused("--for must be a time of 0 to 24h such as 10m"));
  }
  EXPECT_THAT(asked_, SizeIs(0));
}

}  // namespace
}  // namespace rmq::cmctl
