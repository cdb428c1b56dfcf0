#include "broker/housekeeping/drain.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/membership_push.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

// A channel that records how it ended.
class EndingChannel final : public ClientChannel,
                            public std::enable_shared_from_this<EndingChannel> {
 public:
  explicit EndingChannel(std::vector<ChannelEnd>* ends)
      : ClientChannel(Kind::kStream), ends_(*ends) {}

  std::shared_ptr<ClientChannel> Reference() override {
    return shared_from_this();
  }
  void Push(std::shared_ptr<const MembershipPush> /*push*/) override {}
  void End(const ChannelEnd& end) override { ends_.push_back(end); }
  bool writable() const override { return true; }
  absl::string_view remote_address() const override {
    return "127.0.0.1:50001";
  }

 private:
  std::vector<ChannelEnd>& ends_;
};

// Records what it is told.
class Listener final : public DrainListener {
 public:
  void OnDrainProgress(const DrainProgress& progress) override {
    told.push_back(progress);
  }
  bool EndNewcomers(size_t max, absl::Time /*now*/) override {
    pieces.push_back(std::min(max, newcomers));
    newcomers -= pieces.back();
    return newcomers > 0;
  }

  std::vector<DrainState> TakeStates() {
    std::vector<DrainState> states;
    for (const DrainProgress& progress : told) states.push_back(progress.state);
    told.clear();
    return states;
  }

  std::vector<DrainProgress> told;
  size_t newcomers = 0;
  std::vector<size_t> pieces;
};

class DrainTest : public ClientTableFixture {
 protected:
  // The timer's rest between two runs.
  static constexpr absl::Duration kRest = absl::Milliseconds(1);

  explicit DrainTest(const std::vector<ClientEventListener*>& others = {})
      : ClientTableFixture(ClientTable::Options(), others) {
    drain_.set_listener(&drain_listener_);
  }

  ClientChannelPtr OpenOne() {
    const auto channel = std::make_shared<EndingChannel>(&ends_);
    EXPECT_TRUE(table_.Open(channel, now_).ok());
    channels_.push_back(channel);
    return channel;
  }
  void OpenMany(size_t count) {
    for (size_t i = 0; i < count; ++i) OpenOne();
  }

  // Runs the drain as a timer does, up to `time`.
  void RunUntil(absl::Time time) {
    while (true) {
      const absl::Time next = std::max(drain_.NextDue(), last_run_ + kRest);
      if (next > time) break;
      now_ = std::max(now_, next);
      last_run_ = now_;
      drain_.Run(now_);
    }
    now_ = time;
  }
  void RunFor(absl::Duration duration) { RunUntil(now_ + duration); }
  // How many channels ended in that time.
  size_t EndedIn(absl::Duration duration) {
    const size_t before = ends_.size();
    RunFor(duration);
    return ends_.size() - before;
  }

  DrainState state() { return drain_.progress().state; }

  ConsumerIdsNotifier notifier_{ConsumerIdsNotifier::Options()};
  Drain drain_{&table_, &notifier_};
  Listener drain_listener_;
  std::vector<ChannelEnd> ends_;
  std::vector<ClientChannelPtr> channels_;
  absl::Time last_run_ = absl::InfinitePast();
};

TEST_F(DrainTest, ABrokerServesUntilItIsTold) {
  OpenMany(1);
  EXPECT_EQ(drain_.NextDue(), absl::InfiniteFuture());
  RunFor(absl::Hours(1));
  EXPECT_THAT(ends_, IsEmpty());
  EXPECT_EQ(state(), DrainState::kServing);
  EXPECT_EQ(drain_.TurnAway(now_), absl::nullopt);
}

TEST_F(DrainTest, ClientsAreSpreadEvenlyOverTheDuration) {
  OpenMany(300);
  EXPECT_TRUE(drain_.Begin(absl::Seconds(10), now_));
  for (int second = 0; second < 10; ++second) {
    EXPECT_THAT(EndedIn(absl::Seconds(1)), AllOf(Ge(29), Le(31))) << second;
  }
  EXPECT_THAT(ends_, SizeIs(300));
  EXPECT_EQ(state(), DrainState::kDrained);
  for (const ChannelEnd& end : ends_) {
    EXPECT_EQ(end.reason, RemovalReason::kDrained);
  }
}

