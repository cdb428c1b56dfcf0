#include "client/watch/watch_session.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/testing/manual_event_loop.h"
#include "client/watch/fake_watch_stub.h"
#include "client/watch/watched_event.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kIncarnation = 7;

v1::WatchResponse Progress(uint64_t revision,
                           uint64_t incarnation = kIncarnation) {
  v1::WatchResponse response;
  response.mutable_progress()->set_revision(revision);
  response.mutable_progress()->set_oldest_revision(1);
  response.mutable_progress()->set_broker_incarnation(incarnation);
  return response;
}

// Channel ids of members of the consumer group "orders".
v1::WatchResponse Piece(const std::vector<uint64_t>& channels) {
  v1::WatchResponse response;
  response.mutable_snapshot();
  for (const uint64_t channel : channels) {
    v1::WatchedMember* const member =
        response.mutable_snapshot()->add_members();
    member->set_kind(v1::GROUP_KIND_CONSUMER);
    member->set_group("orders");
    member->set_client_id(absl::StrCat("c", channel));
    member->set_channel_id(channel);
  }
  return response;
}

v1::WatchResponse LastPiece(const std::vector<uint64_t>& channels,
                            uint64_t revision) {
  v1::WatchResponse response = Piece(channels);
  response.mutable_snapshot()->set_last(true);
  response.mutable_snapshot()->set_revision(revision);
  return response;
}

v1::WatchResponse Event(uint64_t revision, uint64_t channel,
                        v1::WatchEvent::Type type) {
  v1::WatchResponse response;
  v1::WatchEvent* const event = response.mutable_event();
  event->set_revision(revision);
  event->set_type(type);
  event->set_kind(v1::GROUP_KIND_CONSUMER);
  event->set_group("orders");
  event->set_client_id(absl::StrCat("c", channel));
  event->set_channel_id(channel);
  if (type == v1::WatchEvent::TYPE_CLIENT_UNREGISTER) {
    event->set_reason(v1::REMOVAL_REASON_EXPIRED);
  }
  return response;
}

v1::WatchResponse Joined(uint64_t revision, uint64_t channel) {
  return Event(revision, channel, v1::WatchEvent::TYPE_CLIENT_REGISTER);
}

v1::WatchResponse Left(uint64_t revision, uint64_t channel) {
  return Event(revision, channel, v1::WatchEvent::TYPE_CLIENT_UNREGISTER);
}

class WatchSessionTest : public ::testing::Test,
                         protected WatchSession::Observer {
 protected:
  WatchSessionTest() { Make(); }

  void Make() {
    session_ = nullptr;
    WatchSession::Observer* const observer = this;
    session_ = std::make_unique<WatchSession>(options_, &loop_, &stub_,
                                              observer, [] { return 0.0; });
  }

  void OnState(const WatchState& state) override {
    told_.push_back(state.connected
                        ? "connected"
                        : absl::StrCat("away: ", state.status.message()));
    retry_at_ = state.retry_at;
  }
  void OnSynced(const WatchPosition& position) override {
    told_.push_back(absl::StrCat("synced@", position.revision));
    EXPECT_EQ(position.broker_incarnation, kIncarnation);
  }
  void OnEvent(const WatchedEvent& event) override {
    told_.push_back(absl::StrCat(
        event.revision, " ", Name(event.type), " ", event.member.client_id,
        event.reason.has_value() ? absl::StrCat(" ", Name(*event.reason))
                                 : ""));
  }
  void OnGap(const WatchGap& gap) override {
    told_.push_back(absl::StrCat("gap from ", gap.from_revision, " of ",
                                 gap.broker_incarnation, ": ", gap.reason));
  }
  bool HasRoom() override { return has_room_; }

  FakeWatchCall& call() { return *stub_.calls().back(); }
  size_t calls() const { return stub_.calls().size(); }
  std::vector<uint64_t> Channels() const {
    std::vector<uint64_t> channels;
    for (const WatchedMember& member :
         session_->members().MembersOf("orders", /*is_producer=*/false)) {
      channels.push_back(member.channel_id);
    }
    return channels;
  }
  // Watches, with the members 1 and 2 as of revision 10.
  void Synced() {
    session_->Start();
    call().Deliver(Progress(10));
    call().Deliver(LastPiece({1, 2}, 10));
    ASSERT_TRUE(session_->synced());
    told_.clear();
  }
  // The call is cut, and the next one begins after the pause.
  void Cut() {
    call().Finish(absl::UnavailableError("cut"));
    loop_.Advance(loop_.NextTimer() - loop_.Now());
    told_.clear();
  }

  WatchSession::Options options_;
  ManualEventLoop loop_;
  FakeWatchStub stub_;
  std::vector<std::string> told_;
  absl::Time retry_at_;
  bool has_room_ = true;
  std::unique_ptr<WatchSession> session_;
};

