// loadgen: flags -> RunLoad() -> a summary.

#include <pthread.h>
#include <signal.h>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/duration_flags.h"
#include "common/security/client_security.h"
#include "common/version.h"
#include "google/protobuf/util/json_util.h"
#include "tools/loadgen/interrupt.h"
#include "tools/loadgen/load_options.h"
#include "tools/loadgen/load_report.pb.h"
#include "tools/loadgen/load_run.h"

ABSL_FLAG(std::string, broker, "127.0.0.1:10911", "host:port of the broker");
ABSL_FLAG(std::string, tls_ca, "",
          "over TLS: the authorities to trust, or system for the system's");
ABSL_FLAG(std::string, tls_cert, "", "over TLS: the clients' certificate");
ABSL_FLAG(std::string, tls_key, "", "the certificate's private key");
ABSL_FLAG(std::string, tls_server_name, "",
          "over TLS: the name of the broker's certificate, if not its host's");
ABSL_FLAG(std::string, credentials_file, "",
          "says who calls, with access_key: \"...\" secret_key: \"...\"");
ABSL_FLAG(bool, allow_insecure_credentials, false,
          "without TLS, send credentials beyond this machine too");
ABSL_FLAG(std::string, protocol, "broker",
          "broker, or etcd: keep-alives of its leases 1 to --streams, for "
          "comparison");
ABSL_FLAG(int, connections, 100, "TCP connections");
ABSL_FLAG(int, streams, 0,
          "clients, each with one stream; 0: as many as connections. A broker "
          "takes --max_streams_per_connection on each, 2048 by default");
ABSL_FLAG(int, groups, 100, "distinct groups of each kind");
ABSL_FLAG(bool, fill_groups, false,
          "clients fill one group after the other, so that the pushes about "
          "their coming coalesce; otherwise they join the groups in turn");
ABSL_FLAG(int, producer_groups, 1, "producer groups of each client");
ABSL_FLAG(int, consumer_groups, 1, "consumer groups of each client");
ABSL_FLAG(int, subscriptions, 2, "subscriptions of each consumer group");
ABSL_FLAG(std::string, heartbeat, "light",
          "light or full: the heartbeats after a stream's first");
ABSL_FLAG(std::string, pace, "1s",
          "when heartbeats are sent. An interval of each stream, like 30s; a "
          "rate of all streams in turn, like 4000/s; closed: each stream as "
          "soon as the last is answered (the broker's --max_frame_rate=0 "
          "allows it); silent: none after the first; once: one of each stream "
          "when all have registered");
ABSL_FLAG(double, jitter, 0.1,
          "by what part an interval is longer or shorter, at most");
ABSL_FLAG(double, churn, 0, "streams closed and opened again, a second");
ABSL_FLAG(bool, reconnect, false,
          "open streams that end again, with the client library's backoff; "
          "otherwise a stream that ends is an error");
ABSL_FLAG(absl::Duration, warmup, absl::Seconds(1),
          "time of heartbeats before what is measured");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(10),
          "time that is measured; Ctrl-C ends it early");
ABSL_FLAG(absl::Duration, live, absl::Seconds(1),
          "time between lines of progress on stderr; 0: none");
ABSL_FLAG(std::string, json, "",
          "file for the report (load_report.proto); -: stdout, in place of "
          "the summary");
ABSL_FLAG(int, server_pid, 0,
          "process of the broker, if on this machine: its CPU time and memory "
          "are measured");
ABSL_FLAG(int, threads, 1, "threads of the driver");
ABSL_FLAG(bool, busy_poll, false,
          "the driver's threads poll and never sleep, so that a broker on the "
          "same machine does not pay for waking them; each takes a core");
ABSL_FLAG(int, opening, 256, "streams that are opening at once, at most");
ABSL_FLAG(double, open_rate, 0,
          "streams that are opened a second, at most; 0: as fast as --opening "
          "allows");
ABSL_FLAG(
    bool, hold_lists, false,
    "clients hold their groups' lists of client ids as the client library "
    "does: they take pushes, ask for lists and acknowledge; otherwise "
    "they pass pushes over");
ABSL_FLAG(absl::Duration, opening_timeout, absl::Seconds(120),
          "all clients must have registered within this");
ABSL_FLAG(absl::Duration, answer_timeout, absl::Seconds(30),
          "a heartbeat that is unanswered for longer is an error");
ABSL_FLAG(std::string, client_prefix, "loadgen",
          "begin of client ids; two loadgens at one broker need different "
          "ones");
ABSL_FLAG(uint64_t, seed, 1, "of all that is random; not 0");

