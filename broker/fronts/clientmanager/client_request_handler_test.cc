// What holds for every request: client ids, kinds of frames, the gate, counts.

#include <string>

#include "broker/fronts/clientmanager/client_manager_fixture.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using ClientRequestHandlerTest = ClientManagerFixture;

class ClosedGateTest : public ClientManagerFixture {
 protected:
  ClosedGateTest()
      : ClientManagerFixture({}, {absl::StatusCode::kPermissionDenied,
                                  ResponseCode::kSystemError, "closed"}) {}
};

TEST_F(ClientRequestHandlerTest,
       ABadClientIdIsRefusedByEveryUnaryMethodThatHasOne) {
  for (const BadClientId& bad : BadClientIds()) {
    EXPECT_THAT(Heartbeat(Consumer(bad.client_id, "orders")),
                BadFormWith(StartsWith(bad.message)));
    EXPECT_THAT(Heartbeat(Light(bad.client_id, 1)),
                BadFormWith(StartsWith(bad.message)));
    EXPECT_THAT(Unregister(bad.client_id, "", "orders"),
                BadFormWith(StartsWith(bad.message)));
    pb::CheckClientConfigRequest check;
    check.set_client_id(bad.client_id);
    check.set_group("orders");
    EXPECT_THAT(Check(check), BadFormWith(StartsWith(bad.message)));
  }
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(ClientRequestHandlerTest, RequestIdZeroIsRefusedAndTheStreamGoesOn) {
  Stream stream = OpenStream();
  pb::ClientFrame frame;
  *frame.mutable_heartbeat() = Consumer("c1", "orders");
  EXPECT_THAT(StatusOf(HandleAsIs(stream, frame)),
              BadFormWith("request_id must not be 0"));
  EXPECT_THAT(ConsumerIds("orders"), IsEmpty());
  EXPECT_THAT(StatusOf(Handle(stream, frame)), IsSuccess());
}

TEST_F(ClientRequestHandlerTest, AnUnknownKindOfFrameIsUnimplemented) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::ClientFrame frame;
  EXPECT_THAT(
      StatusOf(Handle(stream, frame)),
      FailsWith(absl::StatusCode::kUnimplemented,
                ResponseCode::kRequestCodeNotSupported, HasSubstr("kind")));
  // Field 99, as a newer client's.
  ASSERT_TRUE(frame.ParseFromString(std::string("\x9a\x06\x00", 3)));
  EXPECT_THAT(
      StatusOf(Handle(stream, frame)),
      FailsWith(absl::StatusCode::kUnimplemented,
                ResponseCode::kRequestCodeNotSupported, HasSubstr("kind")));
}

TEST_F(ClientRequestHandlerTest, OtherFramesWaitForTheFirstFullHeartbeat) {
  Stream stream = OpenStream();
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  pb::ClientFrame check;
  check.mutable_check_client_config()->set_group("orders");
  pb::ClientFrame list;
  list.mutable_get_consumer_list_by_group()->set_group("orders");
  for (const pb::ClientFrame& frame : {unregister, check, list}) {
    EXPECT_THAT(StatusOf(Handle(stream, frame)),
                FailsWith(absl::StatusCode::kFailedPrecondition,
                          ResponseCode::kSystemError,
                          HasSubstr("first full heartbeat")));
  }
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c1", "orders"))), IsSuccess());
  for (const pb::ClientFrame& frame : {check, list, unregister}) {
    EXPECT_THAT(StatusOf(Handle(stream, frame)), IsSuccess());
  }
}

TEST_F(ClientRequestHandlerTest, AFirstHeartbeatOfBadFormBindsNothing) {
  Stream stream = OpenStream();
  for (const BadClientId& bad : BadClientIds()) {
    EXPECT_THAT(StatusOf(Handle(stream, Consumer(bad.client_id, "orders"))),
                BadFormWith(StartsWith(bad.message)));
  }
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c0", "a b"))),
              BadFormWith(HasSubstr("consumers[0].group")));
  EXPECT_FALSE(stream.client.is_bound());
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c1", "orders"))), IsSuccess());
  EXPECT_EQ(stream.client.client_id, "c1");
}

TEST_F(ClientRequestHandlerTest, ASecondClientIdOnAStreamIsRefused) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  const auto is_refused = BadFormWith(
      AllOf(HasSubstr("client_id must be the stream's \"c1\" or absent"),
            HasSubstr("got \"c2\"")));
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c2", "orders"))), is_refused);
  EXPECT_THAT(StatusOf(Handle(stream, Light("c2", token))), is_refused);
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_client_id("c2");
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  EXPECT_THAT(StatusOf(Handle(stream, unregister)), is_refused);
  pb::ClientFrame check;
  check.mutable_check_client_config()->set_client_id("c2");
  check.mutable_check_client_config()->set_group("orders");
  EXPECT_THAT(StatusOf(Handle(stream, check)), is_refused);
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(ClientRequestHandlerTest, TheClientIdMayBeAbsentLaterOnAStream) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  EXPECT_FALSE(
      Handle(stream, Light("", token)).heartbeat().full_statement_needed());
  const pb::Reply full = Handle(stream, Consumer("", "orders"));
  EXPECT_THAT(StatusOf(full), IsSuccess());
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(ClientRequestHandlerTest, TheGateIsToldWhoAsksForWhat) {
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  request.add_producers()->set_group("payments");
  Heartbeat(request);
  EXPECT_EQ(authorizer_.last().call, "Heartbeat");
  EXPECT_EQ(authorizer_.last().client_id, "c1");
  EXPECT_THAT(authorizer_.last().groups, ElementsAre("orders"));
  EXPECT_THAT(authorizer_.last().producer_groups, ElementsAre("payments"));

  Stream stream = Join(Consumer("c2", "orders"));
  pb::ClientFrame list;
  list.mutable_get_consumer_list_by_group()->set_group("others");
  Handle(stream, list);
  EXPECT_EQ(authorizer_.last().call, "GetConsumerListByGroup");
  EXPECT_EQ(authorizer_.last().client_id, "c2");
  EXPECT_THAT(authorizer_.last().groups, ElementsAre("others"));

  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  unregister.mutable_unregister_client()->add_consumer_groups("others");
  unregister.mutable_unregister_client()->add_producer_groups("payments");
  Handle(stream, unregister);
  EXPECT_EQ(authorizer_.last().call, "UnregisterClient");
  EXPECT_EQ(authorizer_.last().client_id, "c2");
  EXPECT_THAT(authorizer_.last().groups, ElementsAre("orders", "others"));
  EXPECT_THAT(authorizer_.last().producer_groups, ElementsAre("payments"));
}