TEST_F(WatchSessionTest, TheFirstCallAsksForASnapshotOfWhatTheOptionsName) {
  options_.groups = {"orders", "bills"};
  options_.producers = false;
  Make();
  session_->Start();
  EXPECT_EQ(call().request().from_revision(), 0u);
  EXPECT_EQ(call().request().broker_incarnation(), 0u);
  EXPECT_THAT(call().request().groups(), ElementsAre("orders", "bills"));
  EXPECT_THAT(call().request().kinds(), ElementsAre(v1::GROUP_KIND_CONSUMER));
}

TEST_F(WatchSessionTest, WithoutAFilterTheRequestHasNone) {
  session_->Start();
  EXPECT_THAT(call().request().groups(), IsEmpty());
  EXPECT_THAT(call().request().kinds(), IsEmpty());
}

TEST_F(WatchSessionTest, TheMembersAreKnownAfterTheLastPieceOfTheSnapshot) {
  session_->Start();
  call().Deliver(Progress(10));
  call().Deliver(Piece({1, 2}));
  EXPECT_FALSE(session_->synced());
  EXPECT_THAT(Channels(), IsEmpty());
  call().Deliver(LastPiece({5}, 12));
  EXPECT_TRUE(session_->synced());
  EXPECT_THAT(Channels(), ElementsAre(1, 2, 5));
  EXPECT_THAT(told_, ElementsAre("connected", "synced@12"));
}

TEST_F(WatchSessionTest, EventsBetweenThePiecesAreInTheSnapshotAndNotTold) {
  session_->Start();
  call().Deliver(Progress(10));
  call().Deliver(Piece({1, 2}));
  call().Deliver(Left(11, 1));
  call().Deliver(Joined(12, 9));
  call().Deliver(Left(12, 5));  // Its piece never comes.
  call().Deliver(LastPiece({7}, 12));
  EXPECT_THAT(Channels(), ElementsAre(2, 7, 9));
  EXPECT_THAT(told_, ElementsAre("connected", "synced@12"));
}

TEST_F(WatchSessionTest, EventsAreToldAndReplayed) {
  Synced();
  call().Deliver(Joined(11, 3));
  call().Deliver(Left(13, 1));
  call().Deliver(Event(14, 2, v1::WatchEvent::TYPE_REGISTER));
  EXPECT_THAT(told_,
              ElementsAre("11 CLIENT_REGISTER c3",
                          "13 CLIENT_UNREGISTER c1 EXPIRED", "14 REGISTER c2"));
  EXPECT_THAT(Channels(), ElementsAre(2, 3));
}

TEST_F(WatchSessionTest, AnEventThatTheSnapshotHasIsNotToldAgain) {
  Synced();
  call().Deliver(Left(10, 1));
  call().Deliver(Progress(15));
  call().Deliver(Left(15, 1));
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_THAT(Channels(), ElementsAre(1, 2));
}

TEST_F(WatchSessionTest, ACutCallGoesOnWhereTheBrokerWas) {
  Synced();
  call().Deliver(Progress(15));
  call().Finish(absl::UnavailableError("cut"));
  EXPECT_THAT(told_, ElementsAre("away: cut"));
  EXPECT_EQ(retry_at_, loop_.Now() + absl::Milliseconds(100));
  loop_.Advance(absl::Milliseconds(100));
  ASSERT_EQ(calls(), 2u);
  EXPECT_EQ(call().request().from_revision(), 16u);
  EXPECT_EQ(call().request().broker_incarnation(), kIncarnation);
  told_.clear();
  call().Deliver(Progress(15));
  call().Deliver(Joined(16, 3));
  EXPECT_THAT(told_, ElementsAre("connected", "16 CLIENT_REGISTER c3"));
  EXPECT_THAT(Channels(), ElementsAre(1, 2, 3));
}

TEST_F(WatchSessionTest, ARevisionThatWasCutInTheMiddleIsToldInFullOnce) {
  Synced();
  call().Deliver(Joined(11, 3));
  call().Deliver(Joined(11, 4));
  Cut();
  EXPECT_EQ(call().request().from_revision(), 11u);
  call().Deliver(Progress(10));
  call().Deliver(Joined(11, 3));
  call().Deliver(Joined(11, 4));
  call().Deliver(Joined(11, 5));
  call().Deliver(Joined(12, 6));
  EXPECT_THAT(told_, ElementsAre("connected", "11 CLIENT_REGISTER c5",
                                 "12 CLIENT_REGISTER c6"));
}

