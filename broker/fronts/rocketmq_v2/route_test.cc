#include "broker/fronts/rocketmq_v2/route.h"

#include <tuple>

#include "absl/strings/string_view.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/policy/topic_configs.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TopicConfig Topic(int readable, int writable, int perm = 6) {
  TopicConfig config;
  config.topic = "T";
  config.read_queue_nums = readable;
  config.write_queue_nums = writable;
  config.perm = perm;
  return config;
}

TEST(RouteTest, QueuesForBothFollowThoseForOne) {
  v2::QueryRouteResponse response;
  ASSERT_TRUE(
      FillQueues(Topic(3, 2), v2::Resource(), v2::Broker(), &response).ok());
  ASSERT_EQ(response.message_queues_size(), 3);
  EXPECT_EQ(response.message_queues(0).permission(), v2::READ);
  EXPECT_EQ(response.message_queues(1).permission(), v2::READ_WRITE);
  EXPECT_EQ(response.message_queues(2).permission(), v2::READ_WRITE);
  EXPECT_EQ(response.message_queues(2).id(), 2);
}

TEST(RouteTest, ATopicThatCanOnlyBeWrittenHasSuchQueues) {
  v2::QueryRouteResponse response;
  ASSERT_TRUE(
      FillQueues(Topic(1, 1, 2), v2::Resource(), v2::Broker(), &response).ok());
  ASSERT_EQ(response.message_queues_size(), 1);
  EXPECT_EQ(response.message_queues(0).permission(), v2::WRITE);
}

TEST(RouteTest, ATopicWithoutQueuesIsNotFound) {
  v2::QueryRouteResponse response;
  for (const TopicConfig& none : {Topic(0, 0), Topic(1, 1, 0)}) {
    EXPECT_EQ(CodeOf(FillQueues(none, v2::Resource(), v2::Broker(), &response)),
              v2::TOPIC_NOT_FOUND);
  }
}

TEST(RouteTest, EndpointsHaveTheSchemeOfTheirHost) {
  for (const auto& [address, scheme, host] :
       {std::make_tuple("10.0.0.1:80", v2::IPv4, "10.0.0.1"),
        std::make_tuple("[::1]:80", v2::IPv6, "::1"),
        std::make_tuple("broker.site:80", v2::DOMAIN_NAME, "broker.site")}) {
    const v2::Endpoints endpoints = EndpointsOf(address);
    EXPECT_EQ(endpoints.scheme(), scheme) << address;
    ASSERT_EQ(endpoints.addresses_size(), 1) << address;
    EXPECT_EQ(endpoints.addresses(0).host(), host);
    EXPECT_EQ(endpoints.addresses(0).port(), 80);
  }
  EXPECT_EQ(EndpointsOf("nothing").addresses_size(), 0);
}

}  // namespace
}  // namespace rmq
