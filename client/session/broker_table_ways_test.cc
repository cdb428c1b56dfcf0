// Several addresses that lead to one broker.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/session/broker_session.h"
#include "client/session/broker_stub.h"
#include "client/session/broker_table.h"
#include "client/session/broker_table_testing.h"
#include "client/testing/fake_broker_stub.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;

// ---- Several ways to one broker.

TEST_F(BrokerTableTest, TheStreamsOfAllBrokersAreNumberedInOneRow) {
  table_->SetBrokers({kA, kB});
  table_->SetStatement(Producer());
  BringOnline(kB);
  BringOnline(kA);
  End(kB);
  loop_.Advance(absl::Milliseconds(100));
  BringOnline(kB);
  const auto number = [this](const std::string& address, size_t nth) {
    return stub(address).calls()[nth]->written()[0].heartbeat().stream_number();
  };
  EXPECT_EQ(number("a:1", 0), 1u);
  EXPECT_EQ(number("b:1", 0), 2u);
  EXPECT_EQ(number("b:1", 1), 3u);
}

TEST_F(BrokerTableTest, ABrokerThatIsListedAnewGoesOnWithTheNumbers) {
  table_->SetBrokers({kA});
  table_->SetStatement(Producer());
  BringOnline(kA);
  table_->SetBrokers({});
  LetGo("a:1", absl::OkStatus());
  table_->SetBrokers({kA});
  BringOnline(kA);
  EXPECT_EQ(call("a:1").written()[0].heartbeat().stream_number(), 2u);
}

TEST_F(BrokerTableTest, OfTwoWaysToABrokerTheReplacedOneIsKeptInReserve) {
  TakeTheSecondWay();
  loop_.Advance(absl::Seconds(1));
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(calls("way:1"), 1u);
  EXPECT_EQ(calls("way:2"), 1u);
}

TEST_F(BrokerTableTest, AWayMayEndBeforeTheOtherIsAnswered) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  Take(kWay2, 1);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AWayMayEndBeforeItIsAnsweredItself) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  Let(kWay2);
  Take(kWay2, 1);
  Let(kWay1);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(calls("way:1"), 1u);
  End(kWay2);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
}

TEST_F(BrokerTableTest, AWayWhoseSuccessorEndedUnansweredTakesOver) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  End(kWay2);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
}

TEST_F(BrokerTableTest, AWayIsReplacedIfTheOtherTurnsOutToLeadElsewhere) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  Take(kWay2, 2);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReplaced);
}

TEST_F(BrokerTableTest, ABrokerOfTheSameNameIsNoOtherWay) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  Take(kWay2, 2);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReplaced);
}

TEST_F(BrokerTableTest, AReserveTakesOverAtOnceWhenTheOtherWayEnds) {
  TakeTheSecondWay();
  End(kWay2);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
  Let(kWay1);
  Take(kWay1, 1);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AReserveTakesOverWhenTheOtherWayIsListedNoLonger) {
  TakeTheSecondWay();
  table_->SetBrokers({kWay1});
  loop_.RunPosted();
  EXPECT_EQ(StateOf(kWay2), BrokerState::kLeaving);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
  // The broker may end the stream of one that leaves as replaced.
  End(kWay2, EndReason::kReplaced);
  Let(kWay1);
  Take(kWay1, 1);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kOnline);
  EXPECT_THAT(Addresses(), ElementsAre("way:1"));
}

TEST_F(BrokerTableTest, AReserveTakesOverWhenTheOtherWayIsCutOff) {
  TakeTheSecondWay();
  loop_.Advance(absl::Seconds(1));  // A heartbeat that is not answered.
  loop_.Advance(absl::Seconds(3));
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
}

TEST_F(BrokerTableTest, AReserveTakesOverWhenTheOtherWayIsNotForProducers) {
  TakeTheSecondWay();
  table_->SetBrokers({kWay1, {"broker-a", 1, "way:2"}});
  table_->SetStatement(Producer());
  loop_.RunPosted();
  EXPECT_EQ(StateOf(kWay2), BrokerState::kLeaving);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kConnecting);
  Let(kWay1);
  Take(kWay1, 1);
  End(kWay2, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kIdle);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AWayThatComesBackPutsTheOtherInReserve) {
  TakeTheSecondWay();
  End(kWay2);
  Let(kWay1);
  Take(kWay1, 1);
  loop_.Advance(absl::Milliseconds(100));
  Let(kWay2);
  End(kWay1, EndReason::kReplaced);
  Take(kWay2, 1);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
  loop_.Advance(absl::Milliseconds(500));
  EXPECT_EQ(calls("way:1"), 2u);
  EXPECT_EQ(calls("way:2"), 2u);
}

