#include "client/session/broker_session.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/session/broker_stub.h"
#include "client/session/proto_duration.h"
#include "client/testing/fake_broker_stub.h"
#include "client/testing/manual_event_loop.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/repeated_field.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kToken = 77;

const BrokerEntry& kUnnamed = *new BrokerEntry{"", 0, "broker:1"};
const BrokerEntry& kNamed = *new BrokerEntry{"broker-a", 3, "broker:1"};

std::shared_ptr<const v1::HeartbeatRequest> Statement(
    const std::vector<std::string>& producers,
    const std::vector<std::string>& consumers) {
  auto statement = std::make_shared<v1::HeartbeatRequest>();
  statement->set_client_id("10.0.0.1@test");
  for (const std::string& group : producers) {
    statement->add_producers()->set_group(group);
  }
  for (const std::string& group : consumers) {
    statement->add_consumers()->set_group(group);
  }
  return statement;
}

v1::BrokerFrame Push(const std::string& group) {
  v1::BrokerFrame frame;
  frame.mutable_notify_consumer_ids_changed()->set_group(group);
  return frame;
}

v1::BrokerFrame PushOfASettlingBroker(const std::string& group,
                                      absl::Duration left) {
  v1::BrokerFrame frame = Push(group);
  *frame.mutable_notify_consumer_ids_changed()->mutable_settling_until() =
      ToProto(left);
  return frame;
}

// The groups of an unregistration, the first and the others, with commas.
std::string GroupsOf(
    const std::string& first,
    const google::protobuf::RepeatedPtrField<std::string>& others) {
  std::string groups = first;
  for (const std::string& group : others) absl::StrAppend(&groups, ",", group);
  return groups;
}

// "full", "light", "unregister p/c", or what else a frame is.
std::string Kind(const v1::ClientFrame& frame) {
  if (frame.has_unregister_client()) {
    const v1::UnregisterClientRequest& request = frame.unregister_client();
    return absl::StrCat(
        "unregister ",
        GroupsOf(request.producer_group(), request.producer_groups()), "/",
        GroupsOf(request.consumer_group(), request.consumer_groups()));
  }
  if (!frame.has_heartbeat()) return "other";
  return frame.heartbeat().statement_token() == 0 ? "full" : "light";
}

std::vector<std::string> Kinds(const FakeCall& call) {
  std::vector<std::string> kinds;
  for (const v1::ClientFrame& frame : call.written()) {
    kinds.push_back(Kind(frame));
  }
  return kinds;
}

class RecordingObserver final : public BrokerSession::Observer {
 public:
  void OnConsumerIdsChanged(const BrokerEntry& broker,
                            absl::string_view group) override {
    EXPECT_EQ(broker.address, "broker:1");
    brokers.push_back(broker);
    changed.emplace_back(group);
  }
  void OnHealthChanged(const BrokerHealth& h) override {
    health.push_back(h);
    states.push_back(h.state);
  }
  bool KeepsInReserve(const BrokerSession&) override { return has_another_way; }
  void OnStopped(const BrokerEntry& broker,
                 const absl::Status& status) override {
    EXPECT_EQ(broker.address, "broker:1");
    stopped.push_back(status);
  }

  bool has_another_way = false;

  std::vector<BrokerEntry> brokers;  // Of each of `changed`.
  std::vector<std::string> changed;
  std::vector<BrokerHealth> health;
  std::vector<BrokerState> states;  // Of each of `health`.
  std::vector<absl::Status> stopped;
};

class BrokerSessionTest : public ::testing::Test {
 protected:
  std::unique_ptr<BrokerSession> NewSession(
      const BrokerEntry& broker, const BrokerSession::Options& options) {
    return std::make_unique<BrokerSession>(
        broker, options, &loop_, &stub_, &observer_, [this] { return random_; },
        [this] { return ++stream_number_; });
  }
  // The session with other options; before it is used.
  void Remake(const BrokerSession::Options& options) {
    session_ = NewSession(kUnnamed, options);
  }

  FakeCall& call() { return *stub_.calls().back(); }
  size_t calls() const { return stub_.calls().size(); }
  BrokerState state() const { return session_->health().state; }

  // The broker's reply to the `nth` frame of the current stream.
  v1::BrokerFrame ReplyTo(size_t nth) {
    v1::BrokerFrame frame;
    frame.mutable_reply()->set_request_id(call().written()[nth].request_id());
    return frame;
  }

  // Lets the frame that is being written go, and answers it.
  void Answer(const v1::HeartbeatResponse& response) {
    v1::BrokerFrame frame = ReplyTo(call().written().size() - 1);
    *frame.mutable_reply()->mutable_heartbeat() = response;
    call().CompleteWrite();
    call().Deliver(frame);
  }
  void AnswerToken(uint64_t token, absl::Duration expiry = absl::Seconds(120)) {
    v1::HeartbeatResponse response;
    response.set_broker_name("broker-a");
    response.set_broker_id(3);
    response.set_statement_token(token);
    response.mutable_channel_expiry()->set_seconds(
        absl::ToInt64Seconds(expiry));
    response.mutable_channel_expiry()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(
            expiry - absl::Floor(expiry, absl::Seconds(1)))));
    Answer(response);
  }
  // As a broker process that offers `features`.
  void AnswerAs(uint64_t incarnation,
                const std::vector<v1::Feature>& features = {}) {
    v1::HeartbeatResponse response;
    response.set_broker_name("broker-a");
    response.set_broker_id(3);
    response.set_broker_incarnation(incarnation);
    response.set_statement_token(kToken);
    response.mutable_channel_expiry()->set_seconds(120);
    for (const v1::Feature feature : features) response.add_features(feature);
    Answer(response);
  }
  void AnswerLight() { Answer(v1::HeartbeatResponse()); }
  void Refuse(const absl::Status& status) {
    v1::BrokerFrame frame = ReplyTo(call().written().size() - 1);
    frame.mutable_reply()->mutable_status()->set_code(
        static_cast<int>(status.code()));
    frame.mutable_reply()->mutable_status()->set_message(
        std::string(status.message()));
    call().CompleteWrite();
    call().Deliver(frame);
  }

  void Connecting() {
    session_->SetStatement(Statement({"p"}, {"orders"}));
    ASSERT_EQ(state(), BrokerState::kConnecting);
  }
  void Stating() {
    Connecting();
    call().CompleteStart();
    ASSERT_EQ(state(), BrokerState::kStating);
  }
  void Online() {
    Stating();
    AnswerToken(kToken);
    ASSERT_EQ(state(), BrokerState::kOnline);
  }
  void Backoff() {
    Connecting();
    call().Finish(absl::UnavailableError("connection refused"));
    ASSERT_EQ(state(), BrokerState::kBackoff);
  }
  void OnlineAt(const std::vector<v1::Feature>& features,
                const std::vector<std::string>& consumers) {
    session_->SetStatement(Statement({}, consumers));
    call().CompleteStart();
    AnswerAs(/*incarnation=*/1, features);
    loop_.Advance(absl::Milliseconds(500));
    ASSERT_EQ(state(), BrokerState::kOnline);
  }
  // Online all the time.
  void LiveFor(absl::Duration duration) {
    const absl::Time end = loop_.Now() + duration;
    while (loop_.Now() < end) {
      loop_.Advance(std::min(end - loop_.Now(), absl::Seconds(1)));
      if (call().writing()) AnswerLight();
    }
    ASSERT_EQ(state(), BrokerState::kOnline);
  }
  // Over a new stream, after the pause that is due.
  void ComeBack(uint64_t incarnation,
                const std::vector<v1::Feature>& features = {}) {
    loop_.Advance(absl::Milliseconds(100));
    call().CompleteStart();
    AnswerAs(incarnation, features);
    ASSERT_EQ(state(), BrokerState::kOnline);
  }
  void Reserve() {
    observer_.has_another_way = true;
    Online();
    call().Finish(absl::AbortedError("REPLACED"), EndReason::kReplaced);
    ASSERT_EQ(state(), BrokerState::kReserve);
  }
  // What a broker answers a frame that is too large, as gRPC says it.
  static absl::Status TooLarge(const v1::ClientFrame& frame, size_t limit) {
    return absl::ResourceExhaustedError(
        absl::StrCat("Received message larger than max (", frame.ByteSizeLong(),
                     " vs. ", limit, ")"));
  }
  // By a broker that takes 100 bytes.
  void Refused() {
    session_->SetStatement(Statement({}, {std::string(100, 'g')}));
    call().CompleteStart();
    call().Finish(TooLarge(call().written()[0], 100));
    ASSERT_EQ(state(), BrokerState::kRefused);
  }
  // From kOnline on: kLeaving, with the unregistration being written.
  void Leaving() {
    Online();
    session_->SetStatement(nullptr);
    ASSERT_EQ(state(), BrokerState::kLeaving);
  }

  ManualEventLoop loop_;
  FakeBrokerStub stub_;
  RecordingObserver observer_;
  double random_ = 0.0;
  uint64_t stream_number_ = 0;
  std::unique_ptr<BrokerSession> session_ =
      NewSession(kUnnamed, BrokerSession::Options());
};

