#include "broker/config/broker_flags.h"
#include "broker/assignment/queue_assignment.h"
#include "broker/broker_controller.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/config/broker_options.h"
#include "broker/config/config_file.h"
#include "broker/config/flag_updates.h"
#include "broker/config/settings.h"
#include "broker/fronts/auth_options.h"
#include "broker/fronts/rocketmq_v2/rocketmq5_options.h"
#include "broker/registry/duplicate_clients.h"
#include "common/security/server_tls_options.h"
#include "glog/logging.h"

namespace {

void NoteUpdate(absl::string_view name) { rmq::NoteFlagUpdate(name); }

// The values of --address. The first is its default.
std::vector<std::string>& Addresses() {
  static auto& addresses = *new std::vector<std::string>;
  return addresses;
}

const rmq::BrokerController::Options& Default() { return rmq::FlagDefaults(); }

}  // namespace

ABSL_FLAG(std::string, address, Default().server.address,
          "host:port to listen on, with TLS if --tls_cert is given; or "
          "tls://host:port, plaintext://host:port or unix:/path, a socket that "
          "this user alone may use. Port 0 lets the system choose. To be given "
          "several times for several. RocketMQ: listenPort")
    .OnUpdate([] {
      NoteUpdate("address");
      Addresses().push_back(absl::GetFlag(FLAGS_address));
    });
ABSL_FLAG(std::string, admin_address, Default().server.admin_address,
          "where to serve what operators call, as --address; several with "
          "commas between. It is served there and on Unix sockets alone then; "
          "empty: on each --address")
    .OnUpdate([] { NoteUpdate("admin_address"); });
ABSL_FLAG(bool, allow_insecure_remote, Default().allow_insecure_remote,
          "allow an address that other machines reach without TLS, or without "
          "that clients must show who they are")
    .OnUpdate([] { NoteUpdate("allow_insecure_remote"); });
ABSL_FLAG(
    std::string, reflection, Default().server.reflection,
    "whether gRPC's reflection tells the services to who may connect: on, "
    "off, or auto: while all addresses are loopback")
    .OnUpdate([] { NoteUpdate("reflection"); });
ABSL_FLAG(std::string, tls_cert, Default().server.tls.cert_file,
          "file of the server's certificate, and of those between it and the "
          "root's, in PEM; read again when it changes, as all files of TLS. "
          "RocketMQ: tls.server.certPath")
    .OnUpdate([] { NoteUpdate("tls_cert"); });
ABSL_FLAG(std::string, tls_key, Default().server.tls.key_file,
          "file of the certificate's private key, in PEM, without passphrase, "
          "readable by its owner and group alone. RocketMQ: "
          "tls.server.keyPath")
    .OnUpdate([] { NoteUpdate("tls_key"); });
ABSL_FLAG(std::string, tls_client_ca, Default().server.tls.client_ca_file,
          "file of the certificates of those who issue clients' certificates, "
          "in PEM. RocketMQ: tls.server.trustCertPath")
    .OnUpdate([] { NoteUpdate("tls_client_ca"); });
ABSL_FLAG(std::string, tls_client_cert,
          std::string(rmq::Name(Default().server.tls.client_certificates)),
          "whether clients show a certificate: off: they are not asked; "
          "optional: they may, and a wrong one is refused; required: they "
          "must. RocketMQ: tls.server.need.client.auth")
    .OnUpdate([] { NoteUpdate("tls_client_cert"); });
ABSL_FLAG(std::string, tls_crl_directory, Default().server.tls.crl_directory,
          "directory of certificate revocation lists in PEM, as `openssl "
          "rehash` leaves it: clients' certificates on them are refused")
    .OnUpdate([] { NoteUpdate("tls_crl_directory"); });
ABSL_FLAG(std::string, metrics_address, Default().metrics_address,
          "host:port to serve Prometheus metrics on, at /metrics; empty: none. "
          "RocketMQ: metricsPromExporterPort")
    .OnUpdate([] { NoteUpdate("metrics_address"); });
