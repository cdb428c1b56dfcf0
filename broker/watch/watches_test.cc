#include "broker/watch/watches.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "broker/watch/event_history.h"
#include "broker/watch/watch_fixture.h"
#include "broker/watch/watcher.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WatchesTest : public WatchFixture {
 protected:
  // One who watches, and reads whenever it is woken.
  struct Reader {
    std::unique_ptr<Watches::Watch> watch;
    int wakes = 0;
    std::vector<std::string> told;
  };

  WatchesTest() : WatchFixture(EventHistory::kFewestEvents) {}

  std::unique_ptr<Reader> Open(uint64_t from_revision = 0) {
    auto reader = std::make_unique<Reader>();
    const CallStatus opened = watches_.Open(
        {}, from_revision, [this, reader = reader.get()] { OnWake(reader); },
        &reader->watch);
    EXPECT_TRUE(opened.ok()) << opened.message;
    Read(reader.get());
    return reader;
  }
  void OnWake(Reader* reader) {
    ++reader->wakes;
    if (reads_) Read(reader);
  }
  void Read(Reader* reader) {
    for (;;) {
      const Watcher::Step step = reader->watch->Next(now_);
      if (step.kind == Watcher::Step::Kind::kNothing) return;
      reader->told.push_back(Describe(step));
      if (step.kind == Watcher::Step::Kind::kEnd) return;
    }
  }
  void Happen() { Connect(TestStatement("c1").Producer("p")); }

  // Whether those who are woken read.
  bool reads_ = true;
  std::vector<absl::Time> dues_;
  Watches watches_{Watches::Options(), &table_, &history_,
                   [this](absl::Time due) { dues_.push_back(due); }};
};

TEST_F(WatchesTest, NothingIsDueIfNobodyWatches) {
  Happen();
  EXPECT_THAT(dues_, IsEmpty());
  EXPECT_EQ(watches_.NextDue(), absl::InfiniteFuture());
}

TEST_F(WatchesTest, ADeliveryIsDueAtOnceAndWakesAll) {
  const auto a = Open();
  const auto b = Open();
  Happen();
  EXPECT_THAT(dues_, ElementsAre(absl::InfinitePast()));
  EXPECT_EQ(watches_.NextDue(), absl::InfinitePast());
  watches_.Run(now_);
  EXPECT_THAT(a->told,
              ElementsAre("progress 0", "last 0", "1 CLIENT_REGISTER c1@p"));
  EXPECT_EQ(b->wakes, 1);
  EXPECT_EQ(watches_.counts().events, 2);
  EXPECT_GT(watches_.NextDue(), now_);
}

TEST_F(WatchesTest, DeliveriesBeforeTheTimerRunsAreOneWake) {
  const auto reader = Open();
  Happen();
  Happen();
  EXPECT_THAT(dues_, ElementsAre(absl::InfinitePast()));
  watches_.Run(now_);
  EXPECT_EQ(reader->wakes, 1);
  Happen();
  EXPECT_EQ(dues_.size(), 2);
}

TEST_F(WatchesTest, EventsOfFiftyMillisecondsAreOneWake) {
  const auto reader = Open();
  Happen();
  watches_.Run(now_);
  EXPECT_EQ(reader->wakes, 1);
  Happen();
  watches_.Run(now_);
  EXPECT_EQ(watches_.NextDue(), now_ + absl::Milliseconds(50));
  Advance(absl::Milliseconds(50) - absl::Nanoseconds(1));
  Happen();
  watches_.Run(now_);
  EXPECT_EQ(reader->wakes, 1);
  Advance(absl::Nanoseconds(1));
  watches_.Run(now_);
  EXPECT_EQ(reader->wakes, 2);
  EXPECT_EQ(watches_.counts().events, 3);
  EXPECT_GT(watches_.NextDue(), now_ + absl::Seconds(9));
}

TEST_F(WatchesTest, EightAreWokenAtOnceAndTheOthersAMillisecondLater) {
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < 17; ++i) readers.push_back(Open());
  Happen();
  for (const int64_t told : {8, 16, 17}) {
    watches_.Run(now_);
    EXPECT_EQ(watches_.counts().events, told);
    watches_.Run(now_);
    EXPECT_EQ(watches_.counts().events, told);
    if (told < 17) {
      EXPECT_EQ(watches_.NextDue(), now_ + absl::Milliseconds(1));
    }
    Advance(absl::Milliseconds(1));
  }
  for (const auto& reader : readers) EXPECT_EQ(reader->wakes, 1);
}

TEST_F(WatchesTest, ProgressIsDueTenSecondsAfterTheLast) {
  const auto reader = Open();
  EXPECT_EQ(watches_.NextDue(), now_ + absl::Seconds(10));
  watches_.Run(now_);
  EXPECT_EQ(reader->wakes, 0);
  Advance(absl::Seconds(10));
  watches_.Run(now_);
  EXPECT_THAT(reader->told, ElementsAre("progress 0", "last 0", "progress 0"));
  EXPECT_EQ(watches_.NextDue(), now_ + absl::Seconds(10));
}

TEST_F(WatchesTest, WhoDoesNotReadDoesNotKeepTheTimerAwake) {
  const auto reader = Open();
  reads_ = false;
  Advance(absl::Seconds(10));
  watches_.Run(now_);
  EXPECT_EQ(reader->wakes, 1);
  EXPECT_EQ(watches_.NextDue(), now_ + absl::Seconds(10));
}

TEST_F(WatchesTest, AClosedWatchIsNotWoken) {
  auto reader = Open();
  EXPECT_EQ(watches_.counts().open, 1);
  reader->watch = nullptr;
  EXPECT_EQ(watches_.counts().open, 0);
  Happen();
  watches_.Run(now_);
  EXPECT_EQ(reader->wakes, 0);
}

TEST_F(WatchesTest, ASlowWatchIsCounted) {
  const auto reader = Open();
  for (size_t i = 0; i <= EventHistory::kFewestEvents; ++i) Happen();
  EXPECT_EQ(watches_.counts().slow, 0);
  watches_.Run(now_);
  EXPECT_EQ(watches_.counts().slow, 1);
}

TEST_F(WatchesTest, AWatchThatCannotBeginIsNotOpen) {
  std::unique_ptr<Watches::Watch> watch;
  const CallStatus status = watches_.Open(
      {}, 2, [] {}, &watch);
  EXPECT_EQ(status.code, absl::StatusCode::kOutOfRange);
  EXPECT_EQ(watch, nullptr);
  EXPECT_EQ(watches_.counts().open, 0);
}

TEST_F(WatchesTest, TheirNumberHasBounds) {
  Watches::Options options;
  for (const size_t valid : {1, 10'000}) {
    options.max_watches = valid;
    EXPECT_TRUE(options.Validate().ok());
  }
  for (const size_t invalid : {0, 10'001}) {
    options.max_watches = invalid;
    EXPECT_FALSE(options.Validate().ok());
  }
}

}  // namespace
}  // namespace rmq
