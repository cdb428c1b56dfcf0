#include <cstdint>
#include <fstream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/simulation/network/schedule.h"
#include "tests/simulation/network/shrink.h"
#include "tests/simulation/network/world.h"

namespace rmq::network {
namespace {

constexpr char kSeeds[] = "tests/simulation/network/seeds.txt";
constexpr uint64_t kSchedules = 2'000;

bool GoesWrong(const Schedule& schedule) {
  return !Play(schedule).wrong.empty();
}

// Plays it; if it goes wrong, shows what a human needs.
void PlayAndTell(const Schedule& schedule) {
  const Outcome outcome = Play(schedule);
  if (outcome.wrong.empty()) return;
  const Schedule least = Shrink(schedule, GoesWrong);
  ADD_FAILURE() << "seed " << schedule.seed << ": " << outcome.wrong
                << "\nas little as this goes wrong (a line for " << kSeeds
                << "):\n"
                << Format(least) << "\n"
                << Play(least).wrong;
}

TEST(NetworkTest, SchedulesThatOnceWentWrongDoNotAnyMore) {
  std::ifstream file(kSeeds);
  ASSERT_TRUE(file.is_open());
  std::string line;
  while (std::getline(file, line)) {
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    if (text.empty() || text[0] == '#') continue;
    const absl::StatusOr<Schedule> schedule = ParseSchedule(text);
    ASSERT_TRUE(schedule.ok()) << schedule.status();
    PlayAndTell(*schedule);
  }
}

TEST(NetworkTest, EveryMemberComesToHoldTheBrokersList) {
  int64_t reports = 0;
  int64_t checked = 0;
  for (uint64_t seed = 1; seed <= kSchedules && !HasFailure(); ++seed) {
    const Schedule schedule = DrawSchedule(seed);
    const Outcome outcome = Play(schedule);
    if (!outcome.wrong.empty()) PlayAndTell(schedule);
    reports += outcome.reports;
    checked += outcome.checked_lists;
  }
  RecordProperty("reports", static_cast<int>(reports));
  RecordProperty("checked_lists", static_cast<int>(checked));
  EXPECT_GT(checked, static_cast<int64_t>(kSchedules));
}

TEST(NetworkTest, AScheduleIsPlayedTheSameWayAgain) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Schedule schedule = DrawSchedule(seed);
    const absl::StatusOr<Schedule> read = ParseSchedule(Format(schedule));
    ASSERT_TRUE(read.ok()) << read.status();
    const Outcome first = Play(schedule);
    const Outcome again = Play(*read);
    EXPECT_EQ(first.wrong, again.wrong);
    EXPECT_EQ(first.reports, again.reports);
    EXPECT_EQ(first.seconds, again.seconds);
  }
}

}  // namespace
}  // namespace rmq::network
