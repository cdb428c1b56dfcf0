#include "broker/fronts/rocketmq_v2/route.h"

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/policy/topic_configs.h"
#include "common/discovery/discovery_entry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

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
      FillQueues(Topic(3, 2), v2::Resource(), {v2::Broker()}, "", &response)
          .ok());
  ASSERT_EQ(response.message_queues_size(), 3);
  EXPECT_EQ(response.message_queues(0).permission(), v2::READ);
  EXPECT_EQ(response.message_queues(1).permission(), v2::READ_WRITE);
  EXPECT_EQ(response.message_queues(2).permission(), v2::READ_WRITE);
  EXPECT_EQ(response.message_queues(2).id(), 2);
}

TEST(RouteTest, ATopicThatCanOnlyBeWrittenHasSuchQueues) {
  v2::QueryRouteResponse response;
  ASSERT_TRUE(
      FillQueues(Topic(1, 1, 2), v2::Resource(), {v2::Broker()}, "", &response)
          .ok());
  ASSERT_EQ(response.message_queues_size(), 1);
  EXPECT_EQ(response.message_queues(0).permission(), v2::WRITE);
}

TEST(RouteTest, ATopicWithoutQueuesIsNotFound) {
  v2::QueryRouteResponse response;
  for (const TopicConfig& none : {Topic(0, 0), Topic(1, 1, 0)}) {
    EXPECT_EQ(
        CodeOf(FillQueues(none, v2::Resource(), {v2::Broker()}, "", &response)),
        v2::TOPIC_NOT_FOUND);
  }
}

// A broker of the cluster that serves this protocol.
DiscoveryEntry Entry(const std::string& name, uint64_t id,
                     std::vector<DiscoveryAddress> addresses) {
  DiscoveryEntry entry;
  entry.broker_name = name;
  entry.broker_id = id;
  entry.addresses = std::move(addresses);
  entry.fronts = {"a.Service", "apache.rocketmq.v2.MessagingService"};
  return entry;
}

// "NAME/ID HOST:PORT" of each broker that a client is told of who asks broker
// "b" with this id, at `asked_at`.
std::vector<std::string> Told(const std::vector<DiscoveryEntry>& cluster,
                              const std::string& asked_at,
                              uint64_t own_id = 0) {
  std::vector<std::string> told;
  for (const v2::Broker& broker :
       RouteBrokers(cluster, "b", own_id, EndpointsOf(asked_at))) {
    const v2::Address& address = broker.endpoints().addresses(0);
    told.push_back(absl::StrCat(broker.name(), "/", broker.id(), " ",
                                address.host(), ":", address.port()));
  }
  return told;
}

TEST(RouteTest, AllBrokersThatServeTheProtocolAreTold) {
  DiscoveryEntry other = Entry("o", 0, {{"o:1", false}});
  other.fronts = {"a.Service"};
  EXPECT_THAT(
      Told({Entry("a", 0, {{"a:1", false}}), Entry("b", 0, {{"b:1", false}}),
            Entry("b", 1, {{"b:2", false}}), other},
           "b:1"),
      ElementsAre("a/0 a:1", "b/0 b:1", "b/1 b:2"));
}

TEST(RouteTest, AClientIsToldAddressesThatItCanUse) {
  const std::vector<DiscoveryEntry> cluster = {
      Entry("a", 0, {{"a:1", false}, {"a:2", true}, {"a:3", true}}),
      Entry("b", 0, {{"b:1", true}, {"b:2", false}, {"[::1]:3", false}}),
      Entry("c", 0, {{"c:1", true}}), Entry("d", 0, {{"d:1", false}})};
  const auto with_tls = ElementsAre("a/0 a:2", "b/0 b:1", "c/0 c:1");
  const auto without = ElementsAre("a/0 a:1", "b/0 b:2", "d/0 d:1");
  EXPECT_THAT(Told(cluster, "b:1"), with_tls);
  EXPECT_THAT(Told(cluster, "b:2"), without);
  EXPECT_THAT(Told(cluster, "[::1]:3"), without);
  // By a name that the broker does not know; by another port as well.
  EXPECT_THAT(Told(cluster, "localhost:2"), without);
  EXPECT_THAT(Told(cluster, "localhost:7"), with_tls);
  EXPECT_THAT(Told(cluster, ""), with_tls);
}

TEST(RouteTest, WithoutAMasterThisBrokerIsToldAsOne) {
  const std::vector<DiscoveryEntry> slaves = {Entry("a", 1, {{"a:1", false}}),
                                              Entry("b", 2, {{"b:1", false}})};
  EXPECT_THAT(Told(slaves, "b:1", 2), ElementsAre("a/1 a:1", "b/0 b:1"));
  std::vector<DiscoveryEntry> with_master = slaves;
  with_master.push_back(Entry("c", 0, {{"c:1", false}}));
  EXPECT_THAT(Told(with_master, "b:1", 2),
              ElementsAre("a/1 a:1", "b/2 b:1", "c/0 c:1"));
}

TEST(RouteTest, EachBrokerHasTheQueuesOfTheTopic) {
  v2::QueryRouteResponse response;
  std::vector<v2::Broker> brokers(2);
  brokers[0].set_name("a");
  brokers[1].set_name("b");
  ASSERT_TRUE(
      FillQueues(Topic(2, 2), v2::Resource(), brokers, "b", &response).ok());
  std::vector<std::string> queues;
  for (const v2::MessageQueue& queue : response.message_queues()) {
    queues.push_back(absl::StrCat(queue.broker().name(), queue.id()));
  }
  EXPECT_THAT(queues, ElementsAre("a0", "a1", "b0", "b1"));
}

TEST(RouteTest, AnAnswerHasAsManyQueuesAsItMayAndThisBrokersAlways) {
  constexpr int kQueues = 1024;
  constexpr int kMost = kMostRouteQueues / kQueues;
  std::vector<v2::Broker> brokers(kMost + 1);
  for (int i = 0; i <= kMost; ++i) brokers[i].set_name(absl::StrCat("b", i));
  const auto told = [&](const std::string& own) {
    v2::QueryRouteResponse response;
    EXPECT_TRUE(FillQueues(Topic(kQueues, kQueues), v2::Resource(), brokers,
                           own, &response)
                    .ok());
    EXPECT_EQ(response.message_queues_size(), kMostRouteQueues);
    std::set<std::string> names;
    for (const v2::MessageQueue& queue : response.message_queues()) {
      names.insert(queue.broker().name());
    }
    return names;
  };
  EXPECT_THAT(told("b0"), Not(Contains(absl::StrCat("b", kMost))));
  EXPECT_THAT(told(absl::StrCat("b", kMost)),
              AllOf(Contains(absl::StrCat("b", kMost)), Contains("b0")));
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