ABSL_FLAG(std::string, cluster, Default().identity.cluster,
          "name of the cluster. RocketMQ: brokerClusterName")
    .OnUpdate([] { NoteUpdate("cluster"); });
ABSL_FLAG(std::string, broker_name, Default().identity.broker_name,
          "name of the broker, the same for a master and its slaves. RocketMQ: "
          "brokerName")
    .OnUpdate([] { NoteUpdate("broker_name"); });
ABSL_FLAG(
    uint64_t, broker_id, Default().identity.broker_id,
    "number of the broker of that name, 0 is the master. RocketMQ: brokerId")
    .OnUpdate([] { NoteUpdate("broker_id"); });
ABSL_FLAG(absl::Duration, channel_expiry, Default().table.channel_expiry,
          "a channel silent for longer is expired, like 120s, if its client "
          "asks for no other expiry. RocketMQ: channelExpiredTimeout")
    .OnUpdate([] { NoteUpdate("channel_expiry"); });
ABSL_FLAG(absl::Duration, min_channel_expiry,
          Default().table.min_channel_expiry,
          "the shortest expiry that a client which asks for one gets, like "
          "10s; --channel_expiry may be shorter")
    .OnUpdate([] { NoteUpdate("min_channel_expiry"); });
ABSL_FLAG(absl::Duration, max_channel_expiry,
          Default().table.max_channel_expiry,
          "the longest expiry that a client which asks for one gets, like 30m; "
          "--channel_expiry may be longer")
    .OnUpdate([] { NoteUpdate("max_channel_expiry"); });
ABSL_FLAG(absl::Duration, housekeeping_period, Default().housekeeping.period,
          "the longest time between looking for expired channels, like 10s; "
          "the broker looks whenever one may have expired, at most a second "
          "later")
    .OnUpdate([] { NoteUpdate("housekeeping_period"); });
ABSL_FLAG(absl::Duration, notify_window, Default().notifier.notify_window,
          "members of a group are notified of its first change at once, and of "
          "the changes within this time after it together, like 100ms; 0: of "
          "each change, as RocketMQ")
    .OnUpdate([] { NoteUpdate("notify_window"); });
ABSL_FLAG(absl::optional<absl::Duration>, settle, absl::nullopt,
          "time after the start in which lists and pushes say that members may "
          "be missing, so that clients that share work wait, like 30s; 0: "
          "none. If not given: a quarter of --channel_expiry")
    .OnUpdate([] { NoteUpdate("settle"); });
ABSL_FLAG(absl::Duration, slow_reader_limit, Default().server.slow_reader_limit,
          "a client that leaves a write unread for longer is cut off")
    .OnUpdate([] { NoteUpdate("slow_reader_limit"); });
ABSL_FLAG(
    absl::Duration, drain_timeout, Default().drain_timeout,
    "how long a graceful stop may take: clients are told to go in half of "
    "it at most; a second signal stops at once")
    .OnUpdate([] { NoteUpdate("drain_timeout"); });
ABSL_FLAG(int32_t, threads, Default().server.threads,
          "threads that handle calls, 1 to 64")
    .OnUpdate([] { NoteUpdate("threads"); });
ABSL_FLAG(absl::Duration, nap, Default().server.nap,
          "how long a thread that has handled all calls sleeps before it looks "
          "for more, so that those share a wake-up, like 2ms, at most 100ms; "
          "0: not at all, and answers come sooner and cost more CPU")
    .OnUpdate([] { NoteUpdate("nap"); });
ABSL_FLAG(bool, rocketmq5_front, Default().rocketmq5.enabled,
          "serve RocketMQ 5's protocol too, so that its official SDKs connect")
    .OnUpdate([] { NoteUpdate("rocketmq5_front"); });
ABSL_FLAG(int32_t, rocketmq5_topic_queues, Default().rocketmq5.topic_queues,
          "queues that RocketMQ 5's SDKs are told of a topic that the file of "
          "--config does not have. RocketMQ: defaultTopicQueueNums")
    .OnUpdate([] { NoteUpdate("rocketmq5_topic_queues"); });
