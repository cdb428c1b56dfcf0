#include "client/session/stream_groups.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::HeartbeatRequest Statement(const std::vector<std::string>& producers,
                               const std::vector<std::string>& consumers) {
  v1::HeartbeatRequest statement;
  for (const std::string& group : producers) {
    statement.add_producers()->set_group(group);
  }
  for (const std::string& group : consumers) {
    statement.add_consumers()->set_group(group);
  }
  return statement;
}

class StreamGroupsTest : public ::testing::Test {
 protected:
  // States so many consumer groups, and wants none of them any more.
  void LeaveMany(int groups) {
    v1::HeartbeatRequest statement;
    for (int i = 0; i < groups; ++i) {
      statement.add_consumers()->set_group(absl::StrCat("g", i));
    }
    groups_.AddStated(statement);
    groups_.KeepOnly(nullptr);
  }

  StreamGroups groups_;
};

TEST_F(StreamGroupsTest, AStatedGroupThatIsNotWantedIsUnregistered) {
  groups_.AddStated(Statement({"p", "q"}, {"c"}));
  const v1::HeartbeatRequest wanted = Statement({"p"}, {});
  groups_.KeepOnly(&wanted);
  const GroupNames request = groups_.TakeRequest();
  EXPECT_THAT(request.producers, ElementsAre("q"));
  EXPECT_THAT(request.consumers, ElementsAre("c"));
  EXPECT_FALSE(groups_.has_unregistrations());
  EXPECT_FALSE(groups_.IsStatedConsumer("c"));
}

TEST_F(StreamGroupsTest, AGroupThatWasNotStatedIsNotUnregistered) {
  const v1::HeartbeatRequest wanted = Statement({}, {"c"});
  groups_.KeepOnly(&wanted);
  groups_.KeepOnly(nullptr);
  EXPECT_FALSE(groups_.has_unregistrations());
}

TEST_F(StreamGroupsTest, AGroupThatIsWantedAgainInTimeIsStillStated) {
  const v1::HeartbeatRequest statement = Statement({}, {"c"});
  groups_.AddStated(statement);
  groups_.KeepOnly(nullptr);
  groups_.KeepOnly(&statement);
  EXPECT_FALSE(groups_.has_unregistrations());
  EXPECT_TRUE(groups_.IsStatedConsumer("c"));
}

TEST_F(StreamGroupsTest, ARequestHasOneGroupOfEachKindAtFirst) {
  groups_.AddStated(Statement({"p", "q"}, {"c", "d"}));
  groups_.KeepOnly(nullptr);
  EXPECT_FALSE(groups_.OneRequestTakesAll());
  GroupNames request = groups_.TakeRequest();
  EXPECT_THAT(request.producers, ElementsAre("p"));
  EXPECT_THAT(request.consumers, ElementsAre("c"));
  EXPECT_TRUE(groups_.OneRequestTakesAll());
  request = groups_.TakeRequest();
  EXPECT_THAT(request.producers, ElementsAre("q"));
  EXPECT_THAT(request.consumers, ElementsAre("d"));
}

TEST_F(StreamGroupsTest, ARequestHas256GroupsIfTheBrokerTakesMany) {
  groups_.set_broker_takes_many(true);
  LeaveMany(257);
  EXPECT_THAT(groups_.TakeRequest().consumers, SizeIs(256));
  EXPECT_THAT(groups_.TakeRequest().consumers, SizeIs(1));
}

TEST_F(StreamGroupsTest, ARequestKeepsTheBrokersSizeLimit) {
  groups_.set_broker_takes_many(true);
  LeaveMany(100);
  groups_.set_max_request_bytes(64);
  while (groups_.has_unregistrations()) {
    v1::ClientFrame frame;
    *frame.mutable_unregister_client() =
        UnregisterRequestOf(groups_.TakeRequest());
    EXPECT_LE(frame.ByteSizeLong(), 64u);
  }
}

TEST_F(StreamGroupsTest, ARequestHasAGroupAlsoIfItIsOverTheLimit) {
  groups_.set_broker_takes_many(true);
  groups_.set_max_request_bytes(1);
  LeaveMany(2);
  EXPECT_THAT(groups_.TakeRequest().consumers, SizeIs(1));
}

TEST_F(StreamGroupsTest, ARefusedUnregistrationIsMadeAgain) {
  LeaveMany(1);
  groups_.UnregisterAgain(groups_.TakeRequest());
  EXPECT_THAT(groups_.TakeRequest().consumers, ElementsAre("g0"));
}

TEST_F(StreamGroupsTest, AGroupThatWasStatedMeanwhileIsNotUnregisteredAgain) {
  LeaveMany(1);
  const GroupNames request = groups_.TakeRequest();
  groups_.AddStated(Statement({}, {"g0"}));
  groups_.UnregisterAgain(request);
  EXPECT_FALSE(groups_.has_unregistrations());
}

TEST_F(StreamGroupsTest, AStatedGroupIsReportedOnce) {
  groups_.AddStated(Statement({"p"}, {"c"}));
  EXPECT_TRUE(groups_.AddReported("c"));
  EXPECT_FALSE(groups_.AddReported("c"));
  EXPECT_FALSE(groups_.AddReported("p"));
  EXPECT_THAT(groups_.reported(), ElementsAre("c"));
}

TEST_F(StreamGroupsTest, AGroupThatIsLeftIsNotReportedAnyMore) {
  groups_.AddStated(Statement({}, {"c"}));
  groups_.AddReported("c");
  groups_.KeepOnly(nullptr);
  EXPECT_THAT(groups_.reported(), IsEmpty());
}

TEST(UnregisterRequestTest, TheFirstGroupOfAKindStandsWhereOlderBrokersLook) {
  const v1::UnregisterClientRequest request =
      UnregisterRequestOf({{"p"}, {"c", "d", "e"}});
  EXPECT_EQ(request.producer_group(), "p");
  EXPECT_THAT(request.producer_groups(), IsEmpty());
  EXPECT_EQ(request.consumer_group(), "c");
  EXPECT_THAT(request.consumer_groups(), ElementsAre("d", "e"));
}

}  // namespace
}  // namespace rmq
