#include "common/rpc/server/deadline_watch.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kLimit = absl::Seconds(30);
constexpr size_t kCapacity = 6;
constexpr size_t kMostOfAnAddress = 3;
constexpr ClientNetwork kNetwork = 1;
constexpr absl::Duration kMoment = absl::Nanoseconds(1);
const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

class FakeWaiter final : public Waiter {
 public:
  absl::Time EndIfWaitingSince(WaitsFor what, absl::Time limit) override {
    EXPECT_EQ(what, WaitsFor::kReading);
    ++asked;
    if (while_asked != nullptr) while_asked();
    if (waits_since > limit) return waits_since;
    ended = true;
    return absl::InfiniteFuture();
  }
  void EndIfWaiting(const CallStatus& status) override {
    told.push_back(status.message);
  }

  // InfiniteFuture: nothing is.
  absl::Time waits_since = absl::InfiniteFuture();
  // What happens meanwhile.
  std::function<void()> while_asked;
  bool ended = false;
  int asked = 0;
  std::vector<std::string> told;
};

class DeadlineWatchTest : public ::testing::Test {
 protected:
  std::shared_ptr<FakeWaiter> WaitingSince(absl::Time since) {
    return WaitingSince(since, since);
  }
  // Reported at `now`.
  std::shared_ptr<FakeWaiter> WaitingSince(absl::Time since, absl::Time now) {
    auto waiter = std::make_shared<FakeWaiter>();
    waiter->waits_since = since;
    watch_.Add(waiter, NextNetwork(), since, now);
    return waiter;
  }

  // Reported by a call from `network`.
  std::shared_ptr<FakeWaiter> WaitingFrom(ClientNetwork network) {
    auto waiter = std::make_shared<FakeWaiter>();
    waiter->waits_since = kStart;
    watch_.Add(waiter, network, kStart, kStart);
    return waiter;
  }

  // Each of another address.
  ClientNetwork NextNetwork() { return ++networks_; }

  ClientNetwork networks_ = 1000;
  std::vector<absl::Time> deadlines_;
  DeadlineWatch watch_{
      {WaitsFor::kReading, kLimit, kCapacity},
      [this](absl::Time deadline) { deadlines_.push_back(deadline); }};
};

TEST_F(DeadlineWatchTest, NothingToWatchNeedsNoComingBack) {
  EXPECT_EQ(watch_.Check(kStart), absl::InfiniteFuture());
}

TEST_F(DeadlineWatchTest, AWaitThatLastsForTheLimitIsEndedAndNotBefore) {
  const auto waiter = WaitingSince(kStart);
  EXPECT_EQ(watch_.Check(kStart + kLimit - kMoment), kStart + kLimit);
  EXPECT_FALSE(waiter->ended);
  EXPECT_EQ(watch_.Check(kStart + kLimit), absl::InfiniteFuture());
  EXPECT_TRUE(waiter->ended);
}

TEST_F(DeadlineWatchTest, TheListenerIsCalledWithTheTimeAtWhichAWaitIsOver) {
  EXPECT_THAT(deadlines_, IsEmpty());
  WaitingSince(kStart);
  EXPECT_THAT(deadlines_, ElementsAre(kStart + kLimit));
}

// Else a wake-up that is a moment late would look like an absence.
TEST_F(DeadlineWatchTest, WhileSomethingIsWatchedItIsLookedAtTwiceALimit) {
  WaitingSince(kStart);
  EXPECT_EQ(watch_.Check(kStart), kStart + kLimit / 2);
  EXPECT_EQ(watch_.Check(kStart + absl::Seconds(20)), kStart + kLimit);
}

TEST_F(DeadlineWatchTest, TimeWithoutAnythingToWatchIsNoPause) {
  watch_.Check(kStart);
  const absl::Time since = kStart + 5 * kLimit;
  const auto waiter = WaitingSince(since);
  watch_.Check(since + kLimit);
  EXPECT_TRUE(waiter->ended);
}

// As after a pause in which nothing was watched.
TEST_F(DeadlineWatchTest, AFirstWaitReportedAfterItsLimitHasOneMore) {
  const absl::Time now = kStart + kLimit + kMoment;
  const auto waiter = WaitingSince(kStart, now);
  watch_.Check(now + kLimit / 2);
  EXPECT_FALSE(waiter->ended);
  watch_.Check(now + kLimit);
  EXPECT_TRUE(waiter->ended);
}

TEST_F(DeadlineWatchTest, AWaitThatIsOverIsForgotten) {
  const auto waiter = WaitingSince(kStart);
  waiter->waits_since = absl::InfiniteFuture();
  EXPECT_EQ(watch_.Check(kStart + kLimit), absl::InfiniteFuture());
  EXPECT_FALSE(waiter->ended);
  watch_.Check(kStart + 2 * kLimit);
  EXPECT_EQ(waiter->asked, 1);
}

