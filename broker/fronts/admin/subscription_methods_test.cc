#include <string>
#include <vector>

#include "broker/fronts/admin/admin_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using SubscriptionMethodsTest = AdminFixture;

TEST_F(SubscriptionMethodsTest, GroupsOfATopicArePagedAndNoneIsNoError) {
  for (const char* group : {"a", "b", "c", "d"}) {
    Connect(TestStatement(group).Consumer(group, {{"topic"}}));
  }
  pb::QueryTopicConsumeByWhoRequest request;
  request.set_topic("topic");
  std::vector<std::string> groups;
  EXPECT_EQ(ReadPages<pb::QueryTopicConsumeByWhoResponse>(
                request,
                [&](const pb::QueryTopicConsumeByWhoResponse& page) {
                  groups.insert(groups.end(), page.groups().begin(),
                                page.groups().end());
                }),
            2);
  EXPECT_THAT(groups, ElementsAre("a", "b", "c", "d"));

  ExpectPagesAreChecked(request);
  request.set_topic("unknown");
  pb::QueryTopicConsumeByWhoResponse response;
  EXPECT_THAT(Call(request, &response), IsSuccess());
  EXPECT_EQ(response.groups_size(), 0);
  request.set_topic("a b");
  EXPECT_THAT(Call(request), BadFormWith(StartsWith("topic must be letters")));
}

TEST_F(SubscriptionMethodsTest, ASubscriptionIsFoundAsItWasStated) {
  Connect(
      TestStatement("c1").Consumer("orders", {{"topic", 7, "a > 1", "SQL92"}}));
  pb::FindSubscriptionRequest request;
  request.set_group("orders");
  request.set_topic("topic");
  pb::FindSubscriptionResponse response;
  ASSERT_THAT(Call(request, &response), IsSuccess());
  EXPECT_EQ(response.subscription().topic(), "topic");
  EXPECT_EQ(response.subscription().expression(), "a > 1");
  EXPECT_EQ(response.subscription().expression_type(), "SQL92");
  EXPECT_EQ(response.subscription().sub_version(), 7);
  request.set_topic("unknown");
  EXPECT_THAT(Call(request), NotFoundWith(HasSubstr("\"unknown\"")));
  request.clear_topic();
  EXPECT_THAT(Call(request), BadFormWith("topic must not be empty"));
}

}  // namespace
}  // namespace rmq
