#include "broker/config/auth_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <ios>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"
#include "broker/auth/auth_config.h"
#include "broker/auth/auth_rules.h"
#include "common/status_matchers.h"
#include "common/text_fields.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::StrEq;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

constexpr absl::string_view kUsers = R"(users { name: "pay" secret: "12345678" }
users { name: "root" secret: "87654321" type: SUPER }
)";

absl::StatusOr<AuthText> Parse(absl::string_view text) {
  return ParseAuthText("rules.textproto", std::string(text));
}

// With the users of kUsers, which take two lines.
absl::StatusOr<AuthText> ParseWithUsers(absl::string_view text) {
  return Parse(absl::StrCat(kUsers, text));
}

TEST(AuthTextTest, AnEmptyFileHasNobody) {
  const auto config = Parse("# Nobody yet.\n");
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(config->config.users, IsEmpty());
  EXPECT_THAT(config->config.rules, IsEmpty());
}

TEST(AuthTextTest, AByteOrderMarkIsRefusedInOneLine) {
  EXPECT_THAT(Parse(absl::StrCat("\xEF\xBB\xBF", kUsers)),
              StatusIs(kInvalid,
                       StrEq("rules.textproto:1:1: the file begins with a byte "
                             "order mark (0xef 0xbb 0xbf): it must be UTF-8 "
                             "without one")));
}

TEST(AuthTextTest, AllThatAFileMaySayIsRead) {
  const auto parsed = Parse(R"(
    users { name: "pay" secret: "12345678" type: NORMAL status: ENABLE }
    users { name: "root" secret: "87654321" type: SUPER status: DISABLE }
    users { name: "mesh" }
    certificates { match: "spiffe://site/pay" user: "pay" }
    rules { user: "pay" resource: "Group:pay*" action: [SUB, GET]
            source: "10.0.0.0/8" source: "::1" decision: ALLOW }
    rules { user: "mesh" resource: "*" action: ALL decision: DENY }
    client_id_pattern: "${user}%*"
    group_pattern: "${user}|*"
  )");
  ASSERT_THAT(parsed, IsOk());
  const AuthConfig& config = parsed->config;
  ASSERT_EQ(config.users.size(), 3);
  EXPECT_EQ(config.users[0].name, "pay");
  EXPECT_EQ(config.users[0].secret, absl::optional<std::string>("12345678"));
  EXPECT_FALSE(config.users[0].is_super);
  EXPECT_TRUE(config.users[0].is_enabled);
  EXPECT_TRUE(config.users[1].is_super);
  EXPECT_FALSE(config.users[1].is_enabled);
  EXPECT_EQ(config.users[2].secret, absl::nullopt);
  EXPECT_TRUE(config.users[2].is_enabled);
  ASSERT_EQ(config.certificates.size(), 1);
  EXPECT_EQ(config.certificates[0].match, "spiffe://site/pay");
  EXPECT_EQ(config.certificates[0].user, "pay");
  ASSERT_EQ(config.rules.size(), 2);
  const AuthRule& allow = config.rules[0];
  EXPECT_EQ(allow.user, "pay");
  EXPECT_EQ(allow.resource, "Group:pay*");
  EXPECT_EQ(Names(allow.actions), "SUB, GET");
  EXPECT_THAT(allow.sources, ElementsAre("10.0.0.0/8", "::1"));
  EXPECT_TRUE(allow.allows);
  EXPECT_EQ(Names(config.rules[1].actions), "ALL");
  EXPECT_FALSE(config.rules[1].allows);
  EXPECT_THAT(parsed->rule_lines, ElementsAre(6, 8));
  EXPECT_EQ(config.client_id_pattern, "${user}%*");
  EXPECT_EQ(config.group_pattern, "${user}|*");
}

TEST(AuthTextTest, EachActionIsReadAsTheOneOfItsName) {
  for (const AuthAction action : kAllAuthActions) {
    const auto config = ParseWithUsers(absl::StrCat(
        "rules { user: \"pay\" resource: \"*\" action: ", Name(action),
        " decision: ALLOW }"));
    ASSERT_THAT(config, IsOk());
    EXPECT_TRUE(config->config.rules[0].actions == AuthActions{action})
        << Name(action);
  }
}

TEST(AuthTextTest, RulesCanBeMadeOfWhatWasParsed) {
  const auto config = ParseWithUsers(
      R"(rules { user: "pay" resource: "*" action: ALL decision: ALLOW })");
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(AuthRules::Create(config->config), IsOk());
}