TEST_F(DrainTest, TheLastClientGoesAtTheEndAndNotBefore) {
  OpenMany(1);
  drain_.Begin(absl::Minutes(5), now_);
  const absl::Time ends = drain_.progress().ends;
  EXPECT_EQ(ends, now_ + absl::Minutes(5));
  RunUntil(ends - kMoment);
  EXPECT_THAT(ends_, IsEmpty());
  EXPECT_EQ(state(), DrainState::kDraining);
  RunUntil(ends);
  EXPECT_THAT(ends_, SizeIs(1));
  EXPECT_EQ(state(), DrainState::kDrained);
}

TEST_F(DrainTest, ABrokerWithoutClientsIsDrainedAtOnce) {
  drain_.Begin(absl::Minutes(5), now_);
  drain_.Run(now_);
  EXPECT_EQ(state(), DrainState::kDrained);
}

TEST_F(DrainTest, WithoutADurationAllGoAtOnceAndInPieces) {
  OpenMany(2 * Drain::kPieceChannels + 1);
  drain_.Begin(absl::ZeroDuration(), now_);
  drain_.Run(now_);
  EXPECT_THAT(ends_, SizeIs(Drain::kPieceChannels));
  EXPECT_LE(drain_.NextDue(), now_);
  drain_.Run(now_);
  EXPECT_THAT(ends_, SizeIs(2 * Drain::kPieceChannels));
  EXPECT_EQ(state(), DrainState::kDraining);
  drain_.Run(now_);
  EXPECT_THAT(ends_, SizeIs(channels_.size()));
  EXPECT_EQ(state(), DrainState::kDrained);
}

TEST_F(DrainTest, TwentyThousandClientsGoInSmallPieces) {
  // As fast as a million in five minutes.
  constexpr size_t kMany = 20'000;
  constexpr absl::Duration kDuration = absl::Seconds(6);
  OpenMany(kMany);
  drain_.Begin(kDuration, now_);
  size_t most = 0;
  while (state() != DrainState::kDrained) {
    now_ = std::max(drain_.NextDue(), now_ + kRest);
    const size_t before = ends_.size();
    drain_.Run(now_);
    most = std::max(most, ends_.size() - before);
  }
  EXPECT_THAT(ends_, SizeIs(kMany));
  EXPECT_LE(most, Drain::kPieceChannels);
  EXPECT_LE(now_ - drain_.progress().started, kDuration + kRest);
}

TEST_F(DrainTest, ALateRunClosesWhatIsDueInPieces) {
  OpenMany(100);
  drain_.Begin(absl::Seconds(10), now_);
  RunFor(absl::Seconds(1));
  EXPECT_THAT(ends_, SizeIs(10));
  // The process was stopped.
  now_ += absl::Seconds(5);
  drain_.Run(now_);
  EXPECT_THAT(ends_, SizeIs(10 + Drain::kPieceChannels));
  drain_.Run(now_);
  EXPECT_THAT(ends_, SizeIs(60));
  drain_.Run(now_);
  EXPECT_THAT(ends_, SizeIs(60));
  RunFor(absl::Seconds(4));
  EXPECT_EQ(state(), DrainState::kDrained);
}

TEST_F(DrainTest, ClientsThatLeaveByThemselvesGiveTheOthersMoreTime) {
  OpenMany(100);
  drain_.Begin(absl::Seconds(10), now_);
  for (size_t i = 0; i < 50; ++i) {
    table_.Close(*channels_[i], RemovalReason::kDisconnected, now_);
  }
  EXPECT_THAT(EndedIn(absl::Seconds(5)), AllOf(Ge(24), Le(26)));
  EXPECT_THAT(EndedIn(absl::Seconds(5)), AllOf(Ge(24), Le(26)));
  EXPECT_EQ(state(), DrainState::kDrained);
}

