#include "broker/service/slow_reader_watch.h"

#include <memory>

#include "absl/time/time.h"
#include "broker/service/alarm.h"
#include "common/simulated_clock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Duration kLimit = absl::Seconds(30);
constexpr absl::Duration kMoment = absl::Nanoseconds(1);
const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

class FakeWriter final : public WatchedWriter {
 public:
  absl::Time CutOffIfPendingSince(absl::Time limit) override {
    ++asked;
    if (pending_since > limit) return pending_since;
    cut_off = true;
    return absl::InfiniteFuture();
  }

  // InfiniteFuture: nothing is.
  absl::Time pending_since = absl::InfiniteFuture();
  bool cut_off = false;
  int asked = 0;
};

class SlowReaderWatchTest : public ::testing::Test {
 protected:
  std::shared_ptr<FakeWriter> WriterPendingSince(absl::Time since) {
    return WriterPendingSince(since, since);
  }
  // Reported at `now`.
  std::shared_ptr<FakeWriter> WriterPendingSince(absl::Time since,
                                                 absl::Time now) {
    auto writer = std::make_shared<FakeWriter>();
    writer->pending_since = since;
    watch_.Add(writer, since, now);
    return writer;
  }

  Alarm alarm_;
  SlowReaderWatch watch_{kLimit, &alarm_};
};

TEST_F(SlowReaderWatchTest, NothingToWatchNeedsNoComingBack) {
  EXPECT_EQ(watch_.Check(kStart), absl::InfiniteFuture());
}

TEST_F(SlowReaderWatchTest, AWritePendingForTheLimitCutsOffAndNotBefore) {
  const auto writer = WriterPendingSince(kStart);
  EXPECT_EQ(watch_.Check(kStart + kLimit - kMoment), kStart + kLimit);
  EXPECT_FALSE(writer->cut_off);
  EXPECT_EQ(watch_.Check(kStart + kLimit), absl::InfiniteFuture());
  EXPECT_TRUE(writer->cut_off);
}

TEST_F(SlowReaderWatchTest, AWriteWakesTheAlarmWhenItsLimitIsOver) {
  SimulatedClock clock(kStart + kLimit);
  WriterPendingSince(kStart);
  EXPECT_TRUE(
      alarm_.Await(&clock, absl::InfinitePast(), absl::InfiniteFuture()));
}

// Else a wake-up that is a moment late would look like an absence.
TEST_F(SlowReaderWatchTest, WhileSomethingIsWatchedItIsLookedAtTwiceALimit) {
  WriterPendingSince(kStart);
  EXPECT_EQ(watch_.Check(kStart), kStart + kLimit / 2);
  EXPECT_EQ(watch_.Check(kStart + absl::Seconds(20)), kStart + kLimit);
}

TEST_F(SlowReaderWatchTest, TimeWithoutAnythingToWatchIsNoPause) {
  watch_.Check(kStart);
  const absl::Time since = kStart + 5 * kLimit;
  const auto writer = WriterPendingSince(since);
  watch_.Check(since + kLimit);
  EXPECT_TRUE(writer->cut_off);
}

// As after a pause in which nothing was watched.
TEST_F(SlowReaderWatchTest, AFirstWriteReportedAfterItsLimitHasOneMore) {
  const absl::Time now = kStart + kLimit + kMoment;
  const auto writer = WriterPendingSince(kStart, now);
  watch_.Check(now + kLimit / 2);
  EXPECT_FALSE(writer->cut_off);
  watch_.Check(now + kLimit);
  EXPECT_TRUE(writer->cut_off);
}

TEST_F(SlowReaderWatchTest, AWriteThatIsDoneIsForgotten) {
  const auto writer = WriterPendingSince(kStart);
  writer->pending_since = absl::InfiniteFuture();
  EXPECT_EQ(watch_.Check(kStart + kLimit), absl::InfiniteFuture());
  EXPECT_FALSE(writer->cut_off);
  watch_.Check(kStart + 2 * kLimit);
  EXPECT_EQ(writer->asked, 1);
}

TEST_F(SlowReaderWatchTest, ALaterWriteOfTheSameStreamHasItsOwnLimit) {
  const auto writer = WriterPendingSince(kStart);
  writer->pending_since = kStart + absl::Seconds(20);
  EXPECT_NE(watch_.Check(kStart + kLimit), absl::InfiniteFuture());
  EXPECT_FALSE(writer->cut_off);
  watch_.Check(kStart + absl::Seconds(20) + kLimit);
  EXPECT_TRUE(writer->cut_off);
}

TEST_F(SlowReaderWatchTest, AWriteReportedLateIsStillCutOffInTime) {
  WriterPendingSince(kStart + absl::Seconds(29));
  const auto late = WriterPendingSince(kStart);
  watch_.Check(kStart + kLimit);
  EXPECT_TRUE(late->cut_off);
}

// As a stopped process finds it when it goes on: what was read meanwhile has
// not been handled yet.
TEST_F(SlowReaderWatchTest, APausedBrokerCutsOffNobody) {
  const auto writer = WriterPendingSince(kStart);
  watch_.Check(kStart);
  const absl::Time back = kStart + kLimit + kMoment;
  watch_.Check(back);
  EXPECT_FALSE(writer->cut_off);
  // Who does not read now either, is.
  watch_.Check(back + kLimit - kMoment);
  EXPECT_FALSE(writer->cut_off);
  watch_.Check(back + kLimit);
  EXPECT_TRUE(writer->cut_off);
}

TEST_F(SlowReaderWatchTest, ACheckAfterExactlyTheLimitIsNoPause) {
  const auto writer = WriterPendingSince(kStart);
  watch_.Check(kStart);
  watch_.Check(kStart + kLimit);
  EXPECT_TRUE(writer->cut_off);
}

TEST_F(SlowReaderWatchTest, AStreamThatIsGoneIsForgotten) {
  auto writer = WriterPendingSince(kStart);
  writer.reset();
  EXPECT_EQ(watch_.Check(kStart + kLimit), absl::InfiniteFuture());
}

}  // namespace
}  // namespace rmq