TEST_F(WatchSessionTest, ARevisionThatIsCutTwiceIsStillToldOnce) {
  Synced();
  call().Deliver(Joined(11, 3));
  call().Deliver(Joined(11, 4));
  Cut();
  call().Deliver(Progress(10));
  call().Deliver(Joined(11, 3));
  Cut();
  call().Deliver(Progress(10));
  call().Deliver(Joined(11, 3));
  call().Deliver(Joined(11, 4));
  call().Deliver(Joined(11, 5));
  EXPECT_THAT(told_, ElementsAre("connected", "11 CLIENT_REGISTER c5"));
}

TEST_F(WatchSessionTest, AfterTheProgressARevisionIsToldInFull) {
  Synced();
  call().Deliver(Joined(11, 3));
  call().Deliver(Progress(11));
  Cut();
  EXPECT_EQ(call().request().from_revision(), 12u);
}

TEST_F(WatchSessionTest, ACallThatIsCutInTheSnapshotBeginsAnew) {
  session_->Start();
  call().Deliver(Progress(10));
  call().Deliver(Piece({1, 2}));
  Cut();
  EXPECT_EQ(call().request().from_revision(), 0u);
  call().Deliver(Progress(20));
  call().Deliver(LastPiece({3}, 20));
  EXPECT_THAT(Channels(), ElementsAre(3));
}

TEST_F(WatchSessionTest, EventsThatAreKeptNoMoreAreAGapAndASnapshotFollows) {
  Synced();
  Cut();
  call().Finish(absl::OutOfRangeError("oldest_revision is 500"));
  EXPECT_THAT(told_, ElementsAre("gap from 11 of 7: oldest_revision is 500"));
  ASSERT_EQ(calls(), 3u);  // At once.
  EXPECT_EQ(call().request().from_revision(), 0u);
  call().Deliver(Progress(600));
  call().Deliver(Piece({5}));
  EXPECT_THAT(Channels(), ElementsAre(1, 2));  // The last ones known.
  call().Deliver(LastPiece({6}, 600));
  EXPECT_THAT(Channels(), ElementsAre(5, 6));
}

TEST_F(WatchSessionTest, AnotherBrokerProcessIsAGapWhetherOrNotItChecks) {
  Synced();
  Cut();
  call().Deliver(Progress(10, /*incarnation=*/8));
  EXPECT_THAT(told_,
              ElementsAre("connected",
                          "gap from 11 of 7: the broker is another process"));
  EXPECT_EQ(call().request().from_revision(), 0u);
}

TEST_F(WatchSessionTest, ABrokerThatLosesItsOwnSnapshotIsTriedAfterAPause) {
  Synced();
  call().Finish(absl::OutOfRangeError("nonsense"));
  EXPECT_THAT(told_,
              ElementsAre("gap from 11 of 7: nonsense", "away: nonsense"));
  EXPECT_EQ(calls(), 1u);
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(calls(), 2u);
  EXPECT_EQ(call().request().from_revision(), 0u);
  call().Deliver(Progress(10));
  call().Deliver(LastPiece({1}, 10));
  call().Deliver(Progress(10, /*incarnation=*/8));
  EXPECT_EQ(calls(), 2u);
}

TEST_F(WatchSessionTest, ASnapshotThatIsRefusedAsOutOfRangeIsTriedAfterAPause) {
  session_->Start();
  call().Finish(absl::OutOfRangeError("nonsense"));
  EXPECT_THAT(told_, ElementsAre("away: nonsense"));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(WatchSessionTest, AWatchFromARevisionHasEventsAndNoMembers) {
  options_.from_revision = 40;
  options_.broker_incarnation = kIncarnation;
  Make();
  session_->Start();
  EXPECT_EQ(call().request().from_revision(), 40u);
  EXPECT_EQ(call().request().broker_incarnation(), kIncarnation);
  call().Deliver(Progress(39));
  call().Deliver(Joined(41, 3));
  EXPECT_THAT(told_, ElementsAre("connected", "41 CLIENT_REGISTER c3"));
  EXPECT_FALSE(session_->synced());
  EXPECT_THAT(Channels(), IsEmpty());
}

TEST_F(WatchSessionTest, AnObserverWithoutRoomIsNotReadFor) {
  Synced();
  has_room_ = false;
  call().Deliver(Joined(11, 3));
  EXPECT_FALSE(call().reading());
  loop_.Advance(absl::Hours(1));  // Nor is the broker's silence counted.
  EXPECT_EQ(calls(), 1u);
  EXPECT_FALSE(call().cancelled());
  has_room_ = true;
  session_->OnRoom();
  EXPECT_TRUE(call().reading());
}

TEST_F(WatchSessionTest, WithoutRoomNoCallIsSetUp) {
  Synced();
  has_room_ = false;
  call().Finish(absl::ResourceExhaustedError("SLOW_WATCHER"));
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls(), 1u);
  has_room_ = true;
  session_->OnRoom();
  EXPECT_EQ(calls(), 2u);
}

