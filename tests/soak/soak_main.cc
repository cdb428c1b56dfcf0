// A soak of any length, and its figures; see soak.h.
//
//   bazel run -c opt //tests/soak -- --duration=1h
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "tests/soak/soak.h"

ABSL_FLAG(absl::Duration, duration, absl::Hours(1), "how long, like 1h");
ABSL_FLAG(absl::Duration, report_period, absl::Minutes(1),
          "time of changes before each line and comparison, like 1m");
ABSL_FLAG(absl::Duration, settling, absl::Minutes(10),
          "what memory and threads are by then they may stay, like 10m");
ABSL_FLAG(int, clients, 60, "clients that live at once, at most");
ABSL_FLAG(double, changes_per_second, 4,
          "clients that come, change, break or go");
ABSL_FLAG(int64_t, allowed_growth_kib, 8 * 1024,
          "what the resident memory of either process may grow by after the "
          "settling");
ABSL_FLAG(uint64_t, seed, 1, "the same seed makes the same changes");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Drives a real broker with clients that come, change, break and go, and "
      "tells whether memory, threads and registrations stay right.");
  absl::ParseCommandLine(argc, argv);
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = google::GLOG_ERROR;  // What breaks is broken on purpose.
  google::InitGoogleLogging(argv[0]);

  rmq::SoakOptions options;
  options.duration = absl::GetFlag(FLAGS_duration);
  options.report_period = absl::GetFlag(FLAGS_report_period);
  options.settling = absl::GetFlag(FLAGS_settling);
  options.clients = absl::GetFlag(FLAGS_clients);
  options.changes_per_second = absl::GetFlag(FLAGS_changes_per_second);
  options.allowed_growth_kib = absl::GetFlag(FLAGS_allowed_growth_kib);
  options.seed = absl::GetFlag(FLAGS_seed);
  const absl::Status status = options.Validate();
  if (!status.ok()) {
    std::cerr << "soak: " << status.message() << "\n";
    return 2;
  }
  const std::vector<std::string> failures = rmq::RunSoak(options, &std::cout);
  std::cout << (failures.empty() ? "all was well" : "NOT all was well") << "\n";
  return failures.empty() ? 0 : 1;
}
