// What heartbeats renew, and what they may change: tokens, light heartbeats and
// changes of a statement.
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Outcome = RegisterResult::Outcome;

using HeartbeatTest = ClientTableFixture;

// --- Statement tokens and light heartbeats ---

TEST_F(HeartbeatTest, TheTokenOfTheLastStatementRenews) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("orders"))
          .statement_token;
  Advance(absl::Seconds(30));
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
  EXPECT_EQ(channel->last_heard(), now_);
  EXPECT_EQ(LastStated("orders"), now_);
}

TEST_F(HeartbeatTest, ATokenRenewsManyTimes) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("orders"))
          .statement_token;
  for (int i = 0; i < 10; ++i) {
    Advance(absl::Seconds(100));
    EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
    EXPECT_THAT(Scan(), IsEmpty());
  }
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(HeartbeatTest, ARepeatedHeartbeatRenewsAndKeepsTheToken) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("orders"))
          .statement_token;
  Advance(absl::Seconds(30));
  EXPECT_EQ(channel->RenewRepeated(now_), token);
  EXPECT_EQ(channel->last_heard(), now_);
}

TEST_F(HeartbeatTest, WithoutATokenARepeatedHeartbeatRenewsNothing) {
  const auto channel = OpenStream();
  const absl::Time opened = now_;
  Advance(absl::Seconds(30));
  EXPECT_EQ(channel->RenewRepeated(now_), 0);
  EXPECT_EQ(channel->last_heard(), opened);
}

TEST_F(HeartbeatTest, OfAClosedChannelARepeatedHeartbeatIsLost) {
  const auto channel = OpenStream();
  Register(*channel, TestStatement("c1").Consumer("orders"));
  table_.Close(*channel, RemovalReason::kExpired, now_);
  EXPECT_EQ(channel->RenewRepeated(now_), 0);
}

TEST_F(HeartbeatTest, OnlyAChangeOfModesIsAStatementChange) {
  const auto a = OpenStream();
  const auto b = OpenStream();
  uint64_t before = table_.statement_changes();
  const auto changed = [&] {
    return std::exchange(before, table_.statement_changes()) != before;
  };
  Register(*a,
           TestStatement("a").Consumer("orders", {{"topic"}}).Producer("p"));
  EXPECT_FALSE(changed()) << "a new group has nobody who could repeat it";
  Register(*b,
           TestStatement("b").Consumer("orders", {{"topic"}}).Producer("p"));
  EXPECT_FALSE(changed()) << "the same";
  Register(*b, TestStatement("b").Consumer("orders", {{"topic", 2}}));
  EXPECT_FALSE(changed()) << "a newer subscription is that member's own";
  Register(*b, TestStatement("b").Consumer("orders", {{"more"}}));
  EXPECT_FALSE(changed()) << "so is another topic";
  Register(*b, TestStatement("b")
                   .Consumer("orders", {{"more"}})
                   .Model(MessageModel::kBroadcasting));
  EXPECT_TRUE(changed()) << "a mode";
  table_.Unregister(*a, "a", {"p"}, {"orders"}, now_);
  EXPECT_FALSE(changed()) << "a member whose mode is not the group's";
}

TEST_F(HeartbeatTest, ModesThatGoWithAMemberAreAStatementChange) {
  Connect(TestStatement("a").Consumer("orders"));
  const auto b = Connect(
      TestStatement("b").Consumer("orders").Model(MessageModel::kBroadcasting));
  const uint64_t before = table_.statement_changes();
  table_.Close(*b, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.statement_changes(), before + 1);
}

TEST_F(HeartbeatTest, ModesThatAMemberLeavesOutAreAStatementChange) {
  Connect(TestStatement("a").Consumer("orders"));
  const auto b = Connect(
      TestStatement("b").Consumer("orders").Model(MessageModel::kBroadcasting));
  const uint64_t before = table_.statement_changes();
  Register(*b, TestStatement("b").Consumer("others"));
  EXPECT_EQ(table_.statement_changes(), before + 1);
}

