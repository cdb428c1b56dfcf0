#include "client/watch/watched_brokers.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/session/unlisted_stay.h"
#include "client/testing/manual_event_loop.h"
#include "client/watch/fake_watch_stub.h"
#include "client/watch/watch_session.h"
#include "client/watch/watch_stub.h"
#include "client/watch/watched_event.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::WatchResponse Snapshot(uint64_t revision) {
  v1::WatchResponse response;
  response.mutable_snapshot()->set_last(true);
  response.mutable_snapshot()->set_revision(revision);
  return response;
}

v1::WatchResponse Joined(uint64_t revision) {
  v1::WatchResponse response;
  v1::WatchEvent* const event = response.mutable_event();
  event->set_revision(revision);
  event->set_type(v1::WatchEvent::TYPE_CLIENT_REGISTER);
  event->set_kind(v1::GROUP_KIND_CONSUMER);
  event->set_group("orders");
  event->set_client_id("c");
  event->set_channel_id(revision);
  return response;
}

// The stubs outlive the watches, as the test asks them.
class SharedStub final : public WatchStub {
 public:
  explicit SharedStub(std::shared_ptr<FakeWatchStub> stub)
      : stub_(std::move(stub)) {}
  std::unique_ptr<WatchStream> NewStream(
      WatchStream::Reactor* reactor) override {
    return stub_->NewStream(reactor);
  }

 private:
  const std::shared_ptr<FakeWatchStub> stub_;
};

class WatchedBrokersTest : public ::testing::Test,
                           private WatchedBrokers::Observer {
 protected:
  WatchedBrokersTest() {
    brokers_ = std::make_unique<WatchedBrokers>(
        WatchSession::Options(), &loop_,
        [this](const std::string& address) {
          std::shared_ptr<FakeWatchStub>& stub = stubs_[address];
          if (stub == nullptr) stub = std::make_shared<FakeWatchStub>();
          return std::make_unique<SharedStub>(stub);
        },
        static_cast<WatchedBrokers::Observer*>(this), [] { return 0.5; });
  }

  void List(const std::vector<std::string>& addresses) {
    std::vector<BrokerEntry> entries;
    for (const std::string& address : addresses) {
      entries.push_back({"", 0, address});
    }
    brokers_->SetBrokers(entries, stay_);
  }

  // The current call of the broker.
  FakeWatchCall& CallOf(const std::string& address) {
    return *stubs_.at(address)->calls().back();
  }
  size_t CallsOf(const std::string& address) {
    return stubs_.at(address)->calls().size();
  }

  // Lets time pass, in which the broker tells its progress, so that the call is
  // not silent.
  void Pass(const std::string& address, absl::Duration time) {
    for (absl::Duration passed; passed < time; passed += absl::Seconds(10)) {
      CallOf(address).Deliver(v1::WatchResponse());
      loop_.Advance(absl::Seconds(10));
    }
  }

  // What was told since the last call.
  std::vector<std::string> TakeTold() {
    return std::exchange(told_, std::vector<std::string>());
  }

  // The application handles what it was told, and has not done so until then.
  void HaveRoomAgain() {
    has_room_ = true;
    brokers_->OnRoom();
  }

  absl::Duration stay_ = absl::Minutes(30);
  bool has_room_ = true;
  ManualEventLoop loop_;
  std::map<std::string, std::shared_ptr<FakeWatchStub>> stubs_;
  std::unique_ptr<WatchedBrokers> brokers_;

 private:
  void OnBrokers(const std::vector<BrokerEntry>& brokers) override {
    told_.push_back(absl::StrCat(
        "brokers ",
        absl::StrJoin(brokers, ",", [](std::string* out, const auto& broker) {
          absl::StrAppend(out, broker.name, broker.name.empty() ? "" : "@",
                          broker.address);
        })));
  }
  void OnState(const std::string& broker, const WatchState& state) override {
    told_.push_back(
        absl::StrCat(broker, state.connected ? " connected" : " away"));
  }
  void OnSynced(const std::string& broker, const WatchPosition&) override {
    told_.push_back(absl::StrCat(broker, " synced"));
  }
  void OnEvent(const std::string& broker, const WatchedEvent& event) override {
    told_.push_back(absl::StrCat(broker, " event ", event.revision));
  }
  void OnGap(const std::string& broker, const WatchGap&) override {
    told_.push_back(absl::StrCat(broker, " gap"));
  }
  bool HasRoom() override { return has_room_; }

  std::vector<std::string> told_;
};

