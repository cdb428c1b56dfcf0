// What brokers that register in etcd tell clients of RocketMQ 5's protocol.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.grpc.pb.h"
#include "broker/broker_controller.h"
#include "broker/fronts/rocketmq_v2/rocketmq5_options.h"
#include "broker/server/test_broker.h"
#include "broker/server/test_sdk_client.h"
#include "common/cond_var.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/scripted_etcd.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Between two questions, since a broker takes so many calls of an address only.
constexpr absl::Duration kPause = absl::Milliseconds(50);

constexpr char kAsked[] = R"pb(
  topic { name: "T1" }
  endpoints {
    scheme: DOMAIN_NAME
    addresses { host: "proxy.example" port: 8081 }
  })pb";

class ClusterRouteTest : public ::testing::Test {
 protected:
  BrokerController::Options OptionsOf(const std::string& name) const {
    BrokerController::Options options = TestBroker::DefaultOptions();
    options.identity.broker_name = name;
    options.registrar.etcd = etcd_.address();
    return options;
  }

  // "NAME ADDRESS" of the brokers that a client of `broker` is told of.
  static std::vector<std::string> Told(const TestBroker& broker) {
    TestSdkClient client(broker.connection(), "c1");
    const v2::QueryRouteResponse route = client.QueryRoute(kAsked);
    std::vector<std::string> told;
    for (const v2::MessageQueue& queue : route.message_queues()) {
      if (queue.id() != 0) continue;
      const v2::Address& address = queue.broker().endpoints().addresses(0);
      told.push_back(absl::StrCat(queue.broker().name(), " ", address.host(),
                                  ":", address.port()));
    }
    return told;
  }
  static void Pause() {
    absl::Mutex mu;
    CondVar nobody;
    MutexLock lock(&mu);
    RealClock().AwaitWithDeadline(
        &lock, &nobody, [] { return false; }, RealClock().TimeNow() + kPause);
  }
  // The same, once there are so many: brokers ask etcd by real time.
  static std::vector<std::string> AwaitTold(const TestBroker& broker,
                                            size_t brokers) {
    std::vector<std::string> told = Told(broker);
    while (told.size() != brokers) {
      Pause();
      told = Told(broker);
    }
    return told;
  }

  ScriptedEtcd etcd_;
};

TEST_F(ClusterRouteTest, ARouteHasTheQueuesOfEachBrokerThatEtcdLists) {
  TestBroker a(OptionsOf("a"));
  const std::string at_a = absl::StrCat("a ", a.address());
  // Its own address, and not the one that the client has asked at.
  EXPECT_THAT(Told(a), ElementsAre(at_a));
  TestBroker b(OptionsOf("b"));
  const std::string at_b = absl::StrCat("b ", b.address());
  EXPECT_THAT(AwaitTold(a, 2), ElementsAre(at_a, at_b));
  EXPECT_THAT(AwaitTold(b, 2), ElementsAre(at_a, at_b));
  // The last ones are kept while etcd is away.
  etcd_.Fail(absl::UnavailableError("etcdserver: no leader"));
  EXPECT_THAT(Told(a), SizeIs(2));
  etcd_.Fail(absl::OkStatus());
  b.controller().Shutdown(absl::Seconds(20));
  EXPECT_THAT(AwaitTold(a, 1), ElementsAre(at_a));
}

TEST_F(ClusterRouteTest, ABrokerThatDrainsIsToldNobodyElse) {
  TestBroker a(OptionsOf("a"));
  TestBroker b(OptionsOf("b"));
  AwaitTold(a, 2);
  b.controller().drain().Begin(absl::Minutes(5), b.clock().TimeNow());
  EXPECT_THAT(AwaitTold(a, 1), ElementsAre(absl::StrCat("a ", a.address())));
  b.controller().drain().Cancel(b.clock().TimeNow());
  EXPECT_THAT(AwaitTold(a, 2), SizeIs(2));
}

TEST_F(ClusterRouteTest, TheQueuesOfAllMastersAreShared) {
  BrokerController::Options options = OptionsOf("a");
  options.rocketmq5.assignment = QueueAssignment::kQueues;
  TestBroker a(options);
  DiscoveryEntry other;
  other.cluster = options.identity.cluster;
  other.broker_name = "z";
  other.addresses = {{"z.example:1", false}};
  other.fronts = {v2::MessagingService::service_full_name()};
  for (const uint64_t id : {0, 1}) {
    other.broker_id = id;
    etcd_.Put(DiscoveryKey(kDiscoveryPrefix, other),
              FormatDiscoveryEntry(other));
  }
  AwaitTold(a, 3);
  TestSdkClient c1(a, "c1");
  TestSdkClient c2(a, "c2");
  c1.State(kConsumerSettings);
  c2.State(kConsumerSettings);
  a.PassTime(absl::Seconds(1));
  std::set<std::string> queues;
  for (TestSdkClient* const client : {&c1, &c2}) {
    const auto assigned = client->Call<v2::QueryAssignmentResponse>(
        &v2::MessagingService::Stub::QueryAssignment,
        ParseText<v2::QueryAssignmentRequest>(
            "topic { name: 'T1' } group { name: 'orders' }"));
    EXPECT_THAT(assigned.assignments(), SizeIs(8));
    for (const v2::Assignment& assignment : assigned.assignments()) {
      const v2::MessageQueue& queue = assignment.message_queue();
      EXPECT_EQ(queue.broker().id(), 0);
      queues.insert(absl::StrCat(queue.broker().name(), queue.id()));
    }
  }
  EXPECT_THAT(queues, SizeIs(16));
}

}  // namespace
}  // namespace rmq