TEST_F(DeadlineWatchTest, ALaterWaitOfTheSameCallHasItsOwnLimit) {
  const auto waiter = WaitingSince(kStart);
  waiter->waits_since = kStart + absl::Seconds(20);
  EXPECT_NE(watch_.Check(kStart + kLimit), absl::InfiniteFuture());
  EXPECT_FALSE(waiter->ended);
  watch_.Check(kStart + absl::Seconds(20) + kLimit);
  EXPECT_TRUE(waiter->ended);
}

TEST_F(DeadlineWatchTest, AWaitReportedLateIsStillEndedInTime) {
  WaitingSince(kStart + absl::Seconds(29));
  const auto late = WaitingSince(kStart);
  watch_.Check(kStart + kLimit);
  EXPECT_TRUE(late->ended);
}

// As a stopped process finds it when it goes on: what was read meanwhile has
// not been handled yet.
TEST_F(DeadlineWatchTest, APausedBrokerEndsNobody) {
  const auto waiter = WaitingSince(kStart);
  watch_.Check(kStart);
  const absl::Time back = kStart + kLimit + kMoment;
  watch_.Check(back);
  EXPECT_FALSE(waiter->ended);
  // Who does not read now either, is.
  watch_.Check(back + kLimit - kMoment);
  EXPECT_FALSE(waiter->ended);
  watch_.Check(back + kLimit);
  EXPECT_TRUE(waiter->ended);
}

TEST_F(DeadlineWatchTest, ACheckAfterExactlyTheLimitIsNoPause) {
  const auto waiter = WaitingSince(kStart);
  watch_.Check(kStart);
  watch_.Check(kStart + kLimit);
  EXPECT_TRUE(waiter->ended);
}

TEST_F(DeadlineWatchTest, ACallThatIsGoneIsForgotten) {
  auto waiter = WaitingSince(kStart);
  waiter.reset();
  EXPECT_EQ(watch_.Check(kStart + kLimit), absl::InfiniteFuture());
}

TEST_F(DeadlineWatchTest, AShortenedWaitIsLookedAtWhenItsOwnLimitIsOver) {
  constexpr absl::Duration kShort = absl::Seconds(3);
  const auto waiter = std::make_shared<FakeWaiter>();
  const absl::Time now = kStart + absl::Seconds(1);
  watch_.Shorten(watch_.Add(waiter, kNetwork, kStart, kStart), waiter, kNetwork,
                 kShort, now);
  EXPECT_EQ(watch_.size(), 1);
  watch_.Check(now + kShort - kMoment);
  EXPECT_EQ(waiter->asked, 0);
  watch_.Check(now + kShort);
  EXPECT_EQ(waiter->asked, 1);
}

TEST_F(DeadlineWatchTest, AWaitIsNotShortenedToTheLimitItHas) {
  const auto waiter = std::make_shared<FakeWaiter>();
  const DeadlineWatch::Ticket ticket =
      watch_.Add(waiter, kNetwork, kStart, kStart);
  EXPECT_EQ(watch_.Shorten(ticket, waiter, kNetwork, kLimit, kStart), ticket);
}

TEST_F(DeadlineWatchTest, AWaitThatIsTakenBackIsOver) {
  const auto waiter = std::make_shared<FakeWaiter>();
  const DeadlineWatch::Ticket ticket =
      watch_.Add(waiter, kNetwork, kStart, kStart);
  EXPECT_EQ(watch_.size(), 1);
  watch_.Remove(ticket);
  EXPECT_EQ(watch_.size(), 0);
  EXPECT_EQ(watch_.Check(kStart + kLimit), absl::InfiniteFuture());
  EXPECT_EQ(waiter->asked, 0);
}

// A renewed one that is left behind would hold its place until its deadline.
TEST_F(DeadlineWatchTest, AWaitThatWasRenewedIsTakenBackByItsTicket) {
  const auto waiter = std::make_shared<FakeWaiter>();
  const DeadlineWatch::Ticket ticket =
      watch_.Add(waiter, kNetwork, kStart, kStart);
  waiter->waits_since = kStart + absl::Seconds(20);
  watch_.Check(kStart + kLimit);
  // Once more, after it was renewed.
  waiter->waits_since = kStart + absl::Seconds(40);
  watch_.Check(kStart + absl::Seconds(20) + kLimit);
  EXPECT_EQ(waiter->asked, 2);
  EXPECT_EQ(watch_.size(), 1);
  watch_.Remove(ticket);
  EXPECT_EQ(watch_.size(), 0);
  watch_.Check(kStart + 3 * kLimit);
  EXPECT_EQ(waiter->asked, 2);
}

TEST_F(DeadlineWatchTest, AWaitThatWasRenewedIsShortenedByItsTicket) {
  const auto waiter = std::make_shared<FakeWaiter>();
  const DeadlineWatch::Ticket ticket =
      watch_.Add(waiter, kNetwork, kStart, kStart);
  waiter->waits_since = kStart + absl::Seconds(20);
  watch_.Check(kStart + kLimit);
  watch_.Shorten(ticket, waiter, kNetwork, absl::Seconds(3), kStart + kLimit);
  EXPECT_EQ(watch_.size(), 1);
}

