// The broker: flags -> BrokerController -> wait for a signal.

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/flags/commandlineflag.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/broker_controller.h"
#include "broker/config_file.h"
#include "broker/logging/process_log.h"
#include "common/duration_flags.h"
#include "common/kv.h"
#include "common/real_clock.h"
#include "common/version.h"
#include "glog/logging.h"

ABSL_FLAG(std::string, address, "127.0.0.1:10911",
          "host:port to listen on; port 0 lets the system choose. RocketMQ: "
          "listenPort");
ABSL_FLAG(bool, allow_insecure_remote, false,
          "allow an address that other machines reach; there is no TLS and no "
          "authorisation yet");
ABSL_FLAG(std::string, metrics_address, "127.0.0.1:5557",
          "host:port to serve Prometheus metrics on, at /metrics; empty: none. "
          "RocketMQ: metricsPromExporterPort");
ABSL_FLAG(std::string, cluster, "DefaultCluster",
          "name of the cluster. RocketMQ: brokerClusterName");
ABSL_FLAG(std::string, broker_name, "broker-a",
          "name of the broker, the same for a master and its slaves. RocketMQ: "
          "brokerName");
ABSL_FLAG(uint64_t, broker_id, 0,
          "number of the broker of that name, 0 is the master. RocketMQ: "
          "brokerId");

ABSL_FLAG(absl::Duration, channel_expiry, absl::Seconds(120),
          "a channel silent for longer is expired, like 120s. RocketMQ: "
          "channelExpiredTimeout");
ABSL_FLAG(absl::Duration, housekeeping_period, absl::Seconds(10),
          "time between looking for expired channels, like 10s");
ABSL_FLAG(absl::Duration, notify_window, absl::Milliseconds(100),
          "after a change of a group, which its members are told at once, how "
          "long the next changes of it wait, to be told together, like 100ms; "
          "0: not at all, as RocketMQ");
ABSL_FLAG(absl::optional<absl::Duration>, settle, absl::nullopt,
          "for so long after the start, lists and pushes say that members may "
          "not have come back yet, so that those who share work wait, like "
          "30s; 0: not at all. If not given: a quarter of --channel_expiry");
ABSL_FLAG(absl::Duration, slow_reader_limit, absl::Seconds(30),
          "a client that leaves a write unread for longer is cut off");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(5),
          "how long a graceful stop may take; a second signal stops at once");
ABSL_FLAG(int, threads, 1, "threads that handle calls, 1 to 64");
ABSL_FLAG(
    absl::Duration, nap, absl::Milliseconds(2),
    "how long a thread that has handled all calls sleeps before it looks "
    "for more, so that those share a wake-up, like 2ms, at most 100ms; 0: "
    "not at all, and answers come sooner and cost more CPU");

ABSL_FLAG(std::string, config, "",
          "configuration file, broker_config.proto in protobuf's text format: "
          "who is let in and who is told. A flag wins over the file, the file "
          "over the default");
ABSL_FLAG(bool, check_config, false,
          "say whether --config and the other flags are right, with all that "
          "is wrong in the file, and end: OK and exit code 0, else 1. Starts "
          "nothing");
ABSL_FLAG(
    absl::optional<bool>, auto_create_subscription_group, absl::nullopt,
    "=true or false: make a config for consumer groups that have none. If "
    "not given: the config file's, else true. RocketMQ: "
    "autoCreateSubscriptionGroup");
ABSL_FLAG(absl::optional<bool>, enable_property_filter, absl::nullopt,
          "=true or false: take SQL92 subscriptions. If not given: the config "
          "file's, else true. RocketMQ: enablePropertyFilter, there false");
ABSL_FLAG(absl::optional<bool>, enable_register_producer, absl::nullopt,
          "=true or false: take producers that are not registered yet. If not "
          "given: the config file's, else true. RocketMQ: "
          "enableRegisterProducer");