TEST_F(HeartbeatTest, TheNotificationSwitchIsAStatementChange) {
  const auto a = OpenStream();
  const auto b = OpenStream();
  Register(*a, TestStatement("a").Consumer("orders"));
  RegisterUnnotified(*b, TestStatement("b").Consumer("orders"));
  EXPECT_EQ(table_.statement_changes(), 1);
}

TEST(ClientTableListenersTest, ToWhoWantsUnchangedRegistersEachIsAChange) {
  RecordingListener listener(RecordingListener::Unchanged::kWanted);
  ClientTable table(ClientTable::Options(), {&listener});
  const auto channel = std::make_shared<FakeClientChannel>();
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  ASSERT_THAT(table.Open(channel, now), IsOk());
  const BuiltStatement statement(TestStatement("c1").Consumer("orders"));
  for (uint64_t changes : {1, 2, 3}) {
    table.Register(*channel, statement.Admitted(), now);
    EXPECT_EQ(table.statement_changes(), changes);
  }
}

TEST_F(HeartbeatTest, BeforeAFullHeartbeatNoTokenIsValid) {
  const auto channel = OpenStream();
  EXPECT_EQ(channel->RenewLight(0, now_), Renewal::kFullStatementNeeded);
  EXPECT_EQ(channel->RenewLight(1, now_), Renewal::kFullStatementNeeded);
}

TEST_F(HeartbeatTest, AMismatchRenewsWhatIsKnown) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Advance(absl::Seconds(100));
  EXPECT_EQ(channel->RenewLight(999'999, now_), Renewal::kFullStatementNeeded);
  Advance(absl::Seconds(100));
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(HeartbeatTest, ATokenIsValidOnItsOwnChannelOnly) {
  const auto a = OpenStream();
  const uint64_t token =
      Register(*a, TestStatement("c1").Consumer("orders")).statement_token;
  const auto b = Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(b->RenewLight(token, now_), Renewal::kFullStatementNeeded);
}

TEST_F(HeartbeatTest, ANewerStatementVoidsTheTokenOfTheOneBefore) {
  const auto channel = OpenStream();
  const uint64_t before =
      Register(*channel, TestStatement("c1").Consumer("orders"))
          .statement_token;
  const uint64_t after =
      Register(*channel, TestStatement("c1").Consumer("orders"))
          .statement_token;
  EXPECT_NE(before, after);
  EXPECT_EQ(channel->RenewLight(before, now_), Renewal::kFullStatementNeeded);
  EXPECT_EQ(channel->RenewLight(after, now_), Renewal::kRenewed);
}

TEST_F(HeartbeatTest, TokensDifferAcrossChannelsAndClients) {
  std::set<uint64_t> tokens;
  for (int i = 0; i < 20; ++i) {
    const auto channel = OpenStream();
    const TestStatement stated =
        TestStatement(absl::StrCat("c", i)).Consumer("orders");
    tokens.insert(Register(*channel, stated).statement_token);
    tokens.insert(Register(*channel, stated).statement_token);
  }
  EXPECT_THAT(tokens, SizeIs(40));
  EXPECT_EQ(tokens.count(0), 0);
}

TEST_F(HeartbeatTest, UnregisteringAStatedGroupVoidsTheToken) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("a").Consumer("b"))
          .statement_token;
  table_.Unregister(*channel, "c1", {}, {"a"}, now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kFullStatementNeeded);
}

TEST_F(HeartbeatTest, UnregisteringAStatedProducerGroupVoidsTheToken) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, TestStatement("c1").Producer("a").Consumer("b"))
          .statement_token;
  table_.Unregister(*channel, "c1", {"a"}, {}, now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kFullStatementNeeded);
}

TEST_F(HeartbeatTest, UnregisteringWhatIsNotThereKeepsTheToken) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("a")).statement_token;
  table_.Unregister(*channel, "c1", {"a"}, {"b"}, now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
}

TEST_F(HeartbeatTest, UnregisteringALeftOutGroupKeepsTheToken) {
  const auto channel = Connect(TestStatement("c1").Consumer("a").Consumer("b"));
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("a")).statement_token;
  table_.Unregister(*channel, "c1", {}, {"b"}, now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
}

