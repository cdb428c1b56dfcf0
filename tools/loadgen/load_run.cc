#include "tools/loadgen/load_run.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/real_clock.h"
#include "common/rpc/credentials/channel_security.h"
#include "tools/loadgen/broker_frames.h"
#include "tools/loadgen/client_frames.h"
#include "tools/loadgen/latency_histogram.h"
#include "tools/loadgen/lease_frames.h"
#include "tools/loadgen/load_stream.h"
#include "tools/loadgen/load_worker.h"
#include "tools/loadgen/process_usage.h"

namespace rmq::loadgen {
namespace {

// Files that a process has open besides its connections.
constexpr size_t kOtherFiles = 100;
constexpr absl::Duration kClosingTimeout = absl::Seconds(10);
// Between looking whether all have registered.
constexpr absl::Duration kPollPeriod = absl::Milliseconds(5);
// So that every worker has seen it before it comes.
constexpr absl::Duration kBeforeHeartbeats = absl::Milliseconds(50);
constexpr int64_t kLateUs = 10'000;
constexpr double kShortestMeasurementSeconds = 0.01;

int64_t After(absl::Duration delay) {
  return NowNanos() + absl::ToInt64Nanoseconds(delay);
}

void Fill(const LatencyCounts& counts, Latency* latency) {
  latency->set_count(static_cast<double>(counts.total()));
  latency->set_mean_us(counts.mean());
  latency->set_p50_us(static_cast<double>(counts.Quantile(0.5)));
  latency->set_p99_us(static_cast<double>(counts.Quantile(0.99)));
  latency->set_p999_us(static_cast<double>(counts.Quantile(0.999)));
  latency->set_max_us(static_cast<double>(counts.Quantile(1)));
}

std::string PaceText(const Pace& pace) {
  switch (pace.kind) {
    case Pace::Kind::kClosedLoop: return "closed";
    case Pace::Kind::kInterval: return absl::FormatDuration(pace.interval);
    case Pace::Kind::kRate: return absl::StrCat(pace.rate, "/s");
    case Pace::Kind::kSilent: return "silent";
    case Pace::Kind::kOnce: return "once";
  }
  return "";
}

std::unique_ptr<const ClientFrames> MakeFrames(const LoadOptions& options) {
  if (options.protocol == Protocol::kEtcdLeases) {
    return std::make_unique<LeaseFrames>();
  }
  return std::make_unique<BrokerFrames>(options);
}

std::string Ms(double us) { return absl::StrFormat("%.2f ms", us / 1000); }

class LoadRun {
 public:
  LoadRun(const LoadOptions& options, const Interrupt& interrupt,
          std::ostream& live)
      : options_(options),
        interrupt_(interrupt),
        live_(live),
        frames_(MakeFrames(options)) {}

  absl::StatusOr<LoadReport> Run() {
    absl::Status status = AllowOpenFiles(options_.connections + kOtherFiles);
    if (!status.ok()) return status;
    const absl::StatusOr<ProcessUsage> before = ServerUsageNow();
    if (!before.ok()) return before.status();
    server_before_step_ = *before;
    const absl::StatusOr<std::shared_ptr<ChannelSecurity>> security =
        ChannelSecurity::Create(options_.tls, options_.credentials,
                                &RealClock());
    if (!security.ok()) return security.status();

    start_ns_ = last_step_ns_ = NowNanos();
    for (int i = 0; i < options_.threads; ++i) {
      workers_.push_back(std::make_unique<LoadWorker>(
          options_, *frames_, *security, i, &counters_));
      threads_.emplace_back(
          [worker = workers_.back().get()] { worker->Run(); });
    }
    AwaitRegistrations();
    const int64_t heartbeats_ns = After(kBeforeHeartbeats);
    for (const auto& worker : workers_) worker->StartHeartbeats(heartbeats_ns);
    Pass(options_.warmup);
    Measure();
    const int64_t deadline_ns = After(kClosingTimeout);
    report_.set_registered(static_cast<double>(counters_.registered.load()));
    for (const auto& worker : workers_) worker->Stop(deadline_ns);
    for (std::thread& thread : threads_) thread.join();
    FillTheRest(before->rss_bytes);
    return std::move(report_);
  }