ABSL_FLAG(absl::Duration, rocketmq5_lost_expiry,
          Default().rocketmq5.lost_expiry,
          "how long a client of RocketMQ 5's SDKs may be silent that has no "
          "stream, as one that was killed; at least --min_channel_expiry")
    .OnUpdate([] { NoteUpdate("rocketmq5_lost_expiry"); });
ABSL_FLAG(std::string, rocketmq5_assignment,
          std::string(rmq::Name(Default().rocketmq5.assignment)),
          "what push consumers of RocketMQ 5's SDKs are assigned: empty: no "
          "queue, so that they ask for no messages; queues: their share of the "
          "topic's queues, among the members of their group")
    .OnUpdate([] { NoteUpdate("rocketmq5_assignment"); });
ABSL_FLAG(std::string, rocketmq5_assignment_strategy,
          std::string(rmq::Name(Default().rocketmq5.assignment_strategy)),
          "how --rocketmq5_assignment=queues shares them, as RocketMQ's "
          "strategies of these names: averagely or consistent_hash")
    .OnUpdate([] { NoteUpdate("rocketmq5_assignment_strategy"); });
ABSL_FLAG(std::string, advertised_address,
          Default().rocketmq5.advertised_address,
          "\"host:port\" that clients are told to come to: RocketMQ 5's SDKs, "
          "and those that find the broker through etcd, where it is one for "
          "each --address, with commas between. Empty: where they have asked, "
          "and the --address")
    .OnUpdate([] { NoteUpdate("advertised_address"); });
ABSL_FLAG(std::string, auth, std::string(rmq::Name(Default().auth.mode)),
          "whether rules say who may what: off: everybody may do everything; "
          "log: what they would refuse is logged; on: it is refused")
    .OnUpdate([] { NoteUpdate("auth"); });
ABSL_FLAG(std::string, auth_file, Default().auth.file,
          "file of users, certificates and rules, in protobuf's text format; "
          "its owner alone may read it. Read again when it changes, and at "
          "SIGHUP: whole or not at all")
    .OnUpdate([] { NoteUpdate("auth_file"); });
ABSL_FLAG(absl::Duration, auth_date_window, Default().auth.date_window,
          "how far the date that a client signs may be from now, like 15m, "
          "when its call or stream opens; 0: any date will do, since some "
          "clients sign local times")
    .OnUpdate([] { NoteUpdate("auth_date_window"); });
ABSL_FLAG(bool, allow_insecure_auth, Default().auth.allow_insecure,
          "take signatures from other machines over connections without TLS, "
          "too: whoever hears one may use it")
    .OnUpdate([] { NoteUpdate("allow_insecure_auth"); });
ABSL_FLAG(std::string, config, "",
          "configuration file, broker_config.proto in protobuf's text format. "
          "A flag wins over the file, the file over the default");
ABSL_FLAG(bool, check_config, false,
          "say whether --config and the other flags are right, with all that "
          "is wrong in the file, and end: OK and exit code 0, else 1. Starts "
          "nothing");
ABSL_FLAG(bool, print_config, false,
          "print the whole configuration that holds, as a file that --config "
          "takes, each setting with where it is from, and end. Starts nothing");
ABSL_FLAG(bool, auto_create_subscription_group,
          Default().policy.auto_create_subscription_group,
          "make a config for consumer groups that have none. "
          "RocketMQ: autoCreateSubscriptionGroup")
    .OnUpdate([] { NoteUpdate("auto_create_subscription_group"); });
ABSL_FLAG(bool, enable_property_filter, Default().policy.enable_property_filter,
          "accept SQL92 subscriptions. RocketMQ: "
          "enablePropertyFilter, there false")
    .OnUpdate([] { NoteUpdate("enable_property_filter"); });