TEST_F(DeadlineWatchTest, AWaitThatIsTakenBackWhileItIsAskedIsNotRenewed) {
  const auto waiter = std::make_shared<FakeWaiter>();
  const DeadlineWatch::Ticket ticket =
      watch_.Add(waiter, kNetwork, kStart, kStart);
  waiter->waits_since = kStart + absl::Seconds(20);
  waiter->while_asked = [&] { watch_.Remove(ticket); };
  EXPECT_EQ(watch_.Check(kStart + kLimit), absl::InfiniteFuture());
  EXPECT_EQ(watch_.size(), 0);
}

// As a stream does whose entry was of an earlier write.
TEST_F(DeadlineWatchTest, AWaiterMayAddItselfAgainWhileItIsAsked) {
  const auto waiter = std::make_shared<FakeWaiter>();
  DeadlineWatch::Ticket ticket = watch_.Add(waiter, kNetwork, kStart, kStart);
  const absl::Time since = kStart + absl::Seconds(20);
  waiter->while_asked = [&] {
    watch_.Remove(ticket);
    ticket = watch_.Add(waiter, kNetwork, since, kStart + kLimit);
  };
  watch_.Check(kStart + kLimit);
  EXPECT_EQ(watch_.size(), 1);
  watch_.Remove(ticket);
  EXPECT_EQ(watch_.size(), 0);
}

TEST_F(DeadlineWatchTest, TakingBackTwiceOrNothingTakesNoOthersAway) {
  const auto first = std::make_shared<FakeWaiter>();
  const DeadlineWatch::Ticket ticket =
      watch_.Add(first, kNetwork, kStart, kStart);
  watch_.Remove(ticket);
  const auto waiter = WaitingSince(kStart);
  watch_.Remove(ticket);
  watch_.Remove({});
  watch_.Check(kStart + kLimit);
  EXPECT_TRUE(waiter->ended);
}

TEST_F(DeadlineWatchTest, BeyondTheCapacityTheLongestWaitGivesWay) {
  const auto second = WaitingSince(kStart + kMoment);
  const auto first = WaitingSince(kStart);
  std::vector<std::shared_ptr<FakeWaiter>> kept;
  for (size_t i = 2; i < kCapacity; ++i) {
    kept.push_back(WaitingSince(kStart + 2 * kMoment));
  }
  EXPECT_THAT(first->told, IsEmpty());
  kept.push_back(WaitingSince(kStart + 3 * kMoment));
  EXPECT_THAT(first->told,
              ElementsAre("at most 6 calls may wait for their clients, and "
                          "this one had waited for longest"));
  EXPECT_EQ(watch_.size(), kCapacity);
  kept.push_back(WaitingSince(kStart + 3 * kMoment));
  EXPECT_EQ(second->told.size(), 1);
  for (const auto& waiter : kept) EXPECT_THAT(waiter->told, IsEmpty());
}

TEST_F(DeadlineWatchTest, AnAddressBeyondItsHalfLosesItsOwnLongestWait) {
  const auto other = WaitingFrom(2);
  std::vector<std::shared_ptr<FakeWaiter>> its;
  for (size_t i = 0; i < kMostOfAnAddress; ++i) {
    its.push_back(WaitingFrom(1));
  }
  EXPECT_THAT(its[0]->told, IsEmpty());
  its.push_back(WaitingFrom(1));
  EXPECT_THAT(its[0]->told,
              ElementsAre("at most 3 calls of one address may wait for their "
                          "clients, and this one had waited for longest"));
  EXPECT_THAT(its[1]->told, IsEmpty());
  EXPECT_THAT(other->told, IsEmpty());
  EXPECT_EQ(watch_.size(), 1 + kMostOfAnAddress);
}

TEST_F(DeadlineWatchTest, AWaitThatIsOverGivesItsAddressRoom) {
  const auto kept = WaitingFrom(kNetwork);
  for (size_t i = 0; i < 2 * kMostOfAnAddress; ++i) {
    const auto waiter = std::make_shared<FakeWaiter>();
    watch_.Remove(watch_.Add(waiter, kNetwork, kStart, kStart));
  }
  EXPECT_THAT(kept->told, IsEmpty());
}

TEST_F(DeadlineWatchTest, ThoseThatWaitCanBeEndedOneByOneTheLongestFirst) {
  const CallStatus status{absl::StatusCode::kUnavailable,
                          ResponseCode::kSystemError, "going down"};
  const auto second = WaitingSince(kStart + kMoment);
  const auto first = WaitingSince(kStart);
  EXPECT_TRUE(watch_.EndFirst(status));
  EXPECT_THAT(first->told, ElementsAre("going down"));
  EXPECT_THAT(second->told, IsEmpty());
  EXPECT_TRUE(watch_.EndFirst(status));
  EXPECT_THAT(second->told, ElementsAre("going down"));
  EXPECT_FALSE(watch_.EndFirst(status));
}

}  // namespace
}  // namespace rmq