TEST_F(BrokerTableTest, AReserveComesBackToABrokerThatRestarted) {
  TakeTheSecondWay();
  End(kWay2);
  End(kWay1);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kBackoff);
  loop_.Advance(absl::Milliseconds(200));
  Let(kWay1);
  Take(kWay1, 2);
  Let(kWay2);
  End(kWay1, EndReason::kReplaced);
  Take(kWay2, 2);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AReserveThatLeadsToAnotherBrokerByNowIsOnlineThere) {
  TakeTheSecondWay();
  for (int s = 0; StateOf(kWay1) == BrokerState::kReserve; ++s) {
    ASSERT_LE(s, absl::ToInt64Seconds(BrokerSession::kReserveTime));
    loop_.Advance(absl::Seconds(1));
    if (!call("way:2").writing()) continue;
    call("way:2").CompleteWrite();
    Take(kWay2, 1);
  }
  Let(kWay1);
  Take(kWay1, 2);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kOnline);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, OfThreeWaysTwoAreInReserveAndBothTakeOver) {
  table_->SetBrokers({kWay1, kWay2, kWay3});
  table_->SetStatement(Producer());
  for (const BrokerEntry& way : {kWay1, kWay2, kWay3}) {
    Let(way);
    Take(way, 1);
  }
  End(kWay1, EndReason::kReplaced);
  End(kWay2, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kReserve);
  End(kWay3);
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  Take(kWay2, 1);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AReserveIsReplacedWithTheOtherWay) {
  TakeTheSecondWay();
  End(kWay2, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReplaced);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kReplaced);
}

TEST_F(BrokerTableTest, AReserveIsKickedWithTheOtherWay) {
  TakeTheSecondWay();
  End(kWay2, EndReason::kKicked);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kKicked);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kKicked);
}

TEST_F(BrokerTableTest, AReserveIsKickedForTheTimeOfTheOtherWay) {
  TakeTheSecondWay();
  call("way:2").Finish(absl::PermissionDeniedError("KICKED"),
                       EndReason::kKicked, absl::Minutes(10));
  loop_.RunPosted();
  EXPECT_EQ(StateOf(kWay1), BrokerState::kKicked);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kKicked);
  loop_.Advance(absl::Minutes(10) - absl::Milliseconds(1));
  EXPECT_EQ(calls("way:1") + calls("way:2"), 2u);
  loop_.Advance(absl::Milliseconds(1));
  // Both come back, and the broker keeps the one that comes last.
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  Take(kWay2, 1);
  End(kWay1, EndReason::kReplaced);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kOnline);
}

TEST_F(BrokerTableTest, AReserveIsNotDisturbedByAnotherBroker) {
  TakeTheSecondWay();
  table_->SetBrokers({kWay1, kWay2, kB});
  Let(kB);
  Take(kB, 5);
  End(kB);
  loop_.Advance(absl::Milliseconds(100));
  End(kB, EndReason::kKicked);
  EXPECT_EQ(StateOf(kWay1), BrokerState::kReserve);
  EXPECT_EQ(calls("way:1"), 1u);
}

TEST_F(BrokerTableTest, WaysToAnOlderBrokerSettleToo) {
  table_->SetBrokers({kWay1, kWay2});
  table_->SetStatement(Producer());
  const BrokerEntry* old = &kWay1;
  const BrokerEntry* current = &kWay2;
  Let(kWay1);
  Take(kWay1, 1);
  Let(kWay2);
  Take(kWay2, 1);
  // It keeps the stream that came last, and does not say why the other ends.
  int ends = 0;
  for (; StateOf(*old) != BrokerState::kReserve; std::swap(old, current)) {
    ASSERT_LT(++ends, 10);
    End(*old);
    if (StateOf(*old) == BrokerState::kReserve) break;
    loop_.Advance(absl::Milliseconds(100));
    Let(*old);
    Take(*old, 1);
  }
  EXPECT_EQ(ends, 5);
  EXPECT_EQ(StateOf(*current), BrokerState::kOnline);
  call(current->address).Finish(absl::UnavailableError("broken"));
  loop_.RunPosted();
  EXPECT_EQ(StateOf(*old), BrokerState::kConnecting);
}

TEST_F(BrokerTableTest, ShutdownWithAReserveIsOverWhenTheOtherWayLetsGo) {
  TakeTheSecondWay();
  table_->Shutdown();
  EXPECT_EQ(StateOf(kWay1), BrokerState::kStopped);
  LetGo("way:2", absl::OkStatus());
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
  EXPECT_EQ(calls("way:1"), 1u);
}

TEST_F(BrokerTableTest, WithoutAGroupNoReserveTakesOver) {
  TakeTheSecondWay();
  table_->SetStatement(nullptr);
  LetGo("way:2", absl::OkStatus());
  EXPECT_EQ(StateOf(kWay1), BrokerState::kIdle);
  EXPECT_EQ(StateOf(kWay2), BrokerState::kIdle);
  EXPECT_EQ(calls("way:1"), 1u);
}

