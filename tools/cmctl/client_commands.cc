#include "tools/cmctl/client_commands.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/look_up.h"
#include "tools/cmctl/message_cells.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// What the broker takes.
constexpr int64_t kLargestPage = 1000;

absl::Status MustBe(absl::string_view option, absl::string_view rule,
                    absl::string_view got) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, " must be ", rule, ", got \"", got, "\""));
}

// Sets the criteria that the options give. `Criteria` is ClientFilter or
// KickClientsRequest: their fields have the same names.
template <typename Criteria>
absl::Status SetCriteria(const CommandLine& line, Criteria* criteria) {
  criteria->set_group(line.value("group"));
  criteria->set_remote_address(line.value("address"));
  for (const std::string& label : line.list("label")) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(label, absl::MaxSplits('=', 1));
    if (parts.first.empty() || label.find('=') == std::string::npos) {
      return MustBe("--label", "KEY=VALUE", label);
    }
    if (!criteria->mutable_labels()
             ->insert({parts.first, parts.second})
             .second) {
      return MustBe("--label", "given once for a key", label);
    }
  }
  const std::string& language = line.value("language");
  pb::LanguageCode code = pb::LANGUAGE_CODE_UNSPECIFIED;
  if (!language.empty() &&
      (!pb::LanguageCode_Parse(
           absl::StrCat("LANGUAGE_CODE_", absl::AsciiStrToUpper(language)),
           &code) ||
       code == pb::LANGUAGE_CODE_UNSPECIFIED)) {
    return MustBe("--language", "one such as java, cpp or go", language);
  }
  criteria->set_language(code);
  const std::string& version = line.value("version");
  int32_t number = 0;
  if (!version.empty()) {
    if (!absl::SimpleAtoi(version, &number)) {
      return MustBe("--version", "a number", version);
    }
    criteria->set_version(number);
  }
  return absl::OkStatus();
}

// The consumer groups, then the producer groups; how many more there are.
std::string GroupsCell(const Message& message, const FieldDescriptor&,
                       const TableTime&) {
  const auto& client = static_cast<const pb::ListedClient&>(message);
  std::vector<std::string> groups;
  for (const std::string& group : client.consumer_groups()) {
    groups.push_back(group);
  }
  for (const std::string& group : client.producer_groups()) {
    groups.push_back(absl::StrCat(group, " (producer)"));
  }
  if (client.groups_left_out() > 0) {
    groups.push_back(absl::StrCat(client.groups_left_out(), " more"));
  }
  return Printable(absl::StrJoin(groups, ", "));
}

Table ClientTable(bool closed) {
  Table table;
  table.rows = "clients";
  table.columns = {{"CLIENT ID", "client_id"},
                   {"ADDRESS", "channel.remote_address"},
                   {"CHANNEL", "channel.channel_id", ChannelCell},
                   {"LANGUAGE", "language"},
                   {"VERSION", "version"},
                   {"OPENED AT", "channel.opened_at"}};
  if (closed) {
    table.columns.push_back({"CLOSED", "closed_at", AgoCell});
    table.columns.push_back({"REASON", "reason"});
  } else {
    table.columns.push_back({"LAST HEARD", "channel.last_heard_at", AgoCell});
  }
  table.columns.push_back({"GROUPS", "consumer_groups", GroupsCell});
  table.columns.push_back({"LABELS", "labels", LabelsCell});
  if (!closed) {
    table.columns.push_back(
        {"WRITABLE", "channel.writable", PlainCell, Shown::kWide});
  }
  table.columns.push_back({"PRINCIPAL", "principal", PlainCell, Shown::kWide});
  table.if_empty = closed ? "no client went lately" : "no client is connected";
  return table;
}

// How many rows the user wants at most.
absl::StatusOr<int64_t> LimitOf(const CommandLine& line) {
  int64_t limit = 0;
  if (!absl::SimpleAtoi(line.value("limit"), &limit) || limit < 1) {
    return MustBe("--limit", "a positive number", line.value("limit"));
  }
  return limit;
}

absl::StatusOr<pb::ListClientsRequest> ListRequest(const CommandLine& line) {
  pb::ListClientsRequest request;
  const absl::Status status = SetCriteria(line, request.mutable_filter());
  if (!status.ok()) return status;
  if (!line.value("closed").empty()) {
    request.mutable_filter()->set_state(
        pb::ClientFilter::STATE_RECENTLY_CLOSED);
  }
  if (!line.value("newest").empty()) {
    request.set_order(pb::ListClientsRequest::ORDER_NEWEST_FIRST);
  }
  return request;
}