ABSL_FLAG(bool, enable_register_producer,
          Default().policy.enable_register_producer,
          "accept producers that are not registered yet. "
          "RocketMQ: enableRegisterProducer")
    .OnUpdate([] { NoteUpdate("enable_register_producer"); });
ABSL_FLAG(bool, notify_consumer_ids_changed_enable, Default().notifier.enabled,
          "notify members of consumer groups of changes. "
          "RocketMQ: notifyConsumerIdsChangedEnable")
    .OnUpdate([] { NoteUpdate("notify_consumer_ids_changed_enable"); });
ABSL_FLAG(bool, reject_pull_consumer_enable,
          Default().policy.reject_pull_consumer_enable,
          "skip CONSUME_ACTIVELY consumers. RocketMQ: "
          "rejectPullConsumerEnable")
    .OnUpdate([] { NoteUpdate("reject_pull_consumer_enable"); });
ABSL_FLAG(uint64_t, max_channels, Default().table.max_channels,
          "open channels, those of unary clients included")
    .OnUpdate([] { NoteUpdate("max_channels"); });
ABSL_FLAG(absl::optional<uint64_t>, max_channels_per_address, absl::nullopt,
          "open channels of one client address, or of one user at any address, "
          "those of unary clients included; 0: no limit. To be raised where "
          "most clients are behind "
          "one proxy. If not given: half of --max_channels")
    .OnUpdate([] { NoteUpdate("max_channels_per_address"); });
ABSL_FLAG(uint64_t, recently_closed, Default().table.recently_closed,
          "how many channels that were closed last are kept, with the reason, "
          "to be listed; 0: none, at most 1000000")
    .OnUpdate([] { NoteUpdate("recently_closed"); });
ABSL_FLAG(absl::Duration, kick_hold, Default().kicker.kick_hold,
          "how long a client that an operator takes out is kept out, if the "
          "operator does not say, like 10m, at most 24h; 0: not at all")
    .OnUpdate([] { NoteUpdate("kick_hold"); });
ABSL_FLAG(uint64_t, max_frame_bytes, Default().server.max_frame_bytes,
          "size of a frame or request, 1 KiB to 64 MiB")
    .OnUpdate([] { NoteUpdate("max_frame_bytes"); });
ABSL_FLAG(int32_t, max_frame_rate, Default().server.max_frame_rate,
          "frames a second and channel, and as many at once; 0: no limit")
    .OnUpdate([] { NoteUpdate("max_frame_rate"); });
ABSL_FLAG(int32_t, max_statement_changes, Default().table.max_statement_changes,
          "heartbeats a second and channel that change subscriptions or modes "
          "of a group, and three times as many at once; 0: no limit. Joining "
          "and leaving groups is no change")
    .OnUpdate([] { NoteUpdate("max_statement_changes"); });
ABSL_FLAG(int32_t, max_statement_changes_per_address,
          Default().table.max_statement_changes_per_address,
          "the same of all channels of one client address, or of one user")
    .OnUpdate([] { NoteUpdate("max_statement_changes_per_address"); });
ABSL_FLAG(int32_t, max_streams_per_connection,
          Default().server.max_streams_per_connection,
          "calls that are open on one connection, streams and unary ones; 1 to "
          "1000000. To be raised where a proxy has very many clients on one")
    .OnUpdate([] { NoteUpdate("max_streams_per_connection"); });
ABSL_FLAG(int64_t, max_connections,
          Default().server.connections.max_connections,
          "connections that are open; 0: as many as the process may have open "
          "files, less a quarter of these or 64")
    .OnUpdate([] { NoteUpdate("max_connections"); });
ABSL_FLAG(int64_t, max_connections_per_address,
          Default().server.connections.max_connections_per_address,
          "connections that are open from one client address; 0: half of "
          "--max_connections")
    .OnUpdate([] { NoteUpdate("max_connections_per_address"); });