// A broker behind several ways, each of which may break and delays what it
// carries for as long as it likes: the next thing that happens is drawn.
class SeveralWaysTest : public BrokerTableTest,
                        public ::testing::WithParamInterface<int> {
 protected:
  static constexpr int kWays = 3;

  // One stream, and what is on the way to either side.
  struct Link {
    std::shared_ptr<FakeCall> call;
    int way = 0;
    bool started = false;
    size_t heard = 0;  // Frames that the broker has read.
    uint64_t number = 0;
    bool stands = false;  // At the broker.
    std::deque<v1::BrokerFrame> replies;
    bool replaced = false;  // Told after the replies.
  };

  static BrokerEntry Way(int way) {
    return {"", 0, absl::StrCat("way:", way + 1)};
  }

  void FindNewStreams() {
    for (int way = 0; way < kWays; ++way) {
      const auto& all = stub(Way(way).address).calls();
      for (; seen_[way] < all.size(); ++seen_[way]) {
        links_.emplace_back();
        links_.back().call = all[seen_[way]];
        links_.back().way = way;
      }
    }
  }

  void Hear(Link* link) {
    const v1::ClientFrame& frame = link->call->written()[link->heard++];
    v1::BrokerFrame answer;
    answer.mutable_reply()->set_request_id(frame.request_id());
    if (frame.heartbeat().statement_token() == 0 && !link->stands) {
      link->number = frame.heartbeat().stream_number();
      for (Link& other : links_) {
        if (!other.stands) continue;
        if (other.number > link->number) {
          link->replaced = true;
          return;
        }
        other.stands = false;
        other.replaced = true;
      }
      link->stands = true;
    }
    v1::HeartbeatResponse& response =
        *answer.mutable_reply()->mutable_heartbeat();
    response.set_broker_name("broker");
    response.set_broker_incarnation(1);
    response.set_statement_token(1);
    response.add_features(v1::FEATURE_END_REASON);
    link->replies.push_back(answer);
  }

  // All that can happen now.
  std::vector<std::function<void()>> Choices() {
    std::vector<std::function<void()>> choices;
    for (Link& link : links_) {
      if (link.call->cancelled()) {
        link.stands = false;
        continue;
      }
      if (!link.started) {
        choices.push_back([&link] {
          link.started = true;
          link.call->CompleteStart();
        });
      }
      if (link.call->writing()) {
        choices.push_back([&link] { link.call->CompleteWrite(); });
      }
      if (link.heard < link.call->written().size() && !link.replaced) {
        choices.push_back([this, &link] { Hear(&link); });
      }
      if (!link.replies.empty()) {
        choices.push_back([&link] {
          const v1::BrokerFrame reply = link.replies.front();
          link.replies.pop_front();
          link.call->Deliver(reply);
        });
      } else if (link.replaced) {
        choices.push_back([&link] {
          link.call->Finish(absl::AbortedError("REPLACED"),
                            EndReason::kReplaced);
        });
      }
    }
    return choices;
  }

  void Run(absl::Duration duration, bool breaks) {
    for (const absl::Time end = loop_.Now() + duration; loop_.Now() < end;) {
      FindNewStreams();
      auto choices = Choices();
      if (breaks) {
        for (Link& link : links_) {
          if (link.call->cancelled() || absl::Bernoulli(draws_, 0.9)) continue;
          choices.push_back([&link] {
            link.stands = false;
            link.call->Finish(absl::UnavailableError("broken"));
          });
        }
      }
      // Time passes also while there is something to do, and now and then much.
      if (choices.empty() || absl::Bernoulli(draws_, 0.2)) {
        loop_.Advance(absl::Milliseconds(absl::Uniform(draws_, 1, 20)));
      } else {
        choices[absl::Uniform<size_t>(draws_, 0, choices.size())]();
      }
      if (absl::Bernoulli(draws_, 0.5)) loop_.RunPosted();
    }
    loop_.RunPosted();
  }

  std::mt19937 draws_{static_cast<uint32_t>(GetParam())};
  std::list<Link> links_;  // Choices hold addresses.
  size_t seen_[kWays] = {};
};

TEST_P(SeveralWaysTest, InTheEndOneWayIsOnlineAndTheOthersAreInReserve) {
  std::vector<BrokerEntry> ways;
  for (int way = 0; way < kWays; ++way) ways.push_back(Way(way));
  table_->SetBrokers(ways);
  table_->SetStatement(ProducerAndConsumer());
  Run(absl::Seconds(5), /*breaks=*/true);
  Run(absl::Seconds(10), /*breaks=*/false);
  FindNewStreams();
  const size_t streams = links_.size();
  Run(absl::Seconds(10), /*breaks=*/false);
  std::vector<BrokerState> states;
  for (const BrokerEntry& way : ways) states.push_back(StateOf(way));
  EXPECT_THAT(states, ::testing::UnorderedElementsAre(BrokerState::kOnline,
                                                      BrokerState::kReserve,
                                                      BrokerState::kReserve));
  FindNewStreams();
  EXPECT_EQ(links_.size(), streams);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SeveralWaysTest, ::testing::Range(0, 20));

}  // namespace
}  // namespace rmq
