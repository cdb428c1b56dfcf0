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

SdkModel::Client& SdkModel::Called(const Caller& caller, Millis now) {
  Client& client = clients_[caller.id];
  if (client.address != caller.address) {
    const bool is_gone = !client.heard_at_home.has_value() ||
                         now - *client.heard_at_home >= options_.lost_expiry;
    if (!IsMember(client)) {
      client = {};
      client.address = caller.address;
    } else if (is_gone) {
      client.address = caller.address;
      client.stream = 0;
    }
  }
  if (client.address == caller.address) client.heard_at_home = now;
  return client;
}

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

bool SdkModel::OpenStream(const Caller& caller, int stream, Millis now) {
  Client& client = Called(caller, now);
  if (client.address != caller.address) return false;
  const bool had_none = client.stream == 0;
  client.stream = stream;
  // So that the usual expiry holds again.
  if (had_none && IsMember(client)) Register(caller.id, client, now);
  return true;
}

void SdkModel::CloseStream(const std::string& id, int stream, Millis now) {
  Client& client = clients_[id];
  if (client.stream != stream) return;
  client.stream = 0;
  client.heard_at_home.reset();
  if (IsMember(client)) Register(id, client, now);
}

SdkAnswer SdkModel::State(const Caller& caller, const SdkStated& stated,
                          const std::string& text, Millis now) {
  // Whoever sends them, the same bytes are the same statement.
  const Client before = clients_[caller.id];
  const bool is_same = before.text == text;
  Client& client = Called(caller, now);
  if (client.address != caller.address) {
    if (!is_same) return SdkAnswer::kForbidden;
  } else {
    client.goodbye_until = 0;
    client.stated = is_same ? before.stated : stated;
    client.text = text;
    client.asked_topics.clear();
  }
  return Register(caller.id, client, now);
}

SdkAnswer SdkModel::Heartbeat(const Caller& caller, bool is_producer,
                              ConsumeType consume_type,
                              const std::string& group, Millis now) {
  Client& client = Called(caller, now);
  if (now < client.goodbye_until) return SdkAnswer::kOk;
  // Settings count, and not what the heartbeat says.
  if (client.text.empty() && client.address == caller.address) {
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
  const auto found = clients_.find(caller.id);
  if (found == clients_.end()) return;
  Client& client = found->second;
  if (client.address != caller.address) return;
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

void SdkModel::NoteTopic(const Caller& caller, const std::string& topic,
                         Millis now) {
  Client& client = Called(caller, now);
  if (client.text.empty() && client.address == caller.address) {
    client.asked_topics.insert(topic);
  }
}

size_t SdkModel::members() const {
  return std::count_if(
      clients_.begin(), clients_.end(),
      [this](const auto& client) { return IsMember(client.second); });
}

}  // namespace rmq::model