 private:
  absl::StatusOr<ProcessUsage> ServerUsageNow() const {
    if (options_.server_pid == 0) return ProcessUsage();
    return ReadProcessUsage(options_.server_pid);
  }

  LatencyCounts Sum(LatencyCounts (LoadWorker::*counts)() const) const {
    LatencyCounts sum;
    for (const auto& worker : workers_) sum.Add((*worker.*counts)());
    return sum;
  }

  // Nothing more will happen.
  bool IsOver() const {
    return interrupt_.is_set() ||
           (counters_.open == 0 && !options_.reconnect &&
            counters_.errors + counters_.expired >= options_.streams);
  }

  void AwaitRegistrations() {
    const int64_t deadline_ns = After(options_.opening_timeout);
    while (counters_.registered < options_.streams && !IsOver()) {
      const int64_t now_ns = NowNanos();
      if (now_ns >= deadline_ns) {
        ++counters_.errors;
        report_.add_error_texts(
            absl::StrCat("only ", counters_.registered.load(), " of ",
                         options_.streams, " clients registered within ",
                         absl::FormatDuration(options_.opening_timeout)));
        return;
      }
      StepIfDue(now_ns);
      interrupt_.WaitFor(kPollPeriod);
    }
    report_.set_registration_seconds(
        static_cast<double>(NowNanos() - start_ns_) / 1e9);
  }

  // Lets time pass, with a step for each `live`.
  void Pass(absl::Duration duration) {
    const int64_t end_ns = After(duration);
    const int64_t period_ns = absl::ToInt64Nanoseconds(options_.live);
    for (int64_t now_ns = NowNanos(); now_ns < end_ns && !IsOver();
         now_ns = NowNanos()) {
      int64_t wake_ns = end_ns;
      if (period_ns > 0) wake_ns = std::min(wake_ns, last_step_ns_ + period_ns);
      interrupt_.WaitFor(
          absl::Nanoseconds(std::max<int64_t>(0, wake_ns - now_ns)));
      StepIfDue(NowNanos());
    }
  }

  void Measure() {
    const LatencyCounts answers_before = Sum(&LoadWorker::latency);
    const LatencyCounts lag_before = Sum(&LoadWorker::lag);
    const int64_t left_out_before = counters_.left_out;
    const ProcessUsage server_before =
        ServerUsageNow().value_or(ProcessUsage());
    const ProcessUsage driver_before =
        ReadProcessUsage(0).value_or(ProcessUsage());
    const int64_t begin_ns = NowNanos();
    Pass(options_.duration);
    const double seconds = static_cast<double>(NowNanos() - begin_ns) / 1e9;
    const ProcessUsage server_after = ServerUsageNow().value_or(ProcessUsage());
    const ProcessUsage driver_after =
        ReadProcessUsage(0).value_or(ProcessUsage());
    LatencyCounts answers = Sum(&LoadWorker::latency);
    LatencyCounts lag = Sum(&LoadWorker::lag);
    answers.Subtract(answers_before);
    lag.Subtract(lag_before);

    const auto heartbeats = static_cast<double>(answers.total());
    // Of a moment a rate says nothing; of no time it is anything.
    const auto a_second = [seconds](double amount) {
      return seconds < kShortestMeasurementSeconds ? 0 : amount / seconds;
    };
    report_.set_seconds(seconds);
    report_.set_heartbeats(heartbeats);
    report_.set_heartbeats_per_second(a_second(heartbeats));
    Fill(answers, report_.mutable_answers());
    Fill(lag, report_.mutable_lag());
    const int64_t left_out = counters_.left_out - left_out_before;
    report_.set_left_out(static_cast<double>(left_out));
    report_.set_on_schedule(left_out == 0 &&
                            lag.CountAbove(kLateUs) * 100 <= lag.total());
    const double server_cpu =
        server_after.cpu_seconds - server_before.cpu_seconds;
    ServerUsage* const server = report_.mutable_server();
    server->set_cpu_seconds(server_cpu);
    server->set_cores(a_second(server_cpu));
    if (heartbeats > 0) {
      server->set_cpu_us_per_heartbeat(server_cpu * 1e6 / heartbeats);
    }
    server->set_rss_bytes(server_after.rss_bytes);
    report_.set_driver_cores(
        a_second(driver_after.cpu_seconds - driver_before.cpu_seconds));
  }

