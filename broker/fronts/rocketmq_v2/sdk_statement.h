// What an SDK client states of itself: in its settings, or by its calls.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_SDK_STATEMENT_H_
#define BROKER_FRONTS_ROCKETMQ_V2_SDK_STATEMENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/definition.pb.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/registry/labels.h"
#include "broker/registry/statement.h"
#include "common/client_types.h"
#include "common/response_code.h"
#include "common/validation.h"

namespace rmq {

namespace v2 = ::apache::rocketmq::v2;

// The name of a resource in the registry: "namespace%name", or "name" without a
// namespace. Reference: NamespaceUtil.java of RocketMQ 4. Differs: the proxy
// ignores the namespace.
std::string NameOf(const v2::Resource& resource);

// The name of a topic or a consumer group, checked: ILLEGAL_TOPIC or
// ILLEGAL_CONSUMER_GROUP, naming `field`.
CallStatus TopicName(absl::string_view field, const v2::Resource& topic,
                     const Limits& limits, std::string* name);
CallStatus GroupName(absl::string_view field, const v2::Resource& group,
                     const Limits& limits, std::string* name);

// Whether clients of the type can be members here. UNRECOGNIZED_CLIENT_TYPE
// otherwise.
CallStatus CheckClientType(v2::ClientType type);

// Constant. Thread-safe.
class SdkStatement {
 public:
  // Of a client's settings. `now`: when they came; it becomes the version of
  // the subscriptions, so that who stated last wins. Returns an error with the
  // code that the client is told, and leaves `result` alone.
  // Reference: ClientActivity#processAndWriteClientSettings.
  static CallStatus Parse(const v2::Settings& settings,
                          const SdkHeaders& headers, const Limits& limits,
                          absl::Time now,
                          std::shared_ptr<const SdkStatement>* result);

  // Of a consumer whose settings have not come: it is in `group`, and reads the
  // topics that it has asked routes of, by expressions that nobody knows.
  static std::shared_ptr<const SdkStatement> OfConsumer(
      v2::ClientType type, std::string group, const SdkHeaders& headers,
      const std::vector<std::string>& topics = {});
  // Of a producer whose settings have not come: its topics are those that it
  // has asked routes of.
  static std::shared_ptr<const SdkStatement> OfProducer(
      std::vector<std::string> topics, const SdkHeaders& headers);
  // One of the two, by what a heartbeat says and the topics that were asked
  // for; null if these say nothing.
  static std::shared_ptr<const SdkStatement> Inferred(
      v2::ClientType type, const std::string& group,
      const std::vector<std::string>& topics, const SdkHeaders& headers);
  // Whether Inferred() would return the same statement.
  bool IsInferredOf(v2::ClientType type, absl::string_view group,
                    const std::vector<std::string>& topics) const;

  SdkStatement(const SdkStatement&) = delete;
  SdkStatement& operator=(const SdkStatement&) = delete;

  v2::ClientType type() const { return type_; }
  // Of a producer: it has no other groups here.
  const std::vector<std::string>& topics() const { return topics_; }
  // Of a consumer; empty for a producer.
  const std::string& group() const { return group_; }
  // A statement of no group registers nothing.
  bool has_groups() const { return !topics_.empty() || !group_.empty(); }

  // The topics of a consumer's subscriptions.
  absl::InlinedVector<absl::string_view, 8> subscribed_topics() const;

  // Views of this statement, as of the client `client_id`.
  HeartbeatStatement View(absl::string_view client_id) const;

 private:
  // A client's own expression of one topic.
  struct Subscription {
    std::string topic;
    std::string expression;
    absl::string_view type;  // A literal.
  };

  SdkStatement() = default;

  // Takes what the headers say, and `user_agent`, if there is one, over it.
  void SetProgram(const SdkHeaders& headers, const v2::UA* user_agent);
  // After all else: makes the views.
  void Seal(absl::Time version);

  v2::ClientType type_ = v2::CLIENT_TYPE_UNSPECIFIED;
  LanguageCode language_ = LanguageCode::kUnspecified;
  std::string version_;
  std::string type_name_;
  std::vector<std::string> topics_;
  std::string group_;
  std::vector<Subscription> subscriptions_;

  // Views of the above.
  std::vector<absl::string_view> topic_views_;
  std::vector<SubscriptionStatement> subscription_views_;
  absl::InlinedVector<StatedLabel, 2> labels_;
  ConsumerStatement consumer_;
};

using SdkStatementPtr = std::shared_ptr<const SdkStatement>;

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_SDK_STATEMENT_H_
