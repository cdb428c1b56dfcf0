#include "tools/cmctl/channel_commands.h"

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "client/admin/admin_client.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/common_options.h"
#include "tools/cmctl/json_yaml.h"
#include "tools/cmctl/look_up.h"
#include "tools/cmctl/message_cells.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const Table& ChannelTable() {
  static const Table& table = *new Table{
      "channel",
      {{"CHANNEL", "channel_id", ChannelCell},
       {"ADDRESS", "remote_address"},
       {"WRITABLE", "writable"},
       {"OPENED AT", "opened_at"},
       {"LAST HEARD", "last_heard_at", AgoCell}},
  };
  return table;
}

// The topics with their expressions: "orders:paid || created, refunds:*".
std::string TopicsCell(const Message& message, const FieldDescriptor&,
                       const TableTime&) {
  const auto& subscriptions =
      static_cast<const pb::StatedGroup&>(message).subscriptions();
  return Printable(absl::StrJoin(
      subscriptions, ", ",
      [](std::string* out, const pb::SubscriptionData& subscription) {
        absl::StrAppend(out, subscription.topic());
        // An inferred one has none.
        if (!subscription.expression().empty()) {
          absl::StrAppend(out, ":", subscription.expression());
        }
      }));
}

std::vector<AnswerPart> Client(const CommandLine&, const Message& message,
                               const TableTime& time) {
  static const Table& groups = *new Table{
      "",
      {{"GROUP", "group"},
       {"CONSUME TYPE", "consume_type"},
       {"MESSAGE MODEL", "message_model"},
       {"LANGUAGE", "language"},
       {"VERSION", "version"},
       {"LAST STATED", "last_stated_at", AgoCell},
       {"TOPICS", "subscriptions", TopicsCell}},
  };
  std::vector<AnswerPart> parts;
  uint64_t last_channel = 0;
  AnswerPart of_channel;
  const auto end_channel = [&] {
    if (!of_channel.rows.empty()) parts.push_back(of_channel);
    of_channel = EmptyPart(groups);
    of_channel.columns.insert(of_channel.columns.begin(), {"KIND"});
    of_channel.columns.push_back({"CHANNEL", Shown::kWideOrMerged});
    of_channel.name_column = 1;
  };
  const auto add = [&](const char* kind, const pb::StatedGroup& group) {
    of_channel.rows.push_back(RowsOf(group, groups, time).front());
    of_channel.rows.back().insert(of_channel.rows.back().begin(), kind);
    of_channel.rows.back().push_back(absl::StrCat(last_channel));
  };
  for (const pb::ClientChannel& channel :
       static_cast<const pb::GetClientResponse&>(message).channels()) {
    // A channel that goes on on the next page is there again.
    if (channel.channel().channel_id() != last_channel) {
      end_channel();
      parts.push_back(PartOf(channel, ChannelTable(), time));
      parts.back().gap = true;
      parts.back().name_column = -1;
      if (!channel.labels().empty()) {
        parts.push_back(TextPart(absl::StrCat(
            "LABELS  ", CellOf(channel, "labels", time, LabelsCell), "\n")));
      }
      last_channel = channel.channel().channel_id();
    }
    for (const pb::StatedGroup& group : channel.consumer_groups()) {
      add("consumer", group);
    }
    for (const pb::StatedGroup& group : channel.producer_groups()) {
      add("producer", group);
    }
  }
  end_channel();
  return parts;
}

void PrintStack(const CommandLine& line,
                const google::protobuf::Message& message, std::ostream& out) {
  if (line.output == OutputFormat::kJson) {
    out << JsonLine(message) << "\n";
    return;
  }
  if (line.output == OutputFormat::kYaml) {
    out << YamlOfJson(JsonLine(message));
    return;
  }
  const auto& trace =
      static_cast<const pb::PrintThreadStackTraceResponse&>(message)
          .thread_stack_trace();
  for (const absl::string_view row : absl::StrSplit(trace, '\n')) {
    out << EscapeControls(absl::StrReplaceAll(row, {{"\t", "    "}})) << "\n";
  }
}

// Whether another broker may have a stream of the client.
bool MayBeElsewhere(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ||
         absl::IsUnavailable(status);
}

// Of several brokers the first one that has the client asks it.
absl::Status ShowStack(const CommandLine& line,
                       const std::vector<FollowedBroker>& brokers,
                       const Screen& screen) {
  pb::PrintThreadStackTraceRequest request;
  request.set_client_id(line.value("client_id"));
  absl::Status told;
  for (const FollowedBroker& broker : brokers) {
    const AdminStreamEnd end =
        broker.stream(request, [&](const google::protobuf::Message& message) {
          PrintStack(line, message, screen.out);
          return true;
        });
    if (end.status.ok()) return end.status;
    // What says most: that a broker does not have the client says least.
    if (told.ok() || absl::IsNotFound(told)) {
      told = brokers.size() == 1
                 ? end.status
                 : absl::Status(end.status.code(),
                                BrokerError(broker.target.label, end.status));
    }
    if (!MayBeElsewhere(end.status)) break;
  }
  return told;
}

absl::Status CheckClient(const CommandLine& line) {
  if (line.value("stack").empty()) return absl::OkStatus();
  if (line.output == OutputFormat::kWide ||
      line.output == OutputFormat::kName) {
    return MustBe("--output", "table, json or yaml with --stack",
                  line.output == OutputFormat::kWide ? "wide" : "name");
  }
  return line.sort.empty() ? absl::OkStatus()
                           : MustBe("--sort",
                                    "left out with --stack, which "
                                    "has no rows",
                                    line.sort);
}

}  // namespace

std::vector<Command> ChannelCommands() {
  return {
      {"client",
       {kClientId},
       "the channels of a client, their groups and what they state",
       "Lists the channels of a client, in the order of their first use, each "
       "with its\ngroups and what it states of them. A group is what all its "
       "members state:\nsee connections. Exits with 1 if the client has no "
       "channel.",
       {{"stack", "", "",
         "have a client of RocketMQ 5's SDKs print the stacks of its threads,\n"
         "and show what it says. Some SDKs never answer. Of several brokers\n"
         "the first that has the client asks it",
         Option::Takes::kNothing}},
       Show<pb::GetClientRequest>(Client),
       ShowStack,
       {},
       CheckClient,
       nullptr,
       false,
       {},
       Forms::kRows,
       nullptr,
       "stack"},
      {"consumer-channel",
       {kGroup, kClientId},
       "the channel of a client in a consumer group",
       "Shows a channel by which a client is in a consumer group. Exits with 1 "
       "if it is\nnot.",
       {},
       Show<pb::FindConsumerChannelRequest>(InTable(ChannelTable()))},
      {"producer-channel",
       {kClientId},
       "the channel of a client as a producer",
       "Shows the channel at which a client registered as a producer last, of "
       "those that\nit still has. Exits with 1 if it has none.",
       {},
       Show<pb::FindProducerChannelRequest>(InTable(ChannelTable()))},
      {"available-producer",
       {kGroup},
       "a writable channel of a producer group, in turn",
       "Shows the channel of a producer group that the broker would ask next: "
       "they take\nturns, those that can be written to first. Asking moves the "
       "turn on.",
       {},
       Show<pb::GetAvailableProducerChannelRequest>(InTable(ChannelTable()))},
  };
}

}  // namespace rmq::cmctl
