#include "broker/fronts/clientmanager/statement_parser.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/fronts/proto_time.h"

namespace rmq {
namespace {

// A check that passes costs nothing: the field's name is made only for a
// message. `check(field)` returns a Status.
template <typename Check, typename MakeField>
absl::Status CheckField(Check check, MakeField make_field) {
  absl::Status status = check("");
  return status.ok() ? status : check(make_field());
}

absl::Status ValidateEnum(bool is_valid, absl::string_view field, int value) {
  if (is_valid) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " must be a value of its enum, got ", value));
}

// The first name of `items` that stands there twice, by index; -1 if none.
template <typename Items, typename NameOf>
int FindRepeated(const Items& items, NameOf name_of) {
  const int count = static_cast<int>(items.size());
  // Few are compared pairwise, without allocating.
  if (count <= 8) {
    for (int i = 1; i < count; ++i) {
      for (int j = 0; j < i; ++j) {
        if (name_of(items[i]) == name_of(items[j])) return i;
      }
    }
    return -1;
  }
  absl::flat_hash_set<absl::string_view> seen;
  seen.reserve(items.size());
  for (int i = 0; i < count; ++i) {
    if (!seen.insert(name_of(items[i])).second) return i;
  }
  return -1;
}

absl::Status Repeated(absl::string_view field, absl::string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat(field, " ", Quoted(name), " must not be stated twice"));
}

}  // namespace

absl::Status ParsedStatement::Parse(const pb::HeartbeatRequest& request,
                                    const Limits& limits) {
  const int groups = request.producers_size() + request.consumers_size();
  if (groups == 0) {
    return absl::InvalidArgumentError(
        "a full heartbeat must state at least one group in producers or "
        "consumers");
  }
  absl::Status status = ValidateCount("producers and consumers together",
                                      groups, limits.max_groups_per_client);
  if (!status.ok()) return status;
  status = ValidateEnum(pb::LanguageCode_IsValid(request.language()),
                        "language", request.language());
  if (!status.ok()) return status;
  if (request.has_requested_channel_expiry()) {
    const auto& expiry = request.requested_channel_expiry();
    constexpr int32_t kMaxNanos = 999'999'999;
    if (expiry.seconds() >= 0 &&
        (expiry.nanos() < 0 || expiry.nanos() > kMaxNanos)) {
      return absl::InvalidArgumentError(
          absl::StrCat("requested_channel_expiry.nanos must be 0 to ",
                       kMaxNanos, ", got ", expiry.nanos()));
    }
    if (expiry.seconds() < 0 || expiry.nanos() < 0 ||
        (expiry.seconds() == 0 && expiry.nanos() == 0)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "requested_channel_expiry must be positive, got ",
          absl::FormatDuration(absl::Seconds(expiry.seconds()) +
                               absl::Nanoseconds(expiry.nanos()))));
    }
  }

  status = ParseLabels(request);
  if (!status.ok()) return status;

  for (int i = 0; i < request.producers_size(); ++i) {
    const std::string& group = request.producers(i).group();
    status = CheckField(
        [&](absl::string_view field) {
          return ValidateGroup(field, group, limits);
        },
        [i] { return absl::StrCat("producers[", i, "].group"); });
    if (!status.ok()) return status;
    producer_groups_.push_back(group);
  }
  const int repeated_producer = FindRepeated(
      producer_groups_, [](absl::string_view name) { return name; });
  if (repeated_producer >= 0) {
    return Repeated("producers: group", producer_groups_[repeated_producer]);
  }

  size_t subscriptions = 0;
  for (int i = 0; i < request.consumers_size(); ++i) {
    const int count = request.consumers(i).subscriptions_size();
    status = CheckField(
        [&](absl::string_view field) {
          return ValidateCount(field, count,
                               limits.max_subscriptions_per_group);
        },
        [i] { return absl::StrCat("consumers[", i, "].subscriptions"); });
    if (!status.ok()) return status;
    subscriptions += count;
  }
  subscriptions_.reserve(subscriptions);  // The spans must not move.
  for (int i = 0; i < request.consumers_size(); ++i) {
    status = ParseConsumer(request.consumers(i), i, limits);
    if (!status.ok()) return status;
  }
  const int repeated_consumer = FindRepeated(
      consumers_,
      [](const ConsumerStatement& consumer) { return consumer.group; });
  if (repeated_consumer >= 0) {
    return Repeated("consumers: group", consumers_[repeated_consumer].group);
  }

  statement_.client_id = request.client_id();
  statement_.incarnation = request.incarnation();
  statement_.stream_number = request.stream_number();
  statement_.language = static_cast<LanguageCode>(request.language());
  statement_.version = request.version();
  if (request.has_requested_channel_expiry()) {
    statement_.requested_channel_expiry =
        ToDuration(request.requested_channel_expiry());
  }
  statement_.producer_groups = producer_groups_;
  statement_.consumers = consumers_;
  return absl::OkStatus();
}