TEST_F(WatchedBrokersTest, EachBrokerOfTheListIsWatchedBesideTheOthers) {
  List({"h:1", "h:2"});
  CallOf("h:1").Deliver(Snapshot(5));
  CallOf("h:2").Deliver(Snapshot(7));
  CallOf("h:1").Deliver(Joined(6));
  EXPECT_THAT(TakeTold(),
              ElementsAre("brokers h:1,h:2", "h:1 connected", "h:1 synced",
                          "h:2 connected", "h:2 synced", "h:1 event 6"));
  EXPECT_EQ(brokers_->MembersAt("h:1")->MembersOf("orders", false).size(), 1);
  EXPECT_THAT(brokers_->MembersAt("h:2")->MembersOf("orders", false),
              IsEmpty());
}

TEST_F(WatchedBrokersTest, ABrokerThatComesIsWatchedAndTheOthersGoOn) {
  List({"h:1"});
  CallOf("h:1").Deliver(Snapshot(5));
  TakeTold();
  List({"h:2", "h:1"});
  EXPECT_THAT(TakeTold(), ElementsAre("brokers h:2,h:1"));
  EXPECT_EQ(CallsOf("h:1"), 1);
  EXPECT_FALSE(CallOf("h:1").cancelled());
  CallOf("h:2").Deliver(Snapshot(1));
  EXPECT_THAT(TakeTold(), ElementsAre("h:2 connected", "h:2 synced"));
}

TEST_F(WatchedBrokersTest, AnEqualListChangesNothing) {
  List({"h:1", "h:2"});
  TakeTold();
  List({"h:1", "h:2"});
  EXPECT_THAT(TakeTold(), IsEmpty());
  EXPECT_EQ(CallsOf("h:1"), 1);
}

TEST_F(WatchedBrokersTest, ABrokerThatGetsAnotherNameStaysAndIsTold) {
  List({"h:1"});
  CallOf("h:1").Deliver(Snapshot(5));
  TakeTold();
  brokers_->SetBrokers({{"a", 0, "h:1"}}, stay_);
  EXPECT_THAT(TakeTold(), ElementsAre("brokers a@h:1"));
  EXPECT_FALSE(CallOf("h:1").cancelled());
}

TEST_F(WatchedBrokersTest, ABrokerThatIsNotListedIsWatchedUntilItGoesDown) {
  List({"h:1", "h:2"});
  CallOf("h:1").Deliver(Snapshot(5));
  TakeTold();
  List({"h:2"});
  EXPECT_THAT(TakeTold(), ElementsAre("brokers h:2,h:1"));
  CallOf("h:1").Deliver(Joined(6));
  CallOf("h:1").Finish(absl::UnavailableError("DRAINED"), EndReason::kDrained);
  loop_.Advance(absl::ZeroDuration());
  EXPECT_THAT(TakeTold(),
              ElementsAre("h:1 event 6", "h:1 away", "brokers h:2"));
  loop_.Advance(absl::Minutes(1));
  EXPECT_EQ(CallsOf("h:1"), 1);
  EXPECT_FALSE(brokers_->IsWatched("h:1"));
}

// etcd has lost it from sight, and a load balancer is restarted.
TEST_F(WatchedBrokersTest, ABrokerThatIsNotListedIsFollowedOverACut) {
  List({"h:1", "h:2"});
  CallOf("h:1").Deliver(Snapshot(5));
  List({"h:2"});
  TakeTold();
  CallOf("h:1").Finish(absl::UnavailableError("connection reset"));
  loop_.Advance(absl::Seconds(1));
  EXPECT_NE(brokers_->MembersAt("h:1"), nullptr);
  EXPECT_EQ(CallOf("h:1").request().from_revision(), 6);  // Where it was cut.
  CallOf("h:1").Deliver(Joined(6));
  EXPECT_THAT(TakeTold(),
              ElementsAre("h:1 away", "h:1 connected", "h:1 event 6"));
  Pass("h:1", 2 * UnlistedStay::kCutOffTime);
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
}

