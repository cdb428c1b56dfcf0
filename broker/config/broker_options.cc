#include "broker/config/broker_options.h"

#include <cstdint>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/assignment/queue_assignment.h"
#include "broker/config/policy_configs.h"
#include "broker/config/settings.h"
#include "broker/fronts/auth_options.h"
#include "broker/fronts/rocketmq_v2/rocketmq5_options.h"
#include "broker/registry/duplicate_clients.h"
#include "common/security/server_tls_options.h"
#include "common/validation.h"
#include "glog/logging.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Calls `visit(name, &value)` for each setting: the one place that says which
// option a setting is.
template <typename Options, typename Visitor>
void VisitSettings(Options& options, const Visitor& visit) {
  auto& policy = options.policy;
  visit("auto_create_subscription_group",
        &policy.auto_create_subscription_group);
  visit("max_auto_created_groups", &policy.max_auto_created_groups);
  visit("max_auto_created_groups_per_address",
        &policy.max_auto_created_groups_per_address);
  visit("enable_property_filter", &policy.enable_property_filter);
  visit("enable_register_producer", &policy.enable_register_producer);
  visit("reject_pull_consumer_enable", &policy.reject_pull_consumer_enable);

  visit("notify_consumer_ids_changed_enable", &options.notifier.enabled);
  visit("notify_window", &options.notifier.notify_window);
  visit("settle", &options.settle);

  auto& identity = options.identity;
  visit("cluster", &identity.cluster);
  visit("broker_name", &identity.broker_name);
  visit("broker_id", &identity.broker_id);

  auto& server = options.server;
  visit("address", &server.address);
  visit("admin_address", &server.admin_address);
  visit("allow_insecure_remote", &options.allow_insecure_remote);
  visit("reflection", &server.reflection);
  visit("tls_cert", &server.tls.cert_file);
  visit("tls_key", &server.tls.key_file);
  visit("tls_client_ca", &server.tls.client_ca_file);
  visit("tls_client_cert", &server.tls.client_certificates);
  visit("tls_crl_directory", &server.tls.crl_directory);
  visit("threads", &server.threads);
  visit("nap", &server.nap);
  visit("slow_reader_limit", &server.slow_reader_limit);
  visit("drain_timeout", &options.drain_timeout);
  visit("max_frame_bytes", &server.max_frame_bytes);
  visit("max_frame_rate", &server.max_frame_rate);
  visit("max_streams_per_connection", &server.max_streams_per_connection);
  visit("max_connections", &server.connections.max_connections);
  visit("max_connections_per_address",
        &server.connections.max_connections_per_address);
  visit("max_wasted_calls_rate", &server.connections.max_wasted_calls_rate);
  visit("max_wasted_bytes_rate", &server.connections.max_wasted_bytes_rate);
  visit("max_unary_bytes_rate", &server.rates.max_unary_bytes_rate);
  visit("max_unary_groups_rate", &server.rates.max_unary_groups_rate);
  visit("max_listed_rows_rate", &server.rates.max_listed_rows_rate);

  auto& table = options.table;
  visit("channel_expiry", &table.channel_expiry);
  visit("min_channel_expiry", &table.min_channel_expiry);
  visit("max_channel_expiry", &table.max_channel_expiry);
  visit("max_channels", &table.max_channels);
  visit("max_channels_per_address", &table.max_channels_per_address);
  visit("recently_closed", &table.recently_closed);
  visit("max_statement_changes", &table.max_statement_changes);
  visit("max_statement_changes_per_address",
        &table.max_statement_changes_per_address);
  visit("duplicate_client_id_policy", &table.duplicate_client_id_policy);
  visit("housekeeping_period", &options.housekeeping.period);
  visit("kick_hold", &options.kicker.kick_hold);

  auto& limits = options.limits;
  visit("max_client_id_bytes", &limits.max_client_id_bytes);
  visit("max_group_bytes", &limits.max_group_bytes);
  visit("max_topic_bytes", &limits.max_topic_bytes);
  visit("max_retry_topic_bytes", &limits.max_retry_topic_bytes);
  visit("max_groups_per_client", &limits.max_groups_per_client);
  visit("max_subscriptions_per_group", &limits.max_subscriptions_per_group);

  visit("watch_history", &options.watch.watch_history);
  visit("max_watches", &options.watch.max_watches);

  visit("metrics_address", &options.metrics_address);

  auto& rocketmq5 = options.rocketmq5;
  visit("rocketmq5_front", &rocketmq5.enabled);
  visit("rocketmq5_topic_queues", &rocketmq5.topic_queues);
  visit("rocketmq5_lost_expiry", &rocketmq5.lost_expiry);
  visit("rocketmq5_assignment", &rocketmq5.assignment);
  visit("rocketmq5_assignment_strategy", &rocketmq5.assignment_strategy);
  visit("advertised_address", &rocketmq5.advertised_address);

  auto& registrar = options.registrar;
  visit("etcd", &registrar.etcd);
  visit("etcd_prefix", &registrar.etcd_prefix);
  visit("etcd_lease", &registrar.etcd_lease);
  visit("etcd_tls", &registrar.etcd_tls);
  visit("etcd_tls_ca", &registrar.etcd_tls_ca);
  visit("etcd_tls_cert", &registrar.etcd_tls_cert);
  visit("etcd_tls_key", &registrar.etcd_tls_key);
  visit("etcd_tls_server_name", &registrar.etcd_tls_server_name);
  visit("etcd_user", &registrar.etcd_user);
  visit("etcd_password_file", &registrar.etcd_password_file);

  auto& auth = options.auth;
  visit("auth", &auth.mode);
  visit("auth_file", &auth.file);
  visit("auth_date_window", &auth.date_window);
  visit("allow_insecure_auth", &auth.allow_insecure);
}