TEST_F(WatchSessionTest, ACallThatIsSilentForThirtySecondsIsCut) {
  Synced();
  loop_.Advance(WatchSession::kSilence - absl::Milliseconds(1));
  EXPECT_FALSE(call().cancelled());
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(call().cancelled());
  EXPECT_THAT(told_, ElementsAre("away: no word from the broker within 30s"));
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(call().request().from_revision(), 11u);
}

TEST_F(WatchSessionTest, AnyResponseBreaksTheSilence) {
  Synced();
  for (int i = 0; i < 10; ++i) {
    loop_.Advance(WatchSession::kSilence - absl::Milliseconds(1));
    call().Deliver(Progress(10));
  }
  EXPECT_EQ(calls(), 1u);
}

TEST_F(WatchSessionTest, ABrokerThatDoesNotAnswerIsLeftAfterTheConnectTimeout) {
  session_->Start();
  loop_.Advance(options_.connect_timeout - absl::Milliseconds(1));
  EXPECT_THAT(told_, IsEmpty());
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(call().cancelled());
  EXPECT_THAT(told_, ElementsAre("away: no answer within 3s"));
}

TEST_F(WatchSessionTest, PausesGrowUntilTheBrokerHasGoneOn) {
  session_->Start();
  call().Finish(absl::UnavailableError("refused"));
  loop_.Advance(absl::Milliseconds(100));
  call().Finish(absl::UnavailableError("refused"));
  loop_.Advance(absl::Milliseconds(199));
  EXPECT_EQ(calls(), 2u);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls(), 3u);
  EXPECT_THAT(told_, ElementsAre("away: refused"));  // Once.
  call().Deliver(Progress(1));
  call().Deliver(LastPiece({}, 1));
  call().Finish(absl::UnavailableError("cut"));
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(calls(), 4u);
}

TEST_F(WatchSessionTest, ABrokerThatDrainsSaysWhenToComeBack) {
  Synced();
  call().Finish(absl::UnavailableError("DRAINED"), EndReason::kDrained,
                absl::Minutes(1));
  loop_.Advance(absl::Minutes(1) - absl::Milliseconds(1));
  EXPECT_EQ(calls(), 1u);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls(), 2u);
}

TEST_F(WatchSessionTest, ACallThatTheBrokerEndsWithoutAnErrorIsSetUpAgain) {
  Synced();
  call().Finish(absl::OkStatus());
  EXPECT_THAT(told_, ElementsAre("away: the broker ended the watch"));
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(calls(), 2u);
}

TEST_F(WatchSessionTest, AsManyMembersAsAreAllowedAreHeldAndNoMore) {
  options_.max_members = 2;
  Make();
  session_->Start();
  call().Deliver(Progress(10));
  call().Deliver(LastPiece({1, 2}, 10));
  EXPECT_THAT(Channels(), ElementsAre(1, 2));
  told_.clear();
  call().Deliver(Joined(11, 3));
  EXPECT_TRUE(call().cancelled());
  EXPECT_THAT(told_, ElementsAre(HasSubstr("gap from 11"),
                                 HasSubstr("more than 2 members")));
  loop_.Advance(absl::Milliseconds(100));
  call().Deliver(Progress(11));
  call().Deliver(Piece({1, 2, 3}));
  EXPECT_TRUE(call().cancelled());
}

TEST_F(WatchSessionTest, AResponseOfALaterVersionIsPassedOver) {
  Synced();
  call().Deliver(v1::WatchResponse());
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_TRUE(call().reading());
}

TEST_F(WatchSessionTest, TheEndOfASessionCancelsItsCallAndItsTimer) {
  Synced();
  session_ = nullptr;
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
}

TEST_F(WatchSessionTest, ABrokerThatDoesNotLetItInIsTriedAfterLongPauses) {
  session_->Start();
  for (const absl::Duration pause :
       {absl::Seconds(30), absl::Minutes(1), absl::Minutes(2),
        absl::Seconds(150), absl::Seconds(150)}) {
    call().Finish(absl::UnauthenticatedError("no such user"));
    EXPECT_EQ(loop_.NextTimer(), loop_.Now() + pause);
    loop_.Advance(pause);
  }
}

}  // namespace
}  // namespace rmq