TEST_F(DrainTest, IfAllLeaveByThemselvesTheDrainIsOverWithinASecond) {
  OpenMany(2);
  drain_.Begin(absl::Hours(1), now_);
  RunFor(absl::Milliseconds(10));
  for (const ClientChannelPtr& channel : channels_) {
    table_.Close(*channel, RemovalReason::kDisconnected, now_);
  }
  RunFor(absl::Seconds(1));
  EXPECT_EQ(state(), DrainState::kDrained);
  EXPECT_THAT(ends_, IsEmpty());
}

TEST_F(DrainTest, ToBeginAgainSpreadsThoseThatAreLeft) {
  OpenMany(100);
  drain_.Begin(absl::Seconds(100), now_);
  RunFor(absl::Seconds(50));
  EXPECT_THAT(ends_, SizeIs(50));
  const DrainProgress before = drain_.progress();
  drain_.Begin(absl::Seconds(5), now_);
  const DrainProgress after = drain_.progress();
  EXPECT_EQ(after.drain, before.drain);
  EXPECT_EQ(after.started, before.started);
  EXPECT_EQ(after.clients_at_start, 100);
  EXPECT_EQ(after.clients_left, 50);
  EXPECT_EQ(after.ends, now_ + absl::Seconds(5));
  for (int second = 0; second < 5; ++second) {
    EXPECT_THAT(EndedIn(absl::Seconds(1)), AllOf(Ge(9), Le(11))) << second;
  }
  EXPECT_EQ(state(), DrainState::kDrained);
  EXPECT_EQ(drain_.counts().drained, 100);
}

TEST_F(DrainTest, ACancelledDrainClosesNobodyAndLetsClientsIn) {
  OpenMany(10);
  drain_.Begin(absl::Seconds(10), now_);
  RunFor(absl::Seconds(5));
  EXPECT_THAT(ends_, SizeIs(5));
  EXPECT_NE(drain_.TurnAway(now_), absl::nullopt);
  EXPECT_TRUE(drain_.counts().draining);
  EXPECT_TRUE(drain_.Cancel(now_));
  EXPECT_FALSE(drain_.counts().draining);
  EXPECT_EQ(drain_.TurnAway(now_), absl::nullopt);
  EXPECT_EQ(drain_.NextDue(), absl::InfiniteFuture());
  RunFor(absl::Hours(1));
  EXPECT_THAT(ends_, SizeIs(5));
  EXPECT_EQ(state(), DrainState::kServing);
}

TEST_F(DrainTest, ADrainedBrokerServesAgainOnceItIsCancelled) {
  OpenMany(1);
  drain_.Begin(absl::ZeroDuration(), now_);
  drain_.Run(now_);
  EXPECT_EQ(state(), DrainState::kDrained);
  EXPECT_NE(drain_.TurnAway(now_), absl::nullopt);
  drain_.Cancel(now_);
  EXPECT_EQ(drain_.TurnAway(now_), absl::nullopt);
  drain_.Begin(absl::ZeroDuration(), now_);
  EXPECT_EQ(drain_.progress().drain, 2);
}

TEST_F(DrainTest, ACancelOfNothingIsNoError) {
  EXPECT_TRUE(drain_.Cancel(now_));
  EXPECT_THAT(drain_listener_.TakeStates(), IsEmpty());
}

// A call had passed the gate when the drain began.
TEST_F(DrainTest, WhoComesAfterAllHaveGoneGoesWithinASecond) {
  drain_.Begin(absl::ZeroDuration(), now_);
  drain_.Run(now_);
  EXPECT_EQ(state(), DrainState::kDrained);
  OpenMany(1);
  RunFor(absl::Seconds(1) + kRest);
  EXPECT_THAT(ends_, SizeIs(1));
}