// ---- Heartbeats.

TEST_F(BrokerSessionTest, NothingHappensBeforeThereIsAStatement) {
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls(), 0u);
  EXPECT_EQ(state(), BrokerState::kIdle);
}

TEST_F(BrokerSessionTest, AnIdleSessionWithoutAStatementStaysIdle) {
  session_->SetStatement(nullptr);
  EXPECT_EQ(calls(), 0u);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  EXPECT_EQ(state(), BrokerState::kIdle);
}

TEST_F(BrokerSessionTest, AStatementIsWrittenInFullAsSoonAsTheStreamStands) {
  session_->SetStatement(Statement({"p"}, {"orders"}));
  ASSERT_TRUE(call().start_called());
  EXPECT_THAT(call().written(), IsEmpty());
  call().CompleteStart();
  ASSERT_THAT(Kinds(call()), ElementsAre("full"));
  const v1::HeartbeatRequest& heartbeat = call().written()[0].heartbeat();
  EXPECT_EQ(heartbeat.client_id(), "10.0.0.1@test");
  EXPECT_EQ(heartbeat.producers(0).group(), "p");
  EXPECT_EQ(heartbeat.consumers(0).group(), "orders");
}

TEST_F(BrokerSessionTest, TheSecondHeartbeatFollowsOneSecondAfterTheFirst) {
  Online();
  loop_.Advance(absl::Milliseconds(999));
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "light"));
}

TEST_F(BrokerSessionTest, LaterHeartbeatsFollowTheInterval) {
  Online();
  loop_.Advance(absl::Seconds(1));
  AnswerLight();
  loop_.Advance(absl::Seconds(30) - absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(2));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(3));
  AnswerLight();
  loop_.Advance(absl::Seconds(30) - absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(3));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(4));
}

TEST_F(BrokerSessionTest, TheSecondHeartbeatIsNoLaterThanAShorterInterval) {
  BrokerSession::Options options;
  options.heartbeat_interval = absl::Milliseconds(400);
  Remake(options);
  Online();
  loop_.Advance(absl::Milliseconds(399));
  EXPECT_THAT(call().written(), SizeIs(1));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(2));
}

TEST_F(BrokerSessionTest, ALightHeartbeatIsItsRequestIdAndTheToken) {
  Online();
  loop_.Advance(absl::Seconds(1));
  v1::ClientFrame expected;
  expected.set_request_id(2);
  expected.mutable_heartbeat()->set_statement_token(kToken);
  EXPECT_EQ(call().written()[1].SerializeAsString(),
            expected.SerializeAsString());
}

TEST_F(BrokerSessionTest, HeartbeatsStayFullWhileTheBrokerGivesNoToken) {
  Stating();
  v1::HeartbeatResponse response;
  v1::SkippedGroup* skipped = response.add_skipped_groups();
  skipped->set_group("orders");
  skipped->set_message("no such group");
  Answer(response);
  EXPECT_EQ(state(), BrokerState::kPartial);
  loop_.Advance(absl::Seconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full"));
  AnswerToken(kToken);
  loop_.Advance(absl::Seconds(30));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full", "light"));
}

TEST_F(BrokerSessionTest, TheNeedForAFullStatementIsMetAfterTheHeartbeatGap) {
  Online();
  loop_.Advance(absl::Seconds(1));
  v1::HeartbeatResponse response;
  response.set_full_statement_needed(true);
  Answer(response);
  loop_.Advance(BrokerSession::kMinHeartbeatGap - absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "light"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "light", "full"));
}

TEST_F(BrokerSessionTest, ThePeriodIsAThirdOfAChannelExpiryThatIsShorter) {
  Stating();
  AnswerToken(kToken, absl::Seconds(60));
  loop_.Advance(absl::Seconds(1));
  AnswerLight();
  loop_.Advance(absl::Seconds(20) - absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(2));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(3));
}

TEST_F(BrokerSessionTest, AVeryShortChannelExpiryMovesTheSecondHeartbeatToo) {
  Stating();
  AnswerToken(kToken, absl::Milliseconds(1500));
  loop_.Advance(absl::Milliseconds(499));
  EXPECT_THAT(call().written(), SizeIs(1));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(2));
}

TEST_F(BrokerSessionTest, HeartbeatsNeverComeCloserThanTheGap) {
  Stating();
  AnswerToken(kToken, absl::Milliseconds(3));
  loop_.Advance(BrokerSession::kMinHeartbeatGap - absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(1));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(2));
}

TEST_F(BrokerSessionTest, ARefusedHeartbeatIsFollowedByAFullOneInFiveSeconds) {
  Online();
  loop_.Advance(absl::Seconds(1));
  Refuse(absl::ResourceExhaustedError("100 frames a second"));
  EXPECT_EQ(state(), BrokerState::kOnline);
  EXPECT_THAT(
      session_->health().last_error,
      StatusIs(absl::StatusCode::kResourceExhausted, "100 frames a second"));
  loop_.Advance(absl::Seconds(5) - absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "light"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "light", "full"));
}

TEST_F(BrokerSessionTest, AChangeThatCameTooSoonIsStatedAgainInASecond) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  Refuse(absl::ResourceExhaustedError("1 change a second"));
  loop_.Advance(absl::Seconds(1) - absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full", "full"));
}

TEST_F(BrokerSessionTest, ARefusedFirstHeartbeatLeavesTheStreamStating) {
  Stating();
  Refuse(absl::InvalidArgumentError("group is too long"));
  EXPECT_EQ(state(), BrokerState::kStating);
  EXPECT_THAT(observer_.changed, IsEmpty());
  loop_.Advance(absl::Seconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full"));
  AnswerToken(kToken);
  EXPECT_EQ(state(), BrokerState::kOnline);
}

// ---- Changes of the statement.

TEST_F(BrokerSessionTest, AChangedStatementIsWrittenInFullAtOnce) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  ASSERT_THAT(Kinds(call()), ElementsAre("full", "full"));
  EXPECT_EQ(call().written()[1].heartbeat().consumers_size(), 2);
}

TEST_F(BrokerSessionTest, ChangesWithinTheHeartbeatGapShareOneHeartbeat) {
  Online();
  session_->SetStatement(Statement({"p"}, {"orders", "a"}));
  session_->SetStatement(Statement({"p"}, {"orders", "a", "b"}));
  loop_.Advance(BrokerSession::kMinHeartbeatGap - absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  loop_.Advance(absl::Milliseconds(1));
  ASSERT_THAT(Kinds(call()), ElementsAre("full", "full"));
  EXPECT_EQ(call().written()[1].heartbeat().consumers_size(), 3);
}

TEST_F(BrokerSessionTest, AChangeWhileAHeartbeatIsUnansweredWaitsForTheAnswer) {
  Stating();
  loop_.Advance(absl::Seconds(1));
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  AnswerToken(kToken);  // To the old statement: its token is not for the new.
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full"));
}

TEST_F(BrokerSessionTest, AChangeWhileConnectingIsWhatIsStated) {
  Connecting();
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(calls(), 1u);
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().consumers(0).group(), "bills");
}

