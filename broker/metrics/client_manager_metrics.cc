#include "broker/metrics/client_manager_metrics.h"

#include <algorithm>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/fronts/denial_log.h"
#include "broker/metrics/family_builder.h"
#include "broker/metrics/registration_families.h"
#include "broker/policy/group_configs.h"
#include "broker/policy/passed_over_group.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Family = FamilyBuilder;

constexpr char kOther[] = "_other";
constexpr int32_t kOtherVersion = std::numeric_limits<int32_t>::min();

std::string Lower(absl::string_view text) {
  return absl::AsciiStrToLower(text);
}

void AddCodes(const CodeCounters& counters, const SeriesLabels& labels,
              Family* family) {
  counters.VisitAll([&](absl::StatusCode code, int64_t count) {
    if (count == 0) return;
    SeriesLabels all = labels;
    all.push_back({"code", absl::StatusCodeToString(code)});
    family->Add(std::move(all), static_cast<double>(count));
  });
}

// A method's number is RocketMQ's, "none" where RocketMQ has no such request.
SeriesLabels MethodLabels(const MethodCounters& method) {
  return {{"method", method.name()},
          {"request_code", method.request_code() == 0
                               ? "none"
                               : absl::StrCat(method.request_code())},
          {"service", method.service()}};
}

// Reference: ConsumeType#getTypeCN.
const char* ConsumeMode(ConsumeType type) {
  switch (type) {
    case ConsumeType::kUnspecified: return "unspecified";
    case ConsumeType::kConsumeActively: return "pull";
    case ConsumeType::kConsumePassively: return "push";
    case ConsumeType::kConsumePop: return "pop";
  }
  return "?";
}

// Reference: BrokerMetricsManager#isSystemGroup.
const char* IsSystem(absl::string_view group) {
  return absl::StartsWithIgnoreCase(group, kSystemGroupPrefix) ? "true"
                                                               : "false";
}

}  // namespace

ClientManagerMetrics::ClientManagerMetrics(const Identity& identity,
                                           const EdgeCounters* edge,
                                           std::function<Readings()> read)
    : node_labels_{{"cluster", identity.cluster},
                   {"node_type", "broker"},
                   {"node_id", identity.broker_name}},
      edge_(*edge),
      read_(std::move(read)) {}

void ClientManagerMetrics::Connections::Add(const Version& version,
                                            int64_t count) {
  total += count;
  const auto found = by_version.find(version);
  if (found != by_version.end()) {
    found->second += count;
  } else if (by_version.size() < kMaxVersions && count > 0) {
    by_version.emplace(version, count);
  } else {
    other_versions += count;
  }
}

void ClientManagerMetrics::OnClientEvent(const ClientEvent& event) {
  const bool joined = event.type == EventType::kClientRegister;
  const bool left = event.type == EventType::kClientUnregister;
  if (event.type == EventType::kRegister) {
    MutexLock lock(&mu_);
    const auto found = groups_.find(event.group);
    if (found != groups_.end()) found->second.consume_type = event.consume_type;
    return;
  }
  if (event.type == EventType::kDuplicateClientId) {
    MutexLock lock(&mu_);
    ++duplicate_client_ids_;
  }
  if (event.type == EventType::kSubscriptionsInconsistent) {
    MutexLock lock(&mu_);
    ++inconsistencies_;
  }
  if (!joined && !left) return;
  // The lag is 0 for a group that was dropped early because its channel had
  // left out more than ClientTable::kMaxLeftOutGroups.
  const absl::Duration lag =
      left && event.reason == RemovalReason::kExpired
          ? std::max(event.at - event.last_heard - event.channel_expiry,
                     absl::ZeroDuration())
          : absl::ZeroDuration();
  const int64_t count = joined ? 1 : -1;
  MutexLock lock(&mu_);
  if (left) {
    ++removals_[static_cast<size_t>(event.kind)]
               [static_cast<size_t>(event.reason)];
    if (event.reason == RemovalReason::kExpired) {
      ++expired_;
      expiry_lag_sum_ += lag;
      expiry_lag_max_ = std::max(expiry_lag_max_, lag);
    }
  }
  if (event.kind == GroupKind::kProducer) {
    producers_.Add({event.language, event.version}, count);
  } else {
    CountConsumerLocked(event, count);
  }
}

void ClientManagerMetrics::CountConsumerLocked(const ClientEvent& event,
                                               int64_t count) {
  const Version version(event.language, event.version);
  const auto found = groups_.find(event.group);
  const bool has_label =
      found != groups_.end() ||
      (groups_.size() < kMaxGroups && other_groups_.count(event.group) == 0);
  if (has_label) {
    Group& group =
        found != groups_.end() ? found->second : groups_[event.group];
    group.consume_type = event.consume_type;
    group.connections.Add(version, count);
    if (group.connections.total == 0) groups_.erase(event.group);
    return;
  }
  in_other_groups_.Add(version, count);
  const auto other = other_groups_.try_emplace(event.group, 0).first;
  other->second += count;
  if (other->second == 0) other_groups_.erase(other);
}