  void StepIfDue(int64_t now_ns) {
    const int64_t period_ns = absl::ToInt64Nanoseconds(options_.live);
    if (period_ns == 0 || now_ns < last_step_ns_ + period_ns) return;
    const double seconds = static_cast<double>(now_ns - last_step_ns_) / 1e9;
    last_step_ns_ = now_ns;

    LatencyCounts all_answers = Sum(&LoadWorker::latency);
    LatencyCounts answers = all_answers;
    answers.Subtract(answers_at_step_);
    answers_at_step_ = std::move(all_answers);
    Step& step = *report_.add_steps();
    step.set_unix_seconds(
        absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()));
    step.set_registered(static_cast<double>(counters_.registered.load()));
    const auto since = [&](const std::atomic<int64_t>& counter,
                           int64_t* before) {
      const int64_t now = counter;
      return static_cast<double>(now - std::exchange(*before, now));
    };
    step.set_registrations(
        since(counters_.registrations, &registrations_at_step_));
    step.set_lost(since(counters_.lost, &lost_at_step_));
    step.set_expired(since(counters_.expired, &expired_at_step_));
    step.set_pushes(since(counters_.pushes, &pushes_at_step_));
    Fill(answers, step.mutable_answers());

    live_ << absl::StreamFormat(
        "%6.1f s  %d/%d registered  %.0f/s  p50 %s  p99 %s  max %s  errors %d",
        static_cast<double>(now_ns - start_ns_) / 1e9,
        counters_.registered.load(), options_.streams,
        step.answers().count() / seconds, Ms(step.answers().p50_us()),
        Ms(step.answers().p99_us()), Ms(step.answers().max_us()),
        counters_.errors.load());
    if (const auto usage = ServerUsageNow();
        options_.server_pid != 0 && usage.ok()) {
      live_ << absl::StreamFormat(
          "  server %.2f cores, %.1f MiB",
          (usage->cpu_seconds - server_before_step_.cpu_seconds) / seconds,
          usage->rss_bytes / (1 << 20));
      server_before_step_ = *usage;
    }
    live_ << std::endl;
  }

  void FillTheRest(double server_rss_before) {
    report_.set_broker(options_.broker);
    report_.set_connections(options_.connections);
    report_.set_clients(options_.streams);
    report_.set_groups(options_.groups);
    report_.set_pace(PaceText(options_.pace));
    report_.set_heartbeat(options_.light ? "light" : "full");
    ServerUsage* const server = report_.mutable_server();
    if (options_.server_pid != 0) {
      server->set_rss_bytes_per_client(
          (server->rss_bytes() - server_rss_before) / options_.streams);
    }
    const auto count = [](const std::atomic<int64_t>& counter) {
      return static_cast<double>(counter.load());
    };
    report_.set_registrations(count(counters_.registrations));
    report_.set_pushes(count(counters_.pushes));
    report_.set_most_pushes(count(counters_.most_pushes));
    report_.set_full_statements_needed(count(counters_.full_statements_needed));
    report_.set_churned(count(counters_.churned));
    report_.set_lost(count(counters_.lost));
    report_.set_expired(count(counters_.expired));
    report_.set_errors(count(counters_.errors));
    for (const auto& worker : workers_) {
      for (std::string& error : worker->errors()) {
        report_.add_error_texts(std::move(error));
      }
    }
  }

