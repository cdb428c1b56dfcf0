#include "client/session/frame_pace.h"

#include <algorithm>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Time kNow = absl::UnixEpoch();

TEST(FramePaceTest, TheFirstFramesMayBeWrittenWhenTheyAreWanted) {
  FramePace pace;
  EXPECT_EQ(pace.HeartbeatAt(kNow), kNow);
  EXPECT_LE(pace.NextUnregistration(), kNow);
}

TEST(FramePaceTest, UnregistrationsAreAGapApart) {
  FramePace pace;
  pace.OnUnregistrationWritten(kNow);
  EXPECT_EQ(pace.NextUnregistration(), kNow + FramePace::kUnregisterGap);
}

TEST(FramePaceTest, AHeartbeatDoesNotDelayAnUnregistration) {
  FramePace pace;
  pace.OnHeartbeatWritten(kNow);
  EXPECT_LE(pace.NextUnregistration(), kNow);
  EXPECT_TRUE(pace.heartbeat_was_last());
  EXPECT_EQ(pace.last_heartbeat(), kNow);
}

TEST(FramePaceTest, TheGapOfAllFramesDoublesUpToTheMaximum) {
  FramePace pace;
  absl::Time now = kNow;
  absl::Duration gap = FramePace::kFirstFrameGap;
  for (int i = 0; i < 10; ++i) {
    pace.OnHeartbeatWritten(now);
    pace.SlowDown(now, now);
    EXPECT_EQ(pace.HeartbeatAt(now), now + gap);
    EXPECT_EQ(pace.NextUnregistration(), now + gap);
    gap = std::min(2 * gap, FramePace::kMaxFrameGap);
    now += absl::Seconds(10);
  }
  EXPECT_EQ(gap, FramePace::kMaxFrameGap);
}

TEST(FramePaceTest, FramesThatWereOnTheirWaySlowDownOnce) {
  FramePace pace;
  pace.OnUnregistrationWritten(kNow);
  pace.OnUnregistrationWritten(kNow + absl::Milliseconds(20));
  pace.SlowDown(kNow, kNow + absl::Milliseconds(30));
  pace.SlowDown(kNow + absl::Milliseconds(20), kNow + absl::Milliseconds(40));
  EXPECT_EQ(pace.NextUnregistration(),
            kNow + absl::Milliseconds(20) + FramePace::kFirstFrameGap);
}

TEST(FramePaceTest, TheEndOfTheSlowDownTakesTheGapAway) {
  FramePace pace;
  pace.OnHeartbeatWritten(kNow);
  pace.SlowDown(kNow, kNow);
  pace.EndSlowDown();
  EXPECT_EQ(pace.HeartbeatAt(kNow), kNow);
}

}  // namespace
}  // namespace rmq