TEST_F(BrokerSessionTest, AChangeDuringAPauseIsWhatIsStatedAfterIt) {
  Backoff();
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(calls(), 1u);
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().consumers(0).group(), "bills");
}

TEST_F(BrokerSessionTest, ADroppedGroupIsUnregisteredBeforeTheNextStatement) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {"bills"}));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /orders"));
  call().CompleteWrite();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /orders", "full"));
}

TEST_F(BrokerSessionTest, AGroupThatWasNeverStatedIsNotUnregistered) {
  Online();
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  session_->SetStatement(Statement({"p"}, {"orders"}));
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full"));
}

TEST_F(BrokerSessionTest, WithoutAGroupTheStreamIsEndedAndNoneIsKept) {
  Leaving();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister p/orders"));
  EXPECT_FALSE(call().half_closed());
  call().CompleteWrite();
  EXPECT_TRUE(call().half_closed());
  call().Deliver(ReplyTo(1));
  call().Finish(absl::OkStatus());
  EXPECT_EQ(state(), BrokerState::kIdle);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  EXPECT_THAT(observer_.stopped, IsEmpty());
}

TEST_F(BrokerSessionTest, AStatementWhileLeavingIsMadeOverANewStream) {
  Leaving();
  session_->SetStatement(Statement({}, {"bills"}));
  call().CompleteWrite();
  EXPECT_EQ(calls(), 1u);
  call().Finish(absl::OkStatus());
  EXPECT_EQ(state(), BrokerState::kConnecting);
  EXPECT_EQ(calls(), 2u);
}

TEST_F(BrokerSessionTest, WithoutAGroupConnectingIsGivenUp) {
  Connecting();
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kIdle);
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
}

TEST_F(BrokerSessionTest, WithoutAGroupAPauseIsGivenUp) {
  Backoff();
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kIdle);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
}

TEST_F(BrokerSessionTest, WithoutAGroupAnUnansweredStatementIsTakenBack) {
  Stating();
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kLeaving);
  call().CompleteWrite();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister p/orders"));
}

// ---- Deadlines.

TEST_F(BrokerSessionTest, ConnectingIsGivenUpAfterTheConnectTimeout) {
  Connecting();
  loop_.Advance(absl::Seconds(5) - absl::Milliseconds(1));
  EXPECT_FALSE(call().cancelled());
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(state(), BrokerState::kBackoff);
  EXPECT_THAT(
      session_->health().last_error,
      StatusIs(absl::StatusCode::kDeadlineExceeded, "no connection within 5s"));
}

TEST_F(BrokerSessionTest, AnUnansweredFirstHeartbeatTearsTheStreamDown) {
  Stating();
  call().CompleteWrite();
  loop_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  EXPECT_FALSE(call().cancelled());
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionTest, AnUnansweredLightHeartbeatTearsTheStreamDown) {
  Online();
  loop_.Advance(absl::Seconds(1));
  call().CompleteWrite();
  loop_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kOnline);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  EXPECT_TRUE(call().cancelled());
  EXPECT_THAT(
      session_->health().last_error,
      StatusIs(absl::StatusCode::kDeadlineExceeded, "no answer within 3s"));
}

TEST_F(BrokerSessionTest, AFrameThatDoesNotLeaveCountsAsUnanswered) {
  Online();
  loop_.Advance(absl::Seconds(1));
  ASSERT_TRUE(call().writing());
  loop_.Advance(absl::Seconds(3));
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionTest, AnAnswerInTimeIsNoReasonToTearDown) {
  Online();
  loop_.Advance(absl::Seconds(1));
  call().CompleteWrite();
  loop_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  call().Deliver(ReplyTo(1));
  loop_.Advance(absl::Seconds(1));
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionTest, AReplyOutOfOrderTearsTheStreamDown) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteWrite();  // The unregistration; then the statement.
  call().Deliver(ReplyTo(2));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  EXPECT_THAT(session_->health().last_error,
              StatusIs(absl::StatusCode::kInternal,
                       "the broker answered request 3, but 2 was next"));
}

TEST_F(BrokerSessionTest, AReplyToNothingTearsTheStreamDown) {
  Online();
  call().Deliver(ReplyTo(0));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  EXPECT_TRUE(call().cancelled());
}

TEST_F(BrokerSessionTest, AFrameOfAnUnknownKindIsIgnored) {
  Online();
  call().Deliver(v1::BrokerFrame());
  EXPECT_EQ(state(), BrokerState::kOnline);
}

// ---- Reconnecting.

TEST_F(BrokerSessionTest, PausesDoubleFromHalfOfTheInitialUpToTheMaximum) {
  random_ = 0.0;
  session_->SetStatement(Statement({"p"}, {}));
  for (int ms : {100, 200, 400, 800, 1600, 2500, 2500}) {
    call().Finish(absl::UnavailableError("connection refused"));
    const size_t before = calls();
    loop_.Advance(absl::Milliseconds(ms - 1));
    EXPECT_EQ(calls(), before) << ms;
    loop_.Advance(absl::Milliseconds(1));
    EXPECT_EQ(calls(), before + 1) << ms;
  }
}

TEST_F(BrokerSessionTest, TheDrawSpreadsAPauseOverItsUpperHalf) {
  random_ = 0.5;
  Backoff();
  loop_.Advance(absl::Milliseconds(149));
  EXPECT_EQ(calls(), 1u);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls(), 2u);
}

TEST_F(BrokerSessionTest, AStreamWithoutAReplyDoesNotBeginThePausesAnew) {
  Backoff();
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  call().CompleteWrite();
  call().Deliver(Push("orders"));  // A push is no reply.
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(199));
  EXPECT_EQ(calls(), 2u);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls(), 3u);
}

TEST_F(BrokerSessionTest, TheFirstReplyBeginsThePausesAnew) {
  Backoff();
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  AnswerToken(kToken);
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(99));
  EXPECT_EQ(calls(), 2u);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls(), 3u);
}

TEST_F(BrokerSessionTest, ARefusalIsAReplyToo) {
  Backoff();
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  Refuse(absl::InvalidArgumentError("no"));
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(calls(), 3u);
}

TEST_F(BrokerSessionTest, ANewStreamBeginsWithAFullHeartbeat) {
  Online();
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
}