const Setting& SettingOf(absl::string_view name) {
  const Setting* const setting = FindSetting(name);
  CHECK(setting != nullptr) << name;
  return *setting;
}

// Reads settings from a config.
class Reader {
 public:
  Reader(const pb::BrokerConfig* config, std::string* errors)
      : config_(*config), errors_(*errors) {}

  template <typename T>
  void operator()(absl::string_view name, T* value) const {
    const Setting& setting = SettingOf(name);
    const Message& message = setting.In(config_);
    const Reflection& reflection = *message.GetReflection();
    if (!reflection.HasField(message, setting.field)) return;
    if constexpr (std::is_same_v<T, absl::Duration> ||
                  std::is_same_v<T, absl::optional<absl::Duration>>) {
      const std::string text = reflection.GetString(message, setting.field);
      absl::Duration time;
      if (absl::ParseDuration(text, &time)) {
        *value = time;
      } else {
        absl::StrAppend(&errors_, errors_.empty() ? "" : "\n", name,
                        " must be a time such as 30s, got \"", text, "\"");
      }
    } else if constexpr (std::is_same_v<T, DuplicateClientIdPolicy>) {
      const std::string text = reflection.GetString(message, setting.field);
      const auto policy = ParseDuplicateClientIdPolicy(text);
      if (policy.has_value()) {
        *value = *policy;
      } else {
        absl::StrAppend(&errors_, errors_.empty() ? "" : "\n", name,
                        " must be report, newest_wins or oldest_wins, got ",
                        Quoted(text));
      }
    } else if constexpr (std::is_same_v<T, QueueAssignment>) {
      const std::string text = reflection.GetString(message, setting.field);
      const auto assignment = ParseQueueAssignment(text);
      if (assignment.has_value()) {
        *value = *assignment;
      } else {
        absl::StrAppend(&errors_, errors_.empty() ? "" : "\n", name,
                        " must be empty or queues, got ", Quoted(text));
      }
    } else if constexpr (std::is_same_v<T, AssignmentStrategy>) {
      const std::string text = reflection.GetString(message, setting.field);
      const auto strategy = ParseAssignmentStrategy(text);
      if (strategy.has_value()) {
        *value = *strategy;
      } else {
        absl::StrAppend(&errors_, errors_.empty() ? "" : "\n", name,
                        " must be averagely or consistent_hash, got ",
                        Quoted(text));
      }
    } else if constexpr (std::is_same_v<T, ClientCertificates>) {
      const std::string text = reflection.GetString(message, setting.field);
      const auto certificates = ParseClientCertificates(text);
      if (certificates.has_value()) {
        *value = *certificates;
      } else {
        absl::StrAppend(&errors_, errors_.empty() ? "" : "\n", name,
                        " must be off, optional or required, got ",
                        Quoted(text));
      }
    } else if constexpr (std::is_same_v<T, AuthMode>) {
      const std::string text = reflection.GetString(message, setting.field);
      const auto mode = ParseAuthMode(text);
      if (mode.has_value()) {
        *value = *mode;
      } else {
        absl::StrAppend(&errors_, errors_.empty() ? "" : "\n", name,
                        " must be off, log or on, got ", Quoted(text));
      }
    } else if constexpr (std::is_same_v<T, std::string>) {
      *value = reflection.GetString(message, setting.field);
    } else if constexpr (std::is_same_v<T, bool>) {
      *value = reflection.GetBool(message, setting.field);
    } else if constexpr (std::is_same_v<T, int32_t>) {
      *value = reflection.GetInt32(message, setting.field);
    } else if constexpr (std::is_same_v<T, int64_t>) {
      *value = reflection.GetInt64(message, setting.field);
    } else {
      static_assert(std::is_same_v<T, uint64_t> ||
                        std::is_same_v<T, absl::optional<uint64_t>>,
                    "no setting has this type");
      *value = reflection.GetUInt64(message, setting.field);
    }
  }

