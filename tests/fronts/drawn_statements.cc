#include "tests/fronts/drawn_statements.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/client_types.h"
#include "tests/fronts/operations.h"

namespace rmq::fronts {
namespace {

// The names of the bits that are set.
std::vector<std::string> Topics(int mask) {
  std::vector<std::string> topics;
  for (int i = 0; i < kTopics; ++i) {
    if ((mask >> i & 1) != 0) topics.push_back(Topic(i));
  }
  return topics;
}

}  // namespace

std::string ClientId(int who) { return absl::StrCat("c", who % kClientIds); }
std::string Group(int number) { return absl::StrCat("g", number % kGroups); }
std::string Topic(int number) { return absl::StrCat("t", number); }

TestStatement DrawStatement(const std::string& client_id, uint32_t bits,
                            model::Millis now) {
  Bits left(bits);
  TestStatement stated(client_id);
  const int groups = left.Take(kGroups);
  const int64_t versions[] = {0, 1, now, now + 10'000};
  const int64_t version = versions[left.Take(2)];
  const std::string expression = absl::StrCat("tag", left.Take(1));
  const bool is_broadcasting = left.Take(3) == 0;
  const bool is_active = left.Take(2) == 0;
  stated.Incarnation(static_cast<uint64_t>(left.Take(2)));
  if (left.Take(2) == 0) stated.Expiry(absl::Seconds(20));
  for (const std::string& topic : Topics(left.Take(kTopics))) {
    stated.Producer(topic);
  }
  for (int i = 0; i < kGroups; ++i) {
    const int topics = left.Take(kTopics);
    if ((groups >> i & 1) == 0) continue;
    std::vector<TestSubscription> subscriptions;
    for (const std::string& topic : Topics(topics)) {
      subscriptions.push_back({topic, version, expression});
    }
    stated.Consumer(Group(i), subscriptions);
    if (is_broadcasting) stated.Model(MessageModel::kBroadcasting);
    if (is_active) stated.Type(ConsumeType::kConsumeActively);
  }
  return stated;
}

model::Statement ModelOf(const TestStatement& stated) {
  model::Statement statement;
  statement.client_id = stated.client_id;
  statement.language = stated.language;
  statement.version = stated.version;
  statement.incarnation = stated.incarnation;
  statement.requested_expiry =
      absl::ToInt64Milliseconds(stated.requested_channel_expiry);
  statement.producers = stated.producers;
  for (const TestConsumer& consumer : stated.consumers) {
    model::StatedConsumer& its = statement.consumers.emplace_back();
    its.group = consumer.group;
    its.modes = consumer.modes;
    for (const TestSubscription& subscription : consumer.subscriptions) {
      its.subscriptions[subscription.topic] = {subscription.sub_version,
                                               subscription.expression,
                                               subscription.expression_type};
    }
  }
  return statement;
}

std::string InWords(const TestStatement& stated) {
  std::string text = absl::StrCat("incarnation ", stated.incarnation);
  for (const TestConsumer& consumer : stated.consumers) {
    absl::StrAppend(&text, " ", consumer.group, "{");
    for (const TestSubscription& subscription : consumer.subscriptions) {
      absl::StrAppend(&text, " ", subscription.topic, "@",
                      subscription.sub_version);
    }
    absl::StrAppend(&text, " }");
  }
  absl::StrAppend(&text, " produces ", absl::StrJoin(stated.producers, ","));
  return text;
}

v2::Settings DrawSettings(uint32_t bits) {
  Bits left(bits);
  v2::Settings settings;
  const int kind = left.Take(2);
  const int mask = left.Take(kTopics);
  if (kind == 0) {
    settings.set_client_type(v2::PRODUCER);
    settings.mutable_publishing();
    for (const std::string& topic : Topics(mask)) {
      settings.mutable_publishing()->add_topics()->set_name(topic);
    }
    return settings;
  }
  settings.set_client_type(kind == 1 ? v2::SIMPLE_CONSUMER : v2::PUSH_CONSUMER);
  v2::Subscription& subscription = *settings.mutable_subscription();
  subscription.mutable_group()->set_name(Group(left.Take(2)));
  const int tag = left.Take(2);
  for (const std::string& topic : Topics(mask)) {
    v2::SubscriptionEntry& entry = *subscription.add_subscriptions();
    entry.mutable_topic()->set_name(topic);
    if (tag == 0) continue;
    entry.mutable_expression()->set_type(v2::TAG);
    entry.mutable_expression()->set_expression(absl::StrCat("tag", tag));
  }
  return settings;
}

model::SdkStated ModelOf(const v2::Settings& settings, model::Millis now) {
  model::SdkStated stated;
  for (const v2::Resource& topic : settings.publishing().topics()) {
    stated.topics.insert(topic.name());
  }
  if (settings.client_type() == v2::PRODUCER) return stated;
  stated.group = settings.subscription().group().name();
  if (settings.client_type() == v2::SIMPLE_CONSUMER) {
    stated.consume_type = ConsumeType::kConsumeActively;
  }
  for (const auto& entry : settings.subscription().subscriptions()) {
    const std::string& expression = entry.expression().expression();
    stated.subscriptions[entry.topic().name()] = {
        now, expression.empty() ? "*" : expression, "TAG"};
  }
  return stated;
}

}  // namespace rmq::fronts
