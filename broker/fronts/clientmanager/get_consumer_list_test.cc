// Lists of a group's consumers, and what they tell of a broker that is
// settling.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_manager_fixture.h"
#include "broker/fronts/clientmanager/fill_push.h"
#include "broker/registry/membership_push.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using GetConsumerListTest = ClientManagerFixture;

TEST_F(GetConsumerListTest, AListTellsWhoseViewItIs) {
  RegisterUnary(Consumer("c1", "orders"));
  pb::GetConsumerListByGroupRequest request;
  request.set_group("orders");
  ASSERT_THAT(List(request), IsSuccess());
  EXPECT_EQ(list_.broker_name(), "broker-x");
  EXPECT_EQ(list_.broker_id(), 3);
  EXPECT_EQ(list_.next_page_token(), "");
}

TEST_F(GetConsumerListTest, ListsAndPushesTellHowLongTheBrokerIsSettling) {
  Stream stream = Join(Consumer("c1", "orders"));
  now_ += absl::Milliseconds(300);
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
  EXPECT_EQ(list_.settling_until().seconds(), 1);
  EXPECT_EQ(list_.settling_until().nanos(), 200'000'000);
  pb::ClientFrame frame;
  frame.mutable_get_consumer_list_by_group()->set_group("orders");
  EXPECT_EQ(Handle(stream, frame)
                .get_consumer_list_by_group()
                .settling_until()
                .seconds(),
            1);
  pb::NotifyConsumerIdsChanged push;
  now_ += absl::Milliseconds(1199);
  FillPush(MembershipPush(), front_.settled_at(), now_, &push);
  EXPECT_EQ(push.settling_until().nanos(), 1'000'000);
}

TEST_F(GetConsumerListTest, ABrokerThatHasSettledSaysNothingOfIt) {
  RegisterUnary(Consumer("c1", "orders"));
  now_ += absl::Milliseconds(1500);
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
  EXPECT_FALSE(list_.has_settling_until());
  pb::NotifyConsumerIdsChanged push;
  FillPush(MembershipPush(), front_.settled_at(), now_, &push);
  EXPECT_FALSE(push.has_settling_until());
}

TEST_F(GetConsumerListTest, AListOfAnUnknownGroupIsNotFound) {
  pb::GetConsumerListByGroupRequest request;
  request.set_group("orders");
  EXPECT_THAT(List(request),
              FailsWith(absl::StatusCode::kNotFound, ResponseCode::kSystemError,
                        HasSubstr("orders")));
}

TEST_F(GetConsumerListTest, AnUnknownGroupMayComeBackWhileTheBrokerIsSettling) {
  now_ += absl::Milliseconds(300);
  pb::GetConsumerListByGroupRequest request;
  request.set_group("orders");
  EXPECT_EQ(List(request).message,
            "no consumer for this group, orders; the broker is settling for "
            "1.2s more");
  now_ += absl::Milliseconds(1200);
  EXPECT_EQ(List(request).message, "no consumer for this group, orders");
}

TEST_F(GetConsumerListTest, AListRefusesBadGroupsPageSizesAndTokens) {
  RegisterUnary(Consumer("c1", "orders"));
  pb::GetConsumerListByGroupRequest request;
  EXPECT_THAT(List(request), BadFormWith("group must not be empty"));
  request.set_group("a b");
  EXPECT_THAT(List(request), BadFormWith(StartsWith("group must be letters")));
  request.set_group("orders");
  for (int page_size : {-1, 1001}) {
    request.set_page_size(page_size);
    EXPECT_THAT(List(request), BadFormWith(StartsWith("page_size must be 0")));
  }
  request.clear_page_size();
  for (const char* token :
       {"0", "x", "-1", "5", "1@1", "1@1@", "0@1@4d", "1@0@4d", "1@1@4d@"}) {
    request.set_page_token(token);
    EXPECT_THAT(List(request), BadFormWith(StartsWith("page_token must be")));
  }
  EXPECT_EQ(list_.client_ids_size(), 0);
}

