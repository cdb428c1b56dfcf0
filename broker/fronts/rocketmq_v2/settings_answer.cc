#include "broker/fronts/rocketmq_v2/settings_answer.h"

#include <cstdint>

namespace rmq {
namespace {

namespace v2 = ::apache::rocketmq::v2;

// Reference: ProxyConfig.java, SubscriptionGroupConfig.java,
// CustomizedRetryPolicy.java.
constexpr int32_t kMaxBodyBytes = 4 * 1024 * 1024;
constexpr int32_t kProducerAttempts = 3;
constexpr int32_t kConsumerAttempts = 17;
constexpr int32_t kBatchSize = 32;
constexpr int64_t kLongPollingSeconds = 20;
constexpr int64_t kConsumerBackoffSeconds[] = {
    1,   5,   10,  30,  60,  120,  180,  240,  300,
    360, 420, 480, 540, 600, 1200, 1800, 3600, 7200};

void CompleteProducer(v2::Settings* settings) {
  // Java and Node.js want this one.
  v2::RetryPolicy& policy = *settings->mutable_backoff_policy();
  policy.set_max_attempts(kProducerAttempts);
  v2::ExponentialBackoff& backoff = *policy.mutable_exponential_backoff();
  backoff.mutable_initial()->set_seconds(0);
  backoff.mutable_initial()->set_nanos(10'000'000);
  backoff.mutable_max()->set_seconds(1);
  backoff.mutable_max()->set_nanos(0);
  backoff.set_multiplier(2);
  v2::Publishing& publishing = *settings->mutable_publishing();
  publishing.set_max_body_size(kMaxBodyBytes);
  publishing.set_validate_message_type(true);
}

void CompleteConsumer(v2::Settings* settings) {
  v2::RetryPolicy& policy = *settings->mutable_backoff_policy();
  policy.set_max_attempts(kConsumerAttempts);
  v2::CustomizedBackoff& backoff = *policy.mutable_customized_backoff();
  backoff.clear_next();
  for (const int64_t seconds : kConsumerBackoffSeconds) {
    backoff.add_next()->set_seconds(seconds);
  }
  v2::Subscription& subscription = *settings->mutable_subscription();
  subscription.set_receive_batch_size(kBatchSize);
  if (settings->client_type() != v2::SIMPLE_CONSUMER ||
      !subscription.has_long_polling_timeout()) {
    subscription.mutable_long_polling_timeout()->set_seconds(
        kLongPollingSeconds);
    subscription.mutable_long_polling_timeout()->set_nanos(0);
  }
  subscription.set_fifo(false);
}

}  // namespace

void CompleteSettings(v2::Settings* settings) {
  if (settings->client_type() == v2::PRODUCER) {
    CompleteProducer(settings);
  } else {
    CompleteConsumer(settings);
  }
  // Clients would export metrics to an address that is not there.
  settings->mutable_metric()->Clear();
}

}  // namespace rmq
