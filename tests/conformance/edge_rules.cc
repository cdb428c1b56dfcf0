#include "tests/conformance/edge_rules.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace rmq::conformance {
namespace {

using Names = std::set<std::string>;

bool IsUnknown(const std::string& value, const Names& names) {
  return !value.empty() && names.count(value) == 0;
}

bool IsRefused(const Consumer& consumer) {
  static const auto* const types =
      new Names{"CONSUME_ACTIVELY", "CONSUME_PASSIVELY", "CONSUME_POP"};
  static const auto* const models = new Names{"BROADCASTING", "CLUSTERING"};
  static const auto* const places =
      new Names{"CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_FIRST_OFFSET",
                "CONSUME_FROM_TIMESTAMP"};
  if (!consumer.has_group_name() || consumer.null_subscriptions() ||
      IsUnknown(consumer.consume_type(), *types) ||
      IsUnknown(consumer.message_model(), *models) ||
      IsUnknown(consumer.consume_from_where(), *places)) {
    return true;
  }
  Names topics;
  for (const Subscription& subscription : consumer.subscription_data_set()) {
    if (!subscription.has_topic() ||
        !topics.insert(subscription.topic()).second) {
      return true;
    }
  }
  return false;
}

bool IsRefused(const Heartbeat& body) {
  if (body.client_id().empty() || body.null_consumers() ||
      body.null_producers()) {
    return true;
  }
  Names groups;
  for (const Consumer& consumer : body.consumer_data_set()) {
    if (IsRefused(consumer) || !groups.insert(consumer.group_name()).second) {
      return true;
    }
  }
  groups.clear();
  for (const Producer& producer : body.producer_data_set()) {
    if (producer.group_name().empty() ||
        !groups.insert(producer.group_name()).second) {
      return true;
    }
  }
  return false;
}

// Java's String#trim: control characters are blanks too.
absl::string_view JavaTrim(absl::string_view text) {
  const auto is_blank = [](char c) {
    return static_cast<unsigned char>(c) <= ' ';
  };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

int32_t JavaHash(absl::string_view text) {
  uint32_t hash = 0;
  const auto add = [&hash](uint32_t unit) { hash = 31 * hash + unit; };
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80   ? 1
                          : lead < 0xE0 ? 2
                          : lead < 0xF0 ? 3
                                        : 4;
    uint32_t code = length == 1 ? lead : lead & (0x7Fu >> length);
    for (size_t k = 1; k < length && i + k < text.size(); ++k) {
      code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    }
    if (code >= 0x10000) {
      add(0xD800 + ((code - 0x10000) >> 10));
      add(0xDC00 + ((code - 0x10000) & 0x3FF));
    } else {
      add(code);
    }
    i += length;
  }
  return static_cast<int32_t>(hash);
}

bool IsRefusedByTheEdge(const Operation& operation) {
  if (operation.op() == "heartbeat") {
    return !operation.has_body() || IsRefused(operation.body());
  }
  return operation.op() == "unregister" && operation.client_id().empty();
}

Subscription AsOnTheWire(const Subscription& subscription) {
  Subscription wire;
  wire.set_topic(subscription.topic());
  wire.set_sub_string(subscription.sub_string());
  wire.set_sub_version(subscription.sub_version());
  wire.set_expression_type(subscription.expression_type().empty()
                               ? "TAG"
                               : subscription.expression_type());
  if (wire.expression_type() != "TAG" || wire.sub_string() == "*") return wire;
  Names tags;
  std::set<int32_t> codes;
  for (absl::string_view part : absl::StrSplit(wire.sub_string(), "||")) {
    const absl::string_view tag = JavaTrim(part);
    if (tag.empty()) continue;
    tags.insert(std::string(tag));
    codes.insert(JavaHash(tag));
  }
  for (const std::string& tag : tags) wire.add_tags_set(tag);
  for (int32_t code : codes) wire.add_code_set(code);
  return wire;
}

bool IsLight(const Heartbeat& body) {
  return body.heartbeat_fingerprint() != 0 && body.without_sub();
}

std::string StatementKey(const Heartbeat& body) {
  Names parts;
  for (const Consumer& consumer : body.consumer_data_set()) {
    parts.insert(absl::StrCat(
        "consumer ", consumer.group_name(), " ", consumer.consume_type(), " ",
        consumer.message_model(), " ", consumer.consume_from_where()));
  }
  for (const Producer& producer : body.producer_data_set()) {
    parts.insert(absl::StrCat("producer ", producer.group_name()));
  }
  return absl::StrCat(body.client_id(), "\n", absl::StrJoin(parts, "\n"));
}

}  // namespace rmq::conformance
