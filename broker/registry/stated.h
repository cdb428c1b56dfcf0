// Heartbeat statements for tests, written as one expression:
//
//   Stated("c1").Consumer("orders", {{"topic"}}).Producer("payments")
#ifndef BROKER_REGISTRY_STATED_H_
#define BROKER_REGISTRY_STATED_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/statement.h"
#include "common/client_types.h"

namespace rmq {

struct StatedSubscription {
  std::string topic;
  int64_t sub_version = 1;
  std::string expression = "*";
  std::string expression_type = "TAG";
};

struct StatedConsumer {
  std::string group;
  std::vector<StatedSubscription> subscriptions;
  ConsumerModes modes = {ConsumeType::kConsumePassively,
                         MessageModel::kClustering,
                         ConsumeFromWhere::kLastOffset};
  bool unit_mode = false;
};

// A heartbeat that owns its strings. A value.
struct Stated {
  explicit Stated(absl::string_view client_id) : client_id(client_id) {}

  Stated& Incarnation(uint64_t value) {
    incarnation = value;
    return *this;
  }
  Stated& StreamNumber(uint64_t value) {
    stream_number = value;
    return *this;
  }
  Stated& Program(LanguageCode its_language, int32_t its_version) {
    language = its_language;
    version = its_version;
    return *this;
  }
  Stated& Producer(absl::string_view group) {
    producers.emplace_back(group);
    return *this;
  }
  Stated& Consumer(absl::string_view group,
                   std::vector<StatedSubscription> subscriptions = {}) {
    StatedConsumer& consumer = consumers.emplace_back();
    consumer.group = std::string(group);
    consumer.subscriptions = std::move(subscriptions);
    return *this;
  }
  // These change the consumer that was stated last.
  Stated& Model(MessageModel model) {
    consumers.back().modes.message_model = model;
    return *this;
  }
  Stated& Type(ConsumeType type) {
    consumers.back().modes.consume_type = type;
    return *this;
  }
  Stated& UnitMode() {
    consumers.back().unit_mode = true;
    return *this;
  }

  std::string client_id;
  uint64_t incarnation = 0;
  uint64_t stream_number = 0;
  LanguageCode language = LanguageCode::kCpp;
  int32_t version = 1;
  std::vector<std::string> producers;
  std::vector<StatedConsumer> consumers;
};

// A HeartbeatStatement of a copy of a Stated, with all its consumers admitted
// if nothing else is said. What is passed to the core dies with it, so that a
// view that the core keeps is found by AddressSanitizer.
class StatementOf {
 public:
  explicit StatementOf(Stated stated) : stated_(std::move(stated)) {
    subscriptions_.reserve(stated_.consumers.size());
    for (const StatedConsumer& consumer : stated_.consumers) {
      auto& subscriptions = subscriptions_.emplace_back();
      for (const StatedSubscription& subscription : consumer.subscriptions) {
        subscriptions.push_back({subscription.topic, subscription.expression,
                                 subscription.expression_type,
                                 subscription.sub_version});
      }
      consumers_.push_back(
          {consumer.group, consumer.modes, consumer.unit_mode, subscriptions});
    }
    producers_.assign(stated_.producers.begin(), stated_.producers.end());
    statement_.client_id = stated_.client_id;
    statement_.incarnation = stated_.incarnation;
    statement_.stream_number = stated_.stream_number;
    statement_.language = stated_.language;
    statement_.version = stated_.version;
    statement_.producer_groups = producers_;
    statement_.consumers = consumers_;
    for (const ConsumerStatement& consumer : consumers_) {
      admitted_.push_back({&consumer, /*notify_consumer_ids_changed=*/true});
    }
  }
  StatementOf(const StatementOf&) = delete;
  StatementOf& operator=(const StatementOf&) = delete;

  const HeartbeatStatement& operator*() const { return statement_; }

  // Whom the policy lets in; a test may change it.
  std::vector<AdmittedConsumer>& admitted() { return admitted_; }
  AdmittedStatement Admitted(bool take_new_producers = true) const {
    return {&statement_, admitted_, take_new_producers};
  }

 private:
  const Stated stated_;
  std::vector<std::vector<SubscriptionStatement>> subscriptions_;
  std::vector<ConsumerStatement> consumers_;
  std::vector<absl::string_view> producers_;
  HeartbeatStatement statement_;
  std::vector<AdmittedConsumer> admitted_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_STATED_H_
