#include "common/etcd/prefix_watch.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/etcd/fake_etcd.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class PrefixWatchTest : public ::testing::Test {
 protected:
  static PrefixWatch::Options OptionsWith(size_t most_keys, size_t most_bytes) {
    PrefixWatch::Options options;
    options.prefix = "/p/";
    options.most_keys = most_keys;
    options.most_bytes = most_bytes;
    return options;
  }

  // Does one step, at the time when it is due.
  void Step() {
    now_ = std::max(now_, watch_.NextDue());
    watch_.Step([this] { return now_; });
  }

  FakeEtcd etcd_;
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  std::vector<PrefixWatch::Values> seen_;
  PrefixWatch watch_{
      &etcd_, OptionsWith(3, 100),
      [this](const PrefixWatch::Values& values) { seen_.push_back(values); }};
};

TEST_F(PrefixWatchTest, TheFirstListingIsToldAlsoIfThereIsNothing) {
  etcd_.Put("/q/a", "no");
  EXPECT_EQ(watch_.known_at(), absl::InfinitePast());
  Step();
  EXPECT_THAT(seen_, ElementsAre(IsEmpty()));
  EXPECT_THAT(watch_.error(), IsOk());
  EXPECT_EQ(watch_.known_at(), now_);
}

TEST_F(PrefixWatchTest, ChangesAreToldWithAllKeys) {
  etcd_.Put("/p/a", "1");
  Step();
  etcd_.Put("/p/b", "2");
  etcd_.Put("/p/a", "3");
  Step();
  EXPECT_THAT(seen_.back(), ElementsAre(Pair("/p/a", "3"), Pair("/p/b", "2")));
  etcd_.Delete("/p/a");
  Step();
  EXPECT_THAT(seen_.back(), ElementsAre(Pair("/p/b", "2")));
  EXPECT_EQ(etcd_.listings(), 1);
}

TEST_F(PrefixWatchTest, WithoutChangesNothingIsTold) {
  Step();
  now_ += absl::Minutes(1);
  Step();
  EXPECT_EQ(seen_.size(), 1u);
  EXPECT_EQ(watch_.known_at(), now_);
}

TEST_F(PrefixWatchTest, ACutWatchListsAnewAfterAPauseAndMissesNothing) {
  etcd_.Put("/p/a", "1");
  Step();
  etcd_.Delete("/p/a");
  etcd_.Put("/p/b", "2");
  etcd_.CutWatches();
  Step();
  EXPECT_THAT(watch_.error(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("cut")));
  EXPECT_THAT(seen_.back(), ElementsAre(Pair("/p/a", "1")));
  EXPECT_GT(watch_.NextDue(), now_);
  Step();
  EXPECT_THAT(seen_.back(), ElementsAre(Pair("/p/b", "2")));
  EXPECT_THAT(watch_.error(), IsOk());
}

TEST_F(PrefixWatchTest, WithAPeriodKeysAreListedSoOftenAndNotWatched) {
  PrefixWatch::Options options;
  options.prefix = "/p/";
  options.list_period = absl::Seconds(2);
  std::vector<PrefixWatch::Values> seen;
  PrefixWatch watch(
      &etcd_, options,
      [&seen](const PrefixWatch::Values& values) { seen.push_back(values); });
  const auto step = [&] { watch.Step([this] { return now_; }); };
  etcd_.Put("/p/a", "1");
  step();
  EXPECT_THAT(seen.back(), ElementsAre(Pair("/p/a", "1")));
  EXPECT_EQ(watch.NextDue(), now_ + absl::Seconds(2));
  etcd_.Put("/p/b", "2");
  now_ += absl::Seconds(2) - absl::Nanoseconds(1);
  step();
  EXPECT_EQ(seen.size(), 1u);
  now_ += absl::Nanoseconds(1);
  step();
  EXPECT_THAT(seen.back(), ElementsAre(Pair("/p/a", "1"), Pair("/p/b", "2")));
  EXPECT_EQ(watch.known_at(), now_);
  etcd_.set_error(absl::UnavailableError("away"));
  now_ = watch.NextDue();
  step();
  EXPECT_THAT(watch.error(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(seen.size(), 2u);
}

TEST_F(PrefixWatchTest, ACompactionListsAnew) {
  Step();
  etcd_.Put("/p/a", "1");
  etcd_.Compact();
  Step();
  EXPECT_THAT(watch_.error(),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("compacted")));
  Step();
  EXPECT_THAT(seen_.back(), ElementsAre(Pair("/p/a", "1")));
}

TEST_F(PrefixWatchTest, AnEtcdThatHasLostItsDataIsNotBelievedForSomeTime) {
  etcd_.Put("/p/a", "1");
  Step();
  etcd_.Put("/p/b", "2");
  Step();
  etcd_.LoseData();
  Step();
  Step();
  const absl::Time lost_at = now_;
  EXPECT_THAT(watch_.error(),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("its revision went back from 3 to 1")));
  while (std::max(now_, watch_.NextDue()) < lost_at + absl::Seconds(30)) {
    Step();
    EXPECT_FALSE(watch_.error().ok());
  }
  EXPECT_EQ(seen_.back().size(), 2u);
  Step();
  EXPECT_THAT(watch_.error(), IsOk());
  EXPECT_THAT(seen_.back(), IsEmpty());
}