ABSL_FLAG(absl::optional<bool>, notify_consumer_ids_changed_enable,
          absl::nullopt,
          "=true or false: tell members of consumer groups of changes. If not "
          "given: the config file's, else true. RocketMQ: "
          "notifyConsumerIdsChangedEnable");
ABSL_FLAG(absl::optional<bool>, reject_pull_consumer_enable, absl::nullopt,
          "=true or false: pass over CONSUME_ACTIVELY consumers. If not given: "
          "the config file's, else false. RocketMQ: rejectPullConsumerEnable");

ABSL_FLAG(size_t, max_channels, 200'000,
          "open channels, those of unary clients included");
ABSL_FLAG(size_t, max_frame_bytes, 1024 * 1024,
          "size of a frame or request, 1 KiB to 64 MiB");
ABSL_FLAG(int32_t, max_frame_rate, 100,
          "frames a second and channel, and as many at once; 0: no limit");
ABSL_FLAG(int32_t, max_statement_changes, 1,
          "heartbeats a second and channel that change subscriptions or modes "
          "of a group, and three times as many at once; 0: no limit. Joining "
          "and leaving groups is no change");
ABSL_FLAG(int, max_streams_per_connection, 2048,
          "calls that are open on one connection, streams and unary ones; 1 to "
          "1000000. To be raised where a proxy has very many clients on one");
ABSL_FLAG(int64_t, max_unary_bytes_rate, 4 * 1024 * 1024,
          "bytes of unary requests, and of what compressed messages are made "
          "of, a second and client address; twice as much at once; 0: no "
          "limit");
ABSL_FLAG(int64_t, max_unary_groups_rate, 2'000,
          "groups that unary requests state or leave, a second and client "
          "address; twice as many at once; 0: no limit");
ABSL_FLAG(int64_t, max_listed_rows_rate, 100'000,
          "rows that listings answer, a second and client address; twice as "
          "many at once; 0: no limit");
ABSL_FLAG(size_t, max_client_id_bytes, 255, "length of a client id");
ABSL_FLAG(size_t, max_group_bytes, 120, "length of a group's name");
ABSL_FLAG(size_t, max_topic_bytes, 127,
          "length of a topic's name, retry and dead-letter topics apart");
ABSL_FLAG(size_t, max_retry_topic_bytes, 255,
          "length of a retry or dead-letter topic's name");
ABSL_FLAG(size_t, max_groups_per_client, 256,
          "producer and consumer groups of a client together");
ABSL_FLAG(size_t, max_subscriptions_per_group, 1024,
          "subscriptions of a consumer group");
ABSL_FLAG(
    absl::optional<size_t>, max_auto_created_groups, absl::nullopt,
    "configs of consumer groups made automatically. If not given: the config "
    "file's, else 100000");