TEST_F(ClientRequestHandlerTest, OnlyWhatRepeatsWhatHasPassedSkipsTheGate) {
  Stream stream = OpenStream();
  Handle(stream, Light("c1", 4711));
  EXPECT_EQ(authorizer_.count("Heartbeat"), 1);
  const uint64_t token =
      Handle(stream, Consumer("c1", "orders")).heartbeat().statement_token();
  EXPECT_EQ(authorizer_.count("Heartbeat"), 2);
  Handle(stream, Consumer("c1", "orders"));
  Handle(stream, Light("c1", token));
  EXPECT_EQ(authorizer_.count("Heartbeat"), 2);
  Handle(stream, Consumer("c1", "refunds"));
  EXPECT_EQ(authorizer_.count("Heartbeat"), 3);
}

TEST_F(ClientRequestHandlerTest, EveryMethodOfTheServiceIsAdded) {
  const google::protobuf::ServiceDescriptor& service =
      ClientServiceDescriptor();
  ASSERT_GE(service.method_count(), 5);
  for (int i = 0; i < service.method_count(); ++i) {
    EXPECT_NE(methods_.Find(*service.method(i)), nullptr)
        << service.method(i)->name();
  }
}

TEST_F(ClientRequestHandlerTest, EveryKindOfFrameIsKnown) {
  const google::protobuf::OneofDescriptor& kinds =
      *pb::ClientFrame::descriptor()->FindOneofByName("request");
  Stream stream = OpenStream();
  for (int i = 0; i < kinds.field_count(); ++i) {
    // It has no reply.
    if (kinds.field(i)->message_type() == pb::Acknowledge::descriptor()) {
      continue;
    }
    pb::ClientFrame frame;
    frame.GetReflection()->MutableMessage(&frame, kinds.field(i));
    EXPECT_NE(StatusOf(Handle(stream, frame)).code,
              absl::StatusCode::kUnimplemented)
        << kinds.field(i)->name();
  }
}

TEST_F(ClientRequestHandlerTest, FramesAreCountedAsTheUnaryCallsOfTheirMethod) {
  const MethodCounters& heartbeats =
      CountersOf(*pb::HeartbeatRequest::descriptor());
  Stream stream = OpenStream();
  Handle(stream, Consumer("c1", "orders"));
  EXPECT_EQ(heartbeats.calls(), 1);
  Handle(stream, Consumer("c1", "orders"));  // Is not read again.
  EXPECT_EQ(heartbeats.calls(), 2);
  Handle(stream, Consumer("c2", "orders"));
  EXPECT_EQ(heartbeats.calls(), 3);
  EXPECT_EQ(heartbeats.refusals().value(absl::StatusCode::kInvalidArgument), 1);
  EXPECT_EQ(heartbeats.name(), "Heartbeat");
  EXPECT_EQ(heartbeats.request_code(), 34);
}

TEST_F(ClientRequestHandlerTest, AFrameOfNoKindIsARefusalOfTheStreamsMethod) {
  Stream stream = OpenStream();
  Handle(stream, pb::ClientFrame());
  const MethodCounters& connect = *front_.connect().counters;
  EXPECT_EQ(connect.name(), "Connect");
  EXPECT_EQ(connect.calls(), 0);  // Of which streams are counted.
  EXPECT_EQ(connect.refusals().value(absl::StatusCode::kUnimplemented), 1);
}

TEST_F(ClientRequestHandlerTest, TheGateIsToldOfTopicsAndOfThePeer) {
  Heartbeat(Consumer("c1", "orders"));
  EXPECT_THAT(authorizer_.last().topics, ElementsAre("topic"));
  EXPECT_EQ(authorizer_.last().peer, kPeer);
  Stream stream = Join(Consumer("c2", "orders"));
  EXPECT_THAT(authorizer_.last().topics, ElementsAre("topic"));
  EXPECT_EQ(authorizer_.last().peer, kPeer);
  pb::CheckClientConfigRequest check;
  check.set_client_id("c1");
  check.mutable_subscription()->set_topic("other");
  Check(check);
  EXPECT_THAT(authorizer_.last().topics, ElementsAre("other"));
}

TEST_F(ClosedGateTest, WhatIsDeniedRegistersAndBindsNothing) {
  const auto is_denied = FailsWith(absl::StatusCode::kPermissionDenied,
                                   ResponseCode::kSystemError, "closed");
  EXPECT_THAT(Heartbeat(Consumer("c1", "orders")), is_denied);
  EXPECT_EQ(table_.counts().channels, 0);
  Stream stream = OpenStream();
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c1", "orders"))), is_denied);
  EXPECT_FALSE(stream.client.is_bound());
  EXPECT_EQ(table_.counts().consumer_groups, 0);
}

}  // namespace
}  // namespace rmq