TEST_F(BrokerSessionTest, AfterAReconnectTheSecondHeartbeatFollowsTheInterval) {
  Online();
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  AnswerToken(kToken + 1);
  loop_.Advance(absl::Seconds(30) - absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  loop_.Advance(absl::Milliseconds(1));
  ASSERT_THAT(Kinds(call()), ElementsAre("full", "light"));
  EXPECT_EQ(call().written()[1].heartbeat().statement_token(), kToken + 1);
}

class EndStatusTest : public BrokerSessionTest,
                      public ::testing::WithParamInterface<absl::StatusCode> {};

TEST_P(EndStatusTest, TheClientReconnects) {
  Online();
  call().Finish(absl::Status(GetParam(), "the end"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

INSTANTIATE_TEST_SUITE_P(Retriable, EndStatusTest,
                         ::testing::Values(absl::StatusCode::kOk,
                                           absl::StatusCode::kCancelled,
                                           absl::StatusCode::kUnknown,
                                           absl::StatusCode::kDeadlineExceeded,
                                           absl::StatusCode::kPermissionDenied,
                                           absl::StatusCode::kAborted,
                                           absl::StatusCode::kResourceExhausted,
                                           absl::StatusCode::kUnimplemented,
                                           absl::StatusCode::kInternal,
                                           absl::StatusCode::kUnavailable));

TEST_F(BrokerSessionTest, AReplacedClientDoesNotComeBack) {
  Online();
  call().Finish(absl::AbortedError("a newer stream took over"),
                EndReason::kReplaced);
  EXPECT_EQ(state(), BrokerState::kReplaced);
  EXPECT_EQ(observer_.states.back(), BrokerState::kReplaced);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, AKickedClientDoesNotComeBack) {
  Online();
  call().Finish(absl::PermissionDeniedError("taken out by an operator"),
                EndReason::kKicked);
  EXPECT_EQ(state(), BrokerState::kKicked);
  EXPECT_EQ(observer_.states.back(), BrokerState::kKicked);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, AClientReplacedWhileLeavingDoesNotComeBack) {
  Leaving();
  session_->SetStatement(Statement({}, {"bills"}));
  call().Finish(absl::AbortedError("a newer stream took over"),
                EndReason::kReplaced);
  EXPECT_EQ(state(), BrokerState::kReplaced);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, AnEndReasonIsBelievedWhateverTheStatus) {
  Online();
  call().Finish(absl::UnavailableError("going down"), EndReason::kKicked);
  EXPECT_EQ(state(), BrokerState::kKicked);
}

TEST_F(BrokerSessionTest, BeforeTheStreamStandsNothingIsFinalEither) {
  Connecting();
  call().Finish(absl::PermissionDeniedError("HTTP status 403"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  loop_.Advance(absl::Milliseconds(100));
  call().Finish(absl::AbortedError("a foreign server"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionTest, ThreeAbortsOfAnOlderBrokerInAMinuteAreAReplacement) {
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteStart();
  AnswerAs(1);
  call().Finish(absl::AbortedError("REPLACED"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  ComeBack(1);
  call().Finish(absl::AbortedError("REPLACED"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  ComeBack(1);
  LiveFor(BrokerSession::kAbortWindow - absl::Milliseconds(200));
  call().Finish(absl::AbortedError("REPLACED"));
  EXPECT_EQ(state(), BrokerState::kReplaced);
}

TEST_F(BrokerSessionTest, ThreeAbortsOfAnOlderBrokerInLongerAreRetried) {
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteStart();
  AnswerAs(1);
  call().Finish(absl::AbortedError("REPLACED"));
  ComeBack(1);
  call().Finish(absl::AbortedError("REPLACED"));
  ComeBack(1);
  LiveFor(BrokerSession::kAbortWindow - absl::Milliseconds(199));
  call().Finish(absl::AbortedError("REPLACED"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionTest, AbortsOfTwoBrokerProcessesDoNotAddUp) {
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteStart();
  AnswerAs(1);
  for (uint64_t incarnation : {1, 2, 1, 2, 2, 2}) {
    call().Finish(absl::AbortedError("REPLACED"));
    ASSERT_EQ(state(), BrokerState::kBackoff);
    ComeBack(incarnation);
  }
  call().Finish(absl::AbortedError("REPLACED"));
  EXPECT_EQ(state(), BrokerState::kReplaced);
}

TEST_F(BrokerSessionTest, AbortsOfStreamsThatNoBrokerAnsweredAreRetried) {
  session_->SetStatement(Statement({}, {"orders"}));
  for (int i = 0; i < 5; ++i) {
    call().CompleteStart();
    call().Finish(absl::AbortedError("a proxy"));
    EXPECT_EQ(state(), BrokerState::kBackoff);
    loop_.Advance(absl::Seconds(5));
  }
}

TEST_F(BrokerSessionTest, AbortsOfABrokerThatWouldTellWhyAreRetried) {
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteStart();
  AnswerAs(1, {v1::FEATURE_END_REASON});
  for (int i = 0; i < 5; ++i) {
    call().Finish(absl::AbortedError("a proxy"));
    EXPECT_EQ(state(), BrokerState::kBackoff);
    ComeBack(1, {v1::FEATURE_END_REASON});
  }
}

// ---- The numbers of streams.

TEST_F(BrokerSessionTest, EveryFullHeartbeatOfAStreamHasTheStreamsNumber) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  EXPECT_EQ(call().written()[0].heartbeat().stream_number(), 1u);
  EXPECT_EQ(call().written()[1].heartbeat().stream_number(), 1u);
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().stream_number(), 2u);
}

TEST_F(BrokerSessionTest, AStreamIsNumberedWhenItIsOpened) {
  Connecting();
  stream_number_ = 7;  // Others are opened before it stands.
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().stream_number(), 1u);
}

// ---- In reserve.

TEST_F(BrokerSessionTest, AReplacedClientWithAnotherWayIsKeptInReserve) {
  Reserve();
  EXPECT_EQ(observer_.states.back(), BrokerState::kReserve);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, AReserveIsTriedNowAndThen) {
  random_ = 0.5;
  Reserve();
  loop_.Advance(BrokerSession::kReserveTime * 3 / 4 - absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kReserve);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

TEST_F(BrokerSessionTest, AReserveTakesOverAtOnceWithTheLatestStatement) {
  Reserve();
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(state(), BrokerState::kReserve);
  session_->TakeOver();
  EXPECT_EQ(state(), BrokerState::kConnecting);
  EXPECT_EQ(calls(), 2u);
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().consumers(0).group(), "bills");
}

TEST_F(BrokerSessionTest, AReserveMayEndForGood) {
  for (const BrokerState end : {BrokerState::kReplaced, BrokerState::kKicked}) {
    Remake({});
    Reserve();
    session_->EndReserve(end);
    EXPECT_EQ(state(), end);
    EXPECT_EQ(observer_.states.back(), end);
    EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  }
}

TEST_F(BrokerSessionTest, WithoutAGroupAReserveIsGivenUp) {
  Reserve();
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kIdle);
}

TEST_F(BrokerSessionTest, ShutdownOfAReserveStopsAtOnce) {
  Reserve();
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, AWayThatAnotherTakesWhileItIsLeftIsInReserve) {
  Leaving();
  session_->SetStatement(Statement({}, {"bills"}));
  observer_.has_another_way = true;
  call().Finish(absl::AbortedError("REPLACED"), EndReason::kReplaced);
  EXPECT_EQ(state(), BrokerState::kReserve);
}

TEST_F(BrokerSessionTest, AWayThatIsLeftForAnotherIsIdle) {
  Leaving();
  observer_.has_another_way = true;
  call().Finish(absl::AbortedError("REPLACED"), EndReason::kReplaced);
  EXPECT_EQ(state(), BrokerState::kIdle);
}

TEST_F(BrokerSessionTest, AnEndThatWouldBeFinalStopsAShutdownWithOk) {
  for (const EndReason reason : {EndReason::kReplaced, EndReason::kKicked}) {
    Remake({});
    observer_.stopped.clear();
    Online();
    session_->Shutdown();
    call().Finish(absl::AbortedError("the end"), reason);
    EXPECT_EQ(state(), BrokerState::kStopped);
    EXPECT_THAT(observer_.stopped, ElementsAre(IsOk()));
  }
}

// ---- Leaving many groups.

TEST_F(BrokerSessionTest, ABrokerThatTakesManyGroupsIsToldThemInOneRequest) {
  OnlineAt({v1::FEATURE_UNREGISTER_MANY_GROUPS}, {"a", "b", "c", "d"});
  session_->SetStatement(Statement({"p", "q"}, {"d"}));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /a,b,c"));
  call().CompleteWrite();
  call().Deliver(ReplyTo(1));
  AnswerAs(1, {v1::FEATURE_UNREGISTER_MANY_GROUPS});
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({}, {"d"}));
  EXPECT_EQ(Kind(call().written().back()), "unregister p,q/");
}

TEST_F(BrokerSessionTest, OneRequestHas256GroupsAtMost) {
  std::vector<std::string> groups;
  for (int i = 0; i < 256; ++i) groups.push_back(absl::StrCat("g", i));
  OnlineAt({v1::FEATURE_UNREGISTER_MANY_GROUPS}, groups);
  session_->SetStatement(Statement({"p"}, groups));  // 257 in two kinds.
  AnswerAs(1, {v1::FEATURE_UNREGISTER_MANY_GROUPS});
  session_->SetStatement(Statement({}, {"last"}));
  const auto count = [](const v1::ClientFrame& frame) {
    const v1::UnregisterClientRequest& request = frame.unregister_client();
    return !request.producer_group().empty() + request.producer_groups_size() +
           !request.consumer_group().empty() + request.consumer_groups_size();
  };
  EXPECT_EQ(count(call().written().back()), 256);
  call().CompleteWrite();
  loop_.Advance(BrokerSession::kUnregisterGap);
  EXPECT_EQ(count(call().written().back()), 1);
}

TEST_F(BrokerSessionTest, AnOlderBrokerIsToldGroupAfterGroupAtAPace) {
  OnlineAt({}, {"a", "b", "c", "d"});
  session_->SetStatement(Statement({}, {"d"}));
  EXPECT_EQ(Kind(call().written().back()), "unregister /a");
  call().CompleteWrite();
  EXPECT_EQ(Kind(call().written().back()), "full");
  call().Deliver(ReplyTo(1));
  AnswerAs(1);
  loop_.Advance(BrokerSession::kUnregisterGap - absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(3));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Kind(call().written().back()), "unregister /b");
  call().CompleteWrite();
  loop_.Advance(BrokerSession::kUnregisterGap);
  EXPECT_EQ(Kind(call().written().back()), "unregister /c");
  call().CompleteWrite();
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_THAT(call().written(), SizeIs(5));
}

TEST_F(BrokerSessionTest, HeartbeatsGoBetweenUnregistrations) {
  std::vector<std::string> groups;
  for (int i = 0; i < 200; ++i) groups.push_back(absl::StrCat("g", i));
  OnlineAt({}, groups);
  session_->SetStatement(Statement({}, {"g0"}));
  size_t answered = 1;
  for (int i = 0; i < 200 * 20; ++i) {
    if (call().writing()) call().CompleteWrite();
    for (; answered < call().written().size(); ++answered) {
      v1::BrokerFrame reply = ReplyTo(answered);
      reply.mutable_reply()->mutable_heartbeat()->set_statement_token(kToken);
      call().Deliver(reply);
    }
    loop_.Advance(absl::Milliseconds(1));
    ASSERT_EQ(state(), BrokerState::kOnline);
    if (i == 2000) session_->SetStatement(Statement({"p"}, {"g0"}));
  }
  const std::vector<std::string> kinds = Kinds(call());
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "full"), 3);
  EXPECT_EQ(std::count_if(kinds.begin(), kinds.end(),
                          [](const std::string& kind) {
                            return absl::StartsWith(kind, "unregister");
                          }),
            199);
}

TEST_F(BrokerSessionTest, ARefusedUnregistrationIsSaidAgainSlower) {
  OnlineAt({}, {"a", "b"});
  session_->SetStatement(Statement({"p"}, {"b"}));
  const absl::Status busy = absl::ResourceExhaustedError("1 frame a second");
  ASSERT_EQ(Kind(call().written().back()), "unregister /a");
  call().CompleteWrite();
  ASSERT_EQ(Kind(call().written().back()), "full");
  v1::BrokerFrame refusal = ReplyTo(1);
  refusal.mutable_reply()->mutable_status()->set_code(
      static_cast<int>(busy.code()));
  call().Deliver(refusal);
  AnswerAs(1);  // The heartbeat is taken.
  for (const int gap : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
    loop_.Advance(absl::Milliseconds(gap - 1));
    EXPECT_FALSE(call().writing()) << gap;
    loop_.Advance(absl::Milliseconds(1));
    ASSERT_TRUE(call().writing()) << gap;
    EXPECT_EQ(Kind(call().written().back()), "unregister /a") << gap;
    Refuse(busy);
  }
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionTest, FramesThatWereOnTheirWaySlowDownOnce) {
  OnlineAt({}, {"a", "b", "c", "d"});
  session_->SetStatement(Statement({}, {"d"}));
  call().CompleteWrite();
  ASSERT_EQ(Kind(call().written()[2]), "full");
  call().CompleteWrite();
  loop_.Advance(BrokerSession::kUnregisterGap);
  call().CompleteWrite();
  loop_.Advance(BrokerSession::kUnregisterGap);
  call().CompleteWrite();
  for (size_t nth : {1, 2, 3, 4}) {
    loop_.Advance(absl::Milliseconds(1));
    v1::BrokerFrame refusal = ReplyTo(nth);
    refusal.mutable_reply()->mutable_status()->set_code(
        static_cast<int>(absl::StatusCode::kResourceExhausted));
    call().Deliver(refusal);
  }
  EXPECT_THAT(call().written(), SizeIs(5));
  loop_.Advance(BrokerSession::kFirstFrameGap - absl::Milliseconds(5));
  EXPECT_THAT(call().written(), SizeIs(5));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()),
              ElementsAre("full", "unregister /a", "full", "unregister /b",
                          "unregister /c", "unregister /a"));
}

TEST_F(BrokerSessionTest, OnceAllIsTakenFramesComeAtTheirPaceAgain) {
  OnlineAt({}, {"a", "b", "c"});
  session_->SetStatement(Statement({}, {"b", "c"}));
  Refuse(absl::ResourceExhaustedError("1 frame a second"));
  AnswerAs(1);  // The heartbeat.
  loop_.Advance(BrokerSession::kFirstFrameGap);
  ASSERT_EQ(Kind(call().written().back()), "unregister /a");
  AnswerLight();  // Taken.
  loop_.Advance(absl::Milliseconds(200));
  session_->SetStatement(Statement({}, {"c"}));
  EXPECT_EQ(Kind(call().written().back()), "full");
  call().CompleteWrite();
  EXPECT_EQ(Kind(call().written().back()), "unregister /b");
}

TEST_F(BrokerSessionTest, AGroupThatComesBackInTimeIsNotUnregistered) {
  OnlineAt({}, {"a", "b", "c"});
  session_->SetStatement(Statement({}, {"c"}));
  ASSERT_EQ(Kind(call().written().back()), "unregister /a");
  session_->SetStatement(Statement({}, {"b", "c"}));
  call().CompleteWrite();
  call().Deliver(ReplyTo(1));
  AnswerAs(1);
  loop_.Advance(absl::Milliseconds(500));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /a", "full"));
}

TEST_F(BrokerSessionTest, AGroupThatCameBackIsNotUnregisteredAgain) {
  OnlineAt({}, {"a", "b"});
  session_->SetStatement(Statement({}, {"b"}));
  ASSERT_EQ(Kind(call().written().back()), "unregister /a");
  session_->SetStatement(Statement({}, {"a", "b"}));
  call().CompleteWrite();
  ASSERT_EQ(Kind(call().written().back()), "full");
  call().CompleteWrite();
  v1::BrokerFrame refusal = ReplyTo(1);
  refusal.mutable_reply()->mutable_status()->set_code(
      static_cast<int>(absl::StatusCode::kResourceExhausted));
  call().Deliver(refusal);
  call().Deliver(ReplyTo(2));
  loop_.Advance(absl::Milliseconds(400));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /a", "full"));
}

TEST_F(BrokerSessionTest, AGroupThatComesBackUnnoticedAndGoesIsUnregistered) {
  OnlineAt({}, {"a", "b", "c"});
  session_->SetStatement(Statement({}, {"b"}));
  ASSERT_EQ(Kind(call().written().back()), "unregister /a");
  session_->SetStatement(Statement({}, {"a", "b", "c"}));
  session_->SetStatement(Statement({}, {"b"}));
  call().CompleteWrite();
  call().Deliver(ReplyTo(1));
  AnswerAs(1);
  loop_.Advance(BrokerSession::kUnregisterGap);
  EXPECT_THAT(Kinds(call()), Contains("unregister /c"));
}

TEST_F(BrokerSessionTest, ALeaveThatIsLargerThanAFrameIsToldInParts) {
  const std::string a(60, 'a');
  const std::string b(60, 'b');
  OnlineAt({v1::FEATURE_UNREGISTER_MANY_GROUPS}, {a, b, "c"});
  session_->SetStatement(Statement({}, {"c"}));
  const v1::ClientFrame leave = call().written().back();
  ASSERT_EQ(Kind(leave), absl::StrCat("unregister /", a, ",", b));
  call().CompleteWrite();
  v1::BrokerFrame refusal = ReplyTo(1);
  v1::Status& status = *refusal.mutable_reply()->mutable_status();
  status.set_code(static_cast<int>(absl::StatusCode::kResourceExhausted));
  status.set_message(absl::StrCat("frame must be at most 100 bytes, got ",
                                  leave.ByteSizeLong()));
  call().Deliver(refusal);
  AnswerAs(1, {v1::FEATURE_UNREGISTER_MANY_GROUPS});
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(Kind(call().written().back()), absl::StrCat("unregister /", a));
  call().CompleteWrite();
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(Kind(call().written().back()), absl::StrCat("unregister /", b));
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionTest, AGroupThatIsComingBackIsNotUnregisteredAgain) {
  OnlineAt({}, {"a", "b"});
  session_->SetStatement(Statement({}, {"b"}));
  call().CompleteWrite();
  ASSERT_EQ(Kind(call().written().back()), "full");
  session_->SetStatement(Statement({}, {"a", "b"}));  // Waits for the answer.
  v1::BrokerFrame refusal = ReplyTo(1);
  refusal.mutable_reply()->mutable_status()->set_code(
      static_cast<int>(absl::StatusCode::kResourceExhausted));
  call().Deliver(refusal);
  AnswerAs(1);
  loop_.Advance(absl::Milliseconds(400));
  EXPECT_THAT(Kinds(call()),
              ElementsAre("full", "unregister /a", "full", "full"));
}

TEST_F(BrokerSessionTest, LeavingTellsManyGroupsInOneRequest) {
  OnlineAt({v1::FEATURE_UNREGISTER_MANY_GROUPS}, {"a", "b", "c"});
  session_->Shutdown();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /a,b,c"));
  call().CompleteWrite();
  EXPECT_TRUE(call().half_closed());
}

TEST_F(BrokerSessionTest, GroupsThatAreTooManyForOneRequestLeaveByTheEnd) {
  OnlineAt({}, {"a", "b"});
  session_->Shutdown();
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  EXPECT_TRUE(call().half_closed());
}

// ---- A statement that is too large for a frame.

TEST_F(BrokerSessionTest, AStatementThatIsTooLargeIsNotMadeAgain) {
  Refused();
  EXPECT_EQ(observer_.states.back(), BrokerState::kRefused);
  EXPECT_THAT(
      session_->health().last_error,
      StatusIs(absl::StatusCode::kResourceExhausted,
               absl::StrCat("the client's groups and subscriptions are ",
                            call().written()[0].ByteSizeLong(),
                            " bytes as a frame, and the broker takes "
                            "at most 100: they are not sent again "
                            "until they change")));
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, AStatementThatFitsAgainIsMadeAtOnce) {
  Refused();
  session_->SetStatement(Statement({}, {"orders"}));
  EXPECT_EQ(calls(), 2u);
  call().CompleteStart();
  AnswerToken(kToken);
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionTest, AnotherStatementThatIsTooLargeIsTriedAfterAPause) {
  Refused();
  for (int ms : {100, 200, 400}) {
    session_->SetStatement(Statement({}, {std::string(90 + ms / 100, 'h')}));
    EXPECT_EQ(state(), BrokerState::kBackoff);
    loop_.Advance(absl::Milliseconds(ms));
    ASSERT_EQ(state(), BrokerState::kConnecting);
    call().CompleteStart();
    call().Finish(TooLarge(call().written()[0], 100));
    EXPECT_EQ(state(), BrokerState::kRefused);
  }
}

TEST_F(BrokerSessionTest, AnAnswerThatTheStatementIsTooLargeEndsTheStream) {
  OnlineAt({}, {"a"});
  session_->SetStatement(Statement({}, {"a", std::string(100, 'g')}));
  Refuse(absl::ResourceExhaustedError(
      absl::StrCat("frame must be at most 100 bytes, got ",
                   call().written()[1].ByteSizeLong())));
  EXPECT_EQ(state(), BrokerState::kRefused);
  EXPECT_TRUE(call().cancelled());
}

TEST_F(BrokerSessionTest, OtherWordsWithTheFramesSizeDoNotEndTheStream) {
  for (int i = 0; i < 4; ++i) {
    Remake({});
    Stating();
    const size_t bytes = call().written()[0].ByteSizeLong();
    const std::vector<std::string> words = {
        absl::StrCat("upstream 10.0.0.", bytes, " is overloaded"),
        absl::StrCat("rate limit: at most 10 requests, got ", bytes),
        absl::StrCat("frame must be at most 10 bytes, got ", bytes, "0"),
        absl::StrCat("frame must be at most ", bytes, " bytes, got ", bytes)};
    Refuse(absl::ResourceExhaustedError(words[i]));
    EXPECT_EQ(state(), BrokerState::kStating) << words[i];
  }
}

TEST_F(BrokerSessionTest, AnotherEndWithResourceExhaustedIsRetried) {
  for (const absl::string_view message :
       {"no room for another channel: at most 200000",
        "Received message larger than max (5000000 vs. 4194304)", "busy", ""}) {
    SCOPED_TRACE(message);
    Remake({});
    Stating();
    call().Finish(absl::ResourceExhaustedError(message));
    EXPECT_EQ(state(), BrokerState::kBackoff);
  }
}

TEST_F(BrokerSessionTest, AnEndAfterTheAnswerIsNotAboutTheStatement) {
  Online();
  call().Finish(TooLarge(call().written()[0], 10));
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionTest, WithoutAGroupARefusedStatementIsGivenUp) {
  Refused();
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kIdle);
}

TEST_F(BrokerSessionTest, ShutdownOfARefusedClientStopsAtOnce) {
  Refused();
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

// ---- Consumer ids.

TEST_F(BrokerSessionTest, APushIsReported) {
  Online();
  observer_.changed.clear();
  call().Deliver(Push("orders"));
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, GroupsAreReportedOnceMoreWhenTheBrokerHasSettled) {
  session_->SetStatement(Statement({"p"}, {"invoices", "orders"}));
  call().CompleteStart();
  AnswerToken(kToken);
  observer_.changed.clear();
  call().Deliver(PushOfASettlingBroker("orders", absl::Milliseconds(1500)));
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
  loop_.Advance(absl::Milliseconds(1499));
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(observer_.changed, ElementsAre("orders", "invoices", "orders"));
  loop_.Advance(absl::Seconds(2));  // Once.
  EXPECT_THAT(observer_.changed, SizeIs(3));
}

TEST_F(BrokerSessionTest, WhatWasHeardLastOfSettlingCounts) {
  Online();
  observer_.changed.clear();
  session_->NoteSettling(loop_.Now() + absl::Milliseconds(200));
  session_->NoteSettling(loop_.Now() + absl::Milliseconds(300));
  loop_.Advance(absl::Milliseconds(299));
  EXPECT_THAT(observer_.changed, IsEmpty());
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, ABrokerThatHasSettledWhileItWasAskedIsReported) {
  Online();
  observer_.changed.clear();
  session_->NoteSettling(loop_.Now());
  loop_.Advance(absl::ZeroDuration());
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, WhatIsHeardOfSettlingWithoutAStreamIsForgotten) {
  Backoff();
  session_->NoteSettling(loop_.Now() + absl::Milliseconds(900));
  ComeBack(/*incarnation=*/1);
  observer_.changed.clear();
  loop_.Advance(absl::Milliseconds(950));
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, TheEndOfAStreamEndsTheWaitForTheBrokerToSettle) {
  Online();
  session_->NoteSettling(loop_.Now() + absl::Milliseconds(900));
  call().Finish(absl::UnavailableError("the broker is killed"));
  ComeBack(/*incarnation=*/2);
  observer_.changed.clear();
  loop_.Advance(absl::Milliseconds(950));
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, AGroupThatWasLeftIsNotReportedWhenTheBrokerSettles) {
  Online();
  session_->NoteSettling(loop_.Now() + absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {}));
  observer_.changed.clear();
  loop_.Advance(absl::Milliseconds(600));
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, APushForAGroupThatTheClientLeftIsNotReported) {
  Online();
  session_->SetStatement(Statement({"p"}, {"bills"}));
  observer_.changed.clear();
  call().Deliver(Push("orders"));
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, EachConsumerGroupIsReportedOnceItIsTaken) {
  session_->SetStatement(Statement({"p"}, {"bills", "orders"}));
  call().CompleteStart();
  EXPECT_THAT(observer_.changed, IsEmpty());
  AnswerToken(kToken);
  EXPECT_THAT(observer_.changed, ElementsAre("bills", "orders"));
  loop_.Advance(absl::Seconds(1));
  AnswerLight();
  EXPECT_THAT(observer_.changed, SizeIs(2));
}

TEST_F(BrokerSessionTest, EachConsumerGroupIsReportedAgainAfterAReconnect) {
  Online();
  call().Finish(absl::UnavailableError("going down"));
  observer_.changed.clear();
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  EXPECT_THAT(observer_.changed, IsEmpty());
  AnswerToken(kToken + 1);
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, OnlyTheAddedGroupIsReportedWhenAStatementIsTaken) {
  Online();
  observer_.changed.clear();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {"bills", "orders"}));
  AnswerToken(kToken + 1);
  EXPECT_THAT(observer_.changed, ElementsAre("bills"));
}

TEST_F(BrokerSessionTest, AGroupThatComesBackIsReportedAgain) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {}));
  session_->SetStatement(Statement({"p"}, {"orders"}));
  observer_.changed.clear();
  call().CompleteWrite();
  ASSERT_THAT(Kinds(call()), ElementsAre("full", "unregister /orders", "full"));
  call().Deliver(ReplyTo(1));
  AnswerToken(kToken + 1);
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, ASkippedGroupIsReportedOnceItIsTaken) {
  Stating();
  v1::HeartbeatResponse response;
  response.add_skipped_groups()->set_group("orders");
  Answer(response);
  EXPECT_THAT(observer_.changed, IsEmpty());
  loop_.Advance(absl::Seconds(1));
  AnswerToken(kToken);
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, ASkippedProducerGroupDoesNotHideTheConsumerGroup) {
  session_->SetStatement(Statement({"orders"}, {"orders"}));
  call().CompleteStart();
  v1::HeartbeatResponse response;
  response.add_skipped_groups()->set_group("orders");
  response.mutable_skipped_groups(0)->set_producer(true);
  Answer(response);
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

// ---- Health.

TEST_F(BrokerSessionTest, HealthTellsWhatTheBrokerSaid) {
  Stating();
  loop_.Advance(absl::Milliseconds(20));
  AnswerToken(kToken);
  const BrokerHealth& health = session_->health();
  EXPECT_EQ(health.broker_name, "broker-a");
  EXPECT_EQ(health.broker_id, 3u);
  EXPECT_EQ(health.channel_expiry, absl::Seconds(120));
  EXPECT_EQ(health.round_trip, absl::Milliseconds(20));
  EXPECT_EQ(health.heartbeat_answered, loop_.Now());
  EXPECT_EQ(health.heartbeat_sent, loop_.Now() - absl::Milliseconds(20));
  EXPECT_THAT(health.last_error, IsOk());
}

TEST_F(BrokerSessionTest, ABrokerWithoutANameIsCalledAsItCallsItself) {
  Stating();
  EXPECT_EQ(session_->health().broker, kUnnamed);
  AnswerToken(kToken);
  EXPECT_EQ(session_->health().broker, kNamed);
  EXPECT_EQ(observer_.brokers.back(), kNamed);
}

TEST_F(BrokerSessionTest,
       ABrokerThatCallsItselfOtherwiseKeepsTheResolversName) {
  session_ = NewSession({"broker-b", 0, "broker:1"}, BrokerSession::Options());
  Online();
  EXPECT_EQ(session_->health().broker,
            (BrokerEntry{"broker-b", 0, "broker:1"}));
  EXPECT_EQ(session_->health().broker_name, "broker-a");
  EXPECT_EQ(session_->health().broker_id, 3u);
}

TEST_F(BrokerSessionTest, ARenamedBrokerIsToldUnderItsNewName) {
  Online();
  session_->Rename({"broker-b", 1, "broker:1"});
  EXPECT_EQ(observer_.health.back().broker,
            (BrokerEntry{"broker-b", 1, "broker:1"}));
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
}

TEST_F(BrokerSessionTest, EachTimeTheClientIsOnlineAgainIsAReconnect) {
  Online();
  EXPECT_EQ(session_->health().reconnects, 0);
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(session_->health().reconnects, 0);
  call().CompleteStart();
  AnswerToken(kToken + 1);
  EXPECT_EQ(session_->health().reconnects, 1);
}

TEST_F(BrokerSessionTest, HealthNamesTheSkippedGroups) {
  Stating();
  v1::HeartbeatResponse response;
  v1::SkippedGroup* skipped = response.add_skipped_groups();
  skipped->set_group("orders");
  skipped->set_message("no such group");
  Answer(response);
  ASSERT_THAT(session_->health().skipped_groups, SizeIs(1));
  EXPECT_EQ(session_->health().skipped_groups[0].group, "orders");
  EXPECT_EQ(session_->health().skipped_groups[0].message, "no such group");
  loop_.Advance(absl::Seconds(1));
  AnswerToken(kToken);
  EXPECT_THAT(session_->health().skipped_groups, IsEmpty());
}

TEST_F(BrokerSessionTest, AClientOfWhichAGroupIsSkippedIsNotPlainlyOnline) {
  Stating();
  v1::HeartbeatResponse response;
  response.add_skipped_groups()->set_group("orders");
  Answer(response);
  EXPECT_EQ(observer_.states.back(), BrokerState::kPartial);
  EXPECT_THAT(observer_.health.back().skipped_groups, SizeIs(1));
  loop_.Advance(absl::Seconds(1));
  AnswerToken(kToken);
  EXPECT_EQ(observer_.states.back(), BrokerState::kOnline);
  EXPECT_EQ(session_->health().reconnects, 0);
}

TEST_F(BrokerSessionTest, AGroupThatIsSkippedLaterMakesTheClientPartial) {
  Online();
  session_->SetStatement(Statement({"p"}, {"invoices", "orders"}));
  loop_.Advance(BrokerSession::kMinHeartbeatGap);
  v1::HeartbeatResponse response;
  response.add_skipped_groups()->set_group("invoices");
  Answer(response);
  EXPECT_EQ(observer_.states.back(), BrokerState::kPartial);
  // Nothing else is different: it heartbeats, in full, and comes back.
  loop_.Advance(absl::Seconds(30));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full", "full"));
  call().Finish(absl::UnavailableError("going down"));
  ComeBack(/*incarnation=*/1);
  EXPECT_EQ(session_->health().reconnects, 1);
}

TEST_F(BrokerSessionTest, EveryChangeOfStateIsReported) {
  Online();
  call().Finish(absl::UnavailableError("going down"));
  session_->Shutdown();
  EXPECT_THAT(observer_.states,
              ElementsAre(BrokerState::kConnecting, BrokerState::kStating,
                          BrokerState::kOnline, BrokerState::kBackoff,
                          BrokerState::kStopped));
}

// ---- Shutdown, in each state.

TEST_F(BrokerSessionTest, ShutdownOfAnIdleSessionStopsAtOnce) {
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ShutdownWhileConnectingStopsAtOnce) {
  Connecting();
  session_->Shutdown();
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ShutdownInAPauseStopsAtOnce) {
  Backoff();
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ShutdownUnregistersHalfClosesAndAwaitsTheEnd) {
  Online();
  session_->Shutdown();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister p/orders"));
  EXPECT_FALSE(call().half_closed());
  call().CompleteWrite();
  EXPECT_TRUE(call().half_closed());
  call().Deliver(ReplyTo(1));
  EXPECT_THAT(observer_.stopped, IsEmpty());
  call().Finish(absl::OkStatus());
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ShutdownWhileStatingWaitsForTheWriteUnderWay) {
  Stating();
  session_->Shutdown();
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  call().CompleteWrite();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister p/orders"));
  call().CompleteWrite();
  EXPECT_TRUE(call().half_closed());
}

TEST_F(BrokerSessionTest, ShutdownWhileLeavingStopsInsteadOfComingBack) {
  Leaving();
  session_->SetStatement(Statement({}, {"bills"}));
  session_->Shutdown();
  call().CompleteWrite();
  call().Finish(absl::OkStatus());
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, ShutdownOfAReplacedClientHasNothingToDo) {
  Online();
  call().Finish(absl::AbortedError("a newer stream took over"),
                EndReason::kReplaced);
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kReplaced);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ShutdownOfAKickedClientHasNothingToDo) {
  Online();
  call().Finish(absl::PermissionDeniedError("taken out by an operator"),
                EndReason::kKicked);
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kKicked);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ASecondShutdownChangesNothing) {
  session_->Shutdown();
  session_->Shutdown();
  session_->Abandon();
  EXPECT_THAT(observer_.stopped, SizeIs(1));
}

