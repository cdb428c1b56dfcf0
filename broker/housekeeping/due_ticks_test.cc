// When ticks are due, and what an absence of the broker does.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/housekeeping/housekeeping_task.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kExpiry = absl::Seconds(120);
constexpr absl::Duration kPeriod = absl::Seconds(10);
constexpr absl::Duration kShort = absl::Seconds(10);
constexpr absl::Duration kMoment = absl::Nanoseconds(1);

// A core whose ticks come when they are due, unless a test says otherwise.
class World {
 public:
  FakeClientChannelPtr Connect(absl::string_view client_id,
                               absl::Duration expiry = absl::ZeroDuration()) {
    auto channel = std::make_shared<FakeClientChannel>();
    EXPECT_TRUE(table_.Open(channel, now_).ok());
    State(*channel, client_id, expiry);
    return channel;
  }
  void State(ClientChannel& channel, absl::string_view client_id,
             absl::Duration expiry) {
    const BuiltStatement statement(
        TestStatement(client_id).Consumer("orders").Expiry(expiry));
    table_.Register(channel, statement.Admitted(), now_);
  }

  // Runs until `time`, and ticks when it is due.
  void RunUntil(absl::Time time) {
    while (housekeeping_.NextTick() <= time) {
      now_ = std::max(now_, housekeeping_.NextTick());
      Tick();
    }
    now_ = time;
  }
  void RunFor(absl::Duration duration) { RunUntil(now_ + duration); }
  // The broker does nothing for so long.
  void Pause(absl::Duration duration) { now_ += duration; }
  void Tick() {
    ++ticks_;
    housekeeping_.Tick(now_);
  }
  void TickIfDue() {
    if (housekeeping_.NextTick() <= now_) Tick();
  }

  absl::Time now() const { return now_; }
  absl::Time NextTick() const { return housekeeping_.NextTick(); }
  int ticks() const { return ticks_; }
  std::vector<absl::Time> TakeTold() { return std::exchange(told_, {}); }
  Housekeeping& housekeeping() { return housekeeping_; }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  int ticks_ = 0;
  std::vector<absl::Time> told_;
  ConsumerIdsNotifier notifier_{ConsumerIdsNotifier::Options()};
  ClientTable table_{ClientTable::Options(), {&notifier_}};
  Housekeeping housekeeping_{Housekeeping::Options(), &table_, &notifier_, now_,
                             [this](absl::Time t) { told_.push_back(t); }};
};

class DueTicksTest : public ::testing::Test {
 protected:
  World world_;
  const absl::Time start_ = world_.now();
};

// --- When ticks are due ---

TEST_F(DueTicksTest, WithoutClientsATickIsDueOnceAPeriod) {
  EXPECT_EQ(world_.NextTick(), start_ + kPeriod);
  world_.RunFor(absl::Hours(1));
  EXPECT_EQ(world_.ticks(), 360);
}

TEST_F(DueTicksTest, ATickIsDueWhenTheFirstSecondOfDeadlinesIsOver) {
  world_.RunFor(absl::Milliseconds(300));
  world_.Connect("c1");
  world_.RunUntil(start_ + kExpiry);
  EXPECT_EQ(world_.NextTick(), start_ + kExpiry + absl::Seconds(1));
}

