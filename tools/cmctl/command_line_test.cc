#include "tools/cmctl/command_line.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq::cmctl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CommandLineTest, GroupsListsBothKindsAtTheDefaultBroker) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine({"groups"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->command->name, "groups");
  EXPECT_EQ(line->value("kind"), "all");
  EXPECT_EQ(line->broker().address, "127.0.0.1:10911");
  EXPECT_EQ(line->timeout, absl::Seconds(5));
  EXPECT_EQ(line->output, OutputFormat::kTable);
}

TEST(CommandLineTest, ConnectionsAreThoseOfAConsumerGroupUnlessSaidOtherwise) {
  absl::StatusOr<CommandLine> line =
      ParseCommandLine({"connections", "orders"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->value("group"), "orders");
  EXPECT_EQ(line->value("kind"), "consumer");

  line = ParseCommandLine({"connections", "orders", "--kind=producer"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->value("kind"), "producer");
}

TEST(CommandLineTest, OptionsStandBeforeOrAfterTheCommandWithOrWithoutEquals) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"--broker=h:1", "--output=json", "--timeout=1s", "ids", "g"},
           {"ids", "g", "--broker", "h:1", "-o", "json", "--timeout", "1s"},
           {"-o=json", "ids", "--broker=h:1", "--timeout=1s", "--", "g"}}) {
    absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
    ASSERT_THAT(line, IsOk());
    EXPECT_EQ(line->command->name, "ids");
    EXPECT_EQ(line->value("group"), "g");
    EXPECT_EQ(line->connection["broker"], "h:1");
    EXPECT_EQ(line->output, OutputFormat::kJson);
    EXPECT_EQ(line->timeout, absl::Seconds(1));
  }
}

