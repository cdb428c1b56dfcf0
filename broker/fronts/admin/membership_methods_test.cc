#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MembershipMethodsTest : public AdminFixture {
 protected:
  pb::GetGroupMembershipResponse Ask(const std::string& group) {
    pb::GetGroupMembershipRequest request;
    request.set_group(group);
    pb::GetGroupMembershipResponse response;
    EXPECT_THAT(Call(request, &response), IsSuccess());
    return response;
  }
  uint64_t EpochOf(const std::string& group) {
    return table_.FindConsumerGroup(group)->epoch;
  }
};

TEST_F(MembershipMethodsTest, MembersShowWhatTheyAcknowledged) {
  const auto first = Connect(TestStatement("c1").Consumer("orders"));
  const uint64_t joined = EpochOf("orders");
  Connect(TestStatement("c2").Consumer("orders"));
  bool push_is_due = false;
  table_.Acknowledge(*first, "orders", EpochOf("orders"), now_, &push_is_due);

  const pb::GetGroupMembershipResponse membership = Ask("orders");
  EXPECT_EQ(membership.epoch(), EpochOf("orders"));
  ASSERT_EQ(membership.members_size(), 2);
  const pb::GroupMember& c1 = membership.members(0);
  EXPECT_EQ(c1.client_id(), "c1");
  EXPECT_EQ(c1.channel_id(), first->id());
  EXPECT_EQ(c1.remote_address(), "127.0.0.1:50001");
  EXPECT_TRUE(c1.stream());
  EXPECT_EQ(c1.joined_epoch(), joined);
  EXPECT_EQ(c1.acknowledged_epoch(), EpochOf("orders"));
  EXPECT_FALSE(c1.has_behind_since());
  EXPECT_TRUE(c1.has_last_heard_at());
  const pb::GroupMember& c2 = membership.members(1);
  EXPECT_EQ(c2.client_id(), "c2");
  EXPECT_EQ(c2.joined_epoch(), EpochOf("orders"));
  EXPECT_EQ(c2.acknowledged_epoch(), 0);
  EXPECT_FALSE(c2.has_behind_since());
}

TEST_F(MembershipMethodsTest, AMemberShowsSinceWhenItIsBehind) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  const uint64_t earlier = EpochOf("orders");
  Connect(TestStatement("c2").Consumer("orders"));
  Advance(absl::Seconds(7));
  bool push_is_due = false;
  table_.Acknowledge(*channel, "orders", earlier, now_, &push_is_due);
  const pb::GetGroupMembershipResponse membership = Ask("orders");
  EXPECT_EQ(membership.members(0).acknowledged_epoch(), earlier);
  EXPECT_EQ(membership.members(0).behind_since().seconds(),
            absl::ToUnixSeconds(clock_.ClockToWall(now_)));
}

TEST_F(MembershipMethodsTest, AUnaryClientIsAMemberThatIsNotPushed) {
  Register(*StandIn("c1"), TestStatement("c1").Consumer("orders"));
  EXPECT_FALSE(Ask("orders").members(0).stream());
}

TEST_F(MembershipMethodsTest, MembersArePagedInOrderOfOpening) {
  for (int i = 0; i < 5; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Consumer("orders"));
  }
  pb::GetGroupMembershipRequest request;
  request.set_group("orders");
  std::vector<std::string> client_ids;
  EXPECT_EQ(ReadPages<pb::GetGroupMembershipResponse>(
                request,
                [&](const pb::GetGroupMembershipResponse& page) {
                  EXPECT_EQ(page.epoch(), EpochOf("orders"));
                  for (const pb::GroupMember& member : page.members()) {
                    client_ids.push_back(member.client_id());
                  }
                }),
            3);
  EXPECT_THAT(client_ids, ElementsAre("c0", "c1", "c2", "c3", "c4"));
}

TEST_F(MembershipMethodsTest, AnUnknownGroupIsNotFoundAndABadOneRefused) {
  pb::GetGroupMembershipRequest request;
  EXPECT_THAT(Call(request), BadFormWith("group must not be empty"));
  request.set_group("orders");
  EXPECT_THAT(Call(request), NotFoundWith(HasSubstr("\"orders\"")));
  Connect(TestStatement("c1").Consumer("orders"));
  ExpectPagesAreChecked(request);
}

}  // namespace
}  // namespace rmq
