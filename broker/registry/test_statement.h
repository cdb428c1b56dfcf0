// Heartbeat statements for tests, written as one expression:
//
//   TestStatement("c1").Consumer("orders", {{"topic"}}).Producer("payments")
#ifndef BROKER_REGISTRY_TEST_STATEMENT_H_
#define BROKER_REGISTRY_TEST_STATEMENT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/labels.h"
#include "broker/registry/statement.h"
#include "common/client_types.h"

namespace rmq {

struct TestSubscription {
  std::string topic;
  int64_t sub_version = 1;
  std::string expression = "*";
  std::string expression_type = "TAG";
};

struct TestConsumer {
  std::string group;
  std::vector<TestSubscription> subscriptions;
  ConsumerModes modes = {ConsumeType::kConsumePassively,
                         MessageModel::kClustering,
                         ConsumeFromWhere::kLastOffset};
  bool unit_mode = false;
  // Empty: the principal may be in the group.
  std::string refusal;
};

// A heartbeat that owns its strings. A value.
struct TestStatement {
  explicit TestStatement(absl::string_view client_id) : client_id(client_id) {}

  TestStatement& Incarnation(uint64_t value) {
    incarnation = value;
    return *this;
  }
  TestStatement& StreamNumber(uint64_t value) {
    stream_number = value;
    return *this;
  }
  TestStatement& Program(LanguageCode its_language, int32_t its_version) {
    language = its_language;
    version = its_version;
    return *this;
  }
  TestStatement& Expiry(absl::Duration requested) {
    requested_channel_expiry = requested;
    return *this;
  }
  TestStatement& As(absl::string_view user, bool only_tried_out = false) {
    principal = std::string(user);
    is_trial = only_tried_out;
    return *this;
  }
  // In the order of their keys.
  TestStatement& Label(absl::string_view key, absl::string_view value) {
    labels.push_back({std::string(key), std::string(value)});
    return *this;
  }
  TestStatement& Producer(absl::string_view group) {
    producers.emplace_back(group);
    return *this;
  }
  TestStatement& Consumer(absl::string_view group,
                          std::vector<TestSubscription> subscriptions = {}) {
    TestConsumer& consumer = consumers.emplace_back();
    consumer.group = std::string(group);
    consumer.subscriptions = std::move(subscriptions);
    return *this;
  }
  // These change the consumer that was stated last.
  TestStatement& Model(MessageModel model) {
    consumers.back().modes.message_model = model;
    return *this;
  }
  TestStatement& Type(ConsumeType type) {
    consumers.back().modes.consume_type = type;
    return *this;
  }
  TestStatement& Refused(absl::string_view why) {
    consumers.back().refusal = std::string(why);
    return *this;
  }
  TestStatement& UnitMode() {
    consumers.back().unit_mode = true;
    return *this;
  }

  std::string client_id;
  std::string principal;
  bool is_trial = false;
  uint64_t incarnation = 0;
  uint64_t stream_number = 0;
  LanguageCode language = LanguageCode::kCpp;
  int32_t version = 1;
  absl::Duration requested_channel_expiry = absl::ZeroDuration();
  Labels labels;
  std::vector<std::string> producers;
  std::vector<TestConsumer> consumers;
};

// A HeartbeatStatement of a copy of a TestStatement, with all its consumers
// admitted that are not refused, if nothing else is said. What is passed to the
// core dies with it, so that a view that the core keeps is found by
// AddressSanitizer.
class BuiltStatement {
 public:
  explicit BuiltStatement(TestStatement stated) : stated_(std::move(stated)) {
    subscriptions_.reserve(stated_.consumers.size());
    for (const TestConsumer& consumer : stated_.consumers) {
      auto& subscriptions = subscriptions_.emplace_back();
      for (const TestSubscription& subscription : consumer.subscriptions) {
        subscriptions.push_back({subscription.topic, subscription.expression,
                                 subscription.expression_type,
                                 subscription.sub_version});
      }
      consumers_.push_back({consumer.group, consumer.modes, consumer.unit_mode,
                            subscriptions, consumer.refusal});
    }
    producers_.assign(stated_.producers.begin(), stated_.producers.end());
    statement_.client_id = stated_.client_id;
    statement_.principal = {stated_.principal, stated_.is_trial};
    statement_.incarnation = stated_.incarnation;
    statement_.stream_number = stated_.stream_number;
    statement_.language = stated_.language;
    statement_.version = stated_.version;
    statement_.requested_channel_expiry = stated_.requested_channel_expiry;
    for (const rmq::Label& label : stated_.labels) {
      labels_.push_back({label.key, label.value});
    }
    statement_.labels = labels_;
    statement_.producer_groups = producers_;
    statement_.consumers = consumers_;
    for (const ConsumerStatement& consumer : consumers_) {
      if (!consumer.refusal.empty()) continue;
      admitted_.push_back({&consumer, /*notify_consumer_ids_changed=*/true});
    }
  }
  BuiltStatement(const BuiltStatement&) = delete;
  BuiltStatement& operator=(const BuiltStatement&) = delete;

  const HeartbeatStatement& operator*() const { return statement_; }

  // Whom the policy lets in; a test may change it.
  std::vector<AdmittedConsumer>& admitted() { return admitted_; }
  AdmittedStatement Admitted(bool take_new_producers = true) const {
    return {&statement_, admitted_, take_new_producers};
  }

 private:
  const TestStatement stated_;
  std::vector<std::vector<SubscriptionStatement>> subscriptions_;
  std::vector<ConsumerStatement> consumers_;
  std::vector<absl::string_view> producers_;
  std::vector<StatedLabel> labels_;
  HeartbeatStatement statement_;
  std::vector<AdmittedConsumer> admitted_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_TEST_STATEMENT_H_
