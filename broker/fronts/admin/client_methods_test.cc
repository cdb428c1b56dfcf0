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
using ::testing::SizeIs;

using ClientMethodsTest = AdminFixture;

TEST_F(ClientMethodsTest, AllChannelsOfAClientAreThereWithWhatEachStates) {
  const FakeClientChannelPtr first =
      Connect(TestStatement("c1")
                  .Program(LanguageCode::kCpp, 7)
                  .Consumer("orders", {{"t", 3, "x || y"}})
                  .Producer("pay"));
  const FakeClientChannelPtr second =
      Connect(TestStatement("c1").Consumer("orders", {{"u"}}));
  Connect(TestStatement("c2").Consumer("orders"));
  pb::GetClientRequest request;
  request.set_client_id("c1");
  pb::GetClientResponse response;
  ASSERT_THAT(Call(request, &response), IsSuccess());
  ASSERT_THAT(response.channels(), SizeIs(2));
  const pb::ClientChannel& channel = response.channels(0);
  EXPECT_EQ(channel.channel().channel_id(), first->id());
  EXPECT_EQ(channel.channel().opened_at().seconds(), 1'000'000);
  ASSERT_THAT(channel.consumer_groups(), SizeIs(1));
  const pb::StatedGroup& orders = channel.consumer_groups(0);
  EXPECT_EQ(orders.group(), "orders");
  EXPECT_EQ(orders.last_stated_at().seconds(), 1'000'000);
  EXPECT_EQ(orders.language(), pb::LANGUAGE_CODE_CPP);
  EXPECT_EQ(orders.version(), 7);
  EXPECT_EQ(orders.message_model(), pb::MESSAGE_MODEL_CLUSTERING);
  ASSERT_THAT(orders.subscriptions(), SizeIs(1));
  EXPECT_EQ(orders.subscriptions(0).topic(), "t");
  EXPECT_EQ(orders.subscriptions(0).expression(), "x || y");
  EXPECT_EQ(orders.subscriptions(0).sub_version(), 3);
  ASSERT_THAT(channel.producer_groups(), SizeIs(1));
  EXPECT_EQ(channel.producer_groups(0).group(), "pay");
  EXPECT_EQ(channel.producer_groups(0).message_model(),
            pb::MESSAGE_MODEL_UNSPECIFIED);
  EXPECT_EQ(response.channels(1).channel().channel_id(), second->id());
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(ClientMethodsTest, AChannelIsShownWithItsLabels) {
  Connect(TestStatement("c1").Consumer("orders").Label("zone", "z"));
  pb::GetClientRequest request;
  request.set_client_id("c1");
  pb::GetClientResponse response;
  ASSERT_THAT(Call(request, &response), IsSuccess());
  EXPECT_EQ(response.channels(0).labels().at("zone"), "z");
}

TEST_F(ClientMethodsTest, AChannelThatDoesNotFitOnAPageGoesOnOnTheNext) {
  TestStatement statement("c1");
  for (int i = 0; i < 5; ++i) statement.Consumer(absl::StrCat("g", i));
  Connect(statement);
  Connect(TestStatement("c1").Consumer("h"));
  pb::GetClientRequest request;
  request.set_client_id("c1");
  std::vector<std::string> groups;
  const int pages = ReadPages<pb::GetClientResponse>(
      request, [&groups](const pb::GetClientResponse& page) {
        for (const pb::ClientChannel& channel : page.channels()) {
          for (const pb::StatedGroup& group : channel.consumer_groups()) {
            groups.push_back(group.group());
          }
        }
      });
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(groups, ElementsAre("g0", "g1", "g2", "g3", "g4", "h"));
}

TEST_F(ClientMethodsTest, AClientThatIsNotThereIsNotFoundAndBadFormIsSaid) {
  pb::GetClientRequest request;
  EXPECT_THAT(Call(request), BadFormWith("client_id must not be empty"));
  request.set_client_id("c1");
  EXPECT_THAT(Call(request), NotFoundWith(HasSubstr("\"c1\"")));
  ExpectPagesAreChecked(request);
  for (const char* const token :
       {"0.0.0", "1", "1.1", "1.1.x", "1.1.1.1", ".1.1"}) {
    request.set_page_token(token);
    EXPECT_THAT(Call(request), BadFormWith(HasSubstr("page_token"))) << token;
  }
}

}  // namespace
}  // namespace rmq