namespace {

uint64_t DrawNonZero() {
  std::random_device random;
  const uint64_t drawn = (uint64_t{random()} << 32) | random();
  return drawn == 0 ? 1 : drawn;
}

// Those of --help.
bool IsOurs(absl::string_view file) {
  return absl::EndsWith(file, "broker_main.cc");
}

bool IsBrokersFlag(absl::string_view name) {
  const absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
  return flag != nullptr && IsOurs(flag->Filename());
}

// Precedence: a flag that is given, the configuration file, the default.
template <typename Flag, typename Field>
void SetIfGiven(const Flag& flag, Field* field) {
  const auto value = absl::GetFlag(flag);
  if (value.has_value()) *field = *value;
}

// What the flags and the configuration file say. `errors` gets what is wrong,
// an error a line.
rmq::BrokerController::Options OptionsFromFlags(std::string* errors) {
  rmq::BrokerController::Options options;
  const auto note = [errors](const absl::Status& status) {
    if (status.ok()) return;
    absl::StrAppend(errors, errors->empty() ? "" : "\n", status.message());
  };
  if (const std::string path = absl::GetFlag(FLAGS_config); !path.empty()) {
    note(rmq::ApplyConfigFile(path, IsBrokersFlag, &options.policy,
                              &options.notifier));
  }
  options.allow_insecure_remote = absl::GetFlag(FLAGS_allow_insecure_remote);
  options.identity.cluster = absl::GetFlag(FLAGS_cluster);
  options.identity.broker_name = absl::GetFlag(FLAGS_broker_name);
  options.identity.broker_id = absl::GetFlag(FLAGS_broker_id);
  options.identity.incarnation = DrawNonZero();

  options.table.channel_expiry = absl::GetFlag(FLAGS_channel_expiry);
  options.table.max_channels = absl::GetFlag(FLAGS_max_channels);
  options.table.max_statement_changes =
      absl::GetFlag(FLAGS_max_statement_changes);
  for (uint32_t& word : options.table.statement_token_key) {
    word = std::random_device()();
  }
  options.settle = absl::GetFlag(FLAGS_settle);
  options.housekeeping.period = absl::GetFlag(FLAGS_housekeeping_period);
  options.notifier.notify_window = absl::GetFlag(FLAGS_notify_window);
  SetIfGiven(FLAGS_notify_consumer_ids_changed_enable,
             &options.notifier.enabled);

  SetIfGiven(FLAGS_auto_create_subscription_group,
             &options.policy.auto_create_subscription_group);
  SetIfGiven(FLAGS_enable_property_filter,
             &options.policy.enable_property_filter);
  SetIfGiven(FLAGS_enable_register_producer,
             &options.policy.enable_register_producer);
  SetIfGiven(FLAGS_reject_pull_consumer_enable,
             &options.policy.reject_pull_consumer_enable);
  SetIfGiven(FLAGS_max_auto_created_groups,
             &options.policy.max_auto_created_groups);

  options.limits.max_client_id_bytes = absl::GetFlag(FLAGS_max_client_id_bytes);
  options.limits.max_group_bytes = absl::GetFlag(FLAGS_max_group_bytes);
  options.limits.max_topic_bytes = absl::GetFlag(FLAGS_max_topic_bytes);
  options.limits.max_retry_topic_bytes =
      absl::GetFlag(FLAGS_max_retry_topic_bytes);
  options.limits.max_groups_per_client =
      absl::GetFlag(FLAGS_max_groups_per_client);
  options.limits.max_subscriptions_per_group =
      absl::GetFlag(FLAGS_max_subscriptions_per_group);

  options.metrics_address = absl::GetFlag(FLAGS_metrics_address);
  options.server.address = absl::GetFlag(FLAGS_address);
  options.server.max_frame_bytes = absl::GetFlag(FLAGS_max_frame_bytes);
  options.server.max_frame_rate = absl::GetFlag(FLAGS_max_frame_rate);
  options.server.max_streams_per_connection =
      absl::GetFlag(FLAGS_max_streams_per_connection);
  options.server.rates.max_unary_bytes_rate =
      absl::GetFlag(FLAGS_max_unary_bytes_rate);
  options.server.rates.max_unary_groups_rate =
      absl::GetFlag(FLAGS_max_unary_groups_rate);
  options.server.rates.max_listed_rows_rate =
      absl::GetFlag(FLAGS_max_listed_rows_rate);
  options.server.slow_reader_limit = absl::GetFlag(FLAGS_slow_reader_limit);
  options.server.threads = absl::GetFlag(FLAGS_threads);
  options.server.nap = absl::GetFlag(FLAGS_nap);
  note(options.Validate());
  if (const absl::Duration timeout = absl::GetFlag(FLAGS_drain_timeout);
      timeout < absl::ZeroDuration()) {
    note(absl::InvalidArgumentError(
        absl::StrCat("drain_timeout must not be negative, got ",
                     absl::FormatDuration(timeout))));
  }
  return options;
}

// What holds, under the flags' names: " name=value" for each flag, whoever set
// it, and how much the configuration file adds.
std::string EffectiveSettings(const rmq::BrokerController::Options& options) {
  absl::btree_map<std::string, std::string> settings;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (IsOurs(flag->Filename())) settings.emplace(name, flag->CurrentValue());
  }
  settings.erase("check_config");
  const rmq::GroupPolicy::Options& policy = options.policy;
  const auto set = [&settings](const char* name, bool value) {
    settings[name] = value ? "true" : "false";
  };
  set("auto_create_subscription_group", policy.auto_create_subscription_group);
  set("enable_property_filter", policy.enable_property_filter);
  set("enable_register_producer", policy.enable_register_producer);
  set("reject_pull_consumer_enable", policy.reject_pull_consumer_enable);
  set("notify_consumer_ids_changed_enable", options.notifier.enabled);
  settings["settle"] = absl::FormatDuration(options.effective_settle());
  settings["max_auto_created_groups"] =
      absl::StrCat(policy.max_auto_created_groups);
  std::string text;
  for (const auto& [name, value] : settings) {
    absl::StrAppend(&text, rmq::Kv(name, value));
  }
  absl::StrAppend(
      &text, rmq::Kv("subscription_groups", policy.subscription_groups.size()),
      rmq::Kv("topics", policy.topics.size()));
  return text;
}

