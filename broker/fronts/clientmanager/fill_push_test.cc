#include "broker/fronts/clientmanager/fill_push.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/membership_push.h"
#include "common/member_change.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Time kSettledAt = absl::FromUnixSeconds(1'000'000);

std::string Filled(const MembershipPush& push, absl::Time now) {
  pb::NotifyConsumerIdsChanged message;
  FillPush(push, kSettledAt, now, &message);
  return message.ShortDebugString();
}

TEST(FillPushTest, ADifferenceSaysWhoJoinedAndWhoLeftWhy) {
  MembershipPush push;
  push.group = "orders";
  push.epoch = 7;
  push.base_epoch = 5;
  push.changes = {{"c1", MemberChange::Type::kJoined, RemovalReason::kExpired},
                  {"c2", MemberChange::Type::kLeft, RemovalReason::kExpired}};
  EXPECT_EQ(Filled(push, kSettledAt),
            "group: \"orders\" epoch: 7 base_epoch: 5 "
            "changes { client_id: \"c1\" type: TYPE_JOINED } "
            "changes { client_id: \"c2\" type: TYPE_LEFT "
            "reason: REMOVAL_REASON_EXPIRED }");
}

TEST(FillPushTest, EachReasonIsTheOneOfItsName) {
  for (size_t i = 0; i < kRemovalReasons; ++i) {
    const auto reason = static_cast<RemovalReason>(i);
    MembershipPush push;
    push.changes = {{"c1", MemberChange::Type::kLeft, reason}};
    pb::NotifyConsumerIdsChanged message;
    FillPush(push, kSettledAt, kSettledAt, &message);
    EXPECT_EQ(pb::RemovalReason_Name(message.changes(0).reason()),
              absl::StrCat("REMOVAL_REASON_", Name(reason)));
  }
}

TEST(FillPushTest, ACompletePushHasTheIds) {
  MembershipPush push;
  push.group = "orders";
  push.epoch = 7;
  push.complete = true;
  push.client_ids = {"c1", "c2"};
  EXPECT_EQ(Filled(push, kSettledAt),
            "group: \"orders\" epoch: 7 client_ids: \"c1\" client_ids: \"c2\" "
            "complete: true");
}

TEST(FillPushTest, ABarePushHasTwoEqualEpochs) {
  MembershipPush push;
  push.group = "orders";
  push.epoch = push.base_epoch = 7;
  EXPECT_EQ(Filled(push, kSettledAt),
            "group: \"orders\" epoch: 7 base_epoch: 7");
}

TEST(FillPushTest, AMomentBeforeItHasSettledTheBrokerSaysSo) {
  MembershipPush push;
  push.group = "orders";
  EXPECT_EQ(Filled(push, kSettledAt - absl::Nanoseconds(1)),
            "group: \"orders\" settling_until { nanos: 1 }");
  EXPECT_EQ(Filled(push, kSettledAt), "group: \"orders\"");
}

}  // namespace
}  // namespace rmq
