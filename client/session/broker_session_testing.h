// What the tests of BrokerSession share: a session over a fake stub and a loop
// that is stepped by hand.
#ifndef CLIENT_SESSION_BROKER_SESSION_TESTING_H_
#define CLIENT_SESSION_BROKER_SESSION_TESTING_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/broker_warning.h"
#include "client/client_options.h"
#include "client/session/broker_session.h"
#include "client/session/broker_stub.h"
#include "client/session/group_membership.h"
#include "client/session/proto_duration.h"
#include "client/testing/fake_broker_stub.h"
#include "client/testing/manual_event_loop.h"
#include "google/protobuf/repeated_field.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

inline constexpr uint64_t kToken = 77;

inline const BrokerEntry& kUnnamed = *new BrokerEntry{"", 0, "broker:1"};
inline const BrokerEntry& kNamed = *new BrokerEntry{"broker-a", 3, "broker:1"};

inline std::shared_ptr<const rocketmq::clientmanager::v1::HeartbeatRequest>
Statement(const std::vector<std::string>& producers,
          const std::vector<std::string>& consumers) {
  auto statement =
      std::make_shared<rocketmq::clientmanager::v1::HeartbeatRequest>();
  statement->set_client_id("10.0.0.1@test");
  for (const std::string& group : producers) {
    statement->add_producers()->set_group(group);
  }
  for (const std::string& group : consumers) {
    statement->add_consumers()->set_group(group);
  }
  return statement;
}

inline rocketmq::clientmanager::v1::BrokerFrame Push(const std::string& group) {
  rocketmq::clientmanager::v1::BrokerFrame frame;
  frame.mutable_notify_consumer_ids_changed()->set_group(group);
  return frame;
}

inline rocketmq::clientmanager::v1::BrokerFrame PushOfASettlingBroker(
    const std::string& group, absl::Duration left) {
  rocketmq::clientmanager::v1::BrokerFrame frame = Push(group);
  *frame.mutable_notify_consumer_ids_changed()->mutable_settling_until() =
      ToProto(left);
  return frame;
}

// The groups of an unregistration, the first and the others, with commas.
inline std::string GroupsOf(
    const std::string& first,
    const google::protobuf::RepeatedPtrField<std::string>& others) {
  std::string groups = first;
  for (const std::string& group : others) absl::StrAppend(&groups, ",", group);
  return groups;
}

// The acknowledged groups and epochs of a frame, with commas.
inline std::string AcknowledgmentsOf(
    const rocketmq::clientmanager::v1::Acknowledge& acknowledge) {
  std::string text =
      absl::StrCat(acknowledge.group(), "@", acknowledge.epoch());
  for (const rocketmq::clientmanager::v1::GroupEpoch& more :
       acknowledge.more()) {
    absl::StrAppend(&text, ",", more.group(), "@", more.epoch());
  }
  return text;
}

// "full", "light", "unregister p/c", "acknowledge g@e", "list g", or what else
// a frame is.
inline std::string Kind(const rocketmq::clientmanager::v1::ClientFrame& frame) {
  if (frame.has_unregister_client()) {
    const rocketmq::clientmanager::v1::UnregisterClientRequest& request =
        frame.unregister_client();
    return absl::StrCat(
        "unregister ",
        GroupsOf(request.producer_group(), request.producer_groups()), "/",
        GroupsOf(request.consumer_group(), request.consumer_groups()));
  }
  if (frame.has_acknowledge()) {
    return absl::StrCat("acknowledge ", AcknowledgmentsOf(frame.acknowledge()));
  }
  if (frame.has_get_consumer_list_by_group()) {
    return absl::StrCat("list ", frame.get_consumer_list_by_group().group());
  }
  if (!frame.has_heartbeat()) return "other";
  return frame.heartbeat().statement_token() == 0 ? "full" : "light";
}

inline std::vector<std::string> Kinds(const FakeCall& call) {
  std::vector<std::string> kinds;
  for (const rocketmq::clientmanager::v1::ClientFrame& frame : call.written()) {
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
  void OnMembershipChanged(const BrokerEntry& broker, absl::string_view group,
                           const MembershipReport& report,
                           absl::Time settled_at) override {
    EXPECT_EQ(broker.address, "broker:1");
    memberships.push_back(absl::StrCat(group, "@", report.epoch, " ",
                                       absl::StrJoin(*report.members, ",")));
    reports.push_back(report);
    settled.push_back(settled_at);
  }
  void OnMembershipEnded(const BrokerEntry&, absl::string_view group) override {
    ended.emplace_back(group);
  }
  void OnWarning(const BrokerWarning& warning) override {
    warnings.push_back(absl::StrCat(Name(warning.kind), " ", warning.group,
                                    ": ", warning.message));
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
  std::vector<std::string> memberships;   // "group@epoch id,id,...".
  std::vector<MembershipReport> reports;  // Each of `memberships`.
  std::vector<absl::Time> settled;        // Of each of `memberships`.
  std::vector<std::string> ended;
  std::vector<std::string> warnings;
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
  // Makes the session anew.
  void Remake(const BrokerSession::Options& options =
                  BrokerSession::Options(ClientOptions())) {
    session_ = NewSession(kUnnamed, options);
  }

  FakeCall& call() { return *stub_.calls().back(); }
  size_t calls() const { return stub_.calls().size(); }
  BrokerState state() const { return session_->health().state; }

  // The broker's reply to the `nth` frame of the current stream.
  rocketmq::clientmanager::v1::BrokerFrame ReplyTo(size_t nth) {
    rocketmq::clientmanager::v1::BrokerFrame frame;
    frame.mutable_reply()->set_request_id(call().written()[nth].request_id());
    return frame;
  }

  // Lets the frame that is being written go, and answers it.
  void Answer(const rocketmq::clientmanager::v1::HeartbeatResponse& response) {
    rocketmq::clientmanager::v1::BrokerFrame frame =
        ReplyTo(call().written().size() - 1);
    *frame.mutable_reply()->mutable_heartbeat() = response;
    call().CompleteWrite();
    call().Deliver(frame);
  }
  void AnswerToken(uint64_t token, absl::Duration expiry = absl::Seconds(120)) {
    rocketmq::clientmanager::v1::HeartbeatResponse response;
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
  void AnswerAs(
      uint64_t incarnation,
      const std::vector<rocketmq::clientmanager::v1::Feature>& features = {}) {
    rocketmq::clientmanager::v1::HeartbeatResponse response;
    response.set_broker_name("broker-a");
    response.set_broker_id(3);
    response.set_broker_incarnation(incarnation);
    response.set_statement_token(kToken);
    response.mutable_channel_expiry()->set_seconds(120);
    for (const rocketmq::clientmanager::v1::Feature feature : features)
      response.add_features(feature);
    Answer(response);
  }
  void AnswerLight() {
    Answer(rocketmq::clientmanager::v1::HeartbeatResponse());
  }
  void Refuse(const absl::Status& status) {
    rocketmq::clientmanager::v1::BrokerFrame frame =
        ReplyTo(call().written().size() - 1);
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
  void OnlineAt(
      const std::vector<rocketmq::clientmanager::v1::Feature>& features,
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
  void ComeBack(
      uint64_t incarnation,
      const std::vector<rocketmq::clientmanager::v1::Feature>& features = {}) {
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
  static absl::Status TooLarge(
      const rocketmq::clientmanager::v1::ClientFrame& frame, size_t limit) {
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
      NewSession(kUnnamed, BrokerSession::Options(ClientOptions()));
};

}  // namespace rmq

#endif  // CLIENT_SESSION_BROKER_SESSION_TESTING_H_
