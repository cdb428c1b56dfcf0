#include "tools/cmctl/auth_commands.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <ios>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/cmctl/run_command.h"

namespace rmq::cmctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr absl::string_view kRules = R"(users { name: "pay" secret: "s3cr3t" }
users { name: "root" secret: "s3cr3t" type: SUPER }
users { name: "old" secret: "s3cr3t" status: DISABLE }
rules { user: "pay" resource: "Group:pay*" action: [SUB] source: "10.0.0.0/8" decision: ALLOW }
rules { user: "pay" resource: "Group:pay-x" action: [SUB] decision: DENY }
)";

class AuthCommandsTest : public ::testing::Test {
 protected:
  AuthCommandsTest() { Write("rules.textproto", kRules, 0600); }
  ~AuthCommandsTest() override { unsetenv("BUILD_WORKING_DIRECTORY"); }

  static std::string PathOf(absl::string_view name) {
    return absl::StrCat(::testing::TempDir(), "/", name);
  }
  static void Write(absl::string_view name, absl::string_view text,
                    mode_t mode) {
    std::ofstream(PathOf(name), std::ios::binary | std::ios::trunc) << text;
    EXPECT_EQ(chmod(PathOf(name).c_str(), mode), 0);
  }

  // The exit code; what was printed is in `out_` and `err_`.
  int Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "auth");
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunCommand(arguments, out, err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  int Check(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "check", "--file=" + PathOf("rules.textproto")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }

  std::string out_;
  std::string err_;
};

TEST_F(AuthCommandsTest, CheckSaysWhichRuleAllowsIt) {
  EXPECT_EQ(Check({"--user=pay", "--action=SUB", "--resource=Group:payroll",
                   "--from=10.1.2.3"}),
            0);
  EXPECT_EQ(out_, absl::StrCat(
                      "allowed: ", PathOf("rules.textproto"),
                      ":4: rules { user: \"pay\" resource: \"Group:pay*\" "
                      "action: [SUB] source: [\"10.0.0.0/8\"] decision: ALLOW "
                      "}\n"));
  EXPECT_EQ(err_, "");
}

TEST_F(AuthCommandsTest, CheckSaysWhichRuleDeniesIt) {
  EXPECT_EQ(Check({"--user=pay", "--action=SUB", "--resource=Group:pay-x"}), 1);
  EXPECT_THAT(out_, AllOf(StartsWith("denied: "),
                          HasSubstr(":5: rules { user: \"pay\"")));
}

TEST_F(AuthCommandsTest, CheckSaysWhyWithoutARuleToo) {
  const struct {
    std::string user;
    std::string words;
    int code;
  } cases[] = {
      {"pay", "denied: no rule of user \"pay\" matches\n", 1},
      {"root", "allowed: user \"root\" is SUPER\n", 0},
      {"old", "denied: user \"old\" is disabled\n", 1},
      {"nosuch", "denied: there is no user \"nosuch\"\n", 1},
  };
  for (const auto& [user, words, code] : cases) {
    EXPECT_EQ(Check({"--user=" + user, "--action=GET", "--resource=Topic:t"}),
              code);
    EXPECT_EQ(out_, words);
  }
}

TEST_F(AuthCommandsTest, ARetryTopicIsAPartOfItsGroup) {
  EXPECT_EQ(Check({"--user=pay", "--action=SUB", "--from=10.1.2.3",
                   "--resource=Topic:%RETRY%payroll"}),
            0);
  EXPECT_EQ(Check({"--user=pay", "--action=SUB", "--from=10.1.2.3",
                   "--resource=Topic:payroll"}),
            1);
}

TEST_F(AuthCommandsTest, CheckLooksAtTheAddress) {
  const std::vector<std::string> asked = {"--user=pay", "--action=SUB",
                                          "--resource=Group:payroll"};
  EXPECT_EQ(Check(asked), 1);
  for (const auto& [from, code] :
       {std::make_pair("10.255.0.1", 0), std::make_pair("11.0.0.1", 1)}) {
    std::vector<std::string> arguments = asked;
    arguments.push_back(absl::StrCat("--from=", from));
    EXPECT_EQ(Check(arguments), code) << from;
  }
}

TEST_F(AuthCommandsTest, OfSeveralActionsAnyWillDo) {
  EXPECT_EQ(Check({"--user=pay", "--action=GET", "--action=sub",
                   "--resource=Group:payroll", "--from=10.1.2.3"}),
            0);
}

TEST_F(AuthCommandsTest, CheckAnswersInJsonToo) {
  EXPECT_EQ(Check({"-o", "json", "--user=root", "--action=GET",
                   "--resource=Topic:t"}),
            0);
  EXPECT_THAT(out_, AllOf(HasSubstr("\"allowed\": true"),
                          HasSubstr("user \\\"root\\\" is SUPER")));
}

