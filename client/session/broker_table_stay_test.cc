// Brokers that are not listed any more, and at which the client is online.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/session/broker_table.h"
#include "client/session/broker_table_testing.h"
#include "client/session/unlisted_stay.h"
#include "client/testing/fake_broker_stub.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Its half ends before the second heartbeat, which nobody answers here.
constexpr absl::Duration kStay = absl::Milliseconds(1800);

class BrokerTableStayTest : public BrokerTableTest {
 protected:
  // Online at both brokers, the first of which is not listed any more.
  void Unlist(absl::Duration stay = kStay) {
    table_->SetBrokers({kA, kB}, stay);
    table_->SetStatement(ProducerAndConsumer());
    BringOnline(kA);
    BringOnline(kB);
    table_->SetBrokers({kB}, stay);
  }
  void UnlistForAsLongAsItAnswers() { Unlist(absl::InfiniteDuration()); }
  void ListBoth() { table_->SetBrokers({kA, kB}, absl::InfiniteDuration()); }

  // Lets time pass, in which `broker` answers each heartbeat.
  void Answer(const BrokerEntry& broker, absl::Duration duration) {
    const absl::Time end = loop_.Now() + duration;
    while (loop_.Now() < end) {
      loop_.Advance(std::min(end - loop_.Now(), absl::Seconds(1)));
      if (!call(broker.address).writing()) continue;
      call(broker.address).CompleteWrite();
      Take(broker, /*incarnation=*/0);
    }
  }

  // Two seconds later: whether the client has listed members at `broker`.
  bool ListsMembersAt(const BrokerEntry& broker) {
    FakeCall& stream = call(broker.address);
    for (int i = 0; i < 2; ++i) {
      loop_.Advance(absl::Seconds(1));
      while (stream.writing()) stream.CompleteWrite();
    }
    return std::any_of(stream.written().begin(), stream.written().end(),
                       [](const v1::ClientFrame& frame) {
                         return frame.has_get_consumer_list_by_group();
                       });
  }

  // The broker sends the client away.
  void SendAway(const BrokerEntry& broker, EndReason reason,
                absl::Duration retry_after) {
    call(broker.address)
        .Finish(absl::UnavailableError("go"), reason, retry_after);
    loop_.RunPosted();
  }
};

TEST_F(BrokerTableStayTest, TheClientStaysOnlineUntilItIsToldToGo) {
  Unlist();
  EXPECT_THAT(call("a:1").written(), SizeIs(1));
  EXPECT_EQ(StateOf(kA), BrokerState::kOnline);
  EXPECT_THAT(Addresses(), ElementsAre("b:1", "a:1"));
  EXPECT_NE(table_->FindStub("a:1"), nullptr);
  End(kA, EndReason::kDrained);
  loop_.RunPosted();
  EXPECT_EQ(StateOf(kA), BrokerState::kStopped);
  EXPECT_THAT(Addresses(), ElementsAre("b:1"));
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls("a:1"), 1u);
}

TEST_F(BrokerTableStayTest, ABrokerThatAnswersIsNotLeftThoughNothingListsIt) {
  UnlistForAsLongAsItAnswers();
  Answer(kA, absl::Hours(2));
  EXPECT_EQ(StateOf(kA), BrokerState::kOnline);
  EXPECT_THAT(Addresses(), ElementsAre("b:1", "a:1"));
  EXPECT_EQ(calls("a:1"), 1u);
}

TEST_F(BrokerTableStayTest, AClientThatIsCutOffComesBackToABrokerThatAnswers) {
  UnlistForAsLongAsItAnswers();
  call("a:1").Finish(absl::UnavailableError("connection reset"));
  loop_.RunPosted();
  table_->SetBrokers({kB}, absl::InfiniteDuration());
  EXPECT_EQ(StateOf(kA), BrokerState::kBackoff);
  loop_.Advance(absl::Milliseconds(100));
  BringOnline(kA);
  Answer(kA, 2 * UnlistedStay::kCutOffTime);
  EXPECT_EQ(StateOf(kA), BrokerState::kOnline);
  EXPECT_EQ(calls("a:1"), 2u);
}

TEST_F(BrokerTableStayTest, AClientThatIsCutOffTriesForAMinute) {
  UnlistForAsLongAsItAnswers();
  call("a:1").Finish(absl::UnavailableError("connection reset"));
  loop_.RunPosted();
  loop_.Advance(UnlistedStay::kCutOffTime - absl::Milliseconds(1));
  EXPECT_THAT(Addresses(), ElementsAre("b:1", "a:1"));
  EXPECT_GT(calls("a:1"), 1u);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Addresses(), ElementsAre("b:1"));
  const size_t tried = calls("a:1");
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls("a:1"), tried);
}