TEST(CommandLineTest, AnExpressionMayBeginWithADashAfterTwoDashes) {
  const absl::StatusOr<CommandLine> line =
      ParseCommandLine({"check-expression", "--type=sql92", "--", "-1 < a"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->value("expression"), "-1 < a");
  EXPECT_EQ(line->value("type"), "SQL92");
}

TEST(CommandLineTest, ArgumentsComeInTheOrderOfTheHelp) {
  absl::StatusOr<CommandLine> line =
      ParseCommandLine({"consumer-channel", "orders", "10.0.0.1@a"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->command->name, "consumer-channel");
  EXPECT_EQ(line->value("group"), "orders");
  EXPECT_EQ(line->value("client_id"), "10.0.0.1@a");

  line = ParseCommandLine({"subscription", "orders", "paid"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->command->name, "subscription");
  EXPECT_EQ(line->value("group"), "orders");
  EXPECT_EQ(line->value("topic"), "paid");
}

TEST(CommandLineTest, AGroupIsLookedForAsBothKindsUnlessSaidOtherwise) {
  absl::StatusOr<CommandLine> line = ParseCommandLine({"online", "orders"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->value("kind"), "all");

  line = ParseCommandLine({"online", "orders", "--kind=producer"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->value("kind"), "producer");
}

TEST(CommandLineTest, AnEmptyExpressionIsAnArgumentToo) {
  const absl::StatusOr<CommandLine> line =
      ParseCommandLine({"check-expression", ""});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->value("expression"), "");
}

TEST(CommandLineTest, EachFormThatACommandHasIsTaken) {
  const struct {
    const char* name;
    OutputFormat output;
  } forms[] = {{"table", OutputFormat::kTable},
               {"wide", OutputFormat::kWide},
               {"json", OutputFormat::kJson},
               {"yaml", OutputFormat::kYaml},
               {"name", OutputFormat::kName}};
  for (const auto& form : forms) {
    const absl::StatusOr<CommandLine> line =
        ParseCommandLine({"groups", "-o", form.name});
    ASSERT_THAT(line, IsOk());
    EXPECT_EQ(line->output, form.output);
  }
  EXPECT_EQ(ParseCommandLine({"groups", "--sort=-channels"})->sort,
            "-channels");
  EXPECT_THAT(ParseCommandLine({"help", "why"})->text,
              HasSubstr("-o, --output=table|json|yaml "));
}

TEST(CommandLineTest, SeveralBrokersComeWithCommasOrOptions) {
  const absl::StatusOr<CommandLine> line =
      ParseCommandLine({"groups", "--broker=h:1,h:2", "--broker", "test"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->connection.at("broker"), "h:1,h:2,test");
}

TEST(CommandLineTest, NamesOfMqadminAreCommandsToo) {
  absl::StatusOr<CommandLine> line = ParseCommandLine(
      {"consumerConnection", "-g", "orders", "-b", "h:1", "-o", "json"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->command->name, "connections");
  EXPECT_EQ(line->value("group"), "orders");
  EXPECT_EQ(line->connection.at("broker"), "h:1");
  EXPECT_EQ(line->output, OutputFormat::kJson);
  EXPECT_THAT(ParseCommandLine({"clusterList", "-n", "h:9876"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("there is none here")));
  EXPECT_THAT(ParseCommandLine({"--help"})->text,
              HasSubstr("consumerStatus -g GROUP [-i CLIENT_ID]"));
}

TEST(CommandLineTest, ACommandThatPrintsOneTextHasNoOutput) {
  EXPECT_THAT(ParseCommandLine({"man", "-o", "json"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "man has no option --o; see cmctl help man"));
}

TEST(CommandLineTest, StatusAndDoctorHaveLimits) {
  EXPECT_THAT(ParseCommandLine({"status", "--for=5s"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("shorter than --timeout (5s), got \"5s\"")));
  EXPECT_THAT(ParseCommandLine({"status", "--for=5s", "--timeout=6s"}), IsOk());
  EXPECT_THAT(ParseCommandLine({"status", "--clients=0"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "--clients must be 1 to 1000000, got \"0\""));
  EXPECT_THAT(ParseCommandLine({"help", "doctor"})->text,
              HasSubstr("certificate     the certificate has expired"));
}

TEST(CommandLineTest, AnUnknownCommandIsToldTheCommands) {
  EXPECT_THAT(
      ParseCommandLine({"group"}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "unknown command \"group\"; commands: broker, status, doctor, "
               "groups, "
               "connections, ids, membership, producers, online, topic-groups, "
               "subscription, client, consumer-channel, producer-channel, "
               "available-producer, subscription-groups, topics, "
               "policy, reload, why, consistency, duplicates, "
               "check-expression, watch, drain, clients, kick, auth, config, "
               "completion, man; see "
               "cmctl --help"));
  EXPECT_THAT(ParseCommandLine({}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("commands: broker, status, doctor, groups")));
}

// One that takes everything that a command may take, and follows.
std::vector<Command> TakesAll() {
  Command command = {
      "take",
      {{"TOPIC", "topic"}},
      "takes all",
      "Takes all.",
      {{"kind", "consumer|producer", "consumer", "which"},
       {"from", "REVISION", "", "the first", Option::Takes::kText},
       {"label", "KEY=VALUE", "", "has it", Option::Takes::kTexts},
       {"all", "", "", "everybody", Option::Takes::kNothing}}};
  command.follow = [](const CommandLine&, const std::vector<FollowedBroker>&,
                      const Screen&) { return absl::OkStatus(); };
  command.more_arguments = {"GROUP", "groups"};
  return {command};
}

TEST(CommandLineTest, OptionsTakeAWordATextSeveralTextsOrNothing) {
  const std::vector<Command> commands = TakesAll();
  absl::StatusOr<CommandLine> line = ParseCommandLine(
      {"take", "--all", "t", "--from=7", "--label", "a=b", "--label=c=d"},
      commands);
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->value("topic"), "t");
  EXPECT_EQ(line->value("kind"), "consumer");
  EXPECT_EQ(line->value("from"), "7");
  EXPECT_EQ(line->value("all"), "true");
  EXPECT_THAT(line->list("label"), ElementsAre("a=b", "c=d"));
  EXPECT_THAT(line->list("groups"), ElementsAre());

  line = ParseCommandLine({"take", "t"}, commands);
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->value("from"), "");
  EXPECT_EQ(line->value("all"), "");
  EXPECT_THAT(line->list("label"), ElementsAre());

  EXPECT_THAT(ParseCommandLine({"take", "t", "--all=yes"}, commands),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "option --all takes no value, got \"yes\""));
}

TEST(CommandLineTest, FurtherArgumentsAreAListWhereTheyAreTaken) {
  const std::vector<Command> commands = TakesAll();
  const absl::StatusOr<CommandLine> line =
      ParseCommandLine({"take", "t", "a", "b"}, commands);
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->value("topic"), "t");
  EXPECT_THAT(line->list("groups"), ElementsAre("a", "b"));
}

TEST(CommandLineTest, ACommandThatFollowsHasNoTimeLimitUnlessOneIsGiven) {
  const std::vector<Command> commands = TakesAll();
  absl::StatusOr<CommandLine> line = ParseCommandLine({"take", "t"}, commands);
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->timeout, absl::InfiniteDuration());
  line = ParseCommandLine({"take", "t", "--timeout=3s"}, commands);
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->timeout, absl::Seconds(3));
  line = ParseCommandLine({"help", "take"}, commands);
  ASSERT_THAT(line, IsOk());
  EXPECT_THAT(
      line->text,
      AllOf(HasSubstr("take [OPTION...] TOPIC [GROUP...]"), HasSubstr("--all "),
            HasSubstr("--from=REVISION"), HasSubstr("(no limit)")));
}

TEST(CommandLineTest, BadUsageIsToldWhatIsWrongWithWhat) {
  const struct {
    std::vector<std::string> arguments;
    std::string message;
  } cases[] = {
      {{"ids"}, "ids needs GROUP; see cmctl help ids"},
      {{"ids", "a", "b"},
       "ids takes no further argument, got \"b\"; see cmctl help ids"},
      {{"subscription", "a"},
       "subscription needs TOPIC; see cmctl help subscription"},
      {{"consumer-channel"},
       "consumer-channel needs GROUP; see cmctl help consumer-channel"},
      {{"consumer-channel", "a", "b", "c"},
       "consumer-channel takes no further argument, got \"c\"; see cmctl help "
       "consumer-channel"},
      {{"groups", "a"},
       "groups takes no further argument, got \"a\"; see cmctl help groups"},
      {{"ids", "a", "--kind=consumer"},
       "ids has no option --kind; see cmctl help ids"},
      {{"groups", "--kin=consumer"}, "unknown option --kin; see cmctl --help"},
      {{"groups", "-x"}, "unknown option -x; see cmctl --help"},
      {{"groups", "--o=json"}, "unknown option --o; see cmctl --help"},
      {{"groups", "--broker"}, "option --broker needs a value"},
      {{"groups", "--kind=both"},
       "--kind must be consumer, producer or all, got \"both\""},
      {{"connections", "a", "--kind=all"},
       "--kind must be consumer or producer, got \"all\""},
      {{"groups", "--broker=local host"},
       "--broker must be HOST:PORT, unix:PATH or the name of a broker, got "
       "\"local host\""},
      {{"groups", "--broker=localhost:"},
       "--broker must be HOST:PORT, unix:PATH or the name of a broker, got "
       "\"localhost:\""},
      {{"groups", "--allow_insecure_credentials=yes"},
       "--allow_insecure_credentials must be true or false, got \"yes\""},
      {{"groups", "--timeout=5"},
       "--timeout must be a positive time such as 5s or 500ms, got \"5\""},
      {{"groups", "--timeout=0s"},
       "--timeout must be a positive time such as 5s or 500ms, got \"0s\""},
      {{"groups", "-o", "xml"},
       "--output must be table, json, yaml, wide or name, got \"xml\""},
      {{"why", "g", "-o", "name"},
       "--output must be table, json or yaml, got \"name\""},
      {{"drain", "-o", "yaml"}, "--output must be table or json, got \"yaml\""},
      {{"why", "g", "--sort=group"},
       "why has no option --sort; see cmctl help why"},
      {{"groups", "--sort=group", "-o", "json"},
       "--sort needs --output table, wide or name: JSON and YAML have what the "
       "broker answers, in its order"},
      {{"groups", "--broker=a,local host"},
       "--broker must be HOST:PORT, unix:PATH or the name of a broker, got "
       "\"local host\""},
      {{"watch", "--from=0"}, "--from must be a positive number, got \"0\""},
      {{"watch", "--from=now"},
       "--from must be a positive number, got \"now\""},
      {{"watch", "--kind=both"},
       "--kind must be consumer, producer or all, got \"both\""},
      {{"check-expression", "--type=XPATH", "a"},
       "--type must be TAG or SQL92, got \"XPATH\""},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(ParseCommandLine(c.arguments),
                StatusIs(absl::StatusCode::kInvalidArgument, c.message));
  }
}

TEST(CommandLineTest, HelpNamesTheCommandsAndEachCommandsOptions) {
  absl::StatusOr<CommandLine> line = ParseCommandLine({"--help"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->command, nullptr);
  EXPECT_THAT(
      line->text,
      AllOf(HasSubstr("groups"), HasSubstr("connections GROUP"),
            HasSubstr("ids GROUP"), HasSubstr("check-expression EXPRESSION"),
            HasSubstr("consumer-channel GROUP CLIENT_ID  the channel"),
            HasSubstr("-o, --output=table|wide|json|yaml|name")));

  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"help", "connections"},
                                             {"connections", "--help"}}) {
    line = ParseCommandLine(arguments);
    ASSERT_THAT(line, IsOk());
    EXPECT_EQ(line->command, nullptr);
    EXPECT_THAT(line->text,
                AllOf(HasSubstr("Usage: cmctl connections [OPTION...] GROUP"),
                      HasSubstr("--kind=consumer|producer"),
                      HasSubstr("--broker=HOST:PORT|NAME")));
  }
}

TEST(CommandLineTest, TheVersionIsPrintedWithoutACommand) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine({"--version"});
  ASSERT_THAT(line, IsOk());
  EXPECT_THAT(line->text, HasSubstr("rocketmq-client-manager cmctl "));
}

TEST(CommandLineTest, AVersionBehindACommandThatHasTheOptionIsItsValue) {
  const absl::StatusOr<CommandLine> line =
      ParseCommandLine({"-o", "json", "clients", "--version", "7"});
  ASSERT_THAT(line, IsOk());
  ASSERT_NE(line->command, nullptr);
  EXPECT_EQ(line->value("version"), "7");
  EXPECT_THAT(ParseCommandLine({"clients", "--version"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "option --version needs a value"));
  // Other commands have no versions to look for.
  EXPECT_THAT(ParseCommandLine({"groups", "--version"})->text,
              HasSubstr("rocketmq-client-manager cmctl "));
}

}  // namespace
}  // namespace rmq::cmctl