ABSL_FLAG(int32_t, max_wasted_calls_rate,
          Default().server.connections.max_wasted_calls_rate,
          "calls a second and connection that end before their message has "
          "come, or that are more than it may have open; ten times as many at "
          "once; with more the connection is ended; 0: no limit")
    .OnUpdate([] { NoteUpdate("max_wasted_calls_rate"); });
ABSL_FLAG(int64_t, max_wasted_bytes_rate,
          Default().server.connections.max_wasted_bytes_rate,
          "bytes a second and connection that become no message; eight times "
          "as many at once, and a message's length; with more the connection "
          "is ended; 0: no limit")
    .OnUpdate([] { NoteUpdate("max_wasted_bytes_rate"); });
ABSL_FLAG(
    int64_t, max_unary_bytes_rate, Default().server.rates.max_unary_bytes_rate,
    "bytes of unary requests, and bytes inflated from compressed messages, a "
    "second and client address; twice as much at once; 0: no limit")
    .OnUpdate([] { NoteUpdate("max_unary_bytes_rate"); });
ABSL_FLAG(int64_t, max_unary_groups_rate,
          Default().server.rates.max_unary_groups_rate,
          "groups that unary requests state or leave, a second and client "
          "address; twice as many at once; 0: no limit")
    .OnUpdate([] { NoteUpdate("max_unary_groups_rate"); });
ABSL_FLAG(int64_t, max_listed_rows_rate,
          Default().server.rates.max_listed_rows_rate,
          "rows that listings answer, a second and client address; twice as "
          "many at once; 0: no limit")
    .OnUpdate([] { NoteUpdate("max_listed_rows_rate"); });
ABSL_FLAG(std::string, duplicate_client_id_policy,
          std::string(rmq::Name(Default().table.duplicate_client_id_policy)),
          "what to do when streams of several processes use one client id: "
          "report: both stay; newest_wins: the older ones end for good; "
          "oldest_wins: the newer one is refused until the other is gone")
    .OnUpdate([] { NoteUpdate("duplicate_client_id_policy"); });
ABSL_FLAG(uint64_t, watch_history, Default().watch.watch_history,
          "events that are kept for those who watch, 1000 to 10000000; at most "
          "64 MiB of them")
    .OnUpdate([] { NoteUpdate("watch_history"); });
ABSL_FLAG(
    uint64_t, max_watches, Default().watch.max_watches,
    "open calls of Watch, 1 to 10000; half as many of one user, or from one "
    "address while it is anonymous")
    .OnUpdate([] { NoteUpdate("max_watches"); });
ABSL_FLAG(uint64_t, max_client_id_bytes, Default().limits.max_client_id_bytes,
          "length of a client id")
    .OnUpdate([] { NoteUpdate("max_client_id_bytes"); });
ABSL_FLAG(uint64_t, max_group_bytes, Default().limits.max_group_bytes,
          "length of a group's name")
    .OnUpdate([] { NoteUpdate("max_group_bytes"); });
ABSL_FLAG(uint64_t, max_topic_bytes, Default().limits.max_topic_bytes,
          "length of a topic's name, retry and dead-letter topics apart")
    .OnUpdate([] { NoteUpdate("max_topic_bytes"); });
ABSL_FLAG(uint64_t, max_retry_topic_bytes,
          Default().limits.max_retry_topic_bytes,
          "length of a retry or dead-letter topic's name")
    .OnUpdate([] { NoteUpdate("max_retry_topic_bytes"); });
ABSL_FLAG(uint64_t, max_groups_per_client,
          Default().limits.max_groups_per_client,
          "producer and consumer groups of a client together")
    .OnUpdate([] { NoteUpdate("max_groups_per_client"); });
ABSL_FLAG(uint64_t, max_subscriptions_per_group,
          Default().limits.max_subscriptions_per_group,
          "subscriptions of a consumer group")
    .OnUpdate([] { NoteUpdate("max_subscriptions_per_group"); });
ABSL_FLAG(uint64_t, max_auto_created_groups,
          Default().policy.max_auto_created_groups,
          "configs of consumer groups made automatically")
    .OnUpdate([] { NoteUpdate("max_auto_created_groups"); });