MetricFamily ClientManagerMetrics::Histogram(
    const DetectionTimes& times) const {
  MetricFamily family;
  family.name = "rocketmq_client_manager_detection_seconds";
  family.help =
      "From the last sign of life of a member that expired or was disconnected "
      "to the first push to its group";
  family.type = MetricType::Histogram;
  ClientMetric& metric = family.metric.emplace_back();
  metric.label = node_labels_;
  metric.histogram.sample_count = static_cast<uint64_t>(times.count());
  metric.histogram.sample_sum = absl::ToDoubleSeconds(times.sum());
  uint64_t up_to = 0;
  for (size_t i = 0; i < DetectionTimes::kBounds.size(); ++i) {
    up_to += static_cast<uint64_t>(times.in_bucket(i));
    metric.histogram.bucket.push_back(
        {up_to, absl::ToDoubleSeconds(DetectionTimes::kBounds[i])});
  }
  return family;
}

std::vector<MetricFamily> ClientManagerMetrics::Collect() const {
  std::vector<MetricFamily> families;
  families.reserve(20);
  const auto family = [&](absl::string_view name, absl::string_view help,
                          MetricType type) {
    return Family(&families, std::string(name), std::string(help), type,
                  node_labels_);
  };
  const Readings readings = read_();

  Family gauge = family("rocketmq_client_manager_channels",
                        "Open channels, those of unary clients included",
                        MetricType::Gauge);
  gauge.Add({}, static_cast<double>(readings.table.channels));
  Family groups = family("rocketmq_client_manager_groups", "Registered groups",
                         MetricType::Gauge);
  groups.Add({{"kind", "producer"}},
             static_cast<double>(readings.table.producer_groups));
  groups.Add({{"kind", "consumer"}},
             static_cast<double>(readings.table.consumer_groups));
  family("rocketmq_client_manager_duplicate_client_ids",
         "Client ids that Connect streams of several processes use now",
         MetricType::Gauge)
      .Add({}, static_cast<double>(readings.table.duplicate_client_ids));
  family("rocketmq_client_manager_inconsistent_groups",
         "Consumer groups whose members state different subscriptions or modes "
         "now, for longer than the group's grace",
         MetricType::Gauge)
      .Add({}, static_cast<double>(readings.table.inconsistent_groups));
  family("rocketmq_client_manager_draining",
         "1 while the broker drains and turns clients away, else 0",
         MetricType::Gauge)
      .Add({}, readings.drain.draining ? 1 : 0);
  family("rocketmq_client_manager_drained_total",
         "Channels that drains have closed", MetricType::Counter)
      .Add({}, static_cast<double>(readings.drain.drained));
  family("rocketmq_client_manager_held_clients",
         "Clients that an operator has taken out and that are kept out",
         MetricType::Gauge)
      .Add({}, static_cast<double>(readings.table.held_clients));
  Family closed = family("rocketmq_client_manager_channels_closed_total",
                         "Channels of clients that were closed, by reason",
                         MetricType::Counter);
  for (size_t i = 0; i < kRemovalReasons; ++i) {
    closed.Add({{"reason", Lower(Name(static_cast<RemovalReason>(i)))}},
               static_cast<double>(readings.table.closed_channels[i]));
  }
  Family refused =
      family("rocketmq_client_manager_channels_refused_total",
             "Channels that were refused, by the limit", MetricType::Counter);
  refused.Add({{"reason", "max_channels"}},
              static_cast<double>(readings.table.refusals.by_max_channels));
  refused.Add(
      {{"reason", "max_channels_per_address"}},
      static_cast<double>(readings.table.refusals.by_max_channels_per_address));
  if (readings.connections != nullptr) {
    family("rocketmq_client_manager_connections", "Open connections",
           MetricType::Gauge)
        .Add({}, static_cast<double>(readings.connections->size()));
    Family not_let_in = family(
        "rocketmq_client_manager_connections_refused_total",
        "Connections that were not let in, by reason", MetricType::Counter);
    readings.connections->refused().VisitAll(
        [&](ConnectionRefusal refusal, int64_t count) {
          not_let_in.Add({{"reason", std::string(NameOf(refusal))}},
                         static_cast<double>(count));
        });
    Family ended = family("rocketmq_client_manager_connections_ended_total",
                          "Connections that the broker ended since they cost "
                          "more than they were of use, by reason",
                          MetricType::Counter);
    readings.connections->ended().VisitAll(
        [&](ConnectionAbuse abuse, int64_t count) {
          ended.Add({{"reason", std::string(NameOf(abuse))}},
                    static_cast<double>(count));
        });
    family("rocketmq_client_manager_accept_errors_total",
           "How often accepting a connection failed, as without open files",
           MetricType::Counter)
        .Add({}, static_cast<double>(readings.accept_errors));
  }
  if (readings.certificate_not_after.has_value()) {
    family("rocketmq_client_manager_certificate_not_after_seconds",
           "When the first of the certificates that the server shows expires, "
           "in seconds since 1970",
           MetricType::Gauge)
        .Add({}, static_cast<double>(
                     absl::ToUnixSeconds(*readings.certificate_not_after)));
  }
  if (readings.registration.has_value()) {
    AddRegistrationFamilies(*readings.registration, node_labels_, &families);
  }
  family("rocketmq_client_manager_watches", "Open calls of Watch",
         MetricType::Gauge)
      .Add({}, static_cast<double>(readings.watches.open));
  family("rocketmq_client_manager_watch_events_total",
         "Events that were passed on, to all watches together",
         MetricType::Counter)
      .Add({}, static_cast<double>(readings.watches.events));
  family("rocketmq_client_manager_watches_cut_total",
         "Watches that the broker ended, by reason", MetricType::Counter)
      .Add({{"reason", "slow_watcher"}},
           static_cast<double>(readings.watches.slow));
  family("rocketmq_client_manager_event_queue_depth",
         "Events that are queued for listeners", MetricType::Gauge)
      .Add({}, static_cast<double>(readings.table.queued_events));

  Family heartbeats =
      family("rocketmq_client_manager_heartbeats_total",
             "Heartbeats answered, by kind and code", MetricType::Counter);
  AddCodes(edge_.full_heartbeats, {{"kind", "full"}}, &heartbeats);
  AddCodes(edge_.light_heartbeats, {{"kind", "light"}}, &heartbeats);
  family("rocketmq_client_manager_full_statements_needed_total",
         "Light heartbeats whose token was not current", MetricType::Counter)
      .Add({}, static_cast<double>(edge_.full_statements_needed.load()));
  Family calls =
      family("rocketmq_client_manager_calls_total",
             "Calls and frames answered, by method", MetricType::Counter);
  edge_.calls.VisitAll([&](const MethodCounters& method) {
    calls.Add(MethodLabels(method), static_cast<double>(method.calls()));
  });
  Family refusals =
      family("rocketmq_client_manager_refusals_total",
             "Calls, frames and streams refused, by code and method",
             MetricType::Counter);
  const MethodCounters& no_method = edge_.calls.no_method();
  edge_.calls.VisitAll([&](const MethodCounters& method) {
    method.refusals().VisitAll([&](absl::StatusCode code, int64_t count) {
      // A method that has been called has all its series, so that the first
      // refusal is a rise from 0; the others would be very many.
      if (count == 0 && method.calls() == 0 && &method != &no_method) return;
      SeriesLabels labels = MethodLabels(method);
      labels.insert(labels.begin(), {"code", absl::StatusCodeToString(code)});
      refusals.Add(std::move(labels), static_cast<double>(count));
    });
  });
  Family skipped =
      family("rocketmq_client_manager_skipped_groups_total",
             "Groups of heartbeats that were passed over", MetricType::Counter);
  edge_.skipped_groups.VisitAll([&](SkipReason reason, int64_t count) {
    skipped.Add({{"reason", Lower(Name(reason))}}, static_cast<double>(count));
  });

  Family denials = family("rocketmq_client_manager_denied_total",
                          "What the rules deny, or would, while they are tried "
                          "out",
                          MetricType::Counter);
  edge_.denials.counters().VisitAll([&](DenialReason reason, int64_t count) {
    denials.Add({{"reason", Lower(Name(reason))}}, static_cast<double>(count));
  });

  Family changes = family(
      "rocketmq_client_manager_changes_total",
      "Changes of consumer groups: made, and merged into one not yet pushed",
      MetricType::Counter);
  changes.Add({{"outcome", "made"}},
              static_cast<double>(readings.notifier.changes));
  changes.Add({{"outcome", "coalesced"}},
              static_cast<double>(readings.notifier.coalesced));
  Family pushes = family("rocketmq_client_manager_pushes_total",
                         "Pushes to streams, by outcome", MetricType::Counter);
  pushes.Add({{"outcome", "sent"}},
             static_cast<double>(edge_.pushes.sent.load()));
  pushes.Add({{"outcome", "coalesced"}},
             static_cast<double>(edge_.pushes.coalesced.load()));
  pushes.Add({{"outcome", "dropped"}},
             static_cast<double>(edge_.pushes.dropped.load()));
  Family made = family("rocketmq_client_manager_pushes_made_total",
                       "Pushes that were given to streams, by what they say",
                       MetricType::Counter);
  for (size_t i = 0; i < kPushKinds; ++i) {
    made.Add({{"kind", std::string(Name(static_cast<PushKind>(i)))}},
             static_cast<double>(readings.notifier.pushes_of_kind[i]));
  }
  family("rocketmq_client_manager_pushes_resent_total",
         "Pushes to clients that had not acknowledged an earlier one",
         MetricType::Counter)
      .Add({}, static_cast<double>(readings.notifier.resent));
  Family acknowledgments =
      family("rocketmq_client_manager_acknowledgments_total",
             "Groups of acknowledgments, by outcome", MetricType::Counter);
  edge_.acknowledgments.VisitAll(
      [&](AcknowledgmentOutcome outcome, int64_t count) {
        acknowledgments.Add({{"outcome", std::string(Name(outcome))}},
                            static_cast<double>(count));
      });
  family("rocketmq_client_manager_slow_readers_total",
         "Streams cut off since they did not read", MetricType::Counter)
      .Add({}, static_cast<double>(edge_.calls.slow_readers.load()));

  family("rocketmq_client_manager_membership_lines_left_out_total",
         "Lines of the log that tell who joined or left, left out since there "
         "were too many a second",
         MetricType::Counter)
      .Add({}, static_cast<double>(readings.membership_lines_left_out));
  family("rocketmq_client_manager_log_lines_dropped_total",
         "Lines of the log that did not reach stderr", MetricType::Counter)
      .Add({}, static_cast<double>(readings.log_lines_dropped));

  families.push_back(Histogram(readings.notifier.detection));

  MutexLock lock(&mu_);
  family("rocketmq_client_manager_duplicate_client_ids_total",
         "Connect streams that came with a client id that another process used",
         MetricType::Counter)
      .Add({}, static_cast<double>(duplicate_client_ids_));
  family("rocketmq_client_manager_inconsistencies_total",
         "How often a consumer group became inconsistent", MetricType::Counter)
      .Add({}, static_cast<double>(inconsistencies_));
  Family removals = family("rocketmq_client_manager_removals_total",
                           "Channels that left a group, by kind and reason",
                           MetricType::Counter);
  for (const GroupKind kind : {GroupKind::kProducer, GroupKind::kConsumer}) {
    for (size_t i = 0; i < kRemovalReasons; ++i) {
      const int64_t value = removals_[static_cast<size_t>(kind)][i];
      removals.Add({{"kind", std::string(Name(kind))},
                    {"reason", Lower(Name(static_cast<RemovalReason>(i)))}},
                   static_cast<double>(value));
    }
  }
  MetricFamily& lag = families.emplace_back();
  lag.name = "rocketmq_client_manager_expiry_lag_seconds";
  lag.help = "How long after its expiry a channel was taken out of a group";
  lag.type = MetricType::Summary;
  ClientMetric& summary = lag.metric.emplace_back();
  summary.label = node_labels_;
  summary.summary.sample_count = static_cast<uint64_t>(expired_);
  summary.summary.sample_sum = absl::ToDoubleSeconds(expiry_lag_sum_);
  summary.summary.quantile.push_back(
      {1.0, absl::ToDoubleSeconds(expiry_lag_max_)});

  const auto add_connections = [](const Connections& connections,
                                  const SeriesLabels& labels, Family* out) {
    const auto add = [&](LanguageCode language, int32_t version,
                         int64_t value) {
      if (value == 0) return;
      SeriesLabels all = labels;
      all.push_back({"language", version == kOtherVersion
                                     ? kOther
                                     : Lower(Name(language))});
      all.push_back({"version", version == kOtherVersion
                                    ? kOther
                                    : absl::StrCat(version)});
      all.push_back({"protocol_type", "grpc"});
      out->Add(std::move(all), static_cast<double>(value));
    };
    for (const auto& [version, value] : connections.by_version) {
      add(version.first, version.second, value);
    }
    add(LanguageCode::kUnspecified, kOtherVersion, connections.other_versions);
  };
  Family producers = family("rocketmq_producer_connections",
                            "Channels in producer groups", MetricType::Gauge);
  add_connections(producers_, {}, &producers);
  Family consumers = family("rocketmq_consumer_connections",
                            "Channels in consumer groups", MetricType::Gauge);
  for (const auto& [name, group] : groups_) {
    add_connections(group.connections,
                    {{"consumer_group", name},
                     {"consume_mode", ConsumeMode(group.consume_type)},
                     {"is_system", IsSystem(name)}},
                    &consumers);
  }
  add_connections(in_other_groups_,
                  {{"consumer_group", kOther},
                   {"consume_mode", kOther},
                   {"is_system", "false"}},
                  &consumers);
  return families;
}

}  // namespace rmq