TEST_F(DrainTest, TheListenerIsToldTheBeginEachSecondAndTheEnd) {
  OpenMany(3);
  drain_.Begin(absl::Seconds(3), now_);
  EXPECT_THAT(drain_listener_.TakeStates(), ElementsAre(DrainState::kDraining));
  RunFor(absl::Seconds(1) - kMoment);
  EXPECT_THAT(drain_listener_.TakeStates(), IsEmpty());
  RunFor(kMoment);
  ASSERT_THAT(drain_listener_.told, SizeIs(1));
  EXPECT_EQ(drain_listener_.told[0].clients_left, 2);
  EXPECT_EQ(drain_listener_.told[0].clients_at_start, 3);
  RunFor(absl::Seconds(2));
  EXPECT_THAT(drain_listener_.TakeStates(),
              ElementsAre(DrainState::kDraining, DrainState::kDraining,
                          DrainState::kDrained));
  RunFor(absl::Minutes(1));
  EXPECT_THAT(drain_listener_.TakeStates(), IsEmpty());
  drain_.Cancel(now_);
  EXPECT_THAT(drain_listener_.TakeStates(), ElementsAre(DrainState::kServing));
}

TEST_F(DrainTest, StreamsThatAreNoChannelsYetEndAtTheBeginningInPieces) {
  drain_listener_.newcomers = Drain::kPieceChannels + 1;
  OpenMany(1);
  drain_.Begin(absl::Hours(1), now_);
  drain_.Run(now_);
  EXPECT_LE(drain_.NextDue(), now_);
  drain_.Run(now_);
  EXPECT_THAT(drain_listener_.pieces, ElementsAre(Drain::kPieceChannels, 1));
  EXPECT_GT(drain_.NextDue(), now_);
}

TEST_F(DrainTest, ClientsComeBackAfterTheEndOneAfterTheOther) {
  OpenMany(4);
  const absl::Time ends = now_ + absl::Seconds(40);
  drain_.Begin(absl::Seconds(40), now_);
  std::vector<absl::Duration> after_the_end;
  for (int i = 0; i < 4; ++i) {
    RunFor(absl::Seconds(10));
    after_the_end.push_back(now_ + ends_.back().retry_after - ends);
  }
  EXPECT_THAT(after_the_end,
              ElementsAre(Drain::kReturnDelay,
                          Drain::kReturnDelay + Drain::kReturnSpacing,
                          Drain::kReturnDelay + 2 * Drain::kReturnSpacing,
                          Drain::kReturnDelay + 3 * Drain::kReturnSpacing));
  // So do those that come too early, and they ask no more often.
  const absl::optional<ChannelEnd> early = drain_.TurnAway(now_);
  ASSERT_TRUE(early.has_value());
  EXPECT_EQ(early->reason, RemovalReason::kDrained);
  EXPECT_EQ(early->retry_after,
            Drain::kReturnDelay + 4 * Drain::kReturnSpacing);
}

TEST_F(DrainTest, NobodyIsToldToStayAwayForMuchLongerThanAMinute) {
  OpenMany(1);
  drain_.Begin(absl::Hours(24), now_);
  EXPECT_EQ(drain_.TurnAway(now_)->retry_after,
            Drain::kLongestStay + Drain::kReturnDelay);
  absl::Duration longest;
  for (int i = 0; i < 200'000; ++i) {
    longest = std::max(longest, drain_.TurnAway(now_)->retry_after);
  }
  EXPECT_EQ(longest,
            Drain::kLongestStay + Drain::kReturnDelay + Drain::kReturnSpread);
}

TEST_F(DrainTest, TheLastDrainClosesAHundredASecondAtLeast) {
  OpenMany(50);
  drain_.BeginLast(absl::Hours(1), now_);
  EXPECT_EQ(drain_.progress().ends, now_ + absl::Milliseconds(500));
  RunFor(absl::Milliseconds(500) - kMoment);
  EXPECT_THAT(ends_, SizeIs(49));
  RunFor(kMoment);
  EXPECT_EQ(state(), DrainState::kDrained);
}

TEST_F(DrainTest, TheLastDrainTakesNoLongerThanItMay) {
  OpenMany(1000);
  drain_.BeginLast(absl::Seconds(2), now_);
  EXPECT_THAT(EndedIn(absl::Seconds(1)), AllOf(Ge(495), Le(505)));
  RunFor(absl::Seconds(1));
  EXPECT_EQ(state(), DrainState::kDrained);
}

