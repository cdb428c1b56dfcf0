#include "broker/registry/liveness.h"

#include <atomic>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Duration kMoment = absl::Nanoseconds(1);
const absl::Time kOpened = absl::FromUnixSeconds(1'000'000);

TEST(LivenessTest, IsOpenAndHeardAtItsOpening) {
  const Liveness liveness(kOpened);
  EXPECT_FALSE(liveness.closed());
  EXPECT_EQ(liveness.last_heard(), kOpened);
}

TEST(LivenessTest, RenewingTellsWhenItWasHeardBefore) {
  Liveness liveness(kOpened);
  EXPECT_EQ(liveness.Renew(kOpened + absl::Seconds(1)), kOpened);
  EXPECT_EQ(liveness.Renew(kOpened + absl::Seconds(5)),
            kOpened + absl::Seconds(1));
  EXPECT_EQ(liveness.last_heard(), kOpened + absl::Seconds(5));
}

TEST(LivenessTest, ANanosecondIsNotLost) {
  Liveness liveness(kOpened);
  liveness.Renew(kOpened + kMoment);
  EXPECT_EQ(liveness.last_heard(), kOpened + kMoment);
}

TEST(LivenessTest, ATimeBeforeTheLastOneChangesNothing) {
  Liveness liveness(kOpened);
  EXPECT_EQ(liveness.Renew(kOpened - kMoment), kOpened);
  EXPECT_EQ(liveness.last_heard(), kOpened);
}

TEST(LivenessTest, TheSameTimeTwiceIsARenewalToo) {
  Liveness liveness(kOpened);
  EXPECT_EQ(liveness.Renew(kOpened), kOpened);
}

TEST(LivenessTest, ClosingSucceedsOnce) {
  Liveness liveness(kOpened);
  EXPECT_TRUE(liveness.Close());
  EXPECT_TRUE(liveness.closed());
  EXPECT_FALSE(liveness.Close());
}

TEST(LivenessTest, AClosedOneKnowsWhenItWasHeardLast) {
  Liveness liveness(kOpened);
  liveness.Close();
  EXPECT_EQ(liveness.last_heard(), kOpened);
}

TEST(LivenessTest, ARenewalAfterTheCloseIsLost) {
  Liveness liveness(kOpened);
  liveness.Close();
  EXPECT_EQ(liveness.Renew(kOpened + absl::Seconds(1)), absl::nullopt);
  EXPECT_TRUE(liveness.closed());
  EXPECT_EQ(liveness.last_heard(), kOpened);
}

TEST(LivenessTest, HeardExactlyAtTheLimitStaysOpen) {
  Liveness liveness(kOpened);
  EXPECT_FALSE(liveness.CloseIfLastHeardBefore(kOpened));
  EXPECT_FALSE(liveness.closed());
}

TEST(LivenessTest, HeardAMomentBeforeTheLimitIsClosed) {
  Liveness liveness(kOpened);
  EXPECT_TRUE(liveness.CloseIfLastHeardBefore(kOpened + kMoment));
  EXPECT_TRUE(liveness.closed());
}

TEST(LivenessTest, ExpiringAClosedOneIsNoSuccess) {
  Liveness liveness(kOpened);
  liveness.Close();
  EXPECT_FALSE(liveness.CloseIfLastHeardBefore(kOpened + absl::Hours(1)));
}

TEST(LivenessTest, AnExpiredOneCannotBeClosedAgain) {
  Liveness liveness(kOpened);
  liveness.CloseIfLastHeardBefore(kOpened + absl::Hours(1));
  EXPECT_FALSE(liveness.Close());
}

TEST(LivenessTest, ALimitBefore1970ClosesNothing) {
  Liveness liveness(absl::UnixEpoch() + absl::Milliseconds(500));
  EXPECT_FALSE(
      liveness.CloseIfLastHeardBefore(absl::UnixEpoch() - absl::Seconds(100)));
  EXPECT_FALSE(liveness.CloseIfLastHeardBefore(absl::InfinitePast()));
}

// Lets two threads begin each round together.
class RoundBarrier {
 public:
  explicit RoundBarrier(int threads) : threads_(threads) {}

  void Wait() {
    const int round = round_.load();
    if (arrived_.fetch_add(1) + 1 == threads_) {
      arrived_.store(0);
      round_.fetch_add(1);
      return;
    }
    while (round_.load() == round) std::this_thread::yield();
  }

 private:
  const int threads_;
  std::atomic<int> arrived_{0};
  std::atomic<int> round_{0};
};

TEST(LivenessTest, OfARenewalAndAnExpiryAtOnceExactlyOneWins) {
  constexpr int kRounds = 20'000;
  std::vector<Liveness> words(kRounds);
  for (Liveness& word : words) word.Renew(kOpened);
  const absl::Time now = kOpened + absl::Seconds(121);
  std::vector<char> renewed(kRounds);
  std::vector<char> expired(kRounds);
  RoundBarrier barrier(2);
  std::thread expiry([&] {
    for (int i = 0; i < kRounds; ++i) {
      barrier.Wait();
      expired[i] = words[i].CloseIfLastHeardBefore(now - absl::Seconds(120));
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    barrier.Wait();
    renewed[i] = words[i].Renew(now).has_value();
  }
  expiry.join();
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_NE(renewed[i], expired[i]) << "round " << i;
    ASSERT_EQ(words[i].closed(), expired[i] != 0) << "round " << i;
    ASSERT_EQ(words[i].last_heard(), renewed[i] ? now : kOpened)
        << "round " << i;
  }
}

TEST(LivenessTest, OfSeveralClosesAtOnceExactlyOneWins) {
  constexpr int kRounds = 5'000;
  constexpr int kThreads = 3;
  std::vector<Liveness> words(kRounds);
  std::vector<std::atomic<int>> wins(kRounds);
  RoundBarrier barrier(kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kRounds; ++i) {
        barrier.Wait();
        const bool won = thread == 0 ? words[i].CloseIfLastHeardBefore(kOpened)
                                     : words[i].Close();
        if (won) wins[i].fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kRounds; ++i) ASSERT_EQ(wins[i], 1) << "round " << i;
}

TEST(LivenessTest, RenewalsAtOnceLeaveTheLatestTime) {
  constexpr int kThreads = 3;
  constexpr int kTimes = 5'000;
  Liveness liveness(kOpened);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kTimes; ++i) {
        const absl::Time now =
            kOpened + absl::Nanoseconds(i * kThreads + thread);
        liveness.Renew(now);
        ASSERT_GE(liveness.last_heard(), now);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(liveness.last_heard(),
            kOpened + absl::Nanoseconds(kTimes * kThreads - 1));
}

}  // namespace
}  // namespace rmq