namespace {

using rmq::loadgen::LoadOptions;
using rmq::loadgen::LoadReport;

absl::StatusOr<LoadOptions> OptionsFromFlags() {
  LoadOptions options;
  const absl::StatusOr<rmq::loadgen::Pace> pace =
      rmq::loadgen::ParsePace(absl::GetFlag(FLAGS_pace));
  if (!pace.ok()) return pace.status();
  options.pace = *pace;
  const std::string heartbeat = absl::GetFlag(FLAGS_heartbeat);
  if (heartbeat != "light" && heartbeat != "full") {
    return absl::InvalidArgumentError(absl::StrCat(
        "heartbeat must be light or full, got \"", heartbeat, "\""));
  }
  options.light = heartbeat == "light";
  const std::string protocol = absl::GetFlag(FLAGS_protocol);
  if (protocol != "broker" && protocol != "etcd") {
    return absl::InvalidArgumentError(absl::StrCat(
        "protocol must be broker or etcd, got \"", protocol, "\""));
  }
  if (protocol == "etcd") {
    options.protocol = rmq::loadgen::Protocol::kEtcdLeases;
  }
  options.broker = absl::GetFlag(FLAGS_broker);
  options.tls = rmq::TlsOfFlags(
      absl::GetFlag(FLAGS_tls_ca), absl::GetFlag(FLAGS_tls_cert),
      absl::GetFlag(FLAGS_tls_key), absl::GetFlag(FLAGS_tls_server_name));
  if (!absl::GetFlag(FLAGS_credentials_file).empty()) {
    options.credentials.emplace().credentials_file =
        absl::GetFlag(FLAGS_credentials_file);
  }
  options.allow_insecure_credentials =
      absl::GetFlag(FLAGS_allow_insecure_credentials);
  options.connections = absl::GetFlag(FLAGS_connections);
  options.streams = absl::GetFlag(FLAGS_streams);
  if (options.streams == 0) options.streams = options.connections;
  options.groups = absl::GetFlag(FLAGS_groups);
  options.fill_groups = absl::GetFlag(FLAGS_fill_groups);
  options.producer_groups = absl::GetFlag(FLAGS_producer_groups);
  options.consumer_groups = absl::GetFlag(FLAGS_consumer_groups);
  options.subscriptions = absl::GetFlag(FLAGS_subscriptions);
  options.jitter = absl::GetFlag(FLAGS_jitter);
  options.churn = absl::GetFlag(FLAGS_churn);
  options.reconnect = absl::GetFlag(FLAGS_reconnect);
  options.warmup = absl::GetFlag(FLAGS_warmup);
  options.duration = absl::GetFlag(FLAGS_duration);
  options.live = absl::GetFlag(FLAGS_live);
  options.server_pid = absl::GetFlag(FLAGS_server_pid);
  options.threads = absl::GetFlag(FLAGS_threads);
  options.busy_poll = absl::GetFlag(FLAGS_busy_poll);
  options.opening = absl::GetFlag(FLAGS_opening);
  options.open_rate = absl::GetFlag(FLAGS_open_rate);
  options.hold_lists = absl::GetFlag(FLAGS_hold_lists);
  options.opening_timeout = absl::GetFlag(FLAGS_opening_timeout);
  options.answer_timeout = absl::GetFlag(FLAGS_answer_timeout);
  options.client_prefix = absl::GetFlag(FLAGS_client_prefix);
  options.seed = absl::GetFlag(FLAGS_seed);
  return options;
}

std::string ToJson(const LoadReport& report) {
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = true;
  print.always_print_primitive_fields = true;
  print.preserve_proto_field_names = true;
  std::string json;
  // Cannot fail: the message is ours.
  (void)google::protobuf::util::MessageToJsonString(report, &json, print);
  return json;
}

int Fail(const absl::Status& status) {
  std::cerr << "loadgen: " << status.message() << "\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Puts the load of many clients on a broker, and tells what it did under "
      "it.\n\n  loadgen [--broker=127.0.0.1:10911] [flags]\n\nExit code: 0; 1 "
      "if a reply was an error or a stream ended; 2 if it could not begin.\n\n"
      "  1,000 clients, a heartbeat each 30 s, for a minute:\n"
      "    loadgen --connections=1000 --pace=30s --duration=60s\n"
      "  a broker's own cost, at 4,000 heartbeats a second in all:\n"
      "    loadgen --connections=1000 --pace=4000/s --server_pid=PID\n\n"
      "Flags, with their defaults:");
  absl::FlagsUsageConfig usage;
  usage.version_string = [] {
    return absl::StrCat("rocketmq-client-manager loadgen ", rmq::kVersion,
                        "\n");
  };
  usage.contains_help_flags = [](absl::string_view file) {
    return absl::EndsWith(file, "loadgen_main.cc");
  };
  absl::SetFlagsUsageConfig(usage);
  const absl::Status durations = rmq::CheckDurationFlags(argc, argv);
  if (!durations.ok()) return Fail(durations);
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() > 1) {
    return Fail(absl::InvalidArgumentError(absl::StrCat(
        "takes flags only, got \"", arguments[1], "\" (see --help)")));
  }
  const absl::StatusOr<LoadOptions> options = OptionsFromFlags();
  if (!options.ok()) return Fail(options.status());

  // Before any thread begins, so that all of them leave the signals alone.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // Never destroyed: the thread that waits for a signal is never joined.
  auto* const interrupt = new rmq::loadgen::Interrupt;
  std::thread([signals, interrupt] {
    int signal = 0;
    sigwait(&signals, &signal);
    interrupt->Set();
  }).detach();

  const absl::StatusOr<LoadReport> report =
      rmq::loadgen::RunLoad(*options, *interrupt, std::cerr);
  if (!report.ok()) return Fail(report.status());
  const std::string json = absl::GetFlag(FLAGS_json);
  if (json == "-") {
    std::cout << ToJson(*report);
  } else {
    std::cout << rmq::loadgen::Describe(*report);
    if (!json.empty()) {
      std::ofstream file(json);
      file << ToJson(*report) << std::flush;
      if (!file) {
        return Fail(absl::UnknownError(absl::StrCat("cannot write ", json)));
      }
    }
  }
  return report->errors() == 0 ? 0 : 1;
}
