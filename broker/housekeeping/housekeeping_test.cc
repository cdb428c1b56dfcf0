#include "broker/housekeeping/housekeeping.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/test_statement.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kExpiry = absl::Seconds(120);
constexpr absl::Duration kPeriod = absl::Seconds(10);
constexpr absl::Duration kMoment = absl::Nanoseconds(1);

class HousekeepingTest : public ::testing::Test {
 protected:
  FakeClientChannelPtr Connect(const TestStatement& stated) {
    auto channel = std::make_shared<FakeClientChannel>();
    EXPECT_TRUE(table_.Open(channel, now_).ok());
    Register(*channel, stated);
    return channel;
  }
  void Register(ClientChannel& channel, const TestStatement& stated) {
    const BuiltStatement statement(stated);
    table_.Register(channel, statement.Admitted(), now_);
    notifier_.Flush(table_, now_);
  }
  // Ticks on time, `times` times.
  void TickOnTime(int times) {
    for (int i = 0; i < times; ++i) {
      now_ += kPeriod;
      housekeeping_.Tick(now_);
    }
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  RecordingListener listener_;
  ConsumerIdsNotifier notifier_{ConsumerIdsNotifier::Options()};
  ClientTable table_{ClientTable::Options(), {&listener_, &notifier_}};
  Housekeeping housekeeping_{Housekeeping::Options(), &table_, &notifier_,
                             now_};
};

// --- Scan ---

TEST_F(HousekeepingTest, AScanKeepsAChannelSilentForExactlyTheExpiry) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  housekeeping_.Scan(now_ + kExpiry);
  EXPECT_THAT(channel->ends(), IsEmpty());
}

TEST_F(HousekeepingTest, AScanEndsAChannelSilentForAMomentLonger) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  housekeeping_.Scan(now_ + kExpiry + kMoment);
  EXPECT_THAT(channel->ends(), ElementsAre(RemovalReason::kExpired));
  EXPECT_FALSE(table_.FindConsumerGroup("orders").has_value());
}

TEST_F(HousekeepingTest, AScanPushesToTheSurvivorsOfAGroup) {
  const auto silent = Connect(TestStatement("c1").Consumer("orders"));
  const auto alive = Connect(TestStatement("c2").Consumer("orders"));
  now_ += kExpiry + kMoment;
  alive->RenewLight(0, now_);
  silent->TakePushes();
  alive->TakePushes();
  housekeeping_.Scan(now_);
  EXPECT_THAT(alive->TakePushes(), ElementsAre("orders"));
  EXPECT_THAT(silent->TakePushes(), IsEmpty());
  EXPECT_THAT(alive->ends(), IsEmpty());
}

TEST_F(HousekeepingTest, AScanWithoutAnythingDueDoesNothing) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  channel->TakePushes();
  listener_.Take();
  housekeeping_.Scan(now_ + absl::Seconds(60));
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
  EXPECT_THAT(listener_.Take(), IsEmpty());
}

TEST_F(HousekeepingTest, AScanOfManyPiecesEndsThemAll) {
  std::vector<FakeClientChannelPtr> channels;
  constexpr size_t kInAStep =
      Housekeeping::kPieceChannels * Housekeeping::kPiecesInAStep;
  for (size_t i = 0; i < kInAStep + 1; ++i) {
    channels.push_back(Connect(TestStatement("c1").Producer("pay")));
  }
  housekeeping_.Scan(now_ + kExpiry + kMoment);
  for (const auto& channel : channels) {
    ASSERT_THAT(channel->ends(), ElementsAre(RemovalReason::kExpired));
  }
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(HousekeepingTest, AThousandThatExpireMakeOnePush) {
  const auto alive = Connect(TestStatement("alive").Consumer("orders"));
  for (int i = 0; i < 1000; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Consumer("orders"));
  }
  now_ += kExpiry + kMoment;
  alive->RenewLight(0, now_);
  alive->TakePushes();
  housekeeping_.Scan(now_);
  EXPECT_THAT(alive->TakePushes(), ElementsAre("orders"));
}