TEST_F(BrokerSessionTest, AStatementAfterShutdownIsNotMade) {
  session_->Shutdown();
  session_->SetStatement(Statement({}, {"orders"}));
  EXPECT_EQ(calls(), 0u);
}

TEST_F(BrokerSessionTest, APushWhileLeavingIsNotReported) {
  Online();
  observer_.changed.clear();
  session_->Shutdown();
  call().Deliver(Push("orders"));
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, AnAnswerWhileLeavingReportsNoGroup) {
  Stating();
  session_->Shutdown();
  AnswerToken(kToken);
  EXPECT_EQ(state(), BrokerState::kLeaving);
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, ARefusedUnregistrationDoesNotStopLeaving) {
  Online();
  session_->Shutdown();
  Refuse(absl::ResourceExhaustedError("100 frames a second"));
  EXPECT_TRUE(call().half_closed());
  call().Finish(absl::OkStatus());
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ABrokerThatDoesNotEndTheStreamIsLeftInTheEnd) {
  Online();
  session_->Shutdown();
  call().CompleteWrite();
  loop_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kLeaving);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(call().cancelled());
  EXPECT_THAT(observer_.stopped,
              ElementsAre(StatusIs(absl::StatusCode::kDeadlineExceeded,
                                   "the stream did not end within 3s")));
}

