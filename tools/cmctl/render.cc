#include "tools/cmctl/render.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/wrappers.pb.h"

namespace rmq::cmctl {
namespace {

// --- Tables ---

std::string Printable(absl::string_view text) {
  return text.empty() ? "-" : EscapeControls(text);
}

// An enum value without its enum's name; "-" for the unspecified one, the
// number for one that this cmctl does not know.
std::string EnumCell(absl::string_view name, absl::string_view prefix,
                     int value) {
  if (value == 0) return "-";
  if (name.empty()) return absl::StrCat(value);
  return std::string(absl::StripPrefix(name, prefix));
}
std::string Cell(pb::ConsumeType value) {
  return EnumCell(pb::ConsumeType_Name(value), "CONSUME_TYPE_", value);
}
std::string Cell(pb::MessageModel value) {
  return EnumCell(pb::MessageModel_Name(value), "MESSAGE_MODEL_", value);
}
std::string Cell(pb::ConsumeFromWhere value) {
  return EnumCell(pb::ConsumeFromWhere_Name(value), "CONSUME_FROM_WHERE_",
                  value);
}
std::string Cell(pb::LanguageCode value) {
  return EnumCell(pb::LanguageCode_Name(value), "LANGUAGE_CODE_", value);
}

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) +
         absl::Nanoseconds(timestamp.nanos());
}

// How many columns UTF-8 text takes, as far as one character is one column.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

template <typename Connections>
std::string ConnectionRows(const Connections& connections,
                           const TableTime& time) {
  std::vector<std::vector<std::string>> rows = {
      {"CLIENT ID", "ADDRESS", "LANGUAGE", "VERSION", "CHANNEL", "CONNECTED AT",
       "LAST HEARD"}};
  for (const pb::Connection& connection : connections) {
    rows.push_back({
        Printable(connection.client_id()),
        Printable(connection.remote_address()),
        Cell(connection.language()),
        absl::StrCat(connection.version()),
        absl::StrCat(connection.channel_id(),
                     connection.stream() ? " stream" : " unary"),
        absl::FormatTime("%Y-%m-%d %H:%M:%S %Ez",
                         ToTime(connection.connected_at()), time.zone),
        Ago(ToTime(connection.last_heard_at()), time.now),
    });
  }
  return AlignColumns(rows);
}

// --- JSON ---

std::string Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  // Fails only for an Any of an unknown type, and there is none.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options)
           .ok()) {
    return "null";
  }
  return json;
}

std::string Json(absl::string_view text) {
  google::protobuf::StringValue value;
  value.set_value(std::string(text));
  return Json(value);
}

// An element a line.
template <typename Messages>
std::string JsonArray(const Messages& messages) {
  return absl::StrCat("[",
                      absl::StrJoin(messages, ",",
                                    [](std::string* out, const auto& message) {
                                      absl::StrAppend(out, "\n  ",
                                                      Json(message));
                                    }),
                      messages.empty() ? "]" : "\n]");
}

// Values are JSON already. A member a line.
std::string JsonObject(
    const std::vector<std::pair<absl::string_view, std::string>>& members) {
  return absl::StrCat("{\n",
                      absl::StrJoin(members, ",\n",
                                    [](std::string* out, const auto& member) {
                                      absl::StrAppend(out, "\"", member.first,
                                                      "\": ", member.second);
                                    }),
                      "\n}\n");
}

}  // namespace

std::string EscapeControls(absl::string_view text) {
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char byte = text[i];
    const unsigned char next = i + 1 < text.size() ? text[i + 1] : 0;
    if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppend(&escaped, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080-U+009F
      absl::StrAppend(&escaped, "\\x", absl::Hex(next));
      ++i;
    } else {
      escaped.push_back(text[i]);
    }
  }
  return escaped;
}

std::string Ago(absl::Time time, absl::Time now) {
  const int64_t seconds =
      std::max<int64_t>(0, absl::ToInt64Seconds(now - time));
  if (seconds < 60) return absl::StrCat(seconds, "s ago");
  const int64_t minutes = seconds / 60;
  if (minutes < 60) return absl::StrCat(minutes, "m ", seconds % 60, "s ago");
  const int64_t hours = minutes / 60;
  if (hours < 24) return absl::StrCat(hours, "h ", minutes % 60, "m ago");
  return absl::StrCat(hours / 24, "d ", hours % 24, "h ago");
}

std::string AlignColumns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], Width(row[i]));
    }
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < widths.size(); ++i) {
      text += row[i];
      if (i + 1 < widths.size()) {
        text.append(widths[i] - Width(row[i]) + 2, ' ');
      }
    }
    text += '\n';
  }
  return text;
}

