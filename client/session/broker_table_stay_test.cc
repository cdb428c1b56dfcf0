// Brokers that are not listed any more, and at which the client is online.
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/session/broker_table.h"
#include "client/session/broker_table_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Its half ends before the second heartbeat, which nobody answers here.
constexpr absl::Duration kStay = absl::Milliseconds(1800);

class BrokerTableStayTest : public BrokerTableTest {
 protected:
  // Online at both brokers, the first of which is not listed any more.
  void Unlist() {
    table_->SetBrokers({kA, kB}, kStay);
    table_->SetStatement(ProducerAndConsumer());
    BringOnline(kA);
    BringOnline(kB);
    table_->SetBrokers({kB}, kStay);
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

TEST_F(BrokerTableStayTest, ABrokerThatDiesMeanwhileIsNotTriedAgain) {
  Unlist();
  call("a:1").Finish(absl::UnavailableError("connection reset"));
  loop_.RunPosted();
  EXPECT_THAT(Addresses(), ElementsAre("b:1"));
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls("a:1"), 1u);
}

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