TEST_F(DueTicksTest, ASilentChannelIsFoundAtMostASecondAfterItsExpiry) {
  for (const absl::Duration expiry :
       {absl::ZeroDuration(), kShort, absl::Milliseconds(33'333),
        absl::Minutes(30)}) {
    world_.RunFor(absl::Milliseconds(1234));
    const absl::Time heard = world_.now();
    const auto channel = world_.Connect("c1", expiry);
    const absl::Duration applied =
        expiry == absl::ZeroDuration() ? kExpiry : expiry;
    world_.RunUntil(heard + applied);
    EXPECT_THAT(channel->ends(), IsEmpty()) << expiry;
    world_.RunUntil(heard + applied + absl::Seconds(1));
    EXPECT_THAT(channel->ends(), ElementsAre(RemovalReason::kExpired))
        << expiry;
  }
}

TEST_F(DueTicksTest, AClientThatAsksForLittleMakesATickDueEarlier) {
  world_.RunFor(absl::Seconds(1));
  world_.Connect("c1", kShort);
  // A quarter of the expiry, so that an absence is noticed.
  EXPECT_EQ(world_.NextTick(), world_.now() + kShort / 4);
  EXPECT_THAT(world_.TakeTold(), ElementsAre(world_.now() + kShort / 4));
  world_.RunUntil(start_ + kPeriod - absl::Seconds(1));
  // Another one that asks for as much changes nothing.
  world_.Connect("c2", kShort);
  EXPECT_THAT(world_.TakeTold(), IsEmpty());
}

TEST_F(DueTicksTest, WhenThatClientHasLeftTicksAreAPeriodApartAgain) {
  const auto channel = world_.Connect("c1", kShort);
  world_.housekeeping().OnChannelClose(*channel, RemovalReason::kDisconnected,
                                       world_.now());
  world_.RunFor(absl::Seconds(3));
  EXPECT_EQ(world_.ticks(), 1);
  EXPECT_EQ(world_.NextTick(), start_ + kShort / 4 + kPeriod);
}

TEST_F(DueTicksTest, AThousandClientsNeedAtMostOneTickASecond) {
  std::vector<FakeClientChannelPtr> channels;
  for (int i = 0; i < 1000; ++i) {
    world_.RunFor(absl::Milliseconds(30));
    channels.push_back(world_.Connect(absl::StrCat("c", i)));
  }
  const int before = world_.ticks();
  for (int i = 0; i < 20 * 1000; ++i) {  // Each heartbeats once in 30 s.
    world_.RunFor(absl::Milliseconds(30));
    channels[i % channels.size()]->RenewLight(0, world_.now());
  }
  // Ten minutes.
  RecordProperty("ticks", world_.ticks() - before);
  EXPECT_LE(world_.ticks() - before, 600 + 1);
  for (const auto& channel : channels) ASSERT_FALSE(channel->closed());
}

TEST_F(DueTicksTest, TheTaskIsDueWhenTheTickIs) {
  HousekeepingTask task(&world_.housekeeping());
  EXPECT_EQ(task.NextDue(), start_ + kPeriod);
  task.Run(start_ + kPeriod - kMoment);
  EXPECT_EQ(task.NextDue(), start_ + kPeriod);
  task.Run(start_ + kPeriod);
  task.Run(start_ + kPeriod);
  EXPECT_EQ(task.NextDue(), start_ + 2 * kPeriod);
  world_.Connect("c1", kShort);
  EXPECT_EQ(task.NextDue(), start_ + kShort / 4);
}

// --- Late ticks ---

TEST_F(DueTicksTest, TheLatenessBoundIsAQuarterOfTheShortestExpiry) {
  for (const absl::Duration late :
       {kShort / 4, absl::Duration(kShort / 4 + kMoment)}) {
    World world;
    const auto silent = world.Connect("c1", kShort);
    world.RunFor(kShort);
    // The tick that finds it is due a second later.
    const absl::Time due = world.NextTick();
    EXPECT_GT(due, world.now());
    world.Pause(due - world.now() + late);
    world.Tick();
    EXPECT_EQ(silent->closed(), late == kShort / 4) << late;
  }
}

TEST_F(DueTicksTest, TheLatenessBoundIsAtMostTenSeconds) {
  for (const absl::Duration late :
       {absl::Seconds(10), absl::Duration(absl::Seconds(10) + kMoment)}) {
    World world;
    const auto silent = world.Connect("c1");
    world.RunFor(kExpiry);
    const absl::Time due = world.NextTick();
    EXPECT_GT(due, world.now());
    world.Pause(due - world.now() + late);
    world.Tick();
    EXPECT_EQ(silent->closed(), late == absl::Seconds(10)) << late;
  }
}

TEST_F(DueTicksTest, APausedBrokerExpiresNobodyWhateverWasAskedFor) {
  for (const absl::Duration expiry : {absl::ZeroDuration(), kShort}) {
    const auto channel = world_.Connect("c1", expiry);
    world_.RunFor(absl::Seconds(3));
    world_.Pause(absl::Hours(1));
    world_.Tick();
    EXPECT_FALSE(channel->closed()) << expiry;
    // From then on silence counts.
    world_.RunFor((expiry == kShort ? kShort : kExpiry) + absl::Seconds(1));
    EXPECT_TRUE(channel->closed()) << expiry;
  }
}

// A client that heartbeats four times an expiry, and a broker that is away at
// any time and for any time. When it continues, its tick comes before it reads
// the heartbeats that wait in its sockets.
TEST_F(DueTicksTest, NobodyExpiresForAPauseThatEndsBeforeOrAfterADueTick) {
  constexpr absl::Duration kStep = absl::Milliseconds(250);
  for (const absl::Duration expiry : {kShort, kExpiry}) {
    const absl::Duration beat = expiry / 4;
    for (absl::Duration away = kStep; away < 3 * expiry; away *= 1.3) {
      for (int phase = 0; phase < 12; ++phase) {
        World world;
        const auto channel = world.Connect("c1", expiry);
        // Does not heartbeat: its deadline makes a tick due in the pause.
        const auto silent = world.Connect("c2", expiry + absl::Seconds(1));
        absl::Time next_beat = world.now() + beat;
        const absl::Time leaves = world.now() + expiry + phase * beat / 12.0;
        while (next_beat <= leaves) {
          world.RunUntil(next_beat);
          channel->RenewLight(0, next_beat);
          next_beat += beat;
        }
        world.RunUntil(leaves);
        world.Pause(away);
        world.TickIfDue();
        ASSERT_FALSE(channel->closed())
            << "expiry " << expiry << ", away for " << away << " from " << phase
            << " twelfths of an interval";
      }
    }
  }
}

TEST_F(DueTicksTest, RequestsForLittleMakeNoTickLate) {
  const auto silent = world_.Connect("silent");
  for (absl::Duration t; t <= kExpiry; t += absl::Milliseconds(700)) {
    world_.RunFor(absl::Milliseconds(700));
    const auto channel = world_.Connect("c1");
    world_.State(*channel, "c1", kShort);
    world_.housekeeping().OnChannelClose(*channel, RemovalReason::kDisconnected,
                                         world_.now());
  }
  world_.RunUntil(start_ + kExpiry + absl::Seconds(1));
  EXPECT_TRUE(silent->closed());
}

}  // namespace
}  // namespace rmq
