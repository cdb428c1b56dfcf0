// The broker: flags -> BrokerController -> wait for a signal.

#include <fcntl.h>
#include <malloc.h>
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

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/config/auth_file.h"
#include "broker/config/broker_flags.h"
#include "broker/fronts/auth_options.h"
#include "broker/logging/process_log.h"
#include "common/duration_flags.h"
#include "common/kv.h"
#include "common/real_clock.h"
#include "common/security/server_certificates.h"
#include "common/version.h"
#include "glog/logging.h"

namespace {

uint64_t DrawNonZero() {
  std::random_device random;
  const uint64_t drawn = (uint64_t{random()} << 32) | random();
  return drawn == 0 ? 1 : drawn;
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

// Has all threads together allocate from so many heaps. glibc would give each
// thread its own, and what is free in one heap is of no use to the others: a
// client of RocketMQ 5's SDKs would take 3 KB more.
void LimitHeaps(int count) { mallopt(M_ARENA_MAX, count); }

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

// A signal that stops the broker has come, and AwaitStopSignal() will return
// it.
bool StopSignalIsPending() {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
    if (sigismember(&pending, signal) == 1) return true;
  }
  return false;
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

// Checks the files that a broker with these options would read at its start.
absl::Status CheckFiles(const rmq::BrokerController::Options& options) {
  if (options.server.tls.is_on()) {
    const absl::Status tls =
        rmq::ReadServerCertificates(
            options.server.tls,
            rmq::RealClock().ClockToWall(rmq::RealClock().TimeNow()))
            .status();
    if (!tls.ok()) return tls;
  }
  const absl::Status etcd = options.registrar.CheckFiles(
      rmq::RealClock().ClockToWall(rmq::RealClock().TimeNow()));
  if (!etcd.ok()) return etcd;
  return options.auth.mode == rmq::AuthMode::kOff
             ? absl::OkStatus()
             : rmq::ReadAuthFile(options.auth.file).status();
}

// Returns the next signal that stops the broker. HandledSignals() are blocked.
// `broker`, which may be null, reads its files again when asked to.
int AwaitStopSignal(rmq::BrokerController* broker) {
  const sigset_t signals = HandledSignals();
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    switch (signal) {
      case SIGHUP:
        LOG(INFO) << "reloading rules and certificates; the configuration "
                     "stays as it is"
                  << rmq::Kv("signal", strsignal(signal));
        if (broker != nullptr) broker->ReloadFiles();
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
  // Before any thread begins, and allocates.
  LimitHeaps(1);
  rmq::StartProcessLog(argv[0]);

  absl::SetProgramUsageMessage(
      "RocketMQ's client manager over gRPC: producers and consumers register "
      "by heartbeats,\nconsumer groups are told when their membership "
      "changes.\n\n  broker [--address=127.0.0.1:10911] [flags]\n\n"
      "SIGTERM, SIGINT and SIGQUIT stop it gracefully (--drain_timeout), a "
      "second one of them\nat once. SIGHUP has the files of rules and "
      "certificates read again; the\nconfiguration stays as it is. SIGUSR1 and "
      "SIGUSR2 are ignored. The log goes to\nstderr; a reader that stalls "
      "costs "
      "lines of the log.\n\nFlags, with their defaults:");
  absl::FlagsUsageConfig usage;
  usage.version_string = [] {
    return absl::StrCat("rocketmq-client-manager broker ", rmq::kVersion, "\n");
  };
  // --help lists the broker's flags and no library's.
  usage.contains_help_flags = rmq::DefinesBrokerFlags;
  absl::SetFlagsUsageConfig(usage);
  const absl::Status durations = rmq::CheckDurationFlags(argc, argv);
  if (!durations.ok()) return Fail(durations.message());
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() > 1) {
    return Fail(absl::StrCat("takes flags only, got \"", arguments[1],
                             "\" (see --help)"));
  }

  LetStopSignalsEndTheProcess(true);
  absl::StatusOr<rmq::EffectiveConfig> config = rmq::ConfigFromFlags();
  LetStopSignalsEndTheProcess(false);
  if (!config.ok()) return Fail(config.status().message());
  if (absl::GetFlag(FLAGS_check_config)) {
    const absl::Status files = CheckFiles(config->options);
    if (!files.ok()) return Fail(files.message());
  }
  if (absl::GetFlag(FLAGS_check_config) || absl::GetFlag(FLAGS_print_config)) {
    if (absl::GetFlag(FLAGS_print_config)) {
      std::cout << rmq::PrintConfig(*config) << std::flush;
    } else {
      std::cout << "OK" << rmq::SettingsLine(*config) << std::endl;
    }
    return std::cout.good() ? 0 : 1;
  }
  rmq::BrokerController::Options& options = config->options;
  options.identity.incarnation = DrawNonZero();
  for (uint32_t& word : options.table.statement_token_key) {
    word = std::random_device()();
  }
  LimitHeaps(options.server.threads);
  const rlim_t open_files = RaiseOpenFileLimit();
  absl::StatusOr<std::unique_ptr<rmq::BrokerController>> broker =
      rmq::BrokerController::Start(options, &rmq::RealClock(),
                                   /*authorizer=*/nullptr, StopSignalIsPending);
  if (!broker.ok()) return Fail(broker.status().message());
  LOG(INFO) << "listening"
            << rmq::Kv("address", absl::StrJoin((*broker)->addresses(), ","))
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
            << rmq::Kv("security", options.server.SecurityText())
            << rmq::Kv("auth", rmq::Name(options.auth.mode));
  LOG(INFO) << "settings" << rmq::SettingsLine(*config);
  if (open_files < options.table.max_channels) {
    LOG(WARNING) << "open files may run out before there are --max_channels: "
                    "raise the hard limit (ulimit -Hn), or lower the flag"
                 << rmq::Kv("open_files", open_files)
                 << rmq::Kv("max_channels", options.table.max_channels);
  }

  const int signal = AwaitStopSignal(broker->get());
  LOG(INFO) << "stopping" << rmq::Kv("signal", strsignal(signal))
            << rmq::Kv("drain_timeout",
                       absl::FormatDuration(options.drain_timeout));
  std::thread([] {
    const int again = AwaitStopSignal(nullptr);
    LOG(WARNING) << "stopping at once" << rmq::Kv("signal", strsignal(again));
    rmq::FlushProcessLog();
    std::_Exit(1);
  }).detach();
  (*broker)->Shutdown(options.drain_timeout);
  broker->reset();
  LOG(INFO) << "stopped";
  rmq::FlushProcessLog();
  return 0;
}