TEST_F(DrainTest, TheLastDrainEndsWithTheLastClient) {
  OpenMany(300);
  drain_.BeginLast(absl::Seconds(10), now_);
  for (size_t i = 1; i < channels_.size(); ++i) {
    table_.Close(*channels_[i], RemovalReason::kDisconnected, now_);
  }
  RunFor(2 * Drain::kSlowestSpacing);
  EXPECT_EQ(state(), DrainState::kDrained);
  EXPECT_THAT(ends_, SizeIs(1));
}

TEST_F(DrainTest, TheLastDrainTakesOverAndIsNotCancelled) {
  OpenMany(100);
  drain_.Begin(absl::Hours(1), now_);
  drain_.BeginLast(absl::Milliseconds(500), now_);
  EXPECT_FALSE(drain_.Cancel(now_));
  EXPECT_FALSE(drain_.Begin(absl::Hours(1), now_));
  RunFor(absl::Milliseconds(500));
  EXPECT_EQ(state(), DrainState::kDrained);
  EXPECT_THAT(ends_, SizeIs(100));
  EXPECT_FALSE(drain_.Cancel(now_));
  EXPECT_NE(drain_.TurnAway(now_), absl::nullopt);
}

// Calls back while a piece is being closed: what another thread may do then.
class InTheMiddle final : public ClientEventListener {
 public:
  void OnClientEvent(const ClientEvent& event) override {
    if (event.type == EventType::kClientUnregister && act) act();
  }
  std::function<void()> act;
};

class DrainFromTwoSides : public DrainTest {
 protected:
  explicit DrainFromTwoSides(InTheMiddle* middle = new InTheMiddle)
      : DrainTest({middle}), middle_(middle) {}

  const std::unique_ptr<InTheMiddle> middle_;
};

TEST_F(DrainFromTwoSides, TheEndCountsThoseThatAnotherCallIsClosing) {
  for (const char* id : {"c1", "c2"}) {
    Connect(TestStatement(id).Consumer("orders"));
  }
  drain_.BeginLast(absl::ZeroDuration(), now_);
  middle_->act = [this] { drain_.CloseAll(now_); };
  drain_listener_.told.clear();
  drain_.Run(now_);
  ASSERT_THAT(drain_listener_.told, SizeIs(1));
  EXPECT_EQ(drain_listener_.told[0].state, DrainState::kDrained);
  EXPECT_EQ(drain_listener_.told[0].closed, 2);
}

TEST_F(DrainFromTwoSides, ChannelsOfACancelledDrainAreNotThoseOfTheNextOne) {
  Connect(TestStatement("c1").Consumer("orders"));
  drain_.Begin(absl::ZeroDuration(), now_);
  middle_->act = [this] {
    drain_.Cancel(now_);
    drain_.Begin(absl::Hours(1), now_);
  };
  drain_.Run(now_);
  EXPECT_EQ(drain_.progress().closed, 0);
  EXPECT_EQ(drain_.counts().drained, 1);
  EXPECT_EQ(state(), DrainState::kDraining);
}

TEST_F(DrainTest, OnlyTheLastDrainSaysThatTheBrokerGoesDown) {
  OpenMany(1);
  drain_.Begin(absl::Hours(1), now_);
  EXPECT_FALSE(drain_.progress().is_last);
  drain_.BeginLast(absl::Hours(1), now_);
  EXPECT_TRUE(drain_.progress().is_last);
  drain_.CloseAll(now_);
  EXPECT_TRUE(drain_.progress().is_last);
}

TEST_F(DrainTest, AllThatAreLeftCanBeClosedAtOnce) {
  OpenMany(Drain::kPieceChannels + 1);
  drain_.Begin(absl::Hours(1), now_);
  drain_.CloseAll(now_);
  EXPECT_THAT(ends_, SizeIs(channels_.size()));
  EXPECT_EQ(state(), DrainState::kDrained);
}

}  // namespace
}  // namespace rmq