absl::Status ParsedStatement::ParseLabels(const pb::HeartbeatRequest& request) {
  absl::Status status =
      ValidateCount("labels", request.labels().size(), kMaxLabels);
  if (!status.ok()) return status;
  for (const auto& [key, value] : request.labels()) {
    labels_.push_back({key, value});
  }
  // A map of the wire has no order. The first bad key is that of the error.
  std::sort(
      labels_.begin(), labels_.end(),
      [](const StatedLabel& a, const StatedLabel& b) { return a.key < b.key; });
  for (const StatedLabel& label : labels_) {
    status = ValidateLabel(label.key, label.value);
    if (!status.ok()) return status;
  }
  statement_.labels = labels_;
  return absl::OkStatus();
}

absl::Status ParsedStatement::ParseConsumer(const pb::ConsumerData& consumer,
                                            int index, const Limits& limits) {
  const auto at = [index](absl::string_view field) {
    return absl::StrCat("consumers[", index, "].", field);
  };
  absl::Status status = CheckField(
      [&](absl::string_view field) {
        return ValidateGroup(field, consumer.group(), limits);
      },
      [&] { return at("group"); });
  if (!status.ok()) return status;
  const struct {
    bool is_valid;
    absl::string_view field;
    int value;
  } modes[] = {
      {pb::ConsumeType_IsValid(consumer.consume_type()), "consume_type",
       consumer.consume_type()},
      {pb::MessageModel_IsValid(consumer.message_model()), "message_model",
       consumer.message_model()},
      {pb::ConsumeFromWhere_IsValid(consumer.consume_from_where()),
       "consume_from_where", consumer.consume_from_where()},
  };
  for (const auto& mode : modes) {
    if (!mode.is_valid) return ValidateEnum(false, at(mode.field), mode.value);
  }

  const size_t first = subscriptions_.size();
  for (int i = 0; i < consumer.subscriptions_size(); ++i) {
    const pb::SubscriptionData& subscription = consumer.subscriptions(i);
    status = CheckField(
        [&](absl::string_view field) {
          return ValidateTopic(field, subscription.topic(), limits);
        },
        [&] { return at(absl::StrCat("subscriptions[", i, "].topic")); });
    if (!status.ok()) return status;
    const absl::string_view type = subscription.expression_type();
    if (type == kInferredExpressionType) {
      return absl::InvalidArgumentError(absl::StrCat(
          at(absl::StrCat("subscriptions[", i, "].expression_type")),
          " must not be \"", type,
          "\": a broker says that of a topic which no member states"));
    }
    subscriptions_.push_back({subscription.topic(), subscription.expression(),
                              type.empty() ? "TAG" : type,
                              subscription.sub_version()});
  }
  ConsumerStatement& parsed = consumers_.emplace_back();
  parsed.group = consumer.group();
  parsed.modes.consume_type = static_cast<ConsumeType>(consumer.consume_type());
  parsed.modes.message_model =
      static_cast<MessageModel>(consumer.message_model());
  parsed.modes.consume_from_where =
      static_cast<ConsumeFromWhere>(consumer.consume_from_where());
  parsed.unit_mode = consumer.unit_mode();
  parsed.subscriptions = absl::MakeConstSpan(subscriptions_).subspan(first);
  const int repeated = FindRepeated(
      parsed.subscriptions,
      [](const SubscriptionStatement& statement) { return statement.topic; });
  if (repeated >= 0) {
    return Repeated(at("subscriptions: topic"),
                    parsed.subscriptions[repeated].topic);
  }
  return absl::OkStatus();
}

}  // namespace rmq
