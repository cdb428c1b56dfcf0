#include "broker/fronts/admin/consistency_methods.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ConsistencyMethodsTest : public AdminFixture {
 protected:
  pb::GetSubscriptionConsistencyResponse Consistency(const std::string& group) {
    pb::GetSubscriptionConsistencyRequest request;
    request.set_group(group);
    pb::GetSubscriptionConsistencyResponse response;
    EXPECT_THAT(Call(request, &response), IsSuccess());
    return response;
  }
  void ConnectWith(const std::string& client_id, const std::string& tags) {
    Connect(TestStatement(client_id).Consumer("orders", {{"pay", 1, tags}}));
  }
  void ConnectProcess(const std::string& client_id, uint64_t incarnation) {
    Connect(TestStatement(client_id).Incarnation(incarnation).Producer("p"));
  }
};

TEST_F(ConsistencyMethodsTest, AGroupNobodyIsInIsNotFound) {
  pb::GetSubscriptionConsistencyRequest request;
  request.set_group("orders");
  EXPECT_THAT(Call(request), NotFoundWith(HasSubstr("orders")));
  request.set_group("");
  EXPECT_THAT(Call(request), BadFormWith(HasSubstr("group")));
}

TEST_F(ConsistencyMethodsTest, AGroupThatAgreesHasOneStatement) {
  ConnectWith("c1", "b||a");
  ConnectWith("c2", "a || b");
  const auto response = Consistency("orders");
  EXPECT_EQ(response.group(), "orders");
  EXPECT_TRUE(response.consistent());
  EXPECT_FALSE(response.has_inconsistent_since());
  EXPECT_EQ(response.policy(),
            pb::GetSubscriptionConsistencyResponse::POLICY_REPORT);
  ASSERT_EQ(response.statements_size(), 1);
  const pb::GroupStatement& statement = response.statements(0);
  EXPECT_EQ(statement.members(), 2);
  EXPECT_TRUE(statement.is_reference());
  EXPECT_EQ(statement.consume_type(), pb::CONSUME_TYPE_CONSUME_PASSIVELY);
  EXPECT_EQ(statement.message_model(), pb::MESSAGE_MODEL_CLUSTERING);
  ASSERT_EQ(statement.subscriptions_size(), 1);
  EXPECT_EQ(statement.subscriptions(0).topic(), "pay");
  EXPECT_EQ(statement.subscriptions(0).expression(), "a || b");
  EXPECT_EQ(statement.subscriptions(0).expression_type(), "TAG");
  EXPECT_THAT(statement.client_ids(), ElementsAre("c1", "c2"));
}

TEST_F(ConsistencyMethodsTest, WhoStatesWhatIsTold) {
  ConnectWith("c1", "a");
  ConnectWith("c2", "b");
  ConnectWith("c3", "b");
  const auto response = Consistency("orders");
  EXPECT_FALSE(response.consistent());
  EXPECT_TRUE(response.has_inconsistent_since());
  ASSERT_EQ(response.statements_size(), 2);
  EXPECT_THAT(response.statements(0).client_ids(), ElementsAre("c2", "c3"));
  EXPECT_TRUE(response.statements(0).is_reference());
  EXPECT_THAT(response.statements(1).client_ids(), ElementsAre("c1"));
  EXPECT_FALSE(response.statements(1).is_reference());
}

TEST_F(ConsistencyMethodsTest, DuplicatesAreListedInPages) {
  pb::ListDuplicateClientIdsResponse none;
  EXPECT_THAT(Call(pb::ListDuplicateClientIdsRequest(), &none), IsSuccess());
  EXPECT_EQ(none.duplicates_size(), 0);
  for (int i = 0; i < 5; ++i) {
    const std::string id = absl::StrCat("10.0.0.1@", i);
    for (const uint64_t process : {1, 2, 3}) ConnectProcess(id, process);
  }
  std::vector<std::string> ids;
  const int pages = ReadPages<pb::ListDuplicateClientIdsResponse>(
      pb::ListDuplicateClientIdsRequest(), [&](const auto& response) {
        for (const pb::DuplicateClientId& duplicate : response.duplicates()) {
          ids.push_back(duplicate.client_id());
          EXPECT_EQ(duplicate.streams(), 3);
          EXPECT_EQ(duplicate.channels_size(), 3);
          EXPECT_TRUE(duplicate.channels(0).stream());
          EXPECT_TRUE(duplicate.has_since());
        }
      });
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(ids, ElementsAre("10.0.0.1@0", "10.0.0.1@1", "10.0.0.1@2",
                               "10.0.0.1@3", "10.0.0.1@4"));
}

TEST_F(ConsistencyMethodsTest, PagesAreChecked) {
  ExpectPagesAreChecked(pb::ListDuplicateClientIdsRequest());
}

}  // namespace
}  // namespace rmq