TEST_F(WatchedBrokersTest, ABrokerThatIsNotListedIsTriedForAMinuteAfterACut) {
  List({"h:1", "h:2"});
  CallOf("h:1").Deliver(Snapshot(5));
  List({"h:2"});
  CallOf("h:1").Finish(absl::UnavailableError("connection reset"));
  TakeTold();
  loop_.Advance(UnlistedStay::kCutOffTime - absl::Milliseconds(1));
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
  const size_t tried = CallsOf("h:1");
  EXPECT_GT(tried, 1);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(TakeTold(), Contains("brokers h:2"));
  EXPECT_FALSE(brokers_->IsWatched("h:1"));
  loop_.Advance(absl::Minutes(1));
  EXPECT_LE(CallsOf("h:1"), tried + 1);
}

TEST_F(WatchedBrokersTest, ABrokerThatIsFullIsTriedUntilItDoesNotAnswer) {
  stay_ = absl::InfiniteDuration();
  List({"h:1", "h:2"});
  CallOf("h:1").Deliver(Snapshot(5));
  List({"h:2"});
  for (absl::Duration passed; passed < 2 * UnlistedStay::kCutOffTime;
       passed += absl::Seconds(1)) {
    if (!CallOf("h:1").cancelled()) {
      CallOf("h:1").Finish(absl::ResourceExhaustedError("too many watches"));
    }
    loop_.Advance(absl::Seconds(1));
  }
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
  loop_.Advance(2 * UnlistedStay::kCutOffTime);
  EXPECT_FALSE(brokers_->IsWatched("h:1"));
}

TEST_F(WatchedBrokersTest, ABrokerIsNotLeftWhileItIsNotTriedForWantOfRoom) {
  stay_ = absl::InfiniteDuration();
  List({"h:1", "h:2"});
  CallOf("h:1").Deliver(Snapshot(5));
  List({"h:2"});
  has_room_ = false;
  CallOf("h:1").Finish(absl::UnavailableError("connection reset"));
  loop_.Advance(2 * UnlistedStay::kCutOffTime);
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
  EXPECT_EQ(CallsOf("h:1"), 1);
  HaveRoomAgain();
  EXPECT_EQ(CallsOf("h:1"), 2);
  loop_.Advance(UnlistedStay::kCutOffTime - absl::Milliseconds(1));
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_FALSE(brokers_->IsWatched("h:1"));
}

TEST_F(WatchedBrokersTest, TheTimeWithoutRoomIsNoPartOfTheMinute) {
  List({"h:1", "h:2"});
  CallOf("h:1").Deliver(Snapshot(5));
  List({"h:2"});
  has_room_ = false;
  CallOf("h:1").Finish(absl::UnavailableError("connection reset"));
  loop_.Advance(UnlistedStay::kCutOffTime - absl::Milliseconds(1));
  HaveRoomAgain();
  loop_.Advance(UnlistedStay::kCutOffTime - absl::Milliseconds(1));
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_FALSE(brokers_->IsWatched("h:1"));
}

TEST_F(WatchedBrokersTest, ABrokerThatMovedIsLeftAtOnce) {
  brokers_->SetBrokers({{"a", 0, "h:1"}}, stay_);
  CallOf("h:1").Deliver(Snapshot(5));
  TakeTold();
  brokers_->SetBrokers({{"a", 0, "h:2"}}, stay_);
  EXPECT_THAT(TakeTold(), ElementsAre("brokers a@h:2"));
  EXPECT_TRUE(CallOf("h:1").cancelled());
}

TEST_F(WatchedBrokersTest, ABrokerThatMovesWhileItIsNotListedIsLeftToo) {
  brokers_->SetBrokers({{"a", 0, "h:1"}}, stay_);
  CallOf("h:1").Deliver(Snapshot(5));
  brokers_->SetBrokers({}, stay_);
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
  brokers_->SetBrokers({{"a", 0, "h:2"}}, stay_);
  EXPECT_FALSE(brokers_->IsWatched("h:1"));
}

TEST_F(WatchedBrokersTest, WithoutAStayABrokerIsLeftThoughItsCallStands) {
  stay_ = absl::ZeroDuration();
  List({"h:1", "h:2"});
  CallOf("h:1").Deliver(Snapshot(5));
  TakeTold();
  List({"h:2"});
  EXPECT_THAT(TakeTold(), ElementsAre("brokers h:2"));
  EXPECT_TRUE(CallOf("h:1").cancelled());
}

