#include "broker/fronts/clientmanager/acknowledge.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/fronts/acknowledgment_outcome.h"
#include "broker/fronts/clientmanager/client_manager_fixture.h"
#include "common/client_network.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kIncarnation = 77;  // The fixture's.

class AcknowledgeTest : public ClientManagerFixture {
 protected:
  // Groups whose acknowledgment had no effect.
  int64_t Bad() const {
    int64_t bad = 0;
    counters_.acknowledgments.VisitAll(
        [&bad](AcknowledgmentOutcome outcome, int64_t count) {
          if (outcome != AcknowledgmentOutcome::kTaken) bad += count;
        });
    return bad;
  }
  static pb::HeartbeatRequest ConsumerOfMany(int groups) {
    pb::HeartbeatRequest request;
    request.set_client_id("c1");
    for (int i = 0; i < groups; ++i) {
      *request.add_consumers() =
          Consumer("", absl::StrCat("g", i)).consumers(0);
    }
    return request;
  }
};

TEST_F(AcknowledgeTest, AnEpochIsTaken) {
  Stream stream = Join(Consumer("c1", "orders"));
  Acknowledge(stream, "orders", EpochOf("orders"));
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kTaken), 1);
  EXPECT_EQ(Bad(), 0);
  EXPECT_FALSE(stream.client.has_bad_acknowledgment);
}

TEST_F(AcknowledgeTest, WhatHasNoEffectIsCountedByItsReason) {
  Stream stream = Join(Consumer("c1", "orders"));
  Join(Consumer("c2", "audit"));
  const uint64_t epoch = EpochOf("orders");
  Acknowledge(stream, "audit", 1);
  Acknowledge(stream, "unknown", 1);
  Acknowledge(stream, "", 1);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kNotMember), 3);
  Acknowledge(stream, "orders", 0);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kNoEpoch), 1);
  Acknowledge(stream, "orders", epoch + 1);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kFutureEpoch), 1);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kTaken), 0);
  EXPECT_TRUE(stream.client.has_bad_acknowledgment);
}

TEST_F(AcknowledgeTest, AnotherIncarnationsEpochHasNoEffectAndOnesOwnHas) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::Acknowledge request;
  request.set_group("orders");
  request.set_epoch(EpochOf("orders"));
  request.set_broker_incarnation(kIncarnation + 1);
  Acknowledge(stream, request);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kOtherIncarnation), 1);
  request.set_broker_incarnation(kIncarnation);
  Acknowledge(stream, request);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kTaken), 1);
}

TEST_F(AcknowledgeTest, BeforeTheFirstFullHeartbeatItHasNoEffect) {
  Join(Consumer("c1", "orders"));
  Stream stream = OpenStream();
  Acknowledge(stream, "orders", EpochOf("orders"));
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kBeforeHeartbeat), 1);
}

TEST_F(AcknowledgeTest, ItIsNoSignOfLife) {
  Stream stream = Join(Consumer("c1", "orders"));
  const absl::Time joined = now_;
  now_ += absl::Seconds(10);
  Acknowledge(stream, "orders", EpochOf("orders"));
  EXPECT_EQ(stream.channel->last_heard(), joined);
}

TEST_F(AcknowledgeTest, ItIsNotPushedOrAnsweredIfItIsUpToDate) {
  Stream stream = Join(Consumer("c1", "orders"));
  stream.channel->TakePushes();
  Acknowledge(stream, "orders", EpochOf("orders"));
  EXPECT_THAT(stream.channel->TakePushes(), IsEmpty());
}

TEST_F(AcknowledgeTest, SeveralGroupsOfOneFrameAreEachTakenOrNot) {
  Stream stream = Join(ConsumerOfMany(2));
  pb::Acknowledge request;
  request.set_group("g0");
  request.set_epoch(EpochOf("g0"));
  pb::GroupEpoch& second = *request.add_more();
  second.set_group("g1");
  second.set_epoch(EpochOf("g1"));
  request.add_more()->set_group("unknown");
  Acknowledge(stream, request);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kTaken), 2);
  EXPECT_EQ(Bad(), 1);
}

