#include "broker/service/wire.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"

namespace rmq {
namespace {

// How the wire format writes a value: the low three bits of a field's tag.
constexpr uint32_t kVarint = 0;
constexpr uint32_t kLengthDelimited = 2;

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
  statement_.producer_groups = producer_groups_;
  statement_.consumers = consumers_;
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

uint64_t ReadRequestId(google::protobuf::io::CodedInputStream* frame) {
  constexpr uint32_t kRequestId =
      pb::ClientFrame::kRequestIdFieldNumber << 3 | kVarint;
  uint64_t request_id = 0;
  if (frame->ReadTag() != kRequestId || !frame->ReadVarint64(&request_id)) {
    return 0;
  }
  return request_id;
}

absl::optional<HeartbeatBytes> FindHeartbeatBytes(absl::string_view frame) {
  constexpr uint32_t kHeartbeat =
      pb::ClientFrame::kHeartbeatFieldNumber << 3 | kLengthDelimited;
  google::protobuf::io::CodedInputStream input(
      reinterpret_cast<const uint8_t*>(frame.data()),
      static_cast<int>(frame.size()));
  HeartbeatBytes found;
  found.request_id = ReadRequestId(&input);
  uint32_t size = 0;
  if (found.request_id == 0 || input.ReadTag() != kHeartbeat ||
      !input.ReadVarint32(&size)) {
    return absl::nullopt;
  }
  found.heartbeat = frame.substr(static_cast<size_t>(input.CurrentPosition()));
  if (found.heartbeat.size() != size) return absl::nullopt;
  return found;
}

absl::StatusOr<size_t> ParsePageSize(int32_t page_size) {
  if (page_size < 0 ||
      page_size > static_cast<int32_t>(ClientTable::kMaxPiece)) {
    return absl::InvalidArgumentError(absl::StrCat("page_size must be 0 to ",
                                                   ClientTable::kMaxPiece,
                                                   ", got ", page_size));
  }
  return page_size == 0 ? ClientTable::kMaxPiece
                        : static_cast<size_t>(page_size);
}

absl::StatusOr<MemberCursor> ParseMemberPageToken(absl::string_view token) {
  MemberCursor cursor = 0;
  if (token.empty()) return cursor;
  if (!absl::SimpleAtoi(token, &cursor) || cursor == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "page_token must be a next_page_token of this method, got ",
        Quoted(token)));
  }
  return cursor;
}

std::string MemberPageToken(MemberCursor cursor) {
  return cursor == 0 ? "" : absl::StrCat(cursor);
}

absl::Status ValidateNamePageToken(absl::string_view token) {
  if (token.empty() || IsLegalName(token)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("page_token must be a next_page_token of this method, got ",
                   Quoted(token)));
}

void FillSkippedGroup(const PassedOverGroup& skipped,
                      pb::SkippedGroup* message) {
  message->set_group(std::string(skipped.group));
  message->set_producer(skipped.kind == GroupKind::kProducer);
  message->set_reason(static_cast<pb::SkippedGroup::Reason>(skipped.reason));
  message->set_message(Explain(skipped));
}

void FillTimestamp(absl::Time time, google::protobuf::Timestamp* message) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  message->set_seconds(seconds);
  message->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

void FillConnection(const MemberInfo& member, Clock& clock,
                    pb::Connection* message) {
  const ClientChannel& channel = *member.channel;
  message->set_client_id(member.client_id);
  message->set_remote_address(std::string(channel.remote_address()));
  message->set_language(static_cast<pb::LanguageCode>(member.language));
  message->set_version(member.version);
  FillTimestamp(clock.ClockToWall(channel.opened_at()),
                message->mutable_connected_at());
  FillTimestamp(clock.ClockToWall(member.last_heard),
                message->mutable_last_heard_at());
  message->set_channel_id(channel.id());
  message->set_stream(channel.kind() == ClientChannel::Kind::kStream);
}

void FillSubscription(absl::string_view topic,
                      const SubscriptionData& subscription,
                      pb::SubscriptionData* message) {
  message->set_topic(std::string(topic));
  message->set_expression(subscription.expression);
  message->set_expression_type(subscription.expression_type);
  message->set_sub_version(subscription.sub_version);
}

void FillDuration(absl::Duration duration,
                  google::protobuf::Duration* message) {
  const int64_t seconds =
      absl::IDivDuration(duration, absl::Seconds(1), &duration);
  message->set_seconds(seconds);
  message->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

CallStatus NotRead() {
  return {absl::StatusCode::kCancelled, ResponseCode::kSystemError,
          "cut off, does not read its answer"};
}

int64_t CountItems(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  int64_t items = 0;
  for (const google::protobuf::FieldDescriptor* field : fields) {
    if (field->is_repeated()) items += reflection.FieldSize(message, field);
  }
  return items;
}

void FillStatus(const CallStatus& status, pb::Status* message) {
  message->set_code(static_cast<int>(status.code));
  message->set_response_code(
      static_cast<pb::ResponseCode>(status.response_code));
  message->set_message(status.message);
}

grpc::Status ToGrpcStatus(const CallStatus& status) {
  // The canonical codes are the same numbers.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code),
                      status.message);
}

}  // namespace rmq