// Whether the user looks for some, rather than at all.
bool HasCriteria(const pb::ClientFilter& filter) {
  pb::ClientFilter rest = filter;
  rest.clear_state();
  return rest.ByteSizeLong() > 0;
}

absl::Status CheckClients(const CommandLine& line) {
  const absl::Status status = LimitOf(line).status();
  return status.ok() ? ListRequest(line).status() : status;
}

// `line` has been checked.
absl::StatusOr<Answer> ShowClients(const CommandLine& line, const Ask& ask,
                                   const TableTime& time) {
  const int64_t limit = *LimitOf(line);
  pb::ListClientsRequest request = *ListRequest(line);
  pb::ListClientsResponse found;
  do {
    request.set_page_size(static_cast<int32_t>(
        std::min(limit - found.clients_size(), kLargestPage)));
    const auto page = ask(request);
    if (!page.ok()) return page.status();
    request.set_page_token(
        static_cast<const pb::ListClientsResponse&>(**page).next_page_token());
    found.clear_next_page_token();
    found.MergeFrom(**page);
  } while (!request.page_token().empty() && found.clients_size() < limit);
  if (found.clients().empty() && HasCriteria(request.filter())) {
    return absl::NotFoundError("no such client");
  }
  const bool more = !request.page_token().empty();
  found.clear_next_page_token();
  Answer answer;
  if (IsForPrograms(line)) {
    answer.json = JsonMembersOf(found);
    answer.json.emplace_back("more", more ? "true" : "false");
    return answer;
  }
  answer.parts = {
      PartOf(found, ClientTable(!line.value("closed").empty()), time)};
  if (more) {
    answer.parts.push_back(TextPart(
        absl::StrCat("The first ", limit, "; there may be more: --limit\n"),
        /*gap=*/true));
  }
  return answer;
}

// Without the client id.
absl::StatusOr<pb::KickClientsRequest> KickRequest(const CommandLine& line) {
  pb::KickClientsRequest request;
  const absl::Status status = SetCriteria(line, &request);
  if (!status.ok()) return status;
  request.set_all(!line.value("all").empty());
  request.set_reason(line.value("reason"));
  if (request.reason().empty()) {
    return absl::InvalidArgumentError(
        "--reason must be given: the clients are told it, and it is logged");
  }
  const std::string& hold = line.value("for");
  absl::Duration time;
  if (!hold.empty()) {
    if (!absl::ParseDuration(hold, &time) || time < absl::ZeroDuration() ||
        time > absl::Hours(24)) {
      return MustBe("--for", "a time of 0 to 24h such as 10m", hold);
    }
    auto& retry_after = *request.mutable_retry_after();
    retry_after.set_seconds(absl::IDivDuration(time, absl::Seconds(1), &time));
    retry_after.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time)));
  }
  return request;
}