// Allows this process as many open files as the system lets it have, since each
// connection is one, and returns how many these are.
rlim_t RaiseOpenFileLimit() {
  rlimit limit;
  PCHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  PCHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  return limit.rlim_cur;
}

// The signals that AwaitStopSignal() waits for.
sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal :
       {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) {
    sigaddset(&signals, signal);
  }
  return signals;
}

// What there is to stop before the broker serves is the process: the signals
// that stop it end it at once, also while a configuration file that is a pipe
// has no end.
void LetStopSignalsEndTheProcess(bool let) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
    sigaddset(&signals, signal);
  }
  pthread_sigmask(let ? SIG_UNBLOCK : SIG_BLOCK, &signals, nullptr);
}

// Returns the next signal that stops the broker. HandledSignals() are blocked.
int AwaitStopSignal() {
  const sigset_t signals = HandledSignals();
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    switch (signal) {
      case SIGHUP:
        LOG(WARNING) << "reloading the configuration is not supported yet, "
                        "nothing has changed"
                     << rmq::Kv("signal", strsignal(signal));
        break;
      case SIGUSR1:
      case SIGUSR2:
        LOG(INFO) << "ignored" << rmq::Kv("signal", strsignal(signal));
        break;
      default: return signal;
    }
  }
}

// Says on stderr what is wrong, an error a line. Returns the exit code.
int Fail(absl::string_view errors) {
  for (absl::string_view error : absl::StrSplit(errors, '\n')) {
    rmq::LogPlainLine(absl::StrCat("broker: ", error));
  }
  rmq::FlushProcessLog();
  return 1;
}

// Opens /dev/null on those of the descriptors 0 to 2 that are closed: else the
// next sockets would have these numbers, and clients would be sent the log.
void OpenClosedStandardDescriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // It gets this number, the lowest one that is free.
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) {
      constexpr char kMessage[] =
          "broker: stdin, stdout or stderr is closed, and /dev/null cannot be "
          "opened\n";
      (void)!write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
      _exit(1);
    }
  }
}

// All threads leave the signals to sigwait(); none may have begun.
void BlockHandledSignals() {
  const sigset_t signals = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

// Called by the system before libraries are initialised, since gRPC opens
// descriptors then, and a signal may come.
__attribute__((section(".preinit_array"),
               used)) void (*const before_libraries)(int, char**, char**) =
    [](int, char**, char**) {
      BlockHandledSignals();
      OpenClosedStandardDescriptors();
    };

}  // namespace