TEST_F(BrokerTableStayTest, ABrokerThatIsFullIsTriedUntilItDoesNotAnswer) {
  UnlistForAsLongAsItAnswers();
  for (absl::Duration passed; passed < 2 * UnlistedStay::kCutOffTime;
       passed += absl::Seconds(1)) {
    if (!call("a:1").cancelled()) {
      call("a:1").Finish(absl::ResourceExhaustedError("too many channels"));
    }
    loop_.Advance(absl::Seconds(1));
  }
  EXPECT_THAT(Addresses(), ElementsAre("b:1", "a:1"));
  loop_.Advance(2 * UnlistedStay::kCutOffTime);
  EXPECT_THAT(Addresses(), ElementsAre("b:1"));
}

// As a broker that has just started does while all its clients come back.
TEST_F(BrokerTableStayTest, ABrokerThatIsTooBusyForTheStatementIsNotLeft) {
  UnlistForAsLongAsItAnswers();
  call("a:1").Finish(absl::UnavailableError("connection reset"));
  loop_.Advance(absl::Milliseconds(100));
  call("a:1").CompleteStart();
  for (absl::Duration passed; passed < 2 * UnlistedStay::kCutOffTime;
       passed += absl::Seconds(1)) {
    if (call("a:1").writing()) {
      call("a:1").CompleteWrite();
      v1::BrokerFrame refusal;
      refusal.mutable_reply()->set_request_id(
          call("a:1").written().back().request_id());
      refusal.mutable_reply()->mutable_status()->set_code(
          static_cast<int>(absl::StatusCode::kResourceExhausted));
      call("a:1").Deliver(refusal);
    }
    loop_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(calls("a:1"), 2u);
  EXPECT_EQ(StateOf(kA), BrokerState::kStating);
}

TEST_F(BrokerTableStayTest, WhoComesBackToABrokerThatDrainsIsNotKept) {
  UnlistForAsLongAsItAnswers();
  call("a:1").Finish(absl::UnavailableError("connection reset"));
  loop_.Advance(absl::Milliseconds(100));
  ASSERT_EQ(calls("a:1"), 2u);
  SendAway(kA, EndReason::kDrained, absl::Seconds(10));
  EXPECT_THAT(Addresses(), ElementsAre("b:1"));
}

// ---- When the client comes back to a broker that it has left.

TEST_F(BrokerTableStayTest, ADrainedClientWaitsThoughTheBrokerIsListedEarlier) {
  UnlistForAsLongAsItAnswers();
  SendAway(kA, EndReason::kDrained, absl::Seconds(10));
  EXPECT_THAT(Addresses(), ElementsAre("b:1"));
  loop_.Advance(absl::Seconds(2));
  ListBoth();
  EXPECT_EQ(StateOf(kA), BrokerState::kBackoff);
  EXPECT_EQ(table_->Health()[0].last_end, EndReason::kDrained);
  // random is 0: the spread adds nothing.
  loop_.Advance(absl::Seconds(8) - absl::Milliseconds(1));
  EXPECT_EQ(calls("a:1"), 0u);  // Of the new stub.
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls("a:1"), 1u);
  BringOnline(kA);
  EXPECT_EQ(StateOf(kA), BrokerState::kOnline);
}

TEST_F(BrokerTableStayTest, ADrainedClientWaitsAtTheBrokersNewAddressToo) {
  const BrokerEntry moved = {kA.name, kA.id, "a:9"};
  UnlistForAsLongAsItAnswers();
  SendAway(kA, EndReason::kDrained, absl::Seconds(10));
  table_->SetBrokers({moved, kB}, absl::InfiniteDuration());
  EXPECT_EQ(calls("a:9"), 0u);
  loop_.Advance(absl::Seconds(10));
  EXPECT_EQ(calls("a:9"), 1u);
}

TEST_F(BrokerTableStayTest, ADrainedClientWaitsIfTheAddressChangesInOneList) {
  const BrokerEntry moved = {kA.name, kA.id, "a:9"};
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  BringOnline(kA);
  SendAway(kA, EndReason::kDrained, absl::Seconds(10));
  table_->SetBrokers({moved});
  EXPECT_EQ(calls("a:9"), 0u);
  loop_.Advance(absl::Seconds(10));
  EXPECT_EQ(calls("a:9"), 1u);
}