std::string GroupsTable(const Groups& groups) {
  std::vector<std::vector<std::string>> rows = {
      {"KIND", "GROUP", "CHANNELS", "CONSUME TYPE", "MESSAGE MODEL",
       "FROM WHERE", "SUBSCRIPTIONS"}};
  if (groups.consumers.has_value()) {
    for (const pb::GroupSummary& group : *groups.consumers) {
      rows.push_back({"consumer", Printable(group.group()),
                      absl::StrCat(group.channels()),
                      Cell(group.consume_type()), Cell(group.message_model()),
                      Cell(group.consume_from_where()),
                      absl::StrCat(group.subscriptions())});
    }
  }
  if (groups.producers.has_value()) {
    for (const pb::GroupSummary& group : *groups.producers) {
      rows.push_back({"producer", Printable(group.group()),
                      absl::StrCat(group.channels()), "-", "-", "-", "-"});
    }
  }
  if (rows.size() == 1) {
    const absl::string_view kind = !groups.producers.has_value()   ? "consumer "
                                   : !groups.consumers.has_value() ? "producer "
                                                                   : "";
    return absl::StrCat("no ", kind, "group is registered\n");
  }
  return AlignColumns(rows);
}

std::string GroupsJson(const Groups& groups) {
  std::vector<std::pair<absl::string_view, std::string>> members;
  if (groups.consumers.has_value()) {
    members.emplace_back("consumer_groups", JsonArray(*groups.consumers));
  }
  if (groups.producers.has_value()) {
    members.emplace_back("producer_groups", JsonArray(*groups.producers));
  }
  return JsonObject(members);
}

std::string ConnectionsTable(
    absl::string_view group,
    const pb::GetConsumerConnectionListResponse& connections,
    const TableTime& time) {
  std::vector<std::vector<std::string>> rows = {
      {"TOPIC", "TYPE", "EXPRESSION", "SUB VERSION"}};
  for (const pb::SubscriptionData& subscription : connections.subscriptions()) {
    rows.push_back({Printable(subscription.topic()),
                    Printable(subscription.expression_type()),
                    Printable(subscription.expression()),
                    absl::StrCat(subscription.sub_version())});
  }
  return absl::StrCat(
      "consumer group ", Printable(group), ": consume type ",
      Cell(connections.consume_type()), ", message model ",
      Cell(connections.message_model()), ", from where ",
      Cell(connections.consume_from_where()), "\n\n",
      rows.size() == 1 ? "no subscriptions\n" : AlignColumns(rows), "\n",
      ConnectionRows(connections.connections(), time));
}

std::string ConnectionsTable(
    absl::string_view group,
    const pb::GetProducerConnectionListResponse& connections,
    const TableTime& time) {
  return absl::StrCat("producer group ", Printable(group), "\n\n",
                      ConnectionRows(connections.connections(), time));
}

std::string ConnectionsJson(
    absl::string_view group,
    const pb::GetConsumerConnectionListResponse& connections) {
  return JsonObject({
      {"kind", Json("consumer")},
      {"group", Json(group)},
      {"consume_type", Json(pb::ConsumeType_Name(connections.consume_type()))},
      {"message_model",
       Json(pb::MessageModel_Name(connections.message_model()))},
      {"consume_from_where",
       Json(pb::ConsumeFromWhere_Name(connections.consume_from_where()))},
      {"subscriptions", JsonArray(connections.subscriptions())},
      {"connections", JsonArray(connections.connections())},
  });
}

std::string ConnectionsJson(
    absl::string_view group,
    const pb::GetProducerConnectionListResponse& connections) {
  return JsonObject({
      {"kind", Json("producer")},
      {"group", Json(group)},
      {"connections", JsonArray(connections.connections())},
  });
}

std::string IdsTable(const pb::GetConsumerListByGroupResponse& ids) {
  std::string text;
  for (const std::string& id : ids.client_ids()) {
    absl::StrAppend(&text, Printable(id), "\n");
  }
  return text;
}

std::string IdsJson(absl::string_view group,
                    const pb::GetConsumerListByGroupResponse& ids) {
  return JsonObject({
      {"broker_name", Json(ids.broker_name())},
      {"broker_id", absl::StrCat("\"", ids.broker_id(), "\"")},
      {"group", Json(group)},
      {"client_ids", JsonArray(ids.client_ids())},
  });
}

std::string ExpressionTable(absl::string_view type,
                            absl::string_view expression,
                            absl::string_view broker) {
  return absl::StrCat(broker, " takes the ", type, " expression \"",
                      EscapeControls(expression), "\"\n");
}

std::string ExpressionJson(absl::string_view type,
                           absl::string_view expression) {
  return JsonObject({
      {"expression_type", Json(type)},
      {"expression", Json(expression)},
      {"accepted", "true"},
  });
}

}  // namespace rmq::cmctl