  const LoadOptions& options_;
  const Interrupt& interrupt_;
  std::ostream& live_;
  const std::unique_ptr<const ClientFrames> frames_;
  LoadCounters counters_;
  std::vector<std::unique_ptr<LoadWorker>> workers_;
  std::vector<std::thread> threads_;
  LoadReport report_;
  int64_t start_ns_ = 0;

  // As they were at the last step.
  int64_t last_step_ns_ = 0;
  LatencyCounts answers_at_step_;
  ProcessUsage server_before_step_;
  int64_t registrations_at_step_ = 0;
  int64_t lost_at_step_ = 0;
  int64_t expired_at_step_ = 0;
  int64_t pushes_at_step_ = 0;
};

}  // namespace

absl::StatusOr<LoadReport> RunLoad(const LoadOptions& options,
                                   const Interrupt& interrupt,
                                   std::ostream& live) {
  const absl::Status status = options.Validate();
  if (!status.ok()) return status;
  return LoadRun(options, interrupt, live).Run();
}

std::string Describe(const LoadReport& report) {
  std::string text;
  const auto line = [&](const char* name, const std::string& what) {
    absl::StrAppendFormat(&text, "%-11s %s\n", name, what);
  };
  const auto times = [](const Latency& latency) {
    return absl::StrCat("p50 ", Ms(latency.p50_us()), "  p99 ",
                        Ms(latency.p99_us()), "  p99.9 ", Ms(latency.p999_us()),
                        "  max ", Ms(latency.max_us()));
  };
  line("clients", absl::StrFormat(
                      "%d on %d connections in %d groups, registered in %.2f s",
                      report.clients(), report.connections(), report.groups(),
                      report.registration_seconds()));
  line(
      "heartbeats",
      absl::StrFormat("%.0f %s in %.1f s, %.1f/s (pace: %s)",
                      report.heartbeats(), report.heartbeat(), report.seconds(),
                      report.heartbeats_per_second(), report.pace()));
  line("answers", times(report.answers()));
  if (report.lag().count() > 0) {
    line("lag", times(report.lag()));
    line("pace", report.on_schedule()
                     ? "kept"
                     : absl::StrFormat(
                           "NOT KEPT: heartbeats were written late, and %.0f "
                           "left out, as the one before was unanswered. The "
                           "machine cannot do this; do not trust the times",
                           report.left_out()));
  }
  if (report.server().rss_bytes() > 0) {
    const ServerUsage& server = report.server();
    line("server",
         absl::StrFormat("%.1f us of CPU a heartbeat, %.3f cores, %.1f MiB "
                         "(%.1f KiB a client)",
                         server.cpu_us_per_heartbeat(), server.cores(),
                         server.rss_bytes() / (1 << 20),
                         server.rss_bytes_per_client() / 1024));
  }
  line("driver", report.seconds() < kShortestMeasurementSeconds
                     ? "not measured: the run was over at once"
                     : absl::StrFormat("%.3f cores", report.driver_cores()));
  const std::pair<const char*, double> counts[] = {
      {"pushes", report.pushes()},
      {"full statements needed", report.full_statements_needed()},
      {"streams closed and opened again", report.churned()},
      {"streams lost", report.lost()},
      {"streams expired", report.expired()},
  };
  std::string others;
  for (const auto& [name, count] : counts) {
    if (count == 0) continue;
    absl::StrAppendFormat(&others, "%s%.0f %s", others.empty() ? "" : ", ",
                          count, name);
  }
  if (!others.empty()) line("also", others);
  line("errors", absl::StrFormat("%.0f", report.errors()));
  for (const std::string& error : report.error_texts()) line("", error);
  return text;
}

}  // namespace rmq::loadgen
