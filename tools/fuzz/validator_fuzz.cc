// Feeds any bytes to what stands between the wire and the core: heartbeats,
// page tokens, and the words that messages and logs have for hostile values.
// See tools/fuzz/run.
//
// A heartbeat must be accepted if and only if each rule holds, which is worked
// out here again; a refusal must name the field, in printable words.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/fronts/clientmanager/statement_parser.h"
#include "broker/fronts/page_token.h"
#include "common/kv.h"
#include "common/rpc/server/peer_address.h"
#include "common/validation.h"

namespace rmq {

namespace {

void Require(bool holds, absl::string_view what, absl::string_view got = "") {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s: %s\n", std::string(what).c_str(),
               absl::CHexEscape(got).c_str());
  std::abort();
}

bool IsPrintable(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

bool IsName(absl::string_view name, size_t most) {
  if (name.empty() || name.size() > most) return false;
  for (const char c : name) {
    const bool is_legal = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') ||
                          ('0' <= c && c <= '9') || c == '%' || c == '|' ||
                          c == '_' || c == '-';
    if (!is_legal) return false;
  }
  return true;
}

bool IsTopic(absl::string_view topic, const Limits& limits) {
  const bool is_long =
      topic.substr(0, 7) == "%RETRY%" || topic.substr(0, 5) == "%DLQ%";
  return IsName(
      topic, is_long ? limits.max_retry_topic_bytes : limits.max_topic_bytes);
}

bool IsIn(int value, int greatest) { return 0 <= value && value <= greatest; }

// The rules for a full heartbeat, but for its client id.
bool IsWellFormed(const pb::HeartbeatRequest& request, const Limits& limits) {
  const size_t groups = request.producers_size() + request.consumers_size();
  if (groups == 0 || groups > limits.max_groups_per_client) return false;
  if (!IsIn(request.language(), 14)) return false;
  if (request.has_requested_channel_expiry()) {
    const auto& expiry = request.requested_channel_expiry();
    if (expiry.seconds() < 0 || expiry.nanos() < 0) return false;
    if (expiry.seconds() == 0 && expiry.nanos() == 0) return false;
  }
  if (request.labels().size() > kMaxLabels) return false;
  for (const auto& [key, value] : request.labels()) {
    if (!ValidateLabel(key, value).ok()) return false;
  }
  std::set<std::string> producers;
  for (const pb::ProducerData& producer : request.producers()) {
    if (!IsName(producer.group(), limits.max_group_bytes)) return false;
    if (!producers.insert(producer.group()).second) return false;
  }
  std::set<std::string> consumers;
  for (const pb::ConsumerData& consumer : request.consumers()) {
    if (!IsName(consumer.group(), limits.max_group_bytes)) return false;
    if (!consumers.insert(consumer.group()).second) return false;
    if (!IsIn(consumer.consume_type(), 3)) return false;
    if (!IsIn(consumer.message_model(), 2)) return false;
    if (!IsIn(consumer.consume_from_where(), 3)) return false;
    const size_t subscriptions = consumer.subscriptions_size();
    if (subscriptions > limits.max_subscriptions_per_group) return false;
    std::set<std::string> topics;
    for (const pb::SubscriptionData& subscription : consumer.subscriptions()) {
      if (!IsTopic(subscription.topic(), limits)) return false;
      if (!topics.insert(subscription.topic()).second) return false;
    }
  }
  return true;
}

void RequireSame(const pb::HeartbeatRequest& request,
                 const HeartbeatStatement& statement) {
  Require(statement.client_id == request.client_id(), "the client id");
  Require(statement.incarnation == request.incarnation(), "the incarnation");
  Require(static_cast<int>(statement.language) == request.language(),
          "the language");
  Require(statement.version == request.version(), "the version");
  Require(statement.producer_groups.size() ==
              static_cast<size_t>(request.producers_size()),
          "all producers");
  for (int i = 0; i < request.producers_size(); ++i) {
    Require(statement.producer_groups[i] == request.producers(i).group(),
            "a producer");
  }
  Require(statement.consumers.size() ==
              static_cast<size_t>(request.consumers_size()),
          "all consumers");
  for (int i = 0; i < request.consumers_size(); ++i) {
    const pb::ConsumerData& sent = request.consumers(i);
    const ConsumerStatement& parsed = statement.consumers[i];
    Require(parsed.group == sent.group(), "a consumer");
    Require(
        static_cast<int>(parsed.modes.consume_type) == sent.consume_type() &&
            static_cast<int>(parsed.modes.message_model) ==
                sent.message_model() &&
            static_cast<int>(parsed.modes.consume_from_where) ==
                sent.consume_from_where() &&
            parsed.unit_mode == sent.unit_mode(),
        "a consumer's modes");
    Require(parsed.subscriptions.size() ==
                static_cast<size_t>(sent.subscriptions_size()),
            "all subscriptions");
    for (int j = 0; j < sent.subscriptions_size(); ++j) {
      const pb::SubscriptionData& subscription = sent.subscriptions(j);
      const SubscriptionStatement& stated = parsed.subscriptions[j];
      absl::string_view type = subscription.expression_type();
      if (type.empty()) type = "TAG";
      Require(stated.topic == subscription.topic() &&
                  stated.expression == subscription.expression() &&
                  stated.expression_type == type &&
                  stated.sub_version == subscription.sub_version(),
              "a subscription");
    }
  }
}

void RequireGoodRefusal(const absl::Status& status) {
  Require(status.code() == absl::StatusCode::kInvalidArgument ||
              status.code() == absl::StatusCode::kResourceExhausted,
          "the code of a refusal");
  const absl::string_view message = status.message();
  Require(!message.empty(), "a refusal has words");
  Require(message.size() < 500, "they are few", message);
  Require(IsPrintable(message), "they are printable", message);
  bool names_a_field = false;
  for (const absl::string_view field :
       {"client_id", "language", "requested_channel_expiry", "producers",
        "consumers", "labels", "page_token"}) {
    names_a_field = names_a_field || absl::StrContains(message, field);
  }
  Require(names_a_field, "they name the field", message);
}

void TryHeartbeat(const pb::HeartbeatRequest& request, const Limits& limits) {
  ParsedStatement parsed;
  const absl::Status status = parsed.Parse(request, limits);
  Require(status.ok() == IsWellFormed(request, limits),
          status.ok() ? "accepted what breaks a rule"
                      : "refused what breaks no rule",
          status.message());
  if (status.ok()) {
    RequireSame(request, parsed.statement());
  } else {
    RequireGoodRefusal(status);
  }
  const absl::Status of_client =
      ValidateClientId("client_id", request.client_id(), limits);
  Require(of_client.ok() ==
              (!request.client_id().empty() &&
               request.client_id().size() <= limits.max_client_id_bytes &&
               IsPrintable(request.client_id())),
          "the verdict on a client id", of_client.message());
  if (!of_client.ok()) RequireGoodRefusal(of_client);
}

void TryText(absl::string_view text) {
  const std::string quoted = Quoted(text);
  Require(IsPrintable(quoted), "a quoted value is printable", quoted);
  Require(quoted.size() < 4 * 64 + 40, "a quoted value is short", quoted);
  std::string back;
  if (text.size() <= 64) {
    Require(
        absl::CUnescape(absl::string_view(quoted).substr(1, quoted.size() - 2),
                        &back) &&
            back == text,
        "a quoted value can be read back", quoted);
  }

  const std::string kv = Kv("key", text);
  absl::string_view value = kv;
  Require(value.substr(0, 5) == " key=", "a log's value has its key", kv);
  value.remove_prefix(5);
  Require(IsPrintable(value), "a log's value stays in its line", kv);
  if (value.substr(0, 1) == "\"") {
    value = value.substr(1, value.size() - 2);
    Require(absl::CUnescape(value, &back) && back == text,
            "a log's value can be read back", kv);
  } else {
    Require(value == text && !absl::StrContains(value, ' '),
            "a plain value is itself, in one piece", kv);
  }

  const std::string address = PeerAddress(text);
  Require(address.size() <= text.size(), "an address is no longer", address);
  for (const absl::string_view scheme : {"ipv4:", "ipv6:"}) {
    // Brackets of a scheme that is taken off are those of the rest.
    if (absl::StartsWith(text, "ipv")) continue;
    Require(PeerAddress(absl::StrCat(scheme, text)) == address,
            "the scheme does not matter", address);
  }

  const absl::StatusOr<MemberCursor> cursor = ParseMemberPageToken(text);
  if (cursor.ok()) {
    const auto again = ParseMemberPageToken(MemberPageToken(*cursor));
    Require(again.ok() && *again == *cursor, "a page token is itself again");
  } else {
    RequireGoodRefusal(cursor.status());
  }
  const absl::Status token = ValidateNamePageToken(text);
  if (!token.ok()) RequireGoodRefusal(token);
}

}  // namespace
}  // namespace rmq

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  rmq::TryText(bytes);

  // A message that protobuf refuses never comes to us.
  static const bool is_quiet = [] {
    google::protobuf::SetLogHandler(nullptr);
    return true;
  }();
  static_cast<void>(is_quiet);
  rmq::pb::HeartbeatRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  rmq::TryHeartbeat(request, rmq::Limits());
  rmq::Limits tiny;
  tiny.max_client_id_bytes = 3;
  tiny.max_group_bytes = 3;
  tiny.max_topic_bytes = 2;
  tiny.max_retry_topic_bytes = 9;
  tiny.max_groups_per_client = 2;
  tiny.max_subscriptions_per_group = 2;
  rmq::TryHeartbeat(request, tiny);
  return 0;
}
