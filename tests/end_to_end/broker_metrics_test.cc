// What a scrape of a whole broker shows of what clients did to it.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/server/test_broker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/end_to_end/eventually.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

BrokerController::Options WithMetrics() {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.metrics_address = "127.0.0.1:0";
  return options;
}

class BrokerMetricsTest : public ::testing::Test {
 protected:
  explicit BrokerMetricsTest(
      const BrokerController::Options& options = WithMetrics())
      : broker_(options) {}

  // What Prometheus gets, without the labels that name this broker; and without
  // "rocketmq_client_manager_".
  std::string Scrape() {
    httplib::Client client(
        absl::StrCat("http://", broker_.controller().metrics_address()));
    const httplib::Result result = client.Get("/metrics");
    EXPECT_TRUE(result);
    if (!result) return "";
    EXPECT_EQ(result->status, 200);
    constexpr char kNode[] =
        R"(cluster="DefaultCluster",node_type="broker",node_id="broker-a")";
    return absl::StrReplaceAll(result->body,
                               {{absl::StrCat("{", kNode, "}"), ""},
                                {absl::StrCat(kNode, ","), ""},
                                {"rocketmq_client_manager_", ""}});
  }

  // The sample in a line of its own.
  static auto Shows(const std::string& sample) {
    return HasSubstr(absl::StrCat("\n", sample, "\n"));
  }

  pb::HeartbeatResponse Heartbeat(const pb::HeartbeatRequest& request) {
    pb::HeartbeatResponse response;
    broker_.Heartbeat(request, &response);
    return response;
  }

  TestBroker broker_;
};

TEST_F(BrokerMetricsTest, ChannelsAndGroupsAreThoseThatAreThere) {
  const auto consumer = broker_.Join(ConsumerHeartbeat("c1", "orders"));
  const auto peer = broker_.Join(ConsumerHeartbeat("c2", "orders"));
  Heartbeat(ProducerHeartbeat("c3", "payments"));
  EXPECT_THAT(Scrape(),
              AllOf(Shows("channels 3"), Shows(R"(groups{kind="consumer"} 1)"),
                    Shows(R"(groups{kind="producer"} 1)"),
                    Shows("event_queue_depth 0")));
}

TEST_F(BrokerMetricsTest, ConnectionsHaveRocketMqsNamesAndLabels) {
  pb::HeartbeatRequest heartbeat = ConsumerHeartbeat("c1", "orders");
  heartbeat.set_version(493);
  heartbeat.add_producers()->set_group("payments");
  const auto client = broker_.Join(heartbeat);
  EXPECT_THAT(
      Scrape(),
      AllOf(Shows(R"(rocketmq_producer_connections{language="cpp",)"
                  R"(version="493",protocol_type="grpc"} 1)"),
            Shows(R"(rocketmq_consumer_connections{consumer_group="orders",)"
                  R"(consume_mode="push",is_system="false",language="cpp",)"
                  R"(version="493",protocol_type="grpc"} 1)")));
}

TEST_F(BrokerMetricsTest, HeartbeatsAreCountedByKindAndCode) {
  const pb::HeartbeatRequest full = ConsumerHeartbeat("c1", "orders");
  pb::HeartbeatRequest light;
  light.set_client_id("c1");
  light.set_statement_token(Heartbeat(full).statement_token());
  Heartbeat(light);
  const auto stream = broker_.Join(ConsumerHeartbeat("c2", "orders"));
  light.set_statement_token(light.statement_token() + 100);
  Heartbeat(light);  // Is answered that a full one is needed.
  light.add_producers()->set_group("payments");
  Heartbeat(light);  // Of bad form.
  EXPECT_THAT(
      Scrape(),
      AllOf(
          Shows(R"(heartbeats_total{kind="full",code="OK"} 2)"),
          Shows(R"(heartbeats_total{kind="light",code="OK"} 2)"),
          Shows(R"(heartbeats_total{kind="light",code="INVALID_ARGUMENT"} 1)"),
          Shows("full_statements_needed_total 1")));
}

class StrictBrokerMetricsTest : public BrokerMetricsTest {
 protected:
  StrictBrokerMetricsTest() : BrokerMetricsTest(Options()) {}

  static BrokerController::Options Options() {
    BrokerController::Options options = WithMetrics();
    options.table.max_channels = 1;
    options.policy.reject_pull_consumer_enable = true;
    options.policy.enable_register_producer = false;
    return options;
  }
};

