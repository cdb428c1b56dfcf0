#include "client/session/group_statements.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/session/proto_duration.h"
#include "common/validation.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using Subscriptions = google::protobuf::RepeatedPtrField<v1::SubscriptionData>;

absl::Status AlreadyHas(absl::string_view kind, absl::string_view group) {
  return absl::AlreadyExistsError(absl::StrCat(
      "the client has the ", kind, " group ", Quoted(group), " already"));
}

absl::Status HasNo(absl::string_view kind, absl::string_view group) {
  return absl::NotFoundError(
      absl::StrCat("the client has no ", kind, " group ", Quoted(group)));
}

bool IsTag(absl::string_view expression_type) {
  return expression_type.empty() || expression_type == "TAG";
}

Subscriptions::iterator FindTopic(Subscriptions* subscriptions,
                                  absl::string_view topic) {
  return std::find_if(
      subscriptions->begin(), subscriptions->end(),
      [topic](const v1::SubscriptionData& s) { return s.topic() == topic; });
}

}  // namespace

v1::SubscriptionData ToProto(const Subscription& subscription) {
  v1::SubscriptionData proto;
  proto.set_topic(subscription.topic);
  proto.set_expression(subscription.expression);
  proto.set_expression_type(subscription.expression_type);
  return proto;
}

GroupStatements::GroupStatements(const ClientOptions& options,
                                 absl::string_view client_id,
                                 uint64_t incarnation) {
  client_.set_client_id(std::string(client_id));
  client_.set_incarnation(incarnation);
  client_.set_language(v1::LANGUAGE_CODE_CPP);
  client_.set_version(options.version);
  if (options.requested_channel_expiry > absl::ZeroDuration()) {
    *client_.mutable_requested_channel_expiry() =
        ToProto(options.requested_channel_expiry);
  }
  for (const auto& [key, value] : options.labels) {
    (*client_.mutable_labels())[key] = value;
  }
}

absl::Status GroupStatements::AddProducer(absl::string_view group) {
  absl::Status status = ValidateNameForm("group", group);
  if (!status.ok()) return status;
  if (!producers_.insert(std::string(group)).second) {
    return AlreadyHas("producer", group);
  }
  return absl::OkStatus();
}

absl::Status GroupStatements::RemoveProducer(absl::string_view group) {
  if (producers_.erase(group) == 0) return HasNo("producer", group);
  return absl::OkStatus();
}

absl::Status GroupStatements::AddConsumer(const ConsumerOptions& consumer,
                                          absl::Time now) {
  absl::Status status = consumer.Validate();
  if (!status.ok()) return status;
  const auto [it, is_new] = consumers_.try_emplace(consumer.group);
  if (!is_new) return AlreadyHas("consumer", consumer.group);
  v1::ConsumerData& data = it->second;
  data.set_group(consumer.group);
  data.set_consume_type(static_cast<v1::ConsumeType>(consumer.consume_type));
  data.set_message_model(static_cast<v1::MessageModel>(consumer.message_model));
  data.set_consume_from_where(
      static_cast<v1::ConsumeFromWhere>(consumer.consume_from_where));
  data.set_unit_mode(consumer.unit_mode);
  for (const Subscription& subscription : consumer.subscriptions) {
    v1::SubscriptionData* const added = data.add_subscriptions();
    *added = ToProto(subscription);
    added->set_sub_version(NextSubVersion(now));
  }
  return absl::OkStatus();
}

absl::Status GroupStatements::RemoveConsumer(absl::string_view group) {
  if (consumers_.erase(group) == 0) return HasNo("consumer", group);
  return absl::OkStatus();
}

absl::Status GroupStatements::Subscribe(absl::string_view group,
                                        const Subscription& subscription,
                                        absl::Time now) {
  absl::Status status = subscription.Validate();
  if (!status.ok()) return status;
  const auto consumer = consumers_.find(group);
  if (consumer == consumers_.end()) return HasNo("consumer", group);
  Subscriptions& subscriptions = *consumer->second.mutable_subscriptions();
  const auto known = FindTopic(&subscriptions, subscription.topic);
  v1::SubscriptionData& data =
      known == subscriptions.end() ? *subscriptions.Add() : *known;
  data = ToProto(subscription);
  data.set_sub_version(NextSubVersion(now));
  return absl::OkStatus();
}

absl::Status GroupStatements::Unsubscribe(absl::string_view group,
                                          absl::string_view topic) {
  const auto consumer = consumers_.find(group);
  if (consumer == consumers_.end()) return HasNo("consumer", group);
  Subscriptions& subscriptions = *consumer->second.mutable_subscriptions();
  const auto known = FindTopic(&subscriptions, topic);
  if (known == subscriptions.end()) {
    return absl::NotFoundError(
        absl::StrCat("the consumer group ", Quoted(group),
                     " does not read the topic ", Quoted(topic)));
  }
  subscriptions.erase(known);
  return absl::OkStatus();
}

bool GroupStatements::HasConsumer(absl::string_view group) const {
  return consumers_.contains(group);
}

std::shared_ptr<const GroupStatements::HeartbeatRequest>
GroupStatements::Statement() const {
  if (producers_.empty() && consumers_.empty()) return nullptr;
  auto statement = std::make_shared<HeartbeatRequest>(client_);
  for (const std::string& group : producers_) {
    statement->add_producers()->set_group(group);
  }
  for (const auto& [group, data] : consumers_) {
    *statement->add_consumers() = data;
  }
  return statement;
}

std::vector<v1::CheckClientConfigRequest> GroupStatements::ExpressionChecks()
    const {
  std::vector<v1::CheckClientConfigRequest> checks;
  for (const auto& [group, data] : consumers_) {
    for (const v1::SubscriptionData& subscription : data.subscriptions()) {
      if (IsTag(subscription.expression_type())) continue;
      v1::CheckClientConfigRequest& check = checks.emplace_back();
      check.set_client_id(client_.client_id());
      check.set_group(group);
      *check.mutable_subscription() = subscription;
    }
  }
  return checks;
}

int64_t GroupStatements::NextSubVersion(absl::Time now) {
  last_sub_version_ = std::max(last_sub_version_ + 1, absl::ToUnixMillis(now));
  return last_sub_version_;
}

}  // namespace rmq