TEST_F(BrokerSessionTest, AStreamThatBreaksWhileLeavingIsTheFinalStatus) {
  Online();
  session_->Shutdown();
  call().Finish(absl::UnavailableError("connection reset"));
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped,
              ElementsAre(StatusIs(absl::StatusCode::kUnavailable,
                                   HasSubstr("connection reset"))));
}

TEST_F(BrokerSessionTest, AbandonCancelsWhatIsUnderWay) {
  Online();
  session_->Shutdown();
  session_->Abandon();
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  EXPECT_THAT(observer_.stopped,
              ElementsAre(StatusIs(absl::StatusCode::kDeadlineExceeded)));
}

TEST_F(BrokerSessionTest, ADestroyedSessionCancelsItsStreamAndItsTimer) {
  Online();
  session_.reset();
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
}

// ---- Shutdown at each step of a full life.

class ShutdownAtEachStepTest : public BrokerSessionTest,
                               public ::testing::WithParamInterface<size_t> {
 public:
  using Step = void (ShutdownAtEachStepTest::*)();
  static const std::vector<Step>& Steps();

 protected:
  void State() { session_->SetStatement(Statement({"p"}, {"orders"})); }
  void Start() { call().CompleteStart(); }
  void Written() { call().CompleteWrite(); }
  void Taken() {
    v1::BrokerFrame frame = ReplyTo(call().written().size() - 1);
    frame.mutable_reply()->mutable_heartbeat()->set_statement_token(kToken);
    call().Deliver(frame);
    answered_ = call().written().size();
  }
  void Pushed() { call().Deliver(Push("orders")); }
  void HeartbeatDue() { loop_.Advance(BrokerSession::kSecondHeartbeatDelay); }
  void DropAGroup() { session_->SetStatement(Statement({"p"}, {})); }
  void Broken() {
    call().Finish(absl::UnavailableError("the connection broke"));
    answered_ = 0;
  }
  void PauseOver() { loop_.Advance(BrokerSession::Options().backoff.initial); }
  void NoGroup() { session_->SetStatement(nullptr); }
  void Silence() { loop_.Advance(BrokerSession::Options().reply_timeout); }

  // What a broker does that answers everything.
  void PlayOn() {
    for (int round = 0; round < 10 && observer_.stopped.empty(); ++round) {
      if (call().writing()) call().CompleteWrite();
      while (!call().cancelled() && !call().writing() &&
             answered_ < call().written().size()) {
        call().Deliver(ReplyTo(answered_++));
      }
      if (call().half_closed() && !call().cancelled()) {
        call().Finish(absl::OkStatus());
      }
    }
  }

  size_t answered_ = 0;  // Frames of the current stream.
};