TEST_F(BrokerTableStayTest, DrainedClientsDoNotAllComeWhenTheBrokerIsListed) {
  UnlistForAsLongAsItAnswers();
  SendAway(kA, EndReason::kDrained, absl::Seconds(10));
  loop_.Advance(absl::Minutes(1));
  random_ = 0.75;
  ListBoth();
  loop_.Advance(absl::Milliseconds(749));
  EXPECT_EQ(calls("a:1"), 0u);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls("a:1"), 1u);
}

TEST_F(BrokerTableStayTest, ADrainedClientWithoutAGroupWaitsToo) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  BringOnline(kA);
  SendAway(kA, EndReason::kDrained, absl::Seconds(10));
  table_->SetStatement(nullptr);
  table_->SetBrokers({});
  loop_.RunPosted();
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  EXPECT_EQ(calls("a:1"), 0u);  // Of the new stub.
  loop_.Advance(absl::Seconds(10));
  EXPECT_EQ(calls("a:1"), 1u);
}

TEST_F(BrokerTableStayTest, ABrokerThatWasLeftWithoutAWordIsJoinedAtOnce) {
  UnlistForAsLongAsItAnswers();
  call("a:1").Finish(absl::UnavailableError("connection reset"));
  loop_.RunPosted();
  loop_.Advance(absl::Hours(1));
  random_ = 0.75;
  ListBoth();
  EXPECT_EQ(calls("a:1"), 1u);
}

TEST_F(BrokerTableStayTest, AKickThatIsOverIsNotWaitedFor) {
  UnlistForAsLongAsItAnswers();
  SendAway(kA, EndReason::kKicked, absl::Minutes(10));
  loop_.Advance(absl::Minutes(10));
  random_ = 0.75;
  ListBoth();
  EXPECT_EQ(calls("a:1"), 1u);
}

TEST_F(BrokerTableStayTest, AKickedClientWaitsAsLongAsItWasTold) {
  UnlistForAsLongAsItAnswers();
  SendAway(kA, EndReason::kKicked, absl::Minutes(10));
  EXPECT_THAT(Addresses(), ElementsAre("b:1"));
  ListBoth();
  EXPECT_EQ(StateOf(kA), BrokerState::kKicked);
  EXPECT_EQ(calls("a:1"), 0u);
  loop_.Advance(absl::Minutes(10));
  EXPECT_EQ(calls("a:1"), 1u);
}

TEST_F(BrokerTableStayTest, AClientThatWaitsMayBeToldToReconnect) {
  UnlistForAsLongAsItAnswers();
  SendAway(kA, EndReason::kDrained, absl::Seconds(10));
  ListBoth();
  EXPECT_EQ(calls("a:1"), 0u);
  EXPECT_TRUE(table_->Reconnect("a:1"));
  EXPECT_EQ(calls("a:1"), 1u);
}

TEST_F(BrokerTableStayTest, MembersThatAreWantedAreWantedAgainAfterARestart) {
  UnlistForAsLongAsItAnswers();
  table_->WantMembers("a:1", "orders");
  SendAway(kA, EndReason::kDrained, absl::Seconds(10));
  ListBoth();
  loop_.Advance(absl::Seconds(10));
  BringOnline(kA);
  EXPECT_TRUE(ListsMembersAt(kA));
}

TEST_F(BrokerTableStayTest, AGroupThatTheClientLeftMeanwhileIsWantedNoMore) {
  UnlistForAsLongAsItAnswers();
  table_->WantMembers("a:1", "orders");
  SendAway(kA, EndReason::kDrained, absl::Seconds(10));
  table_->SetStatement(Producer());
  table_->SetStatement(ProducerAndConsumer());
  ListBoth();
  loop_.Advance(absl::Seconds(10));
  BringOnline(kA);
  EXPECT_FALSE(ListsMembersAt(kA));
}

TEST_F(BrokerTableStayTest, ABrokerIsWaitedForAfterTheClientLeftTheGroupToo) {
  UnlistForAsLongAsItAnswers();
  table_->WantMembers("a:1", "orders");
  SendAway(kA, EndReason::kKicked, absl::Minutes(10));
  table_->SetStatement(nullptr);
  table_->SetStatement(Producer());
  ListBoth();
  EXPECT_EQ(StateOf(kA), BrokerState::kKicked);
  EXPECT_EQ(calls("a:1"), 0u);
}