TEST_F(HousekeepingTest, ALeftOutGroupThatExpiresIsPushedAndEndsNothing) {
  const auto a =
      Connect(TestStatement("c1").Consumer("orders").Consumer("audit"));
  const auto b = Connect(TestStatement("c2").Consumer("orders"));
  now_ += absl::Seconds(60);
  Register(*a, TestStatement("c1").Consumer("audit"));
  Register(*b, TestStatement("c2").Consumer("orders"));
  a->TakePushes();
  b->TakePushes();
  now_ += absl::Seconds(60) + kMoment;
  housekeeping_.Scan(now_);
  EXPECT_THAT(b->TakePushes(), ElementsAre("orders"));
  EXPECT_THAT(a->ends(), IsEmpty());
  EXPECT_FALSE(a->closed());
}

TEST_F(HousekeepingTest, AScanKnowsNoLateness) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  housekeeping_.Scan(now_ + absl::Hours(10));
  EXPECT_THAT(channel->ends(), ElementsAre(RemovalReason::kExpired));
}

// --- Tick ---

TEST_F(HousekeepingTest, ATickExactlyTenSecondsLateExpiresAsAlways) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  TickOnTime(11);
  now_ += 2 * kPeriod;
  housekeeping_.Tick(now_);
  EXPECT_THAT(channel->ends(), ElementsAre(RemovalReason::kExpired));
}

TEST_F(HousekeepingTest, ATickMoreThanTenSecondsLateExpiresNobody) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  TickOnTime(11);
  now_ += 2 * kPeriod + kMoment;
  housekeeping_.Tick(now_);
  EXPECT_THAT(channel->ends(), IsEmpty());
}

TEST_F(HousekeepingTest, AfterALateTickSilenceCountsFromIt) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  now_ += absl::Hours(1);
  housekeeping_.Tick(now_);
  TickOnTime(12);
  EXPECT_THAT(channel->ends(), IsEmpty());
  TickOnTime(1);
  EXPECT_THAT(channel->ends(), ElementsAre(RemovalReason::kExpired));
}

TEST_F(HousekeepingTest, TheFirstTickMayBeLateToo) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  now_ += kExpiry + kMoment;
  housekeeping_.Tick(now_);
  EXPECT_THAT(channel->ends(), IsEmpty());
}

TEST_F(HousekeepingTest, AChannelThatHeartbeatsOutlivesManyTicks) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  for (int i = 0; i < 100; ++i) {
    TickOnTime(3);
    channel->RenewLight(0, now_);
  }
  EXPECT_THAT(channel->ends(), IsEmpty());
  EXPECT_TRUE(table_.FindConsumerGroup("orders").has_value());
}

// --- A pass in steps ---

size_t CountEnded(const std::vector<FakeClientChannelPtr>& channels) {
  return static_cast<size_t>(std::count_if(
      channels.begin(), channels.end(),
      [](const FakeClientChannelPtr& c) { return !c->ends().empty(); }));
}

class HousekeepingStepsTest : public HousekeepingTest {
 protected:
  // So many that they fall silent together, and a pass that finds them begun.
  std::vector<FakeClientChannelPtr> BeginToExpire(size_t count) {
    std::vector<FakeClientChannelPtr> channels;
    for (size_t i = 0; i < count; ++i) {
      channels.push_back(
          Connect(TestStatement(absl::StrCat("c", i)).Producer("pay")));
    }
    TickOnTime(12);
    EXPECT_EQ(CountEnded(channels), 0);
    now_ += kPeriod;
    housekeeping_.BeginTick(now_, &pass_);
    return channels;
  }
  void Step() { housekeeping_.ContinueScan(now_, &pass_); }

  Housekeeping::Pass pass_;
};

TEST_F(HousekeepingStepsTest, OneStepIsEnoughForSoMany) {
  const auto channels = BeginToExpire(Housekeeping::kEndsInAStep);
  Step();
  EXPECT_TRUE(pass_.is_over());
  EXPECT_EQ(CountEnded(channels), channels.size());
}

TEST_F(HousekeepingStepsTest, OneMoreTakesAnotherStep) {
  const auto channels = BeginToExpire(Housekeeping::kEndsInAStep + 1);
  Step();
  EXPECT_FALSE(pass_.is_over());
  EXPECT_EQ(CountEnded(channels), Housekeeping::kEndsInAStep);
  EXPECT_THAT(channels.back()->ends(), IsEmpty());
  Step();
  EXPECT_TRUE(pass_.is_over());
  EXPECT_THAT(channels.back()->ends(), ElementsAre(RemovalReason::kExpired));
}