const std::vector<ShutdownAtEachStepTest::Step>&
ShutdownAtEachStepTest::Steps() {
  using Test = ShutdownAtEachStepTest;
  static const auto& steps = *new std::vector<Step>{
      &Test::State,      &Test::Start,        &Test::Written, &Test::Taken,
      &Test::Pushed,     &Test::HeartbeatDue, &Test::Written, &Test::Taken,
      &Test::DropAGroup, &Test::Written,      &Test::Broken,  &Test::PauseOver,
      &Test::Start,      &Test::Written,      &Test::Taken,   &Test::NoGroup,
      &Test::Written,    &Test::Silence};
  return steps;
}

TEST_P(ShutdownAtEachStepTest, TheSessionStopsOnceWithNothingLeftBehind) {
  for (size_t i = 0; i < GetParam(); ++i) (this->*Steps()[i])();
  session_->Shutdown();
  PlayOn();
  EXPECT_THAT(observer_.stopped, ElementsAre(IsOk()));
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  for (const auto& call : stub_.calls()) EXPECT_TRUE(call->cancelled());
}

TEST_P(ShutdownAtEachStepTest, ABrokerThatSaysNoMoreIsLeftInTheEnd) {
  for (size_t i = 0; i < GetParam(); ++i) (this->*Steps()[i])();
  session_->Shutdown();
  loop_.Advance(BrokerSession::Options().reply_timeout);
  EXPECT_THAT(observer_.stopped, SizeIs(1));
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  for (const auto& call : stub_.calls()) EXPECT_TRUE(call->cancelled());
}

TEST_P(ShutdownAtEachStepTest, TheSessionMayBeDestroyed) {
  for (size_t i = 0; i < GetParam(); ++i) (this->*Steps()[i])();
  session_->Shutdown();
  session_.reset();
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  for (const auto& call : stub_.calls()) EXPECT_TRUE(call->cancelled());
}

INSTANTIATE_TEST_SUITE_P(
    Life, ShutdownAtEachStepTest,
    ::testing::Range<size_t>(0, ShutdownAtEachStepTest::Steps().size() + 1));

}  // namespace
}  // namespace rmq
