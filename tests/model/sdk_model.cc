#include "tests/model/sdk_model.h"

#include <algorithm>
#include <limits>

namespace rmq::model {
namespace {

// Of all SDKs of the model.
constexpr LanguageCode kLanguage = LanguageCode::kJava;
constexpr int32_t kVersion = 50200;

Statement StatementOf(const std::string& id, const SdkStated& stated,
                      Millis requested_expiry) {
  Statement statement;
  statement.client_id = id;
  statement.language = kLanguage;
  statement.version = kVersion;
  statement.requested_expiry = requested_expiry;
  statement.producers.assign(stated.topics.begin(), stated.topics.end());
  if (!stated.group.empty()) {
    StatedConsumer& consumer = statement.consumers.emplace_back();
    consumer.group = stated.group;
    consumer.modes = {stated.consume_type, MessageModel::kClustering,
                      ConsumeFromWhere::kLastOffset};
    consumer.subscriptions = stated.subscriptions;
  }
  return statement;
}

}  // namespace

SdkAnswer SdkModel::Register(const std::string& id, Client& client,
                             Millis now) {
  if (!client.stated.has_groups()) {
    if (IsMember(client)) {
      broker_.Close(client.channel, RemovalReason::kUnregistered);
    }
    return SdkAnswer::kOk;
  }
  if (!IsMember(client)) client.channel = broker_.OpenSdkChannel(id, now);
  const HeartbeatAnswer answer = broker_.Heartbeat(
      client.channel,
      StatementOf(id, client.stated,
                  client.stream == 0 ? options_.lost_expiry : 0),
      now);
  if (answer.held) return SdkAnswer::kForbidden;
  return answer.skipped.empty() ? SdkAnswer::kOk : SdkAnswer::kPassedOver;
}

void SdkModel::OpenStream(const Caller& caller, int stream, Millis now) {
  Client& client = Of(caller);
  const bool had_none = client.stream == 0;
  client.stream = stream;
  // So that the usual expiry holds again.
  if (had_none && IsMember(client)) Register(caller.id, client, now);
}

void SdkModel::CloseStream(const Caller& caller, int stream, Millis now) {
  Client& client = Of(caller);
  if (client.stream != stream) return;
  client.stream = 0;
  if (IsMember(client)) Register(caller.id, client, now);
}

SdkAnswer SdkModel::State(const Caller& caller, const SdkStated& stated,
                          const std::string& text, Millis now) {
  Client& client = Of(caller);
  client.goodbye_until = 0;
  if (client.text != text) client.stated = stated;
  client.text = text;
  client.asked_topics.clear();
  return Register(caller.id, client, now);
}

SdkAnswer SdkModel::Heartbeat(const Caller& caller, bool is_producer,
                              ConsumeType consume_type,
                              const std::string& group, Millis now) {
  Client& client = Of(caller);
  if (now < client.goodbye_until) return SdkAnswer::kOk;
  // Settings count, and not what the heartbeat says.
  if (client.text.empty()) {
    SdkStated stated;
    if (is_producer) {
      stated.topics = client.asked_topics;
    } else {
      stated.group = group;
      stated.consume_type = consume_type;
      for (const std::string& topic : client.asked_topics) {
        stated.subscriptions[topic] = {std::numeric_limits<int64_t>::min(), "",
                                       "INFERRED"};
      }
    }
    if (!stated.has_groups()) return SdkAnswer::kNothingKnown;
    client.stated = stated;
  }
  return Register(caller.id, client, now);
}

void SdkModel::Terminate(const Caller& caller, Millis now) {
  const auto found = clients_.find({caller.id, caller.network});
  if (found == clients_.end()) return;
  Client& client = found->second;
  if (IsMember(client)) {
    for (const std::string& topic : client.stated.topics) {
      broker_.Unregister(client.channel, caller.id, topic, "");
    }
    if (!client.stated.group.empty()) {
      broker_.Unregister(client.channel, caller.id, "", client.stated.group);
    }
    // With what earlier statements named.
    broker_.Close(client.channel, RemovalReason::kUnregistered);
  }
  client.stated = {};
  client.text.clear();
  client.asked_topics.clear();
  client.goodbye_until = now + options_.goodbye;
}

void SdkModel::NoteTopic(const Caller& caller, const std::string& topic) {
  Client& client = Of(caller);
  if (client.text.empty()) client.asked_topics.insert(topic);
}

size_t SdkModel::members() const {
  return std::count_if(
      clients_.begin(), clients_.end(),
      [this](const auto& client) { return IsMember(client.second); });
}

}  // namespace rmq::model
