#include "tools/cmctl/auth_commands.h"

#include <cstdlib>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"
#include "broker/auth/auth_config.h"
#include "broker/auth/auth_rules.h"
#include "broker/auth/method_access.h"
#include "broker/config/auth_file.h"
#include "common/ip_range.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

constexpr int kAllowed = 0;
constexpr int kDenied = 1;
constexpr int kBadUsage = 2;

constexpr int kNothingWrong = 0;
constexpr int kWrong = 1;

// Where the user stands: `bazel run` starts programs elsewhere.
std::string FromHere(const std::string& path) {
  const char* const here = std::getenv("BUILD_WORKING_DIRECTORY");
  return here == nullptr || absl::StartsWith(path, "/")
             ? path
             : absl::StrCat(here, "/", path);
}

// Messages may have several lines.
void ShowError(const absl::Status& status, std::ostream& err) {
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    err << EscapeControls(line) << "\n";
  }
}

absl::Status BadOption(absl::string_view option, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("--", option, " ", EscapeControls(why)));
}

absl::Status CheckCheck(const CommandLine& line) {
  for (const absl::string_view option : {"file", "user", "resource"}) {
    if (line.value(option).empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("auth check needs --", option, "; see cmctl help auth"));
    }
  }
  if (!line.list("files").empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("auth check takes no further argument, got \"",
                     line.list("files").front(), "\"; see cmctl help auth"));
  }
  if (line.list("action").empty()) {
    return absl::InvalidArgumentError(
        "auth check needs --action; see cmctl help auth");
  }
  for (const std::string& action : line.list("action")) {
    const auto parsed = ParseAuthAction(action);
    if (!parsed.ok()) return BadOption("action", parsed.status().message());
  }
  const auto resource = ParseAuthResource(line.value("resource"));
  if (!resource.ok()) {
    return BadOption("resource", resource.status().message());
  }
  const std::string& from = line.value("from");
  if (!from.empty() && !IpAddress::Parse(from).has_value()) {
    return BadOption("from", absl::StrCat("must be an address such as 10.1.2.3 "
                                          "or fe80::1, got \"",
                                          from, "\""));
  }
  return absl::OkStatus();
}

absl::Status CheckLint(const CommandLine& line) {
  if (line.list("files").empty()) {
    return absl::InvalidArgumentError(
        "auth lint needs FILE; see cmctl help auth");
  }
  for (const absl::string_view option : {"file", "user", "resource", "from"}) {
    if (!line.value(option).empty()) {
      return BadOption(option, "is an option of auth check alone");
    }
  }
  if (!line.list("action").empty()) {
    return BadOption("action", "is an option of auth check alone");
  }
  return absl::OkStatus();
}

absl::Status CheckUsage(const CommandLine& line) {
  const std::string& what = line.value("what");
  if (what == "check") return CheckCheck(line);
  if (what == "lint") return CheckLint(line);
  return absl::InvalidArgumentError(
      absl::StrCat("auth takes check or lint, got \"", EscapeControls(what),
                   "\"; see cmctl help auth"));
}

// What decides, in words; `rule` is the one that does, "" if none does.
std::string InWords(const AccessVerdict& verdict, const std::string& user,
                    const std::string& rule) {
  switch (verdict.reason) {
    case AccessVerdict::Reason::kAnonymous:
      return "anonymous callers may do nothing";
    case AccessVerdict::Reason::kNoSuchUser:
      return absl::StrCat("there is no user \"", user, "\"");
    case AccessVerdict::Reason::kDisabled:
      return absl::StrCat("user \"", user, "\" is disabled");
    case AccessVerdict::Reason::kNoRule:
      return absl::StrCat("no rule of user \"", user, "\" matches");
    case AccessVerdict::Reason::kSuper:
      return absl::StrCat("user \"", user, "\" is SUPER");
    case AccessVerdict::Reason::kRule: break;
  }
  return rule;
}