// What tells clients apart has no meaning for those that are not there.
absl::Status CheckRelease(const CommandLine& line) {
  for (const char* const option :
       {"group", "language", "version", "address", "for", "reason"}) {
    if (line.value(option).empty()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--release takes CLIENT_ID or --all, and no --", option));
  }
  if (!line.list("label").empty()) {
    return absl::InvalidArgumentError(
        "--release takes CLIENT_ID or --all, and no --label");
  }
  const bool has_ids = !line.list("client_id").empty();
  if (has_ids != line.value("all").empty()) {
    return absl::InvalidArgumentError(
        "--release takes either CLIENT_ID or --all");
  }
  return absl::OkStatus();
}

absl::Status CheckKick(const CommandLine& line) {
  if (!line.value("release").empty()) return CheckRelease(line);
  return KickRequest(line).status();
}

// How many channels or clients there were.
using Counted = std::vector<std::pair<std::string, int64_t>>;

// Sends the request for each client id that is given, or once without one, and
// adds the response's `count` up.
template <typename Request>
absl::StatusOr<Counted> AskForEach(const CommandLine& line, const Ask& ask,
                                   Request request, const char* count) {
  std::vector<std::string> ids = line.list("client_id");
  if (ids.empty()) ids.emplace_back();
  Counted counted;
  int64_t sum = 0;
  for (const std::string& id : ids) {
    request.set_client_id(id);
    const auto answer = ask(request);
    if (!answer.ok()) {
      return counted.empty()
                 ? answer.status()
                 : absl::Status(answer.status().code(),
                                absl::StrCat("client ", Printable(id), ": ",
                                             answer.status().message(), "; ",
                                             count, " before that: ", sum));
    }
    const FieldDescriptor* const field =
        (*answer)->GetDescriptor()->FindFieldByName(count);
    counted.emplace_back(id,
                         (*answer)->GetReflection()->GetInt64(**answer, field));
    sum += counted.back().second;
  }
  return counted;
}

// "taken out: 3 channels". Of several client ids, a line for each comes first.
Answer ShowCounts(const Counted& counted, const char* count,
                  absl::string_view done, absl::string_view what) {
  int64_t sum = 0;
  for (const auto& [id, number] : counted) sum += number;
  Answer answer;
  answer.json = {
      {count, JsonString(absl::StrCat(sum))}};  // As protobuf has int64.
  if (counted.size() > 1) {
    std::vector<std::string> each;
    for (const auto& [id, number] : counted) {
      each.push_back(absl::StrCat("{\"client_id\":", JsonString(id), ",\"",
                                  count, "\":\"", number, "\"}"));
    }
    answer.json.emplace_back(
        "clients", absl::StrCat("[\n  ", absl::StrJoin(each, ",\n  "), "\n]"));
  }
  std::string text;
  const auto add = [&](absl::string_view whose, int64_t number) {
    absl::StrAppend(&text, whose, ": ", number, " ", what,
                    number == 1 ? "" : "s", "\n");
  };
  if (counted.size() > 1) {
    for (const auto& [id, number] : counted) add(Printable(id), number);
  }
  add(done, sum);
  answer.parts = {TextPart(text)};
  return answer;
}

// `line` has been checked.
absl::StatusOr<Answer> KickClients(const CommandLine& line, const Ask& ask,
                                   const TableTime&) {
  if (!line.value("release").empty()) {
    pb::ReleaseClientsRequest request;
    request.set_all(!line.value("all").empty());
    const auto released = AskForEach(line, ask, request, "released");
    if (!released.ok()) return released.status();
    return ShowCounts(*released, "released", "let in again", "client");
  }
  const auto kicked = AskForEach(line, ask, *KickRequest(line), "kicked");
  if (!kicked.ok()) return kicked.status();
  return ShowCounts(*kicked, "kicked", "taken out", "channel");
}

// The criteria of both commands.
std::vector<Option> CriteriaWith(std::vector<Option> options) {
  constexpr auto kText = Option::Takes::kText;
  std::vector<Option> all = {
      {"group", "GROUP", "", "those in the group, of either kind", kText},
      {"label", "KEY=VALUE", "",
       "those with the label; may be given several times",
       Option::Takes::kTexts},
      {"language", "LANGUAGE", "", "those of the language, such as java",
       kText},
      {"version", "NUMBER", "", "those of the version", kText},
      {"address", "HOST[:PORT]", "", "those at the address", kText}};
  all.insert(all.end(), options.begin(), options.end());
  return all;
}

}  // namespace

std::vector<Command> ClientCommands() {
  constexpr auto kNothing = Option::Takes::kNothing;
  constexpr auto kText = Option::Takes::kText;
  std::vector<Command> commands = {
      {"clients",
       {},
       "the clients that are connected, or went lately",
       "Lists the channels of clients: those that meet all options.\n"
       "With --closed those that were closed lately, with the reason.\n"
       "Exits with 1 if options say which clients, and there is none.",
       CriteriaWith(
           {{"closed", "", "", "those that were closed lately", kNothing},
            {"newest", "", "", "the newest first", kNothing},
            {"limit", "N", "1000", "at most so many", kText}}),
       ShowClients,
       nullptr,
       {},
       CheckClients},
      {"kick",
       {},
       "takes clients out",
       "Takes out the clients that meet all options, and keeps them out for a\n"
       "while. They are told why, and for how long. At least one of CLIENT_ID\n"
       "and the criteria must be given, or --all. Of several CLIENT_IDs each "
       "is\n"
       "taken out that meets the other options, by a call of its own.\n"
       "With --release clients that were taken out are let in again before "
       "their\ntime; one that waits by itself for its time still does so.",
       CriteriaWith({{"all", "", "", "everybody", kNothing},
                     {"for", "TIME", "",
                      "how long they are kept out, 0 to 24h (the broker's\n"
                      "--kick_hold); 0: they may come back at once",
                      kText},
                     {"reason", "TEXT", "", "why; must be given", kText},
                     {"release", "", "", "let CLIENT_ID..., or --all, in again",
                      kNothing}}),
       KickClients,
       nullptr,
       {"CLIENT_ID", "client_id"},
       CheckKick},
  };
  commands.back().forms = Forms::kText;
  return commands;
}

}  // namespace rmq::cmctl