TEST_F(PrefixWatchTest, DataThatAreBackAreBelievedAtOnce) {
  etcd_.Put("/p/a", "1");
  Step();
  etcd_.LoseData();
  Step();
  Step();
  EXPECT_FALSE(watch_.error().ok());
  etcd_.Put("/p/a", "1");
  Step();
  EXPECT_THAT(watch_.error(), IsOk());
  EXPECT_THAT(seen_.back(), ElementsAre(Pair("/p/a", "1")));
}

TEST_F(PrefixWatchTest, WhileEtcdIsAwayTheKeysStayAndItIsAskedSeldom) {
  etcd_.Put("/p/a", "1");
  Step();
  const absl::Time known_at = watch_.known_at();
  etcd_.set_error(absl::UnavailableError("away"));
  const absl::Time end = now_ + absl::Seconds(60);
  int steps = 0;
  while (now_ < end) {
    Step();
    ++steps;
  }
  EXPECT_LE(steps, 15);
  EXPECT_EQ(seen_.size(), 1u);
  EXPECT_EQ(watch_.known_at(), known_at);
  etcd_.set_error(absl::OkStatus());
  Step();
  EXPECT_EQ(seen_.size(), 2u);
}

TEST_F(PrefixWatchTest, NothingIsDoneBeforeItIsDue) {
  etcd_.set_error(absl::UnavailableError("away"));
  Step();
  etcd_.set_error(absl::OkStatus());
  watch_.Step([this] { return now_; });
  EXPECT_TRUE(seen_.empty());
}

TEST_F(PrefixWatchTest, AsManyKeysAsAllowedAreToldAndNotOneMore) {
  for (const char* const key : {"a", "b", "c"}) {
    etcd_.Put(absl::StrCat("/p/", key), "");
  }
  Step();
  EXPECT_EQ(seen_.back().size(), 3u);
  etcd_.Put("/p/d", "");
  Step();
  EXPECT_THAT(watch_.error(), StatusIs(absl::StatusCode::kResourceExhausted,
                                       HasSubstr("at most 3 keys")));
  EXPECT_EQ(seen_.size(), 1u);
  Step();
  EXPECT_THAT(watch_.error(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("3")));
  etcd_.Delete("/p/a");
  Step();
  EXPECT_EQ(seen_.back().size(), 3u);
}

TEST_F(PrefixWatchTest, AsManyBytesAsAllowedAreToldAndNotOneMore) {
  etcd_.Put("/p/a", std::string(96, 'x'));
  Step();
  EXPECT_EQ(seen_.size(), 1u);
  etcd_.Put("/p/a", std::string(97, 'x'));
  Step();
  EXPECT_THAT(watch_.error(), StatusIs(absl::StatusCode::kResourceExhausted,
                                       HasSubstr("100 bytes")));
  EXPECT_EQ(seen_.size(), 1u);
}

}  // namespace
}  // namespace rmq