int RunCheck(const CommandLine& line, std::ostream& out, std::ostream& err) {
  const std::string& file = line.value("file");
  const absl::StatusOr<AuthText> text = ReadAuthFile(FromHere(file));
  if (!text.ok()) {
    ShowError(text.status(), err);
    return kBadUsage;
  }
  const auto rules = AuthRules::Create(text->config);
  if (!rules.ok()) {
    ShowError(rules.status(), err);
    return kBadUsage;
  }
  AuthActions actions;
  for (const std::string& name : line.list("action")) {
    const AuthActions more = *ParseAuthAction(name);
    for (const AuthAction action : kAllAuthActions) {
      if (more.Intersects({action})) actions.Add(action);
    }
  }
  const std::string& user = line.value("user");
  AuthResource resource = *ParseAuthResource(line.value("resource"));
  // As the broker asks.
  if (resource.kind == ResourceKind::kTopic) {
    resource = ResourceOfTopic(resource.name);
  }
  const AccessVerdict verdict = (*rules)->Check(
      {user, resource, actions, IpAddress::Parse(line.value("from"))});
  std::string place;
  std::string rule;
  if (verdict.rule.has_value()) {
    place = absl::StrCat(file, ":", text->rule_lines[*verdict.rule]);
    rule = Text(text->config.rules[*verdict.rule]);
  }
  const std::string words = EscapeControls(InWords(verdict, user, rule));
  if (line.output == OutputFormat::kJson) {
    out << JsonObject({{"allowed", verdict.is_allowed ? "true" : "false"},
                       {"why", JsonString(words)},
                       {"place", JsonString(place)}});
  } else {
    out << (verdict.is_allowed ? "allowed: " : "denied: ")
        << (place.empty() ? "" : absl::StrCat(EscapeControls(place), ": "))
        << words << "\n";
  }
  return verdict.is_allowed ? kAllowed : kDenied;
}

int RunLint(const CommandLine& line, std::ostream& out, std::ostream& err) {
  int code = kNothingWrong;
  for (const std::string& file : line.list("files")) {
    const absl::StatusOr<AuthText> text = ReadAuthFile(FromHere(file));
    if (!text.ok()) {
      ShowError(text.status(), err);
      code = kWrong;
      continue;
    }
    const AuthConfig& config = text->config;
    if (line.output == OutputFormat::kJson) {
      out << JsonObject(
          {{"file", JsonString(file)},
           {"users", absl::StrCat(config.users.size())},
           {"certificates", absl::StrCat(config.certificates.size())},
           {"rules", absl::StrCat(config.rules.size())}});
    } else {
      out << EscapeControls(file)
          << ": nothing is wrong; users: " << config.users.size()
          << ", certificates: " << config.certificates.size()
          << ", rules: " << config.rules.size() << "\n";
    }
  }
  return code;
}

}  // namespace

std::vector<Command> AuthCommands() {
  Command auth = {
      "auth",
      {{"check|lint", "what"}},
      "what a file of users and rules allows",
      "auth check says whether a file of users and rules allows something, "
      "and\n"
      "which rule decides. Exits with 0 if it is allowed, 1 if it is denied, "
      "2\n"
      "for bad usage or a file that is wrong.\n\n"
      "auth lint FILE... says what is wrong with files. Exits with 0 if "
      "nothing\n"
      "is, 1 if something is.\n\n"
      "Both ask no broker.",
      {{"file", "FILE", "", "check: the file", Option::Takes::kText},
       {"user", "USER", "", "check: who asks", Option::Takes::kText},
       {"action", "ACTION", "",
        "check: what for: PUB, SUB, CREATE, UPDATE,\n"
        "DELETE, GET, LIST. If given several times, any\n"
        "of them will do",
        Option::Takes::kTexts},
       {"resource", "KIND:NAME", "",
        "check: with what: Group:NAME, Topic:NAME,\n"
        "Cluster:NAME",
        Option::Takes::kText},
       {"from", "ADDRESS", "",
        "check: from where, as 10.1.2.3; if it is not\n"
        "given, from a client without an address, as on\n"
        "a Unix socket",
        Option::Takes::kText}}};
  auth.more_arguments = {"FILE", "files"};
  auth.check = CheckUsage;
  auth.run_locally = [](const CommandLine& line, std::ostream& out,
                        std::ostream& err) {
    return line.value("what") == "check" ? RunCheck(line, out, err)
                                         : RunLint(line, out, err);
  };
  return {auth};
}

}  // namespace rmq::cmctl
