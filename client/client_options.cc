#include "client/client_options.h"

#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/broker_source.h"
#include "common/validation.h"

namespace rmq {
namespace {

constexpr absl::Duration kMinHeartbeatInterval = absl::Milliseconds(100);

absl::Status OutOfRange(absl::string_view field, absl::string_view rule,
                        absl::Duration value) {
  return absl::InvalidArgumentError(absl::StrCat(
      field, " must ", rule, ", got ", absl::FormatDuration(value)));
}

absl::Status ValidatePositive(absl::string_view field, absl::Duration value) {
  if (value > absl::ZeroDuration()) return absl::OkStatus();
  return OutOfRange(field, "be positive", value);
}

absl::Status ValidateLabels(const ClientOptions& options) {
  for (const auto& [key, value] : options.labels) {
    absl::Status status = ValidateLabel(key, value);
    if (!status.ok()) return status;
  }
  absl::Status status = ValidateLabel(ClientOptions::kApplicationVersionLabel,
                                      options.application_version);
  if (!status.ok()) return status;
  const bool adds_version = !options.application_version.empty();
  const std::pair<absl::string_view, bool> added[] = {
      {ClientOptions::kHostLabel, options.label_host_name},
      {ClientOptions::kApplicationVersionLabel, adds_version}};
  for (const auto& [key, is_added] : added) {
    if (is_added && options.labels.count(std::string(key)) > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("labels must not have a key that another option adds, "
                       "got ",
                       Quoted(key)));
    }
  }
  const size_t count =
      options.labels.size() + options.label_host_name + adds_version;
  if (count <= kMaxLabels) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("labels must be at most ", kMaxLabels,
                   " with those that other options add, got ", count));
}

}  // namespace

absl::Status Subscription::Validate() const {
  absl::Status status = ValidateNameForm("topic", topic);
  if (!status.ok()) return status;
  if (!expression_type.empty() && expression_type != "TAG" &&
      expression_type != "SQL92") {
    return absl::InvalidArgumentError(absl::StrCat(
        "expression_type must be TAG or SQL92, got ", Quoted(expression_type)));
  }
  if (!IsUtf8(expression)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expression must be UTF-8, got ", Quoted(expression)));
  }
  return absl::OkStatus();
}

absl::Status ConsumerOptions::Validate() const {
  absl::Status status = ValidateNameForm("group", group);
  if (!status.ok()) return status;
  absl::flat_hash_set<absl::string_view> topics;
  for (const Subscription& subscription : subscriptions) {
    status = subscription.Validate();
    if (!status.ok()) return status;
    if (!topics.insert(subscription.topic).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("subscriptions must not name a topic twice, got ",
                       Quoted(subscription.topic)));
    }
  }
  return absl::OkStatus();
}

std::vector<BrokerEntry> UnnamedBrokers(
    const std::vector<std::string>& addresses) {
  std::vector<BrokerEntry> brokers;
  brokers.reserve(addresses.size());
  for (const std::string& address : addresses) {
    BrokerEntry& broker = brokers.emplace_back();
    broker.address = address;
  }
  return brokers;
}

absl::Status ClientOptions::Validate() const {
  absl::Status status =
      ValidateBrokerSource({brokers, resolver, discovery, tls, credentials,
                            allow_insecure_credentials});
  if (!status.ok()) return status;
  if (!client_id.empty()) {
    status = ValidateClientIdForm("client_id", client_id);
    if (!status.ok()) return status;
  }
  if (!instance_name.empty()) {
    status = ValidateClientIdForm("instance_name", instance_name);
    if (!status.ok()) return status;
  }
  if (!unit_name.empty()) {
    status = ValidateClientIdForm("unit_name", unit_name);
    if (!status.ok()) return status;
  }
  if (heartbeat_interval < kMinHeartbeatInterval) {
    return OutOfRange("heartbeat_interval", "be at least 100ms",
                      heartbeat_interval);
  }
  if (requested_channel_expiry < absl::ZeroDuration() ||
      requested_channel_expiry == absl::InfiniteDuration()) {
    return OutOfRange("requested_channel_expiry", "be finite, and not negative",
                      requested_channel_expiry);
  }
  status = ValidatePositive("reply_timeout", reply_timeout);
  if (!status.ok()) return status;
  status = ValidatePositive("connect_timeout", connect_timeout);
  if (!status.ok()) return status;
  status = ValidatePositive("initial_backoff", initial_backoff);
  if (!status.ok()) return status;
  if (max_backoff < initial_backoff) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_backoff must be at least initial_backoff (",
                     absl::FormatDuration(initial_backoff), "), got ",
                     absl::FormatDuration(max_backoff)));
  }
  return ValidateLabels(*this);
}

}  // namespace rmq
