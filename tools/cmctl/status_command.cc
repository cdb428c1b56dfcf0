#include "tools/cmctl/status_command.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/ask_brokers.h"
#include "tools/cmctl/broker_commands.h"
#include "tools/cmctl/broker_view.h"
#include "tools/cmctl/compare_brokers.h"
#include "tools/cmctl/exit_codes.h"
#include "tools/cmctl/look_up.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

// Groups whose epochs are read twice: all of them would take too long.
constexpr size_t kMaxEpochs = 200;

absl::StatusOr<int64_t> NumberOf(const CommandLine& line,
                                 absl::string_view option, int64_t most) {
  int64_t number = 0;
  const std::string& given = line.value(option);
  if (!absl::SimpleAtoi(given, &number) || number < 1 || number > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", option, " must be 1 to ", most, ", got \"",
                     EscapeControls(given), "\""));
  }
  return number;
}

constexpr int64_t kMostClients = 1'000'000;
constexpr int64_t kMostRows = 10'000;

// How long the epochs are watched; zero: they are not.
absl::StatusOr<absl::Duration> TimeOf(const CommandLine& line) {
  const std::string& given = line.value("for");
  absl::Duration time;
  if (given.empty()) return time;
  if (!absl::ParseDuration(given, &time) || time <= absl::ZeroDuration() ||
      time >= line.timeout) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--for must be a positive time that is shorter than --timeout (",
        absl::FormatDuration(line.timeout), "), got \"", EscapeControls(given),
        "\""));
  }
  return time;
}

absl::Status CheckStatus(const CommandLine& line) {
  absl::Status status = NumberOf(line, "clients", kMostClients).status();
  if (status.ok()) status = NumberOf(line, "limit", kMostRows).status();
  return status.ok() ? TimeOf(line).status() : status;
}

std::map<std::string, uint64_t> ReadEpochs(const Ask& ask,
                                           const BrokerView& broker) {
  std::map<std::string, uint64_t> epochs;
  for (const auto& [name, group] : broker.groups) {
    if (epochs.size() == kMaxEpochs) break;
    pb::GetGroupMembershipRequest request;
    request.set_group(name);
    request.set_page_size(1);
    const auto answer = ask(request);
    // A group that has just ended is not compared.
    if (!answer.ok()) continue;
    epochs[name] =
        static_cast<const pb::GetGroupMembershipResponse&>(**answer).epoch();
  }
  return epochs;
}

// Reads the epochs of comparable brokers' groups at two times.
std::vector<EpochView> WatchEpochs(const std::vector<AskedBroker>& asked,
                                   const std::vector<BrokerView>& brokers,
                                   absl::Duration time) {
  std::vector<EpochView> epochs(brokers.size());
  const auto read = [&](std::map<std::string, uint64_t> EpochView::*when) {
    ForEachAtOnce(brokers.size(), [&](size_t i) {
      epochs[i].label = brokers[i].label;
      if (brokers[i].is_comparable()) {
        epochs[i].*when = ReadEpochs(asked[i].ask, brokers[i]);
      }
    });
  };
  read(&EpochView::before);
  absl::SleepFor(time);
  read(&EpochView::after);
  return epochs;
}

AnswerPart BrokersPart(const std::vector<BrokerView>& brokers,
                       const TableTime& time) {
  AnswerPart part = EmptyPart(BrokerTable());
  const int state = FindColumn(part, "STATE");
  for (const BrokerView& broker : brokers) {
    std::vector<std::string> row =
        broker.has_facts ? RowsOf(broker.facts, BrokerTable(), time).front()
                         : std::vector<std::string>(part.columns.size(), "-");
    if (!broker.has_facts) row[state] = "NO ANSWER";
    row.insert(row.begin(), EscapeControls(broker.label));
    row.push_back(broker.last_change == absl::InfinitePast()
                      ? "-"
                      : Ago(broker.last_change, time.now));
    part.rows.push_back(std::move(row));
  }
  part.columns.insert(part.columns.begin(), {"BROKER"});
  part.columns.push_back({"LAST CHANGE"});
  part.name_column = 0;
  return part;
}

// "20 clients and 3 consumer groups of 3 brokers".
std::string WhatWasCompared(const Comparison& comparison) {
  return absl::StrCat(Count(comparison.clients, "client"), " and ",
                      Count(comparison.groups, "consumer group"), " of ",
                      Count(comparison.brokers, "broker"));
}

std::vector<AnswerPart> ComparisonParts(const Comparison& comparison) {
  std::vector<AnswerPart> parts;
  if (comparison.brokers < 2) {
    parts.push_back(
        TextPart("nothing is compared: that takes two brokers that serve and "
                 "have settled\n",
                 /*gap=*/true));
  } else if (comparison.agrees()) {
    parts.push_back(TextPart(
        absl::StrCat("the brokers agree: ", WhatWasCompared(comparison), "\n"),
        /*gap=*/true));
  } else {
    parts.push_back(TextPart(absl::StrCat("THE BROKERS DISAGREE: ",
                                          WhatWasCompared(comparison), "\n"),
                             /*gap=*/true));
    AnswerPart rows;
    rows.columns = {{"WHAT"}, {"NAME"}, {"WHERE"}};
    rows.name_column = -1;
    for (const Disagreement& each : comparison.disagreements) {
      rows.rows.push_back(
          {each.what, Printable(each.name), EscapeControls(each.detail)});
    }
    parts.push_back(std::move(rows));
  }
  std::string more;
  for (const auto& [what, count] : comparison.left_out) {
    absl::StrAppend(&more, "and ", count, " more of ", what, ": --limit\n");
  }
  for (const std::string& note : comparison.notes) {
    absl::StrAppend(&more, EscapeControls(note), "\n");
  }
  if (!more.empty()) parts.push_back(TextPart(more));
  return parts;
}

