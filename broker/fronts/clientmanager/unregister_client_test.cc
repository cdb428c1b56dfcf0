// Unregistering, as a unary call and as a frame.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/fronts/clientmanager/client_manager_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using UnregisterClientTest = ClientManagerFixture;

TEST_F(UnregisterClientTest, UnregisteringWhatIsNotThereIsASuccess) {
  EXPECT_THAT(Unregister("c1", "payments", "orders"), IsSuccess());
  RegisterUnary(Consumer("c1", "orders"));
  EXPECT_THAT(Unregister("c1", "payments", "others"), IsSuccess());
  EXPECT_THAT(Unregister("c2", "", "orders"), IsSuccess());
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(UnregisterClientTest, AStandInGoesWithItsLastGroup) {
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  request.add_producers()->set_group("payments");
  RegisterUnary(request);
  EXPECT_THAT(Unregister("c1", "payments", ""), IsSuccess());
  EXPECT_EQ(table_.counts().channels, 1);
  EXPECT_THAT(Unregister("c1", "", "orders"), IsSuccess());
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(UnregisterClientTest, AUnaryUnregisterNeverActsOnAStream) {
  const Stream stream = Join(Consumer("c1", "orders"));
  EXPECT_THAT(Unregister("c1", "", "orders"), IsSuccess());
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(UnregisterClientTest, AnUnregisterNeedsAGroupOfGoodForm) {
  EXPECT_THAT(Unregister("c1", "", ""),
              BadFormWith(HasSubstr("producer_group and consumer_group are "
                                    "both empty")));
  EXPECT_THAT(Unregister("c1", "a b", ""),
              BadFormWith(HasSubstr("producer_group must be letters")));
  EXPECT_THAT(Unregister("c1", "payments", "a b"),
              BadFormWith(HasSubstr("consumer_group must be letters")));
  EXPECT_THAT(Unregister("c1", "", std::string(121, 'x')),
              BadFormWith(HasSubstr("consumer_group must be at most 120")));
}

TEST_F(UnregisterClientTest, ManyGroupsAreLeftByOneUnregister) {
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  for (const char* group : {"refunds", "returns", "stays"}) {
    *request.add_consumers() = request.consumers(0);
    request.mutable_consumers()->rbegin()->set_group(group);
  }
  for (const char* group : {"payments", "invoices"}) {
    request.add_producers()->set_group(group);
  }
  RegisterUnary(request);
  pb::UnregisterClientRequest leave = UnregisterOf(
      {"payments", "invoices"}, {"refunds", "unknown", "returns", "refunds"});
  leave.set_consumer_group("orders");
  EXPECT_THAT(Unregister(leave), IsSuccess());
  EXPECT_EQ(table_.counts().producer_groups, 0);
  EXPECT_EQ(table_.counts().consumer_groups, 1);
  EXPECT_THAT(ConsumerIds("stays"), ElementsAre("c1"));

  EXPECT_THAT(Unregister(UnregisterOf({}, {"stays", "orders"})), IsSuccess());
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(UnregisterClientTest, EachOfManyGroupsToLeaveNeedsGoodForm) {
  EXPECT_THAT(Unregister(UnregisterOf({"a", "a b"}, {})),
              BadFormWith(HasSubstr("producer_groups[1] must be letters")));
  EXPECT_THAT(Unregister(UnregisterOf({}, {"a", "b", "c", ""})),
              BadFormWith(StartsWith("consumer_groups[3] must not be empty")));
}

TEST_F(UnregisterClientTest, AGroupOfBadFormAmongManyLeavesAllAsTheyWere) {
  RegisterUnary(Consumer("c1", "orders"));
  EXPECT_THAT(Unregister(UnregisterOf({}, {"orders", "a b"})),
              BadFormWith(HasSubstr("consumer_groups[1]")));
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(UnregisterClientTest, SoManyGroupsAndNoMoreAreLeftAtOnce) {
  std::vector<std::string> names;
  for (int i = 0; i < 254; ++i) names.push_back(absl::StrCat("g", i));
  pb::UnregisterClientRequest request = UnregisterOf({"p"}, names);
  request.set_producer_group("payments");
  EXPECT_THAT(Unregister(request), IsSuccess());
  request.set_consumer_group("orders");
  EXPECT_THAT(
      Unregister(request),
      FailsWith(absl::StatusCode::kResourceExhausted, ResponseCode::kSystemBusy,
                "groups to leave in one request must be at most 256, got 257"));
}

TEST_F(UnregisterClientTest, UnregisteringNothingOnAStreamIsASuccess) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::ClientFrame frame;
  frame.mutable_unregister_client()->set_producer_group("payments");
  const pb::Reply reply = Handle(stream, frame);
  EXPECT_THAT(StatusOf(reply), IsSuccess());
  EXPECT_TRUE(reply.has_unregister_client());
  frame.mutable_unregister_client()->clear_producer_group();
  EXPECT_THAT(StatusOf(Handle(stream, frame)),
              BadFormWith(HasSubstr("are both empty")));
}

TEST_F(UnregisterClientTest, ManyGroupsAreLeftByOneFrameOfAStream) {
  pb::HeartbeatRequest both = Consumer("c1", "orders");
  *both.add_consumers() = both.consumers(0);
  both.mutable_consumers(1)->set_group("refunds");
  Stream stream = Join(both);
  const Stream peer = Join(Consumer("c2", "orders"));
  pb::ClientFrame frame;
  *frame.mutable_unregister_client() = UnregisterOf({}, {"orders", "refunds"});
  const pb::Reply reply = Handle(stream, frame);
  EXPECT_THAT(StatusOf(reply), IsSuccess());
  EXPECT_TRUE(reply.has_unregister_client());
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c2"));
  EXPECT_THAT(ConsumerIds("refunds"), IsEmpty());
  EXPECT_EQ(table_.counts().channels, 2);
}

}  // namespace
}  // namespace rmq
