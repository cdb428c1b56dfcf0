#include "broker/fronts/admin/admin_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

using ChannelMethodsTest = AdminFixture;

TEST_F(ChannelMethodsTest, ChannelsAreFoundAndDescribed) {
  const FakeClientChannelPtr channel =
      Connect(TestStatement("c1").Producer("payments").Consumer("orders"));
  channel->set_writable(false);
  pb::FindConsumerChannelRequest consumer;
  consumer.set_group("orders");
  consumer.set_client_id("c1");
  pb::FindConsumerChannelResponse found;
  ASSERT_THAT(Call(consumer, &found), IsSuccess());
  EXPECT_EQ(found.channel().channel_id(), channel->id());
  EXPECT_EQ(found.channel().remote_address(), "127.0.0.1:50001");
  EXPECT_TRUE(found.channel().stream());
  EXPECT_FALSE(found.channel().writable());
  EXPECT_EQ(found.channel().opened_at().seconds(), 1'000'000);

  pb::FindProducerChannelRequest producer;
  producer.set_client_id("c1");
  EXPECT_THAT(Call(producer), IsSuccess());
  pb::GetAvailableProducerChannelRequest available;
  available.set_group("payments");
  pb::GetAvailableProducerChannelResponse next;
  EXPECT_THAT(Call(available, &next), IsSuccess());
  EXPECT_EQ(next.channel().channel_id(), channel->id());
}

TEST_F(ChannelMethodsTest, AChannelThatIsNotThereIsNotFoundAndBadFormIsSaid) {
  pb::FindConsumerChannelRequest consumer;
  consumer.set_group("orders");
  EXPECT_THAT(Call(consumer), BadFormWith("client_id must not be empty"));
  consumer.set_client_id("c1");
  EXPECT_THAT(Call(consumer), NotFoundWith(HasSubstr("\"orders\"")));
  consumer.clear_group();
  EXPECT_THAT(Call(consumer), BadFormWith("group must not be empty"));

  pb::FindProducerChannelRequest producer;
  EXPECT_THAT(Call(producer), BadFormWith("client_id must not be empty"));
  producer.set_client_id("c1");
  EXPECT_THAT(Call(producer), NotFoundWith(HasSubstr("\"c1\"")));

  pb::GetAvailableProducerChannelRequest available;
  EXPECT_THAT(Call(available), BadFormWith("group must not be empty"));
  available.set_group("payments");
  EXPECT_THAT(Call(available), NotFoundWith(HasSubstr("\"payments\"")));
}

}  // namespace
}  // namespace rmq