TEST_F(BrokerTableStayTest, AGroupThatTheClientHasLeftCannotBeWanted) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->WantMembers("a:1", "orders");
  table_->SetStatement(ProducerAndConsumer());
  loop_.Advance(absl::Milliseconds(100));
  call("a:1").CompleteWrite();
  Take(kA, /*incarnation=*/0);
  EXPECT_FALSE(ListsMembersAt(kA));
}

TEST_F(BrokerTableStayTest, TheOnlyGroupCannotBeWantedOnceItIsLeft) {
  table_->SetBrokers({kA});
  table_->SetStatement(ProducerAndConsumer());
  table_->SetStatement(nullptr);
  table_->WantMembers("a:1", "orders");
  table_->SetStatement(ProducerAndConsumer());
  BringOnline(kA);
  EXPECT_FALSE(ListsMembersAt(kA));
}

TEST_F(BrokerTableStayTest, AGroupCanBeWantedBeforeTheFirstStatement) {
  table_->SetBrokers({kA});
  table_->WantMembers("a:1", "orders");
  table_->SetStatement(ProducerAndConsumer());
  BringOnline(kA);
  EXPECT_TRUE(ListsMembersAt(kA));
}

// ---- A stay with an end.

TEST_F(BrokerTableStayTest, TheClientLeavesAfterHalfOfTheStayOrMore) {
  Unlist();  // random is 0: after half.
  table_->SetBrokers({kB}, kStay);
  loop_.Advance(kStay / 2 - absl::Milliseconds(1));
  table_->SetBrokers({kB}, kStay);  // Draws no other time.
  EXPECT_EQ(StateOf(kA), BrokerState::kOnline);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(StateOf(kA), BrokerState::kLeaving);
  EXPECT_TRUE(call("a:1").written().back().has_unregister_client());
  LetGo("a:1", absl::OkStatus());
  loop_.RunPosted();
  EXPECT_THAT(Addresses(), ElementsAre("b:1"));
}

TEST_F(BrokerTableStayTest, ABrokerThatIsListedAgainIsNotLeft) {
  Unlist();
  table_->SetBrokers({kA, kB}, kStay);
  loop_.Advance(kStay / 2);
  EXPECT_EQ(StateOf(kA), BrokerState::kOnline);
  EXPECT_THAT(Addresses(), ElementsAre("a:1", "b:1"));
}

TEST_F(BrokerTableStayTest, WhoIsNotOnlineLeavesAtOnce) {
  table_->SetBrokers({kA, kB}, kStay);
  table_->SetStatement(Producer());
  Let(kA);
  table_->SetBrokers({kB}, kStay);
  EXPECT_EQ(StateOf(kA), BrokerState::kLeaving);
}

TEST_F(BrokerTableStayTest, ABrokerThatMovedIsLeftAtOnce) {
  table_->SetBrokers({kA}, kStay);
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->SetBrokers({{"broker-a", 0, "a:9"}}, kStay);
  EXPECT_EQ(StateOf(kA), BrokerState::kLeaving);
}

TEST_F(BrokerTableStayTest, WithoutAStayTheClientLeavesAtOnce) {
  Unlist();
  table_->SetBrokers({kB});
  EXPECT_EQ(StateOf(kA), BrokerState::kLeaving);
}

TEST_F(BrokerTableStayTest, NoMoreThanTheMostBrokersAreStayedWith) {
  std::vector<BrokerEntry> brokers;
  for (size_t i = 0; i < kMaxBrokers; ++i) {
    brokers.push_back({absl::StrCat("b", i), 0, absl::StrCat("b:", i + 1)});
  }
  table_->SetStatement(Producer());
  table_->SetBrokers(brokers, kStay);
  for (const BrokerEntry& broker : brokers) BringOnline(broker);
  std::vector<BrokerEntry> others;
  for (size_t i = 0; i < kMaxBrokers; ++i) {
    others.push_back({absl::StrCat("c", i), 0, absl::StrCat("c:", i + 1)});
  }
  table_->SetBrokers(others, kStay);
  for (const BrokerEntry& broker : others) BringOnline(broker);
  EXPECT_THAT(Addresses(), SizeIs(2 * kMaxBrokers));
  table_->SetBrokers({kA}, kStay);
  loop_.RunPosted();
  EXPECT_THAT(Addresses(), SizeIs(1 + kMaxBrokers));
}

TEST_F(BrokerTableStayTest, AShutdownEndsAStay) {
  Unlist();
  table_->Shutdown();
  EXPECT_EQ(StateOf(kA), BrokerState::kLeaving);
  loop_.Advance(absl::Hours(1));
  EXPECT_THAT(observer_.stopped, SizeIs(1));
}

}  // namespace
}  // namespace rmq