TEST_F(AcknowledgeTest, AFrameMayHave256FurtherGroupsAndNotOneMore) {
  Stream stream = Join(ConsumerOfMany(256));
  pb::Acknowledge request;
  request.set_group("g0");
  request.set_epoch(EpochOf("g0"));
  for (int i = 0; i < kMostFurtherGroups; ++i) {
    pb::GroupEpoch& more = *request.add_more();
    more.set_group(absl::StrCat("g", i));
    more.set_epoch(EpochOf("g0"));
  }
  Acknowledge(stream, request);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kTaken), 257);
  request.add_more()->set_group("g1");
  Acknowledge(stream, request);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kTooManyGroups), 258);
}

TEST_F(AcknowledgeTest, AllGroupsOfAClientMayBeAcknowledgedAtOnceAndAgain) {
  Stream stream = Join(ConsumerOfMany(256));
  for (int times = 0; times < 2; ++times) {
    for (int i = 0; i < 256; ++i) {
      const std::string group = absl::StrCat("g", i);
      Acknowledge(stream, group, EpochOf(group));
    }
  }
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kTaken), 512);
  EXPECT_EQ(Bad(), 0);
}

TEST_F(AcknowledgeTest, AFloodIsCountedAndHarmsNothing) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  const uint64_t epoch = EpochOf("orders");
  for (int i = 0; i < 10'000; ++i) Acknowledge(stream, "orders", epoch);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kTaken),
            kAcknowledgedGroupsAtOnce);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kOverRate),
            10'000 - kAcknowledgedGroupsAtOnce);
  EXPECT_THAT(StatusOf(Handle(stream, Light("c1", token))), IsSuccess());
  // A group may be acknowledged again after its share of a second.
  now_ += absl::Seconds(1) / kAcknowledgedGroupsPerSecond;
  Acknowledge(stream, "orders", epoch);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kTaken),
            kAcknowledgedGroupsAtOnce + 1);
}

TEST_F(AcknowledgeTest, FurtherGroupsCountForTheRate) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::Acknowledge request;
  request.set_group("orders");
  request.set_epoch(EpochOf("orders"));
  for (int i = 0; i < kMostFurtherGroups; ++i) {
    *request.add_more()->mutable_group() = "orders";
  }
  Acknowledge(stream, request);  // 257 groups.
  Acknowledge(stream, request);  // 514 groups together.
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kOverRate), 257);
}

TEST_F(AcknowledgeTest, TheGateIsAskedAboutConnectAndTheGroups) {
  Stream stream = Join(Consumer("c1", "orders"));
  Acknowledge(stream, "orders", EpochOf("orders"));
  EXPECT_EQ(authorizer_.count("Connect"), 1);
}

class DeniedAcknowledgeTest : public AcknowledgeTest {
 protected:
  DeniedAcknowledgeTest()
      : AcknowledgeTest(),
        denied_(CallStatus{absl::StatusCode::kPermissionDenied,
                           ResponseCode::kSystemError, "nobody may"}) {}
  RecordingAuthorizer denied_;
  Gate closed_{&denied_, CallStatus()};
};

TEST_F(DeniedAcknowledgeTest, WhatTheGateDeniesHasNoEffect) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::Acknowledge request;
  request.set_group("orders");
  request.set_epoch(EpochOf("orders"));
  const ClientBroker broker = {{"TestCluster", "broker-x", 3, kIncarnation},
                               Limits(),
                               now_,
                               table_,
                               processor_,
                               counters_};
  const CallContext connect = {*front_.connect().descriptor,
                               {kPeer, ClientNetworkOf(kPeer), ""},
                               {},
                               now_};
  TakeAcknowledgment(broker, &closed_, connect, *stream.channel, request,
                     &stream.client);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kDenied), 1);
  EXPECT_EQ(Acknowledged(AcknowledgmentOutcome::kTaken), 0);
}

// --- What is told again ---

class ToldAgainTest : public AcknowledgeTest {
 protected:
  // A stream that is behind: another client has joined since it acknowledged.
  // Its pushes so far are taken.
  Stream Behind(uint64_t* token) {
    Stream stream = Join(Consumer("c1", "orders"), token);
    base_ = EpochOf("orders");
    Acknowledge(stream, "orders", base_);
    others_.push_back(Join(Consumer("c2", "orders")));
    stream.channel->TakePushes();
    return stream;
  }
  // One push, from what was acknowledged to the present epoch.
  void ExpectToldAgain(Stream& stream) {
    const auto pushes = stream.channel->TakePushed();
    ASSERT_THAT(pushes, SizeIs(1));
    EXPECT_EQ(pushes[0]->base_epoch, base_);
    EXPECT_EQ(pushes[0]->epoch, EpochOf("orders"));
    EXPECT_THAT(pushes[0]->changes, SizeIs(1));
  }
  uint64_t base_ = 0;
  std::vector<Stream> others_;
};

