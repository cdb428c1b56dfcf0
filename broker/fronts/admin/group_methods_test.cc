#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using GroupMethodsTest = AdminFixture;

TEST_F(GroupMethodsTest, GroupsAreListedByNameAndPaged) {
  for (const char* group : {"d", "b", "a", "c"}) {
    Connect(TestStatement(absl::StrCat("client-", group)).Producer(group));
  }
  pb::ListGroupsRequest request;
  request.set_kind(pb::GROUP_KIND_PRODUCER);
  std::vector<std::string> names;
  // The last page is full, and known to be the last.
  EXPECT_EQ(ReadPages<pb::ListGroupsResponse>(
                request,
                [&](const pb::ListGroupsResponse& page) {
                  for (const auto& group : page.groups()) {
                    names.push_back(group.group());
                    EXPECT_EQ(group.channels(), 1);
                  }
                }),
            2);
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "d"));
}

TEST_F(GroupMethodsTest, AConsumerGroupIsSummedUp) {
  Connect(TestStatement("c1").Consumer("orders", {{"a"}, {"b"}}));
  Connect(TestStatement("c2").Consumer("orders", {{"a"}, {"b"}}));
  pb::ListGroupsRequest request;
  request.set_kind(pb::GROUP_KIND_CONSUMER);
  pb::ListGroupsResponse response;
  ASSERT_THAT(Call(request, &response), IsSuccess());
  ASSERT_EQ(response.groups_size(), 1);
  EXPECT_EQ(response.groups(0).group(), "orders");
  EXPECT_EQ(response.groups(0).channels(), 2);
  EXPECT_EQ(response.groups(0).subscriptions(), 2);
  EXPECT_EQ(response.groups(0).message_model(), pb::MESSAGE_MODEL_CLUSTERING);
  EXPECT_EQ(response.groups(0).consume_type(),
            pb::CONSUME_TYPE_CONSUME_PASSIVELY);
}

TEST_F(GroupMethodsTest, AGroupKindThatIsNoneIsRefused) {
  pb::ListGroupsRequest request;
  EXPECT_THAT(Call(request),
              BadFormWith(HasSubstr("GROUP_KIND_CONSUMER, got 0")));
  request.set_kind(static_cast<pb::GroupKind>(3));
  EXPECT_THAT(Call(request),
              BadFormWith(HasSubstr("GROUP_KIND_CONSUMER, got 3")));
  request.set_kind(pb::GROUP_KIND_PRODUCER);
  ExpectPagesAreChecked(request);
}

TEST_F(GroupMethodsTest, AGroupIsOnlineAsWhatItIsRegisteredAs) {
  Connect(TestStatement("c1").Producer("payments").Consumer("orders"));
  pb::GetGroupOnlineRequest request;
  pb::GetGroupOnlineResponse response;
  request.set_group("payments");
  ASSERT_THAT(Call(request, &response), IsSuccess());
  EXPECT_TRUE(response.producer());
  EXPECT_FALSE(response.consumer());
  request.set_group("orders");
  Call(request, &response);
  EXPECT_FALSE(response.producer());
  EXPECT_TRUE(response.consumer());
  request.set_group("unknown");
  EXPECT_THAT(Call(request, &response), IsSuccess());
  EXPECT_FALSE(response.producer() || response.consumer());
  request.clear_group();
  EXPECT_THAT(Call(request), BadFormWith("group must not be empty"));
}

}  // namespace
}  // namespace rmq