ABSL_FLAG(absl::optional<uint64_t>, max_auto_created_groups_per_address,
          absl::nullopt,
          "configs of consumer groups made automatically for the clients of "
          "one address, or of one user; 0: no limit. If not given: half of "
          "--max_auto_created_groups")
    .OnUpdate([] { NoteUpdate("max_auto_created_groups_per_address"); });

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

// Whether the user gave the flag of a setting. A flag without a default that is
// given as nothing (`--settle=`) is not given.
bool IsGiven(const Setting& setting, const absl::CommandLineFlag& flag) {
  if ((flag.IsOfType<absl::optional<absl::Duration>>() ||
       flag.IsOfType<absl::optional<uint64_t>>()) &&
      flag.CurrentValue().empty()) {
    return false;
  }
  const int updates = FlagUpdates(setting.name());
  CHECK_GE(updates, 1) << "the flag " << setting.name()
                       << " does not note its updates";
  return updates > 1;
}

bool IsBrokerFlag(absl::string_view name) {
  const absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
  return flag != nullptr && DefinesBrokerFlags(flag->Filename());
}

// Adds to `errors` those of `status`, an error a line. One of a setting that
// the file sets gets the setting's place in the file.
void NoteErrors(const absl::Status& status, const std::string& path,
                const EffectiveConfig& effective, const ConfigPlaces& places,
                std::vector<std::string>* errors) {
  if (status.ok()) return;
  for (const absl::string_view error : absl::StrSplit(status.message(), '\n')) {
    const std::string name(error.substr(0, error.find(' ')));
    const auto place = places.find(name);
    const auto source = effective.sources.find(name);
    if (place == places.end() || source == effective.sources.end() ||
        source->second != ConfigSource::kFile) {
      errors->emplace_back(error);
    } else {
      errors->push_back(absl::StrCat(path, ":", place->second.line + 1, ":",
                                     place->second.column + 1, ": ", error));
    }
  }
}

}  // namespace

bool DefinesBrokerFlags(absl::string_view source_file) {
  return absl::EndsWith(source_file, "broker_flags.cc");
}

absl::StatusOr<EffectiveConfig> ConfigFromFlags() {
  EffectiveConfig effective;
  std::vector<std::string> errors;
  ConfigText file;
  const std::string path = absl::GetFlag(FLAGS_config);
  if (!path.empty()) {
    absl::StatusOr<ConfigText> read = ReadConfigFile(path, IsBrokerFlag);
    NoteErrors(read.status(), path, effective, {}, &errors);
    if (read.ok()) file = *std::move(read);
  }
  for (const auto& [name, place] : file.places) {
    effective.sources[name] = ConfigSource::kFile;
  }
  for (const Setting& setting : AllSettings()) {
    const absl::CommandLineFlag* const flag =
        absl::FindCommandLineFlag(setting.name());
    CHECK(flag != nullptr) << setting.name() << " is no flag";
    if (!IsGiven(setting, *flag)) continue;
    effective.sources[setting.name()] = ConfigSource::kFlag;
    const std::string value =
        setting.name() == "address"
            ? absl::StrJoin(absl::MakeConstSpan(Addresses()).subspan(1), ",")
            : flag->CurrentValue();
    CHECK(SetSetting(setting, value, &file.config))
        << setting.name() << " is not as its flag: " << value;
  }
  effective.options = DefaultBrokerOptions();
  NoteErrors(ApplyConfig(file.config, &effective.options), path, effective,
             file.places, &errors);
  NoteErrors(effective.options.Validate(), path, effective, file.places,
             &errors);
  if (!errors.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
  }
  BrokerController::Options& options = effective.options;
  options.settle = options.effective_settle();
  options.table.max_channels_per_address = options.table.channels_per_address();
  options.policy.max_auto_created_groups_per_address =
      options.policy.auto_created_groups_per_address();
  return effective;
}

}  // namespace rmq