TEST_F(HousekeepingStepsTest, AChannelHeardBetweenStepsIsKept) {
  const auto channels = BeginToExpire(
      Housekeeping::kPieceChannels * Housekeeping::kPiecesInAStep + 1);
  Step();
  EXPECT_FALSE(pass_.is_over());
  channels.back()->RenewLight(0, now_);
  housekeeping_.FinishScan(now_, &pass_);
  EXPECT_THAT(channels.back()->ends(), IsEmpty());
  EXPECT_EQ(CountEnded(channels), channels.size() - 1);
}

TEST_F(HousekeepingStepsTest, NoneEndsBeforeAllHaveBeenTakenOut) {
  const auto channels = BeginToExpire(
      Housekeeping::kPieceChannels * Housekeeping::kPiecesInAStep + 1);
  Step();
  EXPECT_EQ(CountEnded(channels), 0);
  EXPECT_GT(table_.counts().channels, 0);
  Step();
  EXPECT_EQ(CountEnded(channels), Housekeeping::kEndsInAStep);
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(HousekeepingStepsTest, AScanOfMoreThanAPeriodPushesEachPeriod) {
  const auto alive = Connect(TestStatement("alive").Consumer("orders"));
  for (size_t i = 0;
       i < 2 * Housekeeping::kPieceChannels * Housekeeping::kPiecesInAStep;
       ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Consumer("orders"));
  }
  TickOnTime(12);
  alive->RenewLight(0, now_);
  alive->TakePushes();
  now_ += kPeriod;
  housekeeping_.BeginTick(now_, &pass_);
  now_ += kPeriod - kMoment;
  Step();
  EXPECT_THAT(alive->TakePushes(), IsEmpty());
  now_ += kMoment;
  Step();
  EXPECT_THAT(alive->TakePushes(), ElementsAre("orders"));
  Step();
  EXPECT_THAT(alive->TakePushes(), ElementsAre("orders"));
}

// Lets another call join "orders" while the scan delivers its first event, as a
// thread of the edge does.
class JoinsWhileAScanDelivers final : public ClientEventListener {
 public:
  void OnClientEvent(const ClientEvent& event) override {
    if (event.reason == RemovalReason::kExpired && join_) {
      std::thread(std::exchange(join_, nullptr)).join();
    }
  }
  void SetJoin(std::function<void()> join) { join_ = std::move(join); }

 private:
  std::function<void()> join_;
};

TEST(HousekeepingDeliveryTest, AJoinThatAScanDeliversIsPushedAfterItsStep) {
  absl::Time now = absl::FromUnixSeconds(1'000'000);
  JoinsWhileAScanDelivers listener;
  ConsumerIdsNotifier notifier{ConsumerIdsNotifier::Options()};
  ClientTable table(ClientTable::Options(), {&notifier, &listener});
  Housekeeping housekeeping({}, &table, &notifier, now);
  const auto connect = [&](const TestStatement& stated) {
    auto channel = std::make_shared<FakeClientChannel>();
    EXPECT_THAT(table.Open(channel, now), IsOk());
    const BuiltStatement statement(stated);
    table.Register(*channel, statement.Admitted(), now);
    notifier.Flush(table, now);
    return channel;
  };
  std::vector<FakeClientChannelPtr> silent;
  for (size_t i = 0;
       i < 2 * Housekeeping::kPieceChannels * Housekeeping::kPiecesInAStep;
       ++i) {
    silent.push_back(
        connect(TestStatement(absl::StrCat("c", i)).Producer("pay")));
  }
  for (int i = 0; i < 12; ++i) {
    now += kPeriod;
    housekeeping.Tick(now);
  }
  now += kMoment;
  FakeClientChannelPtr joined;
  listener.SetJoin(
      [&] { joined = connect(TestStatement("new").Consumer("orders")); });
  Housekeeping::Pass pass;
  housekeeping.BeginTick(now, &pass);
  housekeeping.ContinueScan(now, &pass);
  ASSERT_FALSE(pass.is_over());
  ASSERT_NE(joined, nullptr);
  EXPECT_THAT(joined->TakePushes(), ElementsAre("orders"));
  housekeeping.FinishScan(now, &pass);
  EXPECT_THAT(joined->TakePushes(), IsEmpty());
}

