#include "broker/fronts/rocketmq_v2/due_calls.h"

#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

constexpr absl::Time kStart = absl::FromUnixSeconds(1'000'000);

TEST(DueCallsTest, CallsComeInTheOrderOfTheirTimesAndNoneEarly) {
  std::vector<int> called;
  DueCalls calls(nullptr);
  calls.Add(kStart + absl::Seconds(2), [&] { called.push_back(2); });
  calls.Add(kStart + absl::Seconds(1), [&] { called.push_back(1); });
  calls.Run(kStart + absl::Seconds(1) - absl::Nanoseconds(1));
  EXPECT_THAT(called, ElementsAre());
  EXPECT_EQ(calls.NextDue(), kStart + absl::Seconds(1));
  calls.Run(kStart + absl::Seconds(2));
  EXPECT_THAT(called, ElementsAre(1, 2));
  EXPECT_EQ(calls.NextDue(), absl::InfiniteFuture());
}

TEST(DueCallsTest, ACallThatIsRemovedDoesNotCome) {
  bool called = false;
  DueCalls calls(nullptr);
  const DueCalls::Ticket ticket = calls.Add(kStart, [&] { called = true; });
  calls.Remove(ticket);
  calls.Remove(ticket);
  calls.Run(kStart);
  EXPECT_FALSE(called);
}

TEST(DueCallsTest, TheTimerIsToldOfWhatIsDueEarlierAlone) {
  std::vector<absl::Time> told;
  DueCalls calls([&](absl::Time at) { told.push_back(at); });
  calls.Add(kStart + absl::Seconds(1), [] {});
  calls.Add(kStart + absl::Seconds(2), [] {});
  calls.Add(kStart, [] {});
  EXPECT_THAT(told, ElementsAre(kStart + absl::Seconds(1), kStart));
}

}  // namespace
}  // namespace rmq