 private:
  const pb::BrokerConfig& config_;
  std::string& errors_;
};

// Writes settings into a config.
class Writer {
 public:
  explicit Writer(pb::BrokerConfig* config) : config_(*config) {}

  void operator()(absl::string_view name, const absl::Duration* value) const {
    Set(name, absl::FormatDuration(*value));
  }
  void operator()(absl::string_view name,
                  const absl::optional<absl::Duration>* value) const {
    if (value->has_value()) Set(name, absl::FormatDuration(**value));
  }
  void operator()(absl::string_view name,
                  const absl::optional<uint64_t>* value) const {
    if (value->has_value()) Set(name, absl::StrCat(**value));
  }
  void operator()(absl::string_view name,
                  const DuplicateClientIdPolicy* value) const {
    Set(name, std::string(Name(*value)));
  }
  void operator()(absl::string_view name,
                  const ClientCertificates* value) const {
    Set(name, std::string(Name(*value)));
  }
  void operator()(absl::string_view name, const QueueAssignment* value) const {
    Set(name, std::string(Name(*value)));
  }
  void operator()(absl::string_view name,
                  const AssignmentStrategy* value) const {
    Set(name, std::string(Name(*value)));
  }
  void operator()(absl::string_view name, const AuthMode* value) const {
    Set(name, std::string(Name(*value)));
  }
  void operator()(absl::string_view name, const bool* value) const {
    Set(name, *value ? "true" : "false");
  }
  template <typename T>
  void operator()(absl::string_view name, const T* value) const {
    Set(name, absl::StrCat(*value));
  }

 private:
  void Set(absl::string_view name, const std::string& text) const {
    CHECK(SetSetting(SettingOf(name), text, &config_)) << name << " " << text;
  }

  pb::BrokerConfig& config_;
};

}  // namespace

BrokerController::Options DefaultBrokerOptions() {
  BrokerController::Options options;
  options.identity.cluster = "DefaultCluster";
  options.identity.broker_name = "broker-a";
  options.notifier.notify_window = absl::Milliseconds(100);
  options.table.max_statement_changes = 1;
  options.table.max_statement_changes_per_address = 1000;
  options.table.max_channels_per_address = absl::nullopt;
  options.policy.max_auto_created_groups_per_address = absl::nullopt;
  options.metrics_address = "127.0.0.1:5557";
  return options;
}

absl::Status ApplyConfig(const pb::BrokerConfig& config,
                         BrokerController::Options* options) {
  std::string errors;
  VisitSettings(*options, Reader(&config, &errors));
  for (const pb::SubscriptionGroupConfig& group :
       config.subscription_groups()) {
    options->policy.subscription_groups.push_back(ToOptions(group));
  }
  for (const pb::TopicConfig& topic : config.topics()) {
    options->policy.topics.push_back(ToOptions(topic));
  }
  return errors.empty() ? absl::OkStatus() : absl::InvalidArgumentError(errors);
}

pb::BrokerConfig ConfigOf(const BrokerController::Options& options) {
  pb::BrokerConfig config;
  VisitSettings(options, Writer(&config));
  for (const SubscriptionGroupConfig& group :
       options.policy.subscription_groups) {
    *config.add_subscription_groups() = FromOptions(group);
  }
  for (const TopicConfig& topic : options.policy.topics) {
    *config.add_topics() = FromOptions(topic);
  }
  return config;
}

}  // namespace rmq