// Each of these stands in line 3.
TEST(AuthTextTest, AnErrorTellsItsPlaceItsValueAndWhatIsAllowed) {
  struct Case {
    absl::string_view text;
    absl::string_view error;
  };
  for (
      const auto& [text, error] : {
          Case{R"(users { name: "pay" })",
               "3:9: user \"pay\": stands there twice, first in line 1"},
          Case{R"(users { secret: "x" name: "a b" })",
               "3:21: user \"a b\": name must be 1 to 64 letters, digits, "
               "'.', '_', '-' and '@', got 3 bytes"},
          Case{R"(users { secret: "x" })", "3:1: user \"\": name must be"},
          Case{R"(users { name: "a" secret: "" })",
               "3:19: user \"a\": secret must be 1 to 256 bytes"},
          Case{R"(users { name: "a" type: ADMIN })",
               "3:25: type must be NORMAL or SUPER, got \"ADMIN\""},
          Case{R"(users { name: "a" status: 7 })",
               "3:19: status must be ENABLE or DISABLE, got 7"},
          Case{R"(users { name: "a" type: NORMAL type: SUPER })", "3:"},
          Case{R"(users { name: "a" role: "x" })",
               "3:19: there is no field \"role\": there are name, secret, "
               "type, status"},
          Case{R"(user { name: "a" })",
               "3:1: there is no field \"user\": there are users, "
               "certificates, rules, client_id_pattern, group_pattern"},
          Case{R"(certificates { match: "pay.site" user: "bill" })",
               "3:34: certificate \"pay.site\": user must be one of users, "
               "got \"bill\""},
          Case{
              R"(rules { user: "bill" resource: "*" action: ALL decision: DENY })",
              "3:9: rule of \"bill\" for \"*\": user must be one of users"},
          Case{
              R"(rules { user: "pay" resource: "Group:p*y" action: SUB decision: DENY })",
              "3:21: rule of \"pay\" for \"Group:p*y\": resource must have "
              "a name of letters"},
          Case{
              R"(rules { user: "pay" resource: "*" action: [SUB, SUBS] decision: DENY })",
              "3:49: action must be ALL, PUB, SUB, CREATE, UPDATE, DELETE, "
              "GET or LIST, got \"SUBS\""},
          Case{
              R"(rules { user: "pay" resource: "*" action: 0 decision: DENY })",
              "3:35: action must be ALL, PUB"},
          Case{R"(rules { user: "pay" resource: "*" decision: DENY })",
               "3:1: rule of \"pay\" for \"*\": action must be at least one"},
          Case{R"(rules { user: "pay" resource: "*" action: SUB })",
               "3:1: decision must be ALLOW or DENY, got none"},
          Case{
              R"(rules { user: "pay" resource: "*" action: SUB source: "10.1.2.3/8" decision: DENY })",
              "3:47: rule of \"pay\" for \"*\": source must be a range whose "
              "bits behind the first 8 are 0, got \"10.1.2.3/8\""},
          Case{
              R"(rules { user: "root" resource: "*" action: SUB decision: DENY })",
              "3:48: rule of \"root\" for \"*\": decision must not be DENY"},
          Case{R"(client_id_pattern: "pay*")",
               "3:1: client_id_pattern must be at most 255 bytes with ${user} "
               "once, got \"pay*\""},
          Case{R"(group_pattern: "")", "3:1: group_pattern must have ${user}"},
          Case{R"(rules { user: "pay" resource: "*")", "3:"},
      }) {
    EXPECT_THAT(
        ParseWithUsers(text),
        StatusIs(kInvalid, StartsWith(absl::StrCat("rules.textproto:", error))))
        << text;
  }
}

TEST(AuthTextTest, AContradictionNamesBothRules) {
  EXPECT_THAT(
      ParseWithUsers(R"(
rules { user: "pay" resource: "Group:a" action: SUB decision: ALLOW }
rules { user: "pay" resource: "Group:a" action: [GET, SUB] decision: DENY })"),
      StatusIs(kInvalid, AllOf(StartsWith("rules.textproto:5:60: rule of "),
                               EndsWith("otherwise, first in line 4"))));
}

TEST(AuthTextTest, APatternStandsThereOnce) {
  EXPECT_THAT(Parse("group_pattern: \"${user}|*\"\n"
                    "group_pattern: \"${user}|*\""),
              StatusIs(kInvalid,
                       "rules.textproto:2:1: group_pattern stands there twice, "
                       "first in line 1"));
}

TEST(AuthTextTest, TheErrorsOfAllEntriesAreListed) {
  EXPECT_THAT(Parse("users { nam: \"a\" }\nusers { name: 7 }\nrule {}"),
              StatusIs(kInvalid, AllOf(HasSubstr("rules.textproto:1:9: "),
                                       HasSubstr("rules.textproto:2:15: "),
                                       HasSubstr("rules.textproto:3:1: "))));
}

