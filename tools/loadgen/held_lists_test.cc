#include "tools/loadgen/held_lists.h"

#include <string>

#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq::loadgen {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

pb::NotifyConsumerIdsChanged Push(uint64_t base, uint64_t epoch) {
  pb::NotifyConsumerIdsChanged push;
  push.set_group("orders");
  push.set_base_epoch(base);
  push.set_epoch(epoch);
  return push;
}

pb::NotifyConsumerIdsChanged Complete(uint64_t base, uint64_t epoch,
                                      bool with_ids) {
  pb::NotifyConsumerIdsChanged push = Push(base, epoch);
  push.set_complete(true);
  if (with_ids) push.add_client_ids("c1");
  return push;
}

pb::GetConsumerListByGroupResponse List(uint64_t epoch,
                                        const std::string& next = "") {
  pb::GetConsumerListByGroupResponse list;
  list.set_epoch(epoch);
  list.set_next_page_token(next);
  return list;
}

// The epoch that `frame` acknowledges; 0 if it acknowledges none.
uint64_t Acknowledged(const absl::optional<pb::ClientFrame>& frame) {
  return frame.has_value() ? frame->acknowledge().epoch() : 0;
}

bool AsksForList(const absl::optional<pb::ClientFrame>& frame) {
  return frame.has_value() && frame->has_get_consumer_list_by_group();
}

TEST(HeldListsTest, ACompletePushWithIdsIsAcknowledged) {
  HeldLists lists;
  EXPECT_EQ(Acknowledged(lists.OnPush(Complete(0, 5, true))), 5u);
}

TEST(HeldListsTest, ADifferenceFromAnEpochThatIsHeldOrOlderIsAcknowledged) {
  HeldLists lists;
  lists.OnPush(Complete(0, 5, true));
  EXPECT_EQ(Acknowledged(lists.OnPush(Push(5, 7))), 7u);
  EXPECT_EQ(Acknowledged(lists.OnPush(Push(5, 8))), 8u);
}

TEST(HeldListsTest, WhatIsNotNewerThanTheListIsPassedOver) {
  HeldLists lists;
  lists.OnPush(Complete(0, 5, true));
  EXPECT_FALSE(lists.OnPush(Push(4, 5)).has_value());
  EXPECT_FALSE(lists.OnPush(Complete(0, 4, true)).has_value());
}

TEST(HeldListsTest, AListThatIsNotInAPushIsAskedForOnceAndAcknowledged) {
  HeldLists lists;
  EXPECT_TRUE(AsksForList(lists.OnPush(Complete(0, 5, false))));
  EXPECT_FALSE(lists.OnPush(Complete(0, 6, false)).has_value());
  const pb::GetConsumerListByGroupResponse first = List(7, "more");
  const absl::optional<pb::ClientFrame> second = lists.OnList(&first);
  ASSERT_TRUE(AsksForList(second));
  EXPECT_EQ(second->get_consumer_list_by_group().page_token(), "more");
  const pb::GetConsumerListByGroupResponse last = List(7);
  EXPECT_EQ(Acknowledged(lists.OnList(&last)), 7u);
}

TEST(HeldListsTest, ACompletePushFromAnOlderEpochThanTheListIsPassedOver) {
  HeldLists lists;
  lists.OnPush(Complete(0, 5, true));
  EXPECT_FALSE(lists.OnPush(Complete(0, 6, false)).has_value());
  EXPECT_TRUE(AsksForList(lists.OnPush(Complete(5, 6, false))));
}

TEST(HeldListsTest, AfterARefusedRequestTheNextPushAsksAgain) {
  HeldLists lists;
  lists.OnPush(Complete(0, 5, false));
  EXPECT_FALSE(lists.OnList(nullptr).has_value());
  EXPECT_TRUE(AsksForList(lists.OnPush(Complete(0, 6, false))));
}

}  // namespace
}  // namespace rmq::loadgen