TEST_F(GetConsumerListTest, AListIsPagedThroughTheStream) {
  std::vector<Stream> members;
  std::vector<std::string> client_ids;
  for (int i = 0; i < 5; ++i) {
    client_ids.push_back(absl::StrCat("c", i));
    members.push_back(Join(Consumer(client_ids.back(), "orders")));
  }
  pb::ClientFrame frame;
  pb::GetConsumerListByGroupRequest& request =
      *frame.mutable_get_consumer_list_by_group();
  request.set_group("orders");
  request.set_page_size(2);
  std::vector<std::string> listed;
  int pages = 0;
  do {
    const pb::Reply reply = Handle(members[0], frame);
    ASSERT_THAT(StatusOf(reply), IsSuccess());
    const auto& page = reply.get_consumer_list_by_group();
    EXPECT_LE(page.client_ids_size(), 2);
    listed.insert(listed.end(), page.client_ids().begin(),
                  page.client_ids().end());
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(listed, client_ids);

  request.set_page_token("0");
  EXPECT_THAT(StatusOf(Handle(members[0], frame)),
              BadFormWith(StartsWith("page_token must be")));
  request.clear_page_token();
  request.set_page_size(1001);
  EXPECT_THAT(StatusOf(Handle(members[0], frame)),
              BadFormWith("page_size must be 0 to 1000, got 1001"));
}

TEST_F(GetConsumerListTest, AllPagesAreTheListAtTheEpochOfTheFirst) {
  std::vector<Stream> members;
  for (int i = 0; i < 5; ++i) {
    members.push_back(Join(Consumer(absl::StrCat("c", i), "orders")));
  }
  const uint64_t epoch = EpochOf("orders");
  pb::GetConsumerListByGroupRequest request;
  request.set_group("orders");
  request.set_page_size(2);
  std::vector<std::string> listed;
  for (int page = 0; page < 3; ++page) {
    ASSERT_THAT(List(request), IsSuccess());
    EXPECT_EQ(list_.epoch(), epoch);
    listed.insert(listed.end(), list_.client_ids().begin(),
                  list_.client_ids().end());
    request.set_page_token(list_.next_page_token());
    // Others come and go meanwhile.
    members.push_back(Join(Consumer(absl::StrCat("new", page), "orders")));
    table_.Close(*members[3].channel, RemovalReason::kDisconnected, now_);
  }
  EXPECT_THAT(listed, ElementsAre("c0", "c1", "c2", "c3", "c4"));
  EXPECT_EQ(list_.next_page_token(), "");
}

TEST_F(GetConsumerListTest, APageOfAnEpochThatIsNotKeptIsAborted) {
  Stream stays = Join(Consumer("c1", "orders"));
  Stream second = Join(Consumer("c2", "orders"));
  pb::GetConsumerListByGroupRequest request;
  request.set_group("orders");
  request.set_page_size(1);
  ASSERT_THAT(List(request), IsSuccess());
  request.set_page_token(list_.next_page_token());
  for (int i = 0; i < 100; ++i) {
    Stream passing = Join(Consumer(absl::StrCat("p", i), "orders"));
    table_.Close(*passing.channel, RemovalReason::kDisconnected, now_);
  }
  EXPECT_THAT(List(request),
              FailsWith(absl::StatusCode::kAborted, ResponseCode::kSystemError,
                        HasSubstr("is not kept any more; ask for the first "
                                  "page again")));
}

TEST_F(GetConsumerListTest, APageOfAnotherProcessOfTheBrokerIsAborted) {
  RegisterUnary(Consumer("c1", "orders"));
  pb::GetConsumerListByGroupRequest request;
  request.set_group("orders");
  request.set_page_token("1@1@4e");
  EXPECT_THAT(List(request),
              FailsWith(absl::StatusCode::kAborted, ResponseCode::kSystemError,
                        HasSubstr("another broker, or of an earlier process")));
  request.set_page_token("1@1@4d");  // The fixture's, 77.
  EXPECT_THAT(List(request), IsSuccess());
}

}  // namespace
}  // namespace rmq
