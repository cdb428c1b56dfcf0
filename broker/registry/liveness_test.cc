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

TEST(LivenessTest, AttentionIsKeptByRenewalsAndTheCloseUntilItIsTakenBack) {
  Liveness liveness(kOpened);
  EXPECT_FALSE(liveness.attention());
  liveness.SetAttention(true);
  EXPECT_EQ(liveness.Renew(kOpened + kMoment), kOpened);
  EXPECT_TRUE(liveness.attention());
  EXPECT_EQ(liveness.last_heard(), kOpened + kMoment);
  liveness.Close();
  EXPECT_TRUE(liveness.attention());
  liveness.SetAttention(false);
  EXPECT_FALSE(liveness.attention());
  EXPECT_TRUE(liveness.closed());
  EXPECT_EQ(liveness.last_heard(), kOpened + kMoment);
}

TEST(LivenessTest, AttentionIsNoSignOfLife) {
  Liveness liveness(kOpened);
  liveness.SetAttention(true);
  EXPECT_FALSE(liveness.CloseIfLastHeardBefore(kOpened));
  EXPECT_EQ(liveness.Renew(kOpened - kMoment), kOpened);
  EXPECT_TRUE(liveness.CloseIfLastHeardBefore(kOpened + kMoment));
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
  // For each word, one thread renews without a pause while the other closes it
  // by the silence that it saw. A renewal that won though the close had won
  // would open the word again; a close that won over a renewal would show an
  // older time than that renewal's.
  constexpr int kWords = 500;
  std::vector<Liveness> words(kWords);
  std::vector<std::atomic<bool>> expired(kWords);
  std::vector<absl::Time> expired_silence(kWords);
  std::vector<absl::Time> last_renewed(kWords);
  std::atomic<bool> both_won{false};
  std::thread expiry([&] {
    for (int i = 0; i < kWords && !both_won; ++i) {
      while (words[i].last_heard() < kOpened && !both_won) {
        std::this_thread::yield();  // The other is not there yet.
      }
      absl::Time seen;
      do {
        seen = words[i].last_heard();
      } while (!words[i].CloseIfLastHeardBefore(seen + kMoment));
      expired_silence[i] = seen;
      expired[i].store(true);
    }
  });
  for (int i = 0; i < kWords && !both_won; ++i) {
    absl::Time now = kOpened;
    while (words[i].Renew(now).has_value()) {
      last_renewed[i] = now;
      now += kMoment;
      if (expired[i].load() && !words[i].closed()) both_won = true;
      if (both_won) break;
    }
  }
  expiry.join();
  ASSERT_FALSE(both_won) << "a renewal opened a closed word";
  for (int i = 0; i < kWords; ++i) {
    ASSERT_TRUE(words[i].closed()) << "word " << i;
    ASSERT_EQ(words[i].last_heard(), last_renewed[i]) << "word " << i;
    ASSERT_EQ(expired_silence[i], last_renewed[i]) << "word " << i;
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