TEST_F(HousekeepingStepsTest, APassThatBeginsInAnotherGoesOnWithIt) {
  const auto channels = BeginToExpire(1000);
  Step();
  EXPECT_FALSE(pass_.is_over());
  now_ += kPeriod;
  housekeeping_.BeginTick(now_, &pass_);
  housekeeping_.FinishScan(now_, &pass_);
  for (const auto& channel : channels) {
    ASSERT_THAT(channel->ends(), ElementsAre(RemovalReason::kExpired));
  }
}

// --- A channel that closes ---

TEST_F(HousekeepingTest, ACloseTellsAndPushesToTheSurvivors) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  const auto b = Connect(TestStatement("c2").Consumer("orders"));
  b->TakePushes();
  listener_.Take();
  housekeeping_.OnChannelClose(*a, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(listener_.TakeDescribed(),
              ElementsAre("consumer orders CLIENT_UNREGISTER c1 DISCONNECTED",
                          "consumer orders CHANGE"));
  EXPECT_THAT(b->TakePushes(), ElementsAre("orders"));
}

TEST_F(HousekeepingTest, ASecondCloseDoesNothing) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  const auto b = Connect(TestStatement("c2").Consumer("orders"));
  housekeeping_.OnChannelClose(*a, RemovalReason::kDisconnected, now_);
  b->TakePushes();
  listener_.Take();
  housekeeping_.OnChannelClose(*a, RemovalReason::kKicked, now_);
  EXPECT_THAT(b->TakePushes(), IsEmpty());
  EXPECT_THAT(listener_.Take(), IsEmpty());
}

TEST_F(HousekeepingTest, ACloseAfterAnExpiryDoesNothing) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  housekeeping_.Scan(now_ + kExpiry + kMoment);
  listener_.Take();
  housekeeping_.OnChannelClose(*a, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(listener_.Take(), IsEmpty());
  EXPECT_THAT(a->ends(), ElementsAre(RemovalReason::kExpired));
}

// --- The same consequences whatever the reason ---

TEST_F(HousekeepingTest, EveryRemovalHasTheSameConsequences) {
  const TestStatement stated = TestStatement("c1")
                                   .Producer("pay")
                                   .Consumer("orders", {{"t"}})
                                   .Incarnation(7);
  const auto survivor =
      Connect(TestStatement("c2").Consumer("orders", {{"t"}}));
  // What a removal told and pushed, with the reason as "*".
  const auto consequences = [&](absl::string_view reason) {
    std::vector<std::string> told = listener_.TakeDescribed();
    for (std::string& event : told) {
      const size_t at = event.find(std::string(reason));
      if (at != std::string::npos) event.replace(at, reason.size(), "*");
    }
    std::sort(told.begin(), told.end());
    for (const std::string& group : survivor->TakePushes()) {
      told.push_back(absl::StrCat("push ", group));
    }
    EXPECT_FALSE(table_.FindProducerGroup("pay").has_value()) << reason;
    EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), nullptr) << reason;
    EXPECT_EQ(table_.FindProducerChannel("c1"), nullptr) << reason;
    return told;
  };
  const auto begin = [&] {
    const auto channel = Connect(stated);
    survivor->RenewLight(0, now_);
    survivor->TakePushes();
    listener_.Take();
    return channel;
  };
  const auto expected = ElementsAre("consumer orders CHANGE",
                                    "consumer orders CLIENT_UNREGISTER c1 *",
                                    "producer pay CLIENT_UNREGISTER c1 *",
                                    "producer pay UNREGISTER", "push orders");

  auto channel = begin();
  housekeeping_.OnChannelClose(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(consequences("DISCONNECTED"), expected);

  channel = begin();
  housekeeping_.OnChannelClose(*channel, RemovalReason::kKicked, now_);
  EXPECT_THAT(consequences("KICKED"), expected);

  channel = begin();
  now_ += kExpiry + kMoment;
  survivor->RenewLight(0, now_);
  housekeeping_.Scan(now_);
  EXPECT_THAT(consequences("EXPIRED"), expected);

  channel = begin();
  table_.Unregister(*channel, "c1", {"pay"}, {"orders"}, now_);
  notifier_.Flush(table_, now_);
  EXPECT_THAT(consequences("UNREGISTERED"), expected);
}

TEST(HousekeepingOptionsTest, APeriodThatIsNotPositiveIsRefused) {
  Housekeeping::Options options;
  EXPECT_THAT(options.Validate(), IsOk());
  options.period = absl::ZeroDuration();
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "housekeeping_period must be positive, got 0"));
}

}  // namespace
}  // namespace rmq