TEST_F(ToldAgainTest, OnceAtEachLightHeartbeat) {
  uint64_t token = 0;
  Stream stream = Behind(&token);
  for (int i = 0; i < 3; ++i) {  // From the second on: a repeated one.
    const pb::Reply reply = Handle(stream, Light("c1", token));
    EXPECT_FALSE(reply.heartbeat().full_statement_needed());
    ExpectToldAgain(stream);
  }
  Acknowledge(stream, "orders", EpochOf("orders"));
  Handle(stream, Light("c1", token));
  Handle(stream, Light("c1", token));
  EXPECT_THAT(stream.channel->TakePushes(), IsEmpty());
}

TEST_F(ToldAgainTest, OnceAtEachFullHeartbeat) {
  uint64_t token = 0;
  Stream stream = Behind(&token);
  for (int i = 0; i < 3; ++i) {  // All of them are repeated ones.
    Handle(stream, Consumer("c1", "orders"));
    ExpectToldAgain(stream);
  }
  pb::HeartbeatRequest other = Consumer("c1", "orders");
  other.set_version(7);
  Handle(stream, other);
  ExpectToldAgain(stream);
  Acknowledge(stream, "orders", EpochOf("orders"));
  Handle(stream, other);
  Handle(stream, other);
  EXPECT_THAT(stream.channel->TakePushes(), IsEmpty());
}

TEST_F(ToldAgainTest, NotIfItHasNeverAcknowledged) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  Join(Consumer("c2", "orders"));
  stream.channel->TakePushes();
  Handle(stream, Light("c1", token));
  Handle(stream, Consumer("c1", "orders"));
  EXPECT_THAT(stream.channel->TakePushes(), IsEmpty());
}

TEST_F(ToldAgainTest, AReconnectWithTheOldEpochGetsTheDifference) {
  pb::HeartbeatRequest heartbeat = Consumer("c1", "orders");
  heartbeat.set_incarnation(5);
  Stream first = Join(heartbeat);
  const uint64_t held = EpochOf("orders");
  Join(Consumer("c2", "orders"));
  Stream second = Join(heartbeat);
  EXPECT_THAT(second.channel->TakePushes(), IsEmpty());
  Acknowledge(second, "orders", held);
  const auto pushes = second.channel->TakePushed();
  ASSERT_THAT(pushes, SizeIs(1));
  EXPECT_EQ(pushes[0]->base_epoch, held);
  EXPECT_FALSE(pushes[0]->complete);
  EXPECT_THAT(pushes[0]->changes, SizeIs(1));
}

// --- group_epochs ---

TEST_F(AcknowledgeTest, EachFullAnswerHasTheEpochsOfItsGroups) {
  Stream stream = OpenStream();
  pb::HeartbeatRequest request = ConsumerOfMany(2);
  request.add_producers()->set_group("payments");
  for (int i = 0; i < 3; ++i) {  // From the second on: repeated ones.
    const pb::HeartbeatResponse answer = Handle(stream, request).heartbeat();
    ASSERT_EQ(answer.group_epochs_size(), 2);
    EXPECT_EQ(answer.group_epochs(0).group(), "g0");
    EXPECT_EQ(answer.group_epochs(0).epoch(), EpochOf("g0"));
    EXPECT_EQ(answer.group_epochs(1).group(), "g1");
    EXPECT_EQ(answer.group_epochs(1).epoch(), EpochOf("g1"));
    Join(Consumer(absl::StrCat("other", i), "g1"));
  }
}

TEST_F(AcknowledgeTest, AnAnswerToALightHeartbeatHasNoEpochs) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  EXPECT_EQ(Handle(stream, Light("c1", token)).heartbeat().group_epochs_size(),
            0);
}

TEST_F(AcknowledgeTest, AUnaryHeartbeatIsToldTheEpochsToo) {
  RegisterUnary(Consumer("c1", "orders"));
  ASSERT_EQ(response_.group_epochs_size(), 1);
  EXPECT_EQ(response_.group_epochs(0).epoch(), EpochOf("orders"));
}

}  // namespace
}  // namespace rmq