TEST_F(AuthCommandsTest, CheckOfAWrongFileIsNoVerdict) {
  Write("wrong", "users {}", 0600);
  EXPECT_EQ(Run({"check", "--file=" + PathOf("wrong"), "--user=pay",
                 "--action=SUB", "--resource=Group:g"}),
            2);
  EXPECT_EQ(out_, "");
  EXPECT_THAT(err_, HasSubstr("wrong:1:1: user \"\": name must be"));
}

TEST_F(AuthCommandsTest, BadUsageIsToldWhatIsWrong) {
  const std::string file = "--file=" + PathOf("rules.textproto");
  const struct {
    std::vector<std::string> arguments;
    std::string message;
  } cases[] = {
      {{}, "auth needs check|lint; see cmctl help auth"},
      {{"chek"}, "auth takes check or lint, got \"chek\""},
      {{"check"}, "auth check needs --file; see cmctl help auth"},
      {{"check", file}, "auth check needs --user"},
      {{"check", file, "--user=u"}, "auth check needs --resource"},
      {{"check", file, "--user=u", "--resource=Group:g"},
       "auth check needs --action"},
      {{"check", file, "--user=u", "--resource=Group:g", "--action=READ"},
       "--action must be ALL, PUB, SUB"},
      {{"check", file, "--user=u", "--resource=g", "--action=SUB"},
       "--resource must be Cluster:NAME, Topic:NAME or Group:NAME, got \"g\""},
      {{"check", file, "--user=u", "--resource=Group:g", "--action=SUB",
        "--from=here"},
       "--from must be an address such as 10.1.2.3 or fe80::1, got \"here\""},
      {{"check", "more", file, "--user=u", "--resource=Group:g",
        "--action=SUB"},
       "auth check takes no further argument, got \"more\""},
      {{"check", "--broker=127.0.0.1:1"}, "auth has no option --broker"},
      {{"lint"}, "auth lint needs FILE"},
      {{"lint", "f", "--user=u"}, "--user is an option of auth check alone"},
      {{"lint", "f", "--timeout=1s"}, "auth has no option --timeout"},
  };
  for (const auto& [arguments, message] : cases) {
    EXPECT_EQ(Run(arguments), 2) << message;
    EXPECT_THAT(err_, StartsWith(message));
    EXPECT_EQ(out_, "");
  }
}

TEST_F(AuthCommandsTest, LintOfARightFileCountsWhatItHas) {
  EXPECT_EQ(Run({"lint", PathOf("rules.textproto")}), 0);
  EXPECT_EQ(out_, absl::StrCat(PathOf("rules.textproto"),
                               ": nothing is wrong; users: 3, certificates: 0, "
                               "rules: 2\n"));
}

TEST_F(AuthCommandsTest, LintTellsEachErrorInALine) {
  Write("wrong",
        "users { name: \"pay\" secret: s3cr3t }\n"
        "rules { user: \"pay\" }\nrules { action: NONE }\n",
        0600);
  EXPECT_EQ(Run({"lint", PathOf("wrong"), PathOf("rules.textproto")}), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("wrong:1:29: secret must be one text"),
                          HasSubstr("\n"), HasSubstr("wrong:2:1: decision"),
                          HasSubstr("wrong:3:17: action must be ALL"),
                          Not(HasSubstr("s3cr3t"))));
  EXPECT_THAT(out_, HasSubstr("nothing is wrong"));
}

TEST_F(AuthCommandsTest, LintRefusesAFileThatOthersMayRead) {
  Write("open", kRules, 0644);
  EXPECT_EQ(Run({"lint", PathOf("open")}), 1);
  EXPECT_THAT(err_, HasSubstr("must have the mode 0600"));
}

TEST_F(AuthCommandsTest, AFileIsRelativeToWhereTheUserStands) {
  setenv("BUILD_WORKING_DIRECTORY", ::testing::TempDir().c_str(), 1);
  EXPECT_EQ(Run({"lint", "rules.textproto"}), 0);
}

TEST_F(AuthCommandsTest, TheHelpHasNoOptionsOfBrokers) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunCommand({"help", "auth"}, out, err), 0);
  EXPECT_THAT(out.str(),
              AllOf(HasSubstr("auth [OPTION...] check|lint [FILE...]"),
                    HasSubstr("--resource=KIND:NAME"), HasSubstr("--output"),
                    Not(HasSubstr("--broker")), Not(HasSubstr("--timeout"))));
}

}  // namespace
}  // namespace rmq::cmctl