TEST_F(WatchedBrokersTest, ABrokerThatIsNotListedIsLeftWhenItsStayIsOver) {
  stay_ = absl::Minutes(40);  // Three quarters of it are drawn.
  List({"h:1", "h:2"});
  CallOf("h:1").Deliver(Snapshot(5));
  List({"h:2"});
  Pass("h:1", absl::Minutes(29));
  List({"h:2"});  // This does not begin the stay anew.
  TakeTold();
  Pass("h:1", absl::Seconds(50));
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
  Pass("h:1", absl::Seconds(10));
  EXPECT_THAT(TakeTold(), ElementsAre("brokers h:2"));
  EXPECT_TRUE(CallOf("h:1").cancelled());
}

TEST_F(WatchedBrokersTest, AStayWithoutAnEndEndsAsTheBrokerDoesNotAnswer) {
  stay_ = absl::InfiniteDuration();
  List({"h:1", "h:2"});
  CallOf("h:1").Deliver(Snapshot(5));
  List({"h:2"});
  Pass("h:1", absl::Hours(2));
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
  CallOf("h:1").Finish(absl::UnavailableError("gone"));
  loop_.Advance(UnlistedStay::kCutOffTime);
  EXPECT_FALSE(brokers_->IsWatched("h:1"));
}

TEST_F(WatchedBrokersTest, ABrokerThatIsAwayIsLeftWhenItIsListedNoMore) {
  List({"h:1", "h:2"});
  CallOf("h:1").Finish(absl::UnavailableError("refused"));
  TakeTold();
  List({"h:2"});
  EXPECT_THAT(TakeTold(), ElementsAre("brokers h:2"));
  loop_.Advance(absl::Minutes(1));
  EXPECT_EQ(CallsOf("h:1"), 1);
}

TEST_F(WatchedBrokersTest, ABrokerThatIsListedAgainInTimeIsNotLeft) {
  List({"h:1"});
  CallOf("h:1").Deliver(Snapshot(5));
  List({});
  List({"h:1"});
  TakeTold();
  CallOf("h:1").Deliver(Joined(6));
  CallOf("h:1").Finish(absl::UnavailableError("cut"));
  loop_.Advance(absl::Minutes(1));
  EXPECT_GT(CallsOf("h:1"), 1);
  EXPECT_EQ(CallOf("h:1").request().from_revision(), 6);  // Where it was cut.
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
}

TEST_F(WatchedBrokersTest, ABrokerThatCameBackBeforeItWasLeftStays) {
  List({"h:1"});
  CallOf("h:1").Deliver(Snapshot(5));
  List({});
  CallOf("h:1").Finish(absl::UnavailableError("cut"));
  List({"h:1"});
  loop_.Advance(absl::ZeroDuration());
  EXPECT_TRUE(brokers_->IsWatched("h:1"));
}

TEST_F(WatchedBrokersTest, WhatIsNotListedMakesRoomForWhatIs) {
  std::vector<std::string> first;
  std::vector<std::string> second;
  for (size_t i = 0; i < kMaxBrokers; ++i) {
    first.push_back(absl::StrCat("h:", i + 1));
    if (i > 0) second.push_back(absl::StrCat("g:", i));
  }
  List(first);
  for (const char* const address : {"h:1", "h:2"}) {
    CallOf(address).Deliver(Snapshot(5));
  }
  List(second);
  // There is room for one: the later one.
  EXPECT_EQ(brokers_->brokers().size(), kMaxBrokers);
  EXPECT_FALSE(brokers_->IsWatched("h:1"));
  EXPECT_TRUE(brokers_->IsWatched("h:2"));
  EXPECT_TRUE(CallOf("h:1").cancelled());
}

TEST_F(WatchedBrokersTest, TheEndCancelsTheCalls) {
  List({"h:1"});
  CallOf("h:1").Deliver(Snapshot(5));
  List({});
  CallOf("h:1").Finish(absl::UnavailableError("cut"));
  brokers_ = nullptr;
  loop_.Advance(absl::Minutes(1));  // No timer is left.
  EXPECT_EQ(CallsOf("h:1"), 1);
}

}  // namespace
}  // namespace rmq