TEST(AuthTextTest, OfVeryManyErrorsTheFirstAreListed) {
  std::string text;
  for (size_t i = 0; i < kMaxTextErrors; ++i) text += "rules {}\n";
  EXPECT_THAT(Parse(text), StatusIs(kInvalid, Not(HasSubstr("more"))));
  EXPECT_THAT(Parse(text + "rules {}"),
              StatusIs(kInvalid, EndsWith("and 1 errors more")));
}

TEST(AuthTextTest, NoErrorShowsWhatStandsWhereASecretShould) {
  for (const absl::string_view secret :
       {"s3cr3t", "1234567", "\"s3cr3t\"x7x", "\"a\"s3cr3t:\"b\"",
        "\"a\" s3cr3t", "\"a\" 7777777", "'s3cr3t", "\"s3cr3t", "{ s3cr3t: 1 }",
        "[ \"s3cr3t\", x ]", "\"s3cr3t\" secret: \"s3cr3t\"", "s3cr3t-x",
        "-s3cr3t", "\"s3cr3t\\q\"", "\"s3cr3t\" \"\\x01\""}) {
    const auto config =
        Parse(absl::StrCat("users { name: \"a\" secret: ", secret, " }"));
    EXPECT_THAT(config, StatusIs(kInvalid, AllOf(Not(HasSubstr("3cr3t")),
                                                 Not(HasSubstr("77")),
                                                 Not(HasSubstr("x7x")),
                                                 Not(HasSubstr("1234567")))))
        << secret;
  }
  EXPECT_THAT(Parse("users { name: \"a\" secret \"s3cr3t\" }"),
              StatusIs(kInvalid, Not(HasSubstr("s3cr3t"))));
}

TEST(AuthTextTest, AFieldBehindASecretIsShown) {
  EXPECT_THAT(Parse("users { secret: \"s3cr3t\" nam: \"a\" }"),
              StatusIs(kInvalid, HasSubstr("there is no field \"nam\"")));
}

class AuthFileTest : public ::testing::Test {
 protected:
  // Writes a file with the mode, and returns its path.
  static std::string Write(absl::string_view text, mode_t mode) {
    std::string path = absl::StrCat(::testing::TempDir(), "/auth_rules_",
                                    static_cast<int>(mode));
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
};

TEST_F(AuthFileTest, AFileOfItsOwnersAloneIsRead) {
  for (const mode_t mode : {0600, 0400, 0700}) {
    const auto config = ReadAuthFile(Write(kUsers, mode));
    ASSERT_THAT(config, IsOk());
    EXPECT_EQ(config->config.users.size(), 2);
  }
}

TEST_F(AuthFileTest, AFileThatOthersMayReadOrWriteIsRefused) {
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0644}) {
    EXPECT_THAT(ReadAuthFile(Write(kUsers, mode)),
                StatusIs(kInvalid, HasSubstr("must have the mode 0600")));
  }
  EXPECT_THAT(ReadAuthFile(Write(kUsers, 0644)),
              StatusIs(kInvalid, HasSubstr("got 0644: chmod 600 ")));
}

TEST_F(AuthFileTest, AFileThatIsNotThereIsNotFound) {
  EXPECT_THAT(ReadAuthFile("/nowhere/rules"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("cannot read auth file /nowhere/rules")));
}

TEST_F(AuthFileTest, AFolderIsRefused) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/folder");
  mkdir(path.c_str(), 0700);
  EXPECT_THAT(ReadAuthFile(path), Not(IsOk()));
}

TEST_F(AuthFileTest, APipeIsRefusedAndNotWaitedFor) {
  const std::string path =
      absl::StrCat(::testing::TempDir(), "/pipe", getpid());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(ReadAuthFile(path),
              StatusIs(kInvalid, HasSubstr("must be a file, and is none")));
}

TEST_F(AuthFileTest, AFileWithoutUsersIsRefused) {
  const std::string path = Write("", 0600);
  EXPECT_THAT(
      ReadAuthFile(path),
      StatusIs(kInvalid,
               StrEq(absl::StrCat(path,
                                  ":1:1: users must have at least one entry, "
                                  "got none"))));
}

TEST_F(AuthFileTest, AFileHas16MegabytesAtMost) {
  std::string text(kUsers);
  text.resize(kMaxAuthFileBytes, '\n');
  EXPECT_THAT(ReadAuthFile(Write(text, 0600)), IsOk());
  text.push_back('\n');
  EXPECT_THAT(ReadAuthFile(Write(text, 0600)),
              StatusIs(kInvalid, HasSubstr("must be at most 16777216 bytes")));
}

TEST_F(AuthFileTest, AnErrorInTheFileNamesIt) {
  const std::string path = Write("users {}", 0600);
  EXPECT_THAT(ReadAuthFile(path),
              StatusIs(kInvalid, StartsWith(absl::StrCat(path, ":1:1: "))));
}

}  // namespace
}  // namespace rmq