TEST_F(HeartbeatTest, TheExpiryOfALeftOutGroupKeepsTheToken) {
  const auto channel = Connect(TestStatement("c1").Consumer("a").Consumer("b"));
  Advance(absl::Seconds(60));
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("a")).statement_token;
  Advance(absl::Seconds(61));
  Scan();
  ASSERT_THAT(Consumers("b"), IsEmpty());
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
}

TEST_F(HeartbeatTest, AStatementWithASkippedConsumerHasNoToken) {
  const auto channel = OpenStream();
  const uint64_t before =
      Register(*channel, TestStatement("c1").Consumer("orders"))
          .statement_token;
  EXPECT_EQ(RegisterAllSkipped(*channel, TestStatement("c1").Consumer("orders"))
                .statement_token,
            0);
  EXPECT_EQ(channel->RenewLight(before, now_), Renewal::kFullStatementNeeded);
  EXPECT_EQ(channel->RenewLight(0, now_), Renewal::kFullStatementNeeded);
}

TEST_F(HeartbeatTest, AStatementWithARejectedProducerHasNoToken) {
  const auto channel = OpenStream();
  const BuiltStatement statement(
      TestStatement("c1").Producer("pay").Consumer("orders"));
  const RegisterResult result = table_.Register(
      *channel, statement.Admitted(/*take_new_producers=*/false), now_);
  EXPECT_THAT(result.rejected_producers, ElementsAre("pay"));
  EXPECT_EQ(result.statement_token, 0);
  EXPECT_EQ(channel->RenewLight(0, now_), Renewal::kFullStatementNeeded);
}

TEST_F(HeartbeatTest, ALightHeartbeatOfAClosedChannelIsLost) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("orders"))
          .statement_token;
  table_.Close(*channel, RemovalReason::kKicked, now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kClosed);
}

TEST_F(HeartbeatTest, ATableWithAnotherKeyDrawsOtherTokens) {
  ClientTable::Options options;
  options.statement_token_key = {1, 2, 3, 4};
  ClientTable other(options, {});
  const auto channel = std::make_shared<FakeClientChannel>();
  ASSERT_THAT(other.Open(channel, now_), IsOk());
  const TestStatement stated = TestStatement("c1").Consumer("orders");
  BuiltStatement statement(stated);
  EXPECT_NE(
      other.Register(*channel, statement.Admitted(), now_).statement_token,
      Register(*OpenStream(), stated).statement_token);
}

// --- Changes of a channel's statement ---

class ATableThatTakesOneChangeASecond : public HeartbeatTest {
 protected:
  ATableThatTakesOneChangeASecond() : HeartbeatTest(WithOneChange()) {}

  static ClientTable::Options WithOneChange() {
    ClientTable::Options options;
    options.max_statement_changes = 1;
    return options;
  }
  static TestStatement Subscribed(const std::string& topic) {
    return TestStatement("c1").Consumer("orders", {{topic}});
  }
  // Changes the statement as often as it may be at once.
  FakeClientChannelPtr ConnectAndChangeThrice() {
    FakeClientChannelPtr channel = Connect(Subscribed("t0"));
    for (const char* topic : {"t1", "t2", "t3"}) {
      EXPECT_EQ(Register(*channel, Subscribed(topic)).outcome,
                Outcome::kRegistered);
    }
    return channel;
  }
};

