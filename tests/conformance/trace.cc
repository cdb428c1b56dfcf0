#include "tests/conformance/trace.h"

#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace rmq::conformance {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Message;
using google::protobuf::Struct;
using google::protobuf::Value;

constexpr absl::string_view kFormat = "client-manager-trace/1";

absl::Status FromJson(const std::string& json, Message* message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status =
      google::protobuf::util::JsonStringToMessage(json, message, options);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrReplaceAll(status.message().ToString(), {{"\n", " "}}));
}

const Value* Find(const Struct& object, const char* key) {
  const auto found = object.fields().find(std::string(key));
  return found == object.fields().end() ? nullptr : &found->second;
}

bool IsNull(const Struct& object, const char* key) {
  const Value* const value = Find(object, key);
  return value != nullptr && value->kind_case() == Value::kNullValue;
}

const ListValue& ListOf(const Struct& object, const char* key) {
  const Value* const value = Find(object, key);
  return value == nullptr ? ListValue::default_instance() : value->list_value();
}

// Whether the key's list is null, or has an element that is: Java stumbles over
// either.
bool HasNull(const Struct& object, const char* key) {
  if (IsNull(object, key)) return true;
  for (const Value& value : ListOf(object, key).values()) {
    if (value.kind_case() == Value::kNullValue) return true;
  }
  return false;
}

void MarkNulls(const Struct& json, Subscription* subscription) {
  subscription->set_null_expression_type(IsNull(json, "expressionType"));
}

// Protobuf's mapping takes null for absent; Java does not.
absl::Status MarkNulls(const std::string& json_line, Operation* operation) {
  if (!absl::StrContains(json_line, "null")) return absl::OkStatus();
  Struct line;
  if (absl::Status status = FromJson(json_line, &line); !status.ok()) {
    return status;
  }
  if (operation->has_subscription()) {
    MarkNulls(Find(line, "subscription")->struct_value(),
              operation->mutable_subscription());
  }
  if (!operation->has_body()) return absl::OkStatus();
  const Struct& json = Find(line, "body")->struct_value();
  Heartbeat& body = *operation->mutable_body();
  body.set_null_producers(HasNull(json, "producerDataSet"));
  body.set_null_consumers(HasNull(json, "consumerDataSet"));
  if (body.null_consumers()) return absl::OkStatus();
  const ListValue& consumers = ListOf(json, "consumerDataSet");
  for (int i = 0; i < body.consumer_data_set_size(); ++i) {
    const Struct& json_consumer = consumers.values(i).struct_value();
    Consumer& consumer = *body.mutable_consumer_data_set(i);
    consumer.set_null_subscriptions(
        HasNull(json_consumer, "subscriptionDataSet"));
    if (consumer.null_subscriptions()) continue;
    const ListValue& subscriptions =
        ListOf(json_consumer, "subscriptionDataSet");
    for (int j = 0; j < consumer.subscription_data_set_size(); ++j) {
      MarkNulls(subscriptions.values(j).struct_value(),
                consumer.mutable_subscription_data_set(j));
    }
  }
  return absl::OkStatus();
}

// What is wrong with the operation, in words; empty if nothing is.
std::string Problem(const Operation& operation,
                    std::set<std::string>* channels) {
  static const auto* const with_channel =
      new std::set<std::string>{"heartbeat", "unregister",
                                "check_client_config", "close_channel", "kick"};
  static const auto* const without_channel =
      new std::set<std::string>{"advance",
                                "scan",
                                "tick",
                                "find_consumer_channel",
                                "find_producer_channel",
                                "query_topic_consume_by_who",
                                "group_online",
                                "consumer_list",
                                "snapshot"};
  const std::string& op = operation.op();
  if (op == "open_channel") {
    if (operation.channel().empty()) return "no channel";
    if (!channels->insert(operation.channel()).second) {
      return absl::StrCat("channel ", operation.channel(),
                          " is opened a second time");
    }
  } else if (with_channel->count(op) != 0) {
    if (!operation.unary() && channels->count(operation.channel()) == 0) {
      return absl::StrCat("channel \"", operation.channel(),
                          "\" has not been opened");
    }
  } else if (without_channel->count(op) == 0) {
    return absl::StrCat("unknown operation \"", op, "\"");
  }
  if (op == "advance" && operation.ms() < 0) return "negative ms";
  if (!operation.has_expect()) return "no expect";
  return "";
}

}  // namespace

absl::StatusOr<Recording> ParseRecording(absl::string_view file,
                                         absl::string_view text) {
  Recording recording;
  recording.file = std::string(file);
  std::set<std::string> channels;
  int number = 0;
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ":", number, ": ", what));
  };
  bool is_expressions = false;
  for (absl::string_view view : absl::StrSplit(text, '\n')) {
    ++number;
    const std::string line(absl::StripAsciiWhitespace(view));
    if (line.empty()) continue;
    const bool is_first = recording.header.format().empty() && !is_expressions;
    absl::Status status;
    if (is_first) {
      status = FromJson(line, &recording.header);
      if (!status.ok()) return error(status.message());
      is_expressions = recording.header.format().empty();
      if (!is_expressions) {
        if (recording.header.format() != kFormat) {
          return error(absl::StrCat("format must be ", kFormat, ", got \"",
                                    recording.header.format(), "\""));
        }
        if (!recording.header.has_config()) return error("no config");
        continue;
      }
    }
    if (is_expressions) {
      ExpressionLine& added = recording.expressions.emplace_back();
      added.line = number;
      status = FromJson(line, &added.expression);
      if (!status.ok()) return error(status.message());
      if (!added.expression.has_accepted()) {
        return error(
            "neither the header of a trace nor a line of an expression list");
      }
      continue;
    }
    TraceLine& added = recording.operations.emplace_back();
    added.line = number;
    status = FromJson(line, &added.operation);
    if (status.ok()) status = MarkNulls(line, &added.operation);
    if (!status.ok()) return error(status.message());
    const std::string problem = Problem(added.operation, &channels);
    if (!problem.empty()) return error(problem);
  }
  if (recording.operations.empty() && recording.expressions.empty()) {
    return error("nothing to replay");
  }
  return recording;
}

absl::StatusOr<Recording> ReadRecording(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    return absl::NotFoundError(absl::StrCat(file, ": cannot be read"));
  }
  return ParseRecording(file, text.str());
}

std::string ToJson(const Message& message) {
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &json);
  return status.ok() ? json : message.ShortDebugString();
}

}  // namespace rmq::conformance