JsonMembers StatusJson(const std::vector<BrokerView>& brokers,
                       const Comparison& comparison) {
  std::vector<std::string> shown;
  std::vector<std::string> errors;
  for (const BrokerView& broker : brokers) {
    JsonMembers members = {{"broker", JsonString(broker.label)}};
    if (!broker.status.ok()) {
      JsonMembers error = members;
      error.emplace_back("message", JsonString(broker.status.message()));
      errors.push_back(JsonObject(error));
    }
    if (!broker.has_facts) continue;
    members.emplace_back(
        "last_change", broker.last_change == absl::InfinitePast()
                           ? "null"
                           : JsonString(absl::FormatTime(absl::RFC3339_full,
                                                         broker.last_change,
                                                         absl::UTCTimeZone())));
    Append(JsonMembersOf(broker.facts), &members);
    shown.push_back(JsonObject(members));
  }
  std::vector<std::string> disagreements;
  for (const Disagreement& each : comparison.disagreements) {
    disagreements.push_back(absl::StrCat(
        "{\"what\": ", JsonString(each.what), ", \"name\": ",
        JsonString(each.name), ", \"where\": ", JsonString(each.detail), "}"));
  }
  int64_t left_out = 0;
  for (const auto& [what, count] : comparison.left_out) left_out += count;
  std::vector<std::string> notes;
  for (const std::string& note : comparison.notes) {
    notes.push_back(JsonString(note));
  }
  return {{"brokers", JsonArray(shown)},
          {"agree", comparison.brokers < 2 ? "null"
                    : comparison.agrees()  ? "true"
                                           : "false"},
          {"compared",
           absl::StrCat("{\"brokers\": ", comparison.brokers,
                        ", \"clients\": ", comparison.clients,
                        ", \"consumer_groups\": ", comparison.groups, "}")},
          {"disagreements", JsonArray(disagreements)},
          {"disagreements_left_out", absl::StrCat(left_out)},
          {"notes", JsonArray(notes)},
          {"errors", JsonArray(errors)}};
}

// `line` has been checked.
absl::StatusOr<Answer> ShowStatus(const CommandLine& line,
                                  const std::vector<AskedBroker>& asked,
                                  const TableTime& time) {
  ViewLimits limits;
  limits.clients = *NumberOf(line, "clients", kMostClients);
  const auto most = static_cast<size_t>(*NumberOf(line, "limit", kMostRows));
  std::vector<BrokerView> brokers(asked.size());
  ForEachAtOnce(asked.size(), [&](size_t i) {
    brokers[i] = ReadBroker(asked[i], limits, &absl::Now);
  });
  Comparison comparison = CompareBrokers(brokers, most);
  const absl::Duration watched = *TimeOf(line);
  if (watched > absl::ZeroDuration()) {
    CompareEpochs(WatchEpochs(asked, brokers, watched), most, &comparison);
  }
  Answer answer;
  size_t not_read = 0;
  for (const BrokerView& broker : brokers) {
    if (broker.status.ok()) continue;
    ++not_read;
    answer.errors.push_back(BrokerError(broker.label, broker.status));
  }
  if (not_read == brokers.size()) {
    answer.exit_code = kExitError;
  } else if (!comparison.agrees()) {
    answer.exit_code = kExitFindings;
  } else if (not_read > 0) {
    answer.exit_code = kExitNotWhole;
  }
  if (IsForPrograms(line)) {
    answer.json = StatusJson(brokers, comparison);
    return answer;
  }
  answer.parts = {BrokersPart(brokers, time)};
  for (AnswerPart& part : ComparisonParts(comparison)) {
    answer.parts.push_back(std::move(part));
  }
  return answer;
}

}  // namespace

std::vector<Command> StatusCommands() {
  constexpr auto kText = Option::Takes::kText;
  Command status = {
      "status",
      {},
      "several brokers as one, and where they disagree",
      "Shows each broker in a row, and below where the brokers disagree:\n"
      "clients that are on some brokers only, clients that are in other groups "
      "on\nother brokers, and consumer groups whose subscriptions or modes "
      "differ. With --for\nalso the consumer groups whose members change on "
      "some brokers, and stand still on\nothers. Brokers that settle or drain "
      "are shown, and not compared; nor are clients\nthat came less than 10s "
      "ago. Exits with 4 if the brokers disagree.",
      {{"for", "TIME", "", "compare for so long who joins and leaves", kText},
       {"clients", "N", "20000", "read at most so many channels of a broker",
        kText},
       {"limit", "N", "20", "show at most so many disagreements of a kind",
        kText}}};
  status.check = CheckStatus;
  status.run_on_all = ShowStatus;
  return {status};
}

}  // namespace rmq::cmctl