TEST_F(ATableThatTakesOneChangeASecond, RefusesTheFourthAtOnceAndAppliesNone) {
  const auto channel = ConnectAndChangeThrice();
  const uint64_t token = Register(*channel, Subscribed("t3")).statement_token;
  Advance(absl::Milliseconds(400));
  TestStatement fourth = Subscribed("t4");
  const RegisterResult result =
      Register(*channel, fourth.Consumer("another").Producer("pay"));
  EXPECT_EQ(result.outcome, Outcome::kTooManyChanges);
  EXPECT_EQ(result.try_again_at, now_ + absl::Milliseconds(600));
  EXPECT_TRUE(table_.FindSubscription("orders", "t3").has_value());
  EXPECT_FALSE(table_.FindSubscription("orders", "t4").has_value());
  EXPECT_FALSE(table_.FindConsumerGroup("another").has_value());
  EXPECT_FALSE(table_.FindProducerGroup("pay").has_value());
  EXPECT_EQ(channel->last_heard(), now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
}

TEST_F(ATableThatTakesOneChangeASecond, TakesTheNextAfterASecondAndNotBefore) {
  const auto channel = ConnectAndChangeThrice();
  Advance(absl::Seconds(1) - kMoment);
  EXPECT_EQ(Register(*channel, Subscribed("t4")).outcome,
            Outcome::kTooManyChanges);
  Advance(kMoment);
  EXPECT_EQ(Register(*channel, Subscribed("t4")).outcome, Outcome::kRegistered);
}

TEST_F(ATableThatTakesOneChangeASecond, TakesAnUnchangedStatementAtAnyTime) {
  const auto channel = ConnectAndChangeThrice();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Register(*channel, Subscribed("t3")).outcome,
              Outcome::kRegistered);
  }
}

TEST_F(ATableThatTakesOneChangeASecond, CountsJoiningAndLeavingGroupsAsNone) {
  const auto channel = ConnectAndChangeThrice();
  for (int i = 0; i < 10; ++i) {
    TestStatement more = Subscribed("t3");
    EXPECT_EQ(
        Register(*channel, more.Consumer("audit").Producer("pay")).outcome,
        Outcome::kRegistered);
    table_.Unregister(*channel, "c1", {"pay"}, {"audit"}, now_);
    EXPECT_EQ(Register(*channel, Subscribed("t3")).outcome,
              Outcome::kRegistered);
  }
}

TEST_F(ATableThatTakesOneChangeASecond, CountsAllOfOneHeartbeatAsOne) {
  const auto channel = OpenStream();
  const auto state = [&](const std::string& topic) {
    return Register(*channel, TestStatement("c1")
                                  .Consumer("a", {{topic}})
                                  .Consumer("b", {{topic}}))
        .outcome;
  };
  for (const char* topic : {"t0", "t1", "t2", "t3"}) {
    EXPECT_EQ(state(topic), Outcome::kRegistered);
  }
  EXPECT_EQ(state("t4"), Outcome::kTooManyChanges);
}

TEST_F(ATableThatTakesOneChangeASecond, CountsAChangeOfModes) {
  const auto channel = ConnectAndChangeThrice();
  EXPECT_EQ(
      Register(*channel, Subscribed("t3").Model(MessageModel::kBroadcasting))
          .outcome,
      Outcome::kTooManyChanges);
}

TEST_F(ATableThatTakesOneChangeASecond, LimitsEachChannelByItself) {
  ConnectAndChangeThrice();
  const auto other = Connect(TestStatement("c2").Consumer("orders", {{"t0"}}));
  EXPECT_EQ(Register(*other, TestStatement("c2").Consumer("orders", {{"t1"}}))
                .outcome,
            Outcome::kRegistered);
}

TEST_F(ATableThatTakesOneChangeASecond, RemembersNothingOfAnOldChange) {
  const auto channel = ConnectAndChangeThrice();
  Advance(kExpiry);
  Scan();
  for (const char* topic : {"t4", "t5", "t6"}) {
    EXPECT_EQ(Register(*channel, Subscribed(topic)).outcome,
              Outcome::kRegistered);
  }
  EXPECT_EQ(Register(*channel, Subscribed("t7")).outcome,
            Outcome::kTooManyChanges);
}

TEST_F(HeartbeatTest, WithoutALimitAStatementChangesAtAnyTime) {
  const auto channel = OpenStream();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Register(*channel, TestStatement("c1").Consumer(
                                     "orders", {{absl::StrCat("t", i)}}))
                  .outcome,
              Outcome::kRegistered);
  }
}

}  // namespace
}  // namespace rmq
