// bazel run -c opt //tests/simulation/network:play -- --schedules=100000
#include <cstdint>
#include <iostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "tests/simulation/network/schedule.h"
#include "tests/simulation/network/shrink.h"
#include "tests/simulation/network/world.h"

ABSL_FLAG(uint64_t, first_seed, 1, "the first seed");
ABSL_FLAG(uint64_t, schedules, 2'000, "how many schedules are played");
ABSL_FLAG(int, failures, 3, "after how many failures it ends");
ABSL_FLAG(bool, shrink, true,
          "whether a failure is shown with as few steps as possible");
ABSL_FLAG(std::string, schedule, "",
          "plays this one only: a seed, or a line of seeds.txt");

namespace rmq::network {
namespace {

bool GoesWrong(const Schedule& schedule) {
  return !Play(schedule).wrong.empty();
}

int Main() {
  int failures = 0;
  int64_t reports = 0;
  int64_t checked = 0;
  double seconds = 0;
  const auto play = [&](const Schedule& schedule) {
    const Outcome outcome = Play(schedule);
    reports += outcome.reports;
    checked += outcome.checked_lists;
    seconds += outcome.seconds;
    if (outcome.wrong.empty()) return;
    ++failures;
    std::cout << "seed " << schedule.seed << ": " << outcome.wrong << std::endl;
    if (!absl::GetFlag(FLAGS_shrink)) return;
    const Schedule least = Shrink(schedule, GoesWrong);
    std::cout << Format(least) << "\n" << Play(least).wrong << std::endl;
  };

  const absl::Time start = absl::Now();
  uint64_t played = 0;
  if (const std::string text = absl::GetFlag(FLAGS_schedule); !text.empty()) {
    const absl::StatusOr<Schedule> schedule = ParseSchedule(text);
    if (!schedule.ok()) {
      std::cerr << schedule.status().message() << std::endl;
      return 2;
    }
    play(*schedule);
    played = 1;
  } else {
    const uint64_t first = absl::GetFlag(FLAGS_first_seed);
    for (; played < absl::GetFlag(FLAGS_schedules) &&
           failures < absl::GetFlag(FLAGS_failures);
         ++played) {
      play(DrawSchedule(first + played));
    }
  }
  std::cout << played << " schedules, " << failures << " went wrong; "
            << absl::FormatDuration(absl::Seconds(seconds)) << " simulated in "
            << absl::FormatDuration(absl::Now() - start) << "; " << reports
            << " reports, " << checked << " lists compared at the end"
            << std::endl;
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace rmq::network

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Plays schedules of clients, brokers and a network between them that "
      "fails.");
  absl::ParseCommandLine(argc, argv);
  FLAGS_minloglevel = google::GLOG_FATAL;
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return rmq::network::Main();
}
