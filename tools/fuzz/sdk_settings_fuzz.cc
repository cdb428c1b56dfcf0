// Feeds any bytes to what reads the settings of RocketMQ 5's SDKs. See
// tools/fuzz/run.
//
// What is taken must be within the limits, and the same once the broker has
// completed the settings and they come back; what is refused must be told by a
// code that an SDK knows, in short words.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/definition.pb.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_statement.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/fronts/rocketmq_v2/settings_answer.h"
#include "broker/registry/statement.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

void Require(bool holds, absl::string_view what, absl::string_view got = "") {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s: %s\n", std::string(what).c_str(),
               absl::CHexEscape(got).c_str());
  std::abort();
}

// The headers of an SDK, with what the bytes say of the program.
SdkHeaders HeadersWith(absl::string_view version) {
  SdkHeaders headers;
  headers.client_id = "host@1@0@abc";
  headers.version = version;
  return headers;
}

void RequireGoodRefusal(const CallStatus& status) {
  const v2::Code code = CodeOf(status);
  Require((code >= v2::BAD_REQUEST && code < v2::INTERNAL_ERROR) ||
              code == v2::UNSUPPORTED,
          "a code for the client", v2::Code_Name(code));
  Require(!status.message.empty() && status.message.size() < 2000, "few words",
          status.message);
}

void RequireWithinLimits(const SdkStatement& statement, const Limits& limits) {
  const HeartbeatStatement view = statement.View("host@1@0@abc");
  Require(view.producer_groups.size() <= limits.max_groups_per_client,
          "as many producer groups as a client may have");
  Require(view.producer_groups.empty() || view.consumers.empty(),
          "a producer or a consumer");
  for (const absl::string_view group : view.producer_groups) {
    Require(ValidateGroup("group", group, limits).ok(), "a producer group",
            group);
  }
  Require(view.consumers.size() <= 1, "one consumer group");
  for (const ConsumerStatement& consumer : view.consumers) {
    Require(ValidateGroup("group", consumer.group, limits).ok(),
            "a consumer group", consumer.group);
    Require(consumer.subscriptions.size() <= limits.max_subscriptions_per_group,
            "as many subscriptions as a group may have");
    absl::flat_hash_set<absl::string_view> topics;
    for (const SubscriptionStatement& stated : consumer.subscriptions) {
      Require(ValidateTopic("topic", stated.topic, limits).ok(), "a topic",
              stated.topic);
      Require(topics.insert(stated.topic).second, "no topic twice",
              stated.topic);
      Require(!stated.expression.empty(), "an expression");
      Require(stated.sub_version == absl::ToUnixMillis(kNow), "its version");
    }
  }
}

// What is compared of two statements.
std::string InWords(const SdkStatement& statement) {
  std::string words = v2::ClientType_Name(statement.type());
  const HeartbeatStatement view = statement.View("c");
  for (const absl::string_view group : view.producer_groups) {
    words += " producer=" + std::string(group);
  }
  for (const ConsumerStatement& consumer : view.consumers) {
    words += " consumer=" + std::string(consumer.group);
    for (const SubscriptionStatement& stated : consumer.subscriptions) {
      words += " " + std::string(stated.topic) + "/" +
               std::string(stated.expression_type) + "/" +
               std::string(stated.expression);
    }
  }
  return words;
}

void Try(const v2::Settings& settings, const Limits& limits) {
  const SdkHeaders headers = HeadersWith(settings.user_agent().version());
  std::shared_ptr<const SdkStatement> statement;
  const CallStatus status =
      SdkStatement::Parse(settings, headers, limits, kNow, &statement);
  Require(status.ok() == (statement != nullptr), "a statement, or an error");
  if (!status.ok()) {
    RequireGoodRefusal(status);
    return;
  }
  RequireWithinLimits(*statement, limits);
  v2::Settings answer = settings;
  CompleteSettings(&answer);
  Require(answer.has_backoff_policy(), "a policy, without which SDKs hang");
  Require(!answer.metric().on(), "no metrics");
  std::shared_ptr<const SdkStatement> again;
  Require(SdkStatement::Parse(answer, headers, limits, kNow, &again).ok(),
          "completed settings are good");
  Require(InWords(*again) == InWords(*statement), "and the same",
          InWords(*again));
}

}  // namespace
}  // namespace rmq

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rmq::v2::Settings settings;
  if (!settings.ParseFromArray(data, static_cast<int>(size))) return 0;
  rmq::Limits limits;
  rmq::Try(settings, limits);
  // Limits that few bytes reach.
  limits.max_groups_per_client = 2;
  limits.max_subscriptions_per_group = 2;
  rmq::Try(settings, limits);
  return 0;
}