TEST_F(StrictBrokerMetricsTest,
       RefusalsAreCountedByCodeAndMethodAndGroupsByReason) {
  pb::HeartbeatRequest heartbeat = ConsumerHeartbeat("c1", "orders");
  heartbeat.mutable_consumers(0)->set_consume_type(
      pb::CONSUME_TYPE_CONSUME_ACTIVELY);
  heartbeat.add_producers()->set_group("payments");
  const auto stream = broker_.Join(heartbeat);
  stream->Call(pb::ClientFrame());               // Of a kind that is none.
  Heartbeat(ConsumerHeartbeat("c2", "orders"));  // A channel too many.
  Heartbeat(ConsumerHeartbeat("", "orders"));
  EXPECT_THAT(
      Scrape(),
      AllOf(Shows(R"(refusals_total{code="UNIMPLEMENTED",method="Connect",)"
                  R"(request_code="none",service="ClientManager"} 1)"),
            Shows(R"(refusals_total{code="RESOURCE_EXHAUSTED",)"
                  R"(method="Heartbeat",request_code="34",)"
                  R"(service="ClientManager"} 1)"),
            Shows(R"(refusals_total{code="INVALID_ARGUMENT",)"
                  R"(method="Heartbeat",request_code="34",)"
                  R"(service="ClientManager"} 1)"),
            Shows(R"(calls_total{method="Heartbeat",request_code="34",)"
                  R"(service="ClientManager"} 3)"),
            Shows(R"(calls_total{method="Connect",request_code="none",)"
                  R"(service="ClientManager"} 1)"),
            Shows(R"(calls_total{method="UnregisterClient",)"
                  R"(request_code="35",service="ClientManager"} 0)"),
            Shows(R"(skipped_groups_total{reason="producer_rejected"} 1)"),
            Shows(R"(skipped_groups_total{reason="pull_consumer_rejected"} 1)"),
            Shows(R"(skipped_groups_total{reason="no_such_group"} 0)")));
}

class ExpiringBrokerMetricsTest : public BrokerMetricsTest {
 protected:
  ExpiringBrokerMetricsTest() : BrokerMetricsTest(Options()) {}

  static BrokerController::Options Options() {
    BrokerController::Options options = WithMetrics();
    options.table.channel_expiry = absl::Seconds(120);
    // A write may be in flight when the clock begins to run.
    options.server.slow_reader_limit = absl::Hours(1);
    return options;
  }
};

TEST_F(ExpiringBrokerMetricsTest, RemovalsAreCountedByReasonWithTheExpiryLag) {
  const auto silent = broker_.Join(ConsumerHeartbeat("silent", "orders"));
  broker_.PassTime(absl::Seconds(60));
  pb::HeartbeatRequest heartbeat = ConsumerHeartbeat("c1", "orders");
  heartbeat.set_incarnation(7);
  const auto old = broker_.Join(heartbeat);
  const auto fresh = broker_.Join(heartbeat);
  heartbeat = ConsumerHeartbeat("c2", "orders");
  heartbeat.add_producers()->set_group("payments");
  const auto leaving = broker_.Join(heartbeat);
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_producer_group("payments");
  leaving->Call(unregister);
  leaving->HalfClose();
  leaving->Finish();
  broker_.PassTime(absl::Seconds(61));
  silent->Finish();
  ASSERT_TRUE(broker_.AwaitConsumers("orders", 1));
  EXPECT_THAT(
      Scrape(),
      AllOf(Shows(R"(removals_total{kind="producer",reason="unregistered"} 1)"),
            Shows(R"(removals_total{kind="producer",reason="disconnected"} 0)"),
            Shows(R"(removals_total{kind="consumer",reason="disconnected"} 1)"),
            Shows(R"(removals_total{kind="consumer",reason="replaced"} 1)"),
            Shows(R"(removals_total{kind="consumer",reason="expired"} 1)"),
            Shows(R"(removals_total{kind="consumer",reason="kicked"} 0)"),
            Shows("expiry_lag_seconds_count 1"),
            Shows("expiry_lag_seconds_sum 1"),
            Shows(R"(expiry_lag_seconds{quantile="1"} 1)")));
}

class StallingBrokerMetricsTest : public BrokerMetricsTest {
 protected:
  StallingBrokerMetricsTest() : BrokerMetricsTest(Options()) {}

  static BrokerController::Options Options() {
    BrokerController::Options options = LargeAnswerOptions();
    options.metrics_address = WithMetrics().metrics_address;
    return options;
  }
};

TEST_F(StallingBrokerMetricsTest, PushesAreCountedAsSentCoalescedOrDropped) {
  const auto slow = broker_.JoinAndStall("slow", "orders");  // Was pushed once.
  const auto first = broker_.Join(ConsumerHeartbeat("c1", "orders"));
  const auto second = broker_.Join(ConsumerHeartbeat("c2", "orders"));
  EXPECT_EQ(first->ReadPush(), "orders");
  EXPECT_THAT(Scrape(), AllOf(Shows(R"(pushes_total{outcome="sent"} 4)"),
                              Shows(R"(pushes_total{outcome="coalesced"} 1)"),
                              Shows(R"(pushes_total{outcome="dropped"} 0)"),
                              Shows(R"(changes_total{outcome="made"} 3)"),
                              Shows("slow_readers_total 0")));
  slow->Cancel();
  EXPECT_TRUE(Becomes([this] { return Scrape(); },
                      Shows(R"(pushes_total{outcome="dropped"} 1)")));
}

TEST_F(BrokerMetricsTest, ConsumerGroupsBeyondTheFirstThousandAreSummed) {
  for (int i = 0; i < 1002; ++i) {
    Heartbeat(ConsumerHeartbeat(absl::StrCat("c", i), absl::StrCat("g", i)));
  }
  EXPECT_THAT(
      Scrape(),
      AllOf(HasSubstr(R"(consumer_group="g999",)"),
            Not(HasSubstr(R"(consumer_group="g1000",)")),
            Shows(R"(rocketmq_consumer_connections{consumer_group="_other",)"
                  R"(consume_mode="_other",is_system="false",language="cpp",)"
                  R"(version="0",protocol_type="grpc"} 2)")));
}

}  // namespace
}  // namespace rmq
