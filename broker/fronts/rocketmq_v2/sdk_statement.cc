#include "broker/fronts/rocketmq_v2/sdk_statement.h"

#include <cstddef>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"

namespace rmq {
namespace {

// Groups of RocketMQ's own.
constexpr absl::string_view kSystemGroupPrefix = "CID_RMQ_SYS_";

// Longer ones are left out; they are for people.
constexpr size_t kMostVersionBytes = 64;

CallStatus Checked(const absl::Status& status, v2::Code code) {
  return status.ok() ? CallStatus()
                     : SdkError(code, std::string(status.message()));
}

absl::string_view FieldOfTopic(const v2::Settings& settings) {
  return settings.has_publishing() ? "publishing.topics" : "subscriptions";
}

LanguageCode LanguageOf(v2::Language language) {
  switch (language) {
    case v2::LANGUAGE_UNSPECIFIED: return LanguageCode::kUnspecified;
    case v2::JAVA: return LanguageCode::kJava;
    case v2::CPP: return LanguageCode::kCpp;
    case v2::DOT_NET: return LanguageCode::kDotnet;
    case v2::GOLANG: return LanguageCode::kGo;
    case v2::RUST: return LanguageCode::kRust;
    case v2::PYTHON: return LanguageCode::kPython;
    case v2::PHP: return LanguageCode::kPhp;
    case v2::NODE_JS: return LanguageCode::kNodeJs;
    case v2::RUBY: return LanguageCode::kRuby;
    default: return LanguageCode::kOther;
  }
}

}  // namespace

std::string NameOf(const v2::Resource& resource) {
  return resource.resource_namespace().empty()
             ? resource.name()
             : absl::StrCat(resource.resource_namespace(), "%",
                            resource.name());
}

CallStatus TopicName(absl::string_view field, const v2::Resource& topic,
                     const Limits& limits, std::string* name) {
  *name = NameOf(topic);
  return Checked(ValidateTopic(field, *name, limits), v2::ILLEGAL_TOPIC);
}

CallStatus GroupName(absl::string_view field, const v2::Resource& group,
                     const Limits& limits, std::string* name) {
  *name = NameOf(group);
  if (absl::StartsWith(group.name(), kSystemGroupPrefix)) {
    return SdkError(v2::ILLEGAL_CONSUMER_GROUP,
                    absl::StrCat(field, " must not begin with ",
                                 kSystemGroupPrefix, ", got ", Quoted(*name)));
  }
  return Checked(ValidateGroup(field, *name, limits),
                 v2::ILLEGAL_CONSUMER_GROUP);
}

CallStatus CheckClientType(v2::ClientType type) {
  switch (type) {
    case v2::PRODUCER:
    case v2::PUSH_CONSUMER:
    case v2::SIMPLE_CONSUMER: return {};
    default: break;
  }
  const std::string& name = v2::ClientType_Name(type);
  return SdkError(
      v2::UNRECOGNIZED_CLIENT_TYPE,
      absl::StrCat("client_type must be PRODUCER, PUSH_CONSUMER or "
                   "SIMPLE_CONSUMER, got ",
                   name.empty() ? absl::StrCat(static_cast<int>(type)) : name));
}

CallStatus SdkStatement::Parse(const v2::Settings& settings,
                               const SdkHeaders& headers, const Limits& limits,
                               absl::Time now, SdkStatementPtr* result) {
  const std::shared_ptr<SdkStatement> statement(new SdkStatement());
  statement->type_ = settings.client_type();
  CallStatus status = CheckClientType(settings.client_type());
  if (!status.ok()) return SdkError(v2::UNSUPPORTED, status.message);
  if (settings.client_type() == v2::PRODUCER ? !settings.has_publishing()
                                             : !settings.has_subscription()) {
    return SdkError(
        v2::BAD_REQUEST,
        absl::StrCat("settings of a ",
                     v2::ClientType_Name(settings.client_type()), " must have ",
                     settings.client_type() == v2::PRODUCER ? "publishing"
                                                            : "subscription"));
  }
  const auto add_topic = [&](const v2::Resource& topic, int index,
                             std::string* name) {
    return TopicName(absl::StrCat(FieldOfTopic(settings), "[", index, "]"),
                     topic, limits, name);
  };
  if (settings.has_publishing()) {
    const auto& topics = settings.publishing().topics();
    const absl::Status count = ValidateCount("publishing.topics", topics.size(),
                                             limits.max_groups_per_client);
    if (!count.ok()) return FromStatus(count);
    for (int i = 0; i < topics.size(); ++i) {
      std::string name;
      status = add_topic(topics[i], i, &name);
      // A topic is a producer group here, and has to be one by its form.
      if (status.ok()) {
        status = Checked(ValidateGroup("publishing.topics", name, limits),
                         v2::ILLEGAL_TOPIC);
      }
      if (!status.ok()) return status;
      if (!absl::c_linear_search(statement->topics_, name)) {
        statement->topics_.push_back(std::move(name));
      }
    }
  } else {
    const v2::Subscription& subscription = settings.subscription();
    status = GroupName("subscription.group", subscription.group(), limits,
                       &statement->group_);
    if (!status.ok()) return status;
    const auto& entries = subscription.subscriptions();
    const absl::Status count = ValidateCount(
        "subscriptions", entries.size(), limits.max_subscriptions_per_group);
    if (!count.ok()) return FromStatus(count);
    absl::flat_hash_map<std::string, size_t> places;
    for (int i = 0; i < entries.size(); ++i) {
      Subscription stated;
      status = add_topic(entries[i].topic(), i, &stated.topic);
      if (!status.ok()) return status;
      stated.expression = entries[i].expression().expression();
      if (entries[i].expression().type() == v2::SQL) {
        stated.type = "SQL92";
        if (stated.expression.empty()) {
          return SdkError(v2::ILLEGAL_FILTER_EXPRESSION,
                          absl::StrCat("subscriptions[", i,
                                       "].expression must not be empty, of "
                                       "type SQL"));
        }
      } else {
        stated.type = "TAG";
        if (stated.expression.empty()) stated.expression = "*";
      }
      // The last one of a topic counts, as in a map.
      const auto [same, is_new] =
          places.try_emplace(stated.topic, statement->subscriptions_.size());
      if (is_new) {
        statement->subscriptions_.push_back(std::move(stated));
      } else {
        statement->subscriptions_[same->second] = std::move(stated);
      }
    }
  }
  statement->SetProgram(
      headers, settings.has_user_agent() ? &settings.user_agent() : nullptr);
  statement->Seal(now);
  *result = statement;
  return {};
}

SdkStatementPtr SdkStatement::OfConsumer(
    v2::ClientType type, std::string group, const SdkHeaders& headers,
    const std::vector<std::string>& topics) {
  const std::shared_ptr<SdkStatement> statement(new SdkStatement());
  statement->type_ = type;
  statement->group_ = std::move(group);
  for (const std::string& topic : topics) {
    statement->subscriptions_.push_back({topic, "", kInferredExpressionType});
  }
  statement->SetProgram(headers, nullptr);
  statement->Seal(absl::UnixEpoch());
  return statement;
}

SdkStatementPtr SdkStatement::OfProducer(std::vector<std::string> topics,
                                         const SdkHeaders& headers) {
  const std::shared_ptr<SdkStatement> statement(new SdkStatement());
  statement->type_ = v2::PRODUCER;
  statement->topics_ = std::move(topics);
  statement->SetProgram(headers, nullptr);
  statement->Seal(absl::UnixEpoch());
  return statement;
}

SdkStatementPtr SdkStatement::Inferred(v2::ClientType type,
                                       const std::string& group,
                                       const std::vector<std::string>& topics,
                                       const SdkHeaders& headers) {
  if (type == v2::PRODUCER) {
    return topics.empty() ? nullptr : OfProducer(topics, headers);
  }
  return group.empty() ? nullptr : OfConsumer(type, group, headers, topics);
}

bool SdkStatement::IsInferredOf(v2::ClientType type, absl::string_view group,
                                const std::vector<std::string>& topics) const {
  if (type != type_) return false;
  if (type == v2::PRODUCER) return topics == topics_;
  return group == group_ && absl::c_equal(subscriptions_, topics,
                                          [](const Subscription& subscription,
                                             const std::string& topic) {
                                            return subscription.topic == topic;
                                          });
}

void SdkStatement::SetProgram(const SdkHeaders& headers,
                              const v2::UA* user_agent) {
  language_ = headers.language;
  version_ = std::string(headers.version);
  if (user_agent != nullptr) {
    const LanguageCode language = LanguageOf(user_agent->language());
    if (language != LanguageCode::kUnspecified) language_ = language;
    if (!user_agent->version().empty()) version_ = user_agent->version();
  }
  if (version_.size() > kMostVersionBytes || !IsPlainText(version_)) {
    version_.clear();
  }
  type_name_ = v2::ClientType_Name(type_);
}

void SdkStatement::Seal(absl::Time version) {
  topic_views_.assign(topics_.begin(), topics_.end());
  for (const Subscription& stated : subscriptions_) {
    SubscriptionStatement view;
    view.topic = stated.topic;
    view.expression = stated.expression;
    view.expression_type = stated.type;
    view.sub_version = stated.type == kInferredExpressionType
                           ? kInferredSubVersion
                           : absl::ToUnixMillis(version);
    subscription_views_.push_back(view);
  }
  consumer_.group = group_;
  consumer_.modes.consume_type = type_ == v2::SIMPLE_CONSUMER
                                     ? ConsumeType::kConsumeActively
                                     : ConsumeType::kConsumePassively;
  consumer_.modes.message_model = MessageModel::kClustering;
  consumer_.modes.consume_from_where = ConsumeFromWhere::kLastOffset;
  consumer_.subscriptions = subscription_views_;
  labels_.push_back({"sdk.client_type", type_name_});
  if (!version_.empty()) labels_.push_back({"sdk.version", version_});
}

absl::InlinedVector<absl::string_view, 8> SdkStatement::subscribed_topics()
    const {
  absl::InlinedVector<absl::string_view, 8> topics;
  for (const Subscription& stated : subscriptions_) {
    topics.push_back(stated.topic);
  }
  return topics;
}

HeartbeatStatement SdkStatement::View(absl::string_view client_id) const {
  HeartbeatStatement view;
  view.client_id = client_id;
  view.language = language_;
  view.version = VersionNumber(version_);
  view.labels = labels_;
  view.producer_groups = topic_views_;
  if (!group_.empty()) view.consumers = absl::MakeConstSpan(&consumer_, 1);
  return view;
}

}  // namespace rmq