int main(int argc, char** argv) {
  rmq::StartProcessLog(argv[0]);

  absl::SetProgramUsageMessage(
      "RocketMQ's client manager over gRPC: producers and consumers register "
      "by heartbeats,\nconsumer groups are told when their membership "
      "changes.\n\n  broker [--address=127.0.0.1:10911] [flags]\n\n"
      "SIGTERM, SIGINT and SIGQUIT stop it gracefully (--drain_timeout), a "
      "second one of them\nat once. SIGHUP will reload the configuration: that "
      "is not supported yet, and changes\nnothing. SIGUSR1 and SIGUSR2 are "
      "ignored. The log goes to stderr; a reader that\nstalls costs lines of "
      "the log.\n\nFlags, with their defaults:");
  absl::FlagsUsageConfig usage;
  usage.version_string = [] {
    return absl::StrCat("rocketmq-client-manager broker ", rmq::kVersion, "\n");
  };
  // --help lists this file's flags and no library's.
  usage.contains_help_flags = IsOurs;
  absl::SetFlagsUsageConfig(usage);
  const absl::Status durations = rmq::CheckDurationFlags(argc, argv);
  if (!durations.ok()) return Fail(durations.message());
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() > 1) {
    return Fail(absl::StrCat("takes flags only, got \"", arguments[1],
                             "\" (see --help)"));
  }

  std::string errors;
  LetStopSignalsEndTheProcess(true);
  const rmq::BrokerController::Options options = OptionsFromFlags(&errors);
  LetStopSignalsEndTheProcess(false);
  if (!errors.empty()) return Fail(errors);
  if (absl::GetFlag(FLAGS_check_config)) {
    std::cout << "OK" << EffectiveSettings(options) << std::endl;
    return std::cout.good() ? 0 : 1;
  }
  const absl::Duration drain_timeout = absl::GetFlag(FLAGS_drain_timeout);
  const rlim_t open_files = RaiseOpenFileLimit();
  absl::StatusOr<std::unique_ptr<rmq::BrokerController>> broker =
      rmq::BrokerController::Start(options, &rmq::RealClock());
  if (!broker.ok()) return Fail(broker.status().message());
  LOG(INFO) << "listening" << rmq::Kv("address", (*broker)->address())
            << rmq::Kv("metrics_address", (*broker)->metrics_address())
            << rmq::Kv("cluster", options.identity.cluster)
            << rmq::Kv("broker_name", options.identity.broker_name)
            << rmq::Kv("broker_id", options.identity.broker_id)
            << rmq::Kv("channel_expiry",
                       absl::FormatDuration(options.table.channel_expiry))
            << rmq::Kv("housekeeping_period",
                       absl::FormatDuration(options.housekeeping.period))
            << rmq::Kv("open_files", open_files)
            << rmq::Kv("version", rmq::kVersion)
            << rmq::Kv("security", "no TLS, no authorisation");
  LOG(INFO) << "settings" << EffectiveSettings(options);
  if (open_files < options.table.max_channels) {
    LOG(WARNING) << "open files may run out before there are --max_channels: "
                    "raise the hard limit (ulimit -Hn), or lower the flag"
                 << rmq::Kv("open_files", open_files)
                 << rmq::Kv("max_channels", options.table.max_channels);
  }

  const int signal = AwaitStopSignal();
  LOG(INFO) << "stopping" << rmq::Kv("signal", strsignal(signal))
            << rmq::Kv("drain_timeout", absl::FormatDuration(drain_timeout));
  std::thread([] {
    const int again = AwaitStopSignal();
    LOG(WARNING) << "stopping at once" << rmq::Kv("signal", strsignal(again));
    rmq::FlushProcessLog();
    std::_Exit(1);
  }).detach();
  (*broker)->Shutdown(drain_timeout);
  broker->reset();
  LOG(INFO) << "stopped";
  rmq::FlushProcessLog();
  return 0;
}
