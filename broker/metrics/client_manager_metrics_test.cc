#include "broker/metrics/client_manager_metrics.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "broker/policy/group_policy.h"
#include "common/rpc/server/acceptor/connections.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "prometheus/text_serializer.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'000'000);

class ClientManagerMetricsTest : public ::testing::Test {
 protected:
  ClientEvent Consumer(EventType type, const std::string& group,
                       int32_t version = 1) {
    ClientEvent event;
    event.type = type;
    event.kind = GroupKind::kConsumer;
    event.group = group;
    event.language = LanguageCode::kGo;
    event.version = version;
    event.consume_type = ConsumeType::kConsumePop;
    event.last_heard = kNow;
    event.at = now_;
    return event;
  }
  void Joins(const std::string& group, int32_t version = 1) {
    metrics_.OnClientEvent(
        Consumer(EventType::kClientRegister, group, version));
  }
  void Leaves(const std::string& group, int32_t version = 1,
              RemovalReason reason = RemovalReason::kUnregistered) {
    ClientEvent event = Consumer(EventType::kClientUnregister, group, version);
    event.reason = reason;
    event.channel_expiry = channel_expiry_;
    metrics_.OnClientEvent(event);
  }
  std::string Scrape() {
    return prometheus::TextSerializer().Serialize(metrics_.Collect());
  }
  static std::string Connections(const std::string& group, int32_t version,
                                 int count) {
    return absl::StrCat("consumer_group=\"", group,
                        "\",consume_mode=\"pop\",is_system=\"false\","
                        "language=\"go\",version=\"",
                        version, "\",protocol_type=\"grpc\"} ", count, "\n");
  }

  EdgeCounters edge_;
  absl::Time now_ = kNow;
  absl::Duration channel_expiry_ = absl::Seconds(120);
  ClientManagerMetrics::Readings readings_;
  ClientManagerMetrics metrics_{
      {"c", "b"}, &edge_, [this] { return readings_; }};
};

TEST_F(ClientManagerMetricsTest, EverySeriesNamesItsNode) {
  EXPECT_THAT(Scrape(),
              HasSubstr("rocketmq_client_manager_channels{cluster=\"c\","
                        "node_type=\"broker\",node_id=\"b\"} 0\n"));
}

TEST_F(ClientManagerMetricsTest, ConsumersAreCountedByGroupAndVersion) {
  Joins("orders");
  Joins("orders");
  Joins("orders", 2);
  EXPECT_THAT(Scrape(), HasSubstr(Connections("orders", 1, 2)));
  EXPECT_THAT(Scrape(), HasSubstr(Connections("orders", 2, 1)));
}

TEST_F(ClientManagerMetricsTest, WhoLeavesIsTakenOffAndAnEmptyGroupIsNotShown) {
  Joins("orders");
  Joins("orders");
  Leaves("orders");
  EXPECT_THAT(Scrape(), HasSubstr(Connections("orders", 1, 1)));
  Leaves("orders");
  EXPECT_THAT(Scrape(), Not(HasSubstr("orders")));
}

TEST_F(ClientManagerMetricsTest, TheThousandthGroupHasALabelAndTheNextHasNot) {
  for (size_t i = 1; i <= ClientManagerMetrics::kMaxGroups + 2; ++i) {
    Joins(absl::StrCat("g", i));
  }
  const std::string scrape = Scrape();
  EXPECT_THAT(scrape, HasSubstr(Connections("g1000", 1, 1)));
  EXPECT_THAT(scrape, Not(HasSubstr("\"g1001\"")));
  EXPECT_THAT(scrape,
              HasSubstr("consumer_group=\"_other\",consume_mode=\"_other\","
                        "is_system=\"false\",language=\"go\",version=\"1\","
                        "protocol_type=\"grpc\"} 2\n"));
}

TEST_F(ClientManagerMetricsTest,
       AGroupWithoutALabelIsTakenOffWhereItWasCounted) {
  for (size_t i = 1; i <= ClientManagerMetrics::kMaxGroups + 1; ++i) {
    Joins(absl::StrCat("g", i));
  }
  Leaves("g1");     // Its label is free now,
  Leaves("g1001");  // but this group was counted without one.
  EXPECT_THAT(Scrape(), Not(HasSubstr("_other")));
  Joins("late");
  EXPECT_THAT(Scrape(), HasSubstr(Connections("late", 1, 1)));
}

TEST_F(ClientManagerMetricsTest, VersionsThatClientsChooseMakeNoSeriesAtWill) {
  for (size_t i = 1; i <= ClientManagerMetrics::kMaxVersions + 5; ++i) {
    Joins("orders", static_cast<int32_t>(i));
  }
  const std::string scrape = Scrape();
  EXPECT_THAT(scrape, HasSubstr(Connections("orders", 20, 1)));
  EXPECT_THAT(scrape, Not(HasSubstr("version=\"21\"")));
  EXPECT_THAT(scrape, HasSubstr("language=\"_other\",version=\"_other\","
                                "protocol_type=\"grpc\"} 5\n"));
}

TEST_F(ClientManagerMetricsTest, TheModeIsThatOfTheLatestStatement) {
  Joins("orders");
  ClientEvent registered = Consumer(EventType::kRegister, "orders");
  registered.consume_type = ConsumeType::kConsumeActively;
  metrics_.OnClientEvent(registered);
  EXPECT_THAT(Scrape(), HasSubstr("consume_mode=\"pull\""));
}

TEST_F(ClientManagerMetricsTest, ProducersAreCountedByVersion) {
  ClientEvent joined;
  joined.type = EventType::kClientRegister;
  joined.kind = GroupKind::kProducer;
  joined.group = "payments";
  joined.language = LanguageCode::kRust;
  joined.version = 7;
  metrics_.OnClientEvent(joined);
  EXPECT_THAT(Scrape(), HasSubstr("node_id=\"b\",language=\"rust\","
                                  "version=\"7\",protocol_type=\"grpc\"} 1\n"));
}

TEST_F(ClientManagerMetricsTest, RemovalsAreCountedByKindAndReason) {
  Joins("orders");
  Leaves("orders", 1, RemovalReason::kKicked);
  EXPECT_THAT(Scrape(), HasSubstr("kind=\"consumer\",reason=\"kicked\"} 1\n"));
  EXPECT_THAT(Scrape(), HasSubstr("kind=\"producer\",reason=\"kicked\"} 0\n"));
}

TEST_F(ClientManagerMetricsTest, TheExpiryLagIsTheTimeSinceTheExpiryWasDue) {
  Joins("orders");
  now_ = kNow + absl::Seconds(127);
  Leaves("orders", 1, RemovalReason::kExpired);
  const std::string scrape = Scrape();
  EXPECT_THAT(scrape, HasSubstr("expiry_lag_seconds_count{cluster=\"c\","
                                "node_type=\"broker\",node_id=\"b\"} 1\n"));
  EXPECT_THAT(scrape, HasSubstr("expiry_lag_seconds_sum{cluster=\"c\","
                                "node_type=\"broker\",node_id=\"b\"} 7\n"));
}

TEST_F(ClientManagerMetricsTest, TheExpiryLagCountsFromTheClientsOwnExpiry) {
  Joins("orders");
  channel_expiry_ = absl::Seconds(10);
  now_ = kNow + absl::Seconds(12);
  Leaves("orders", 1, RemovalReason::kExpired);
  EXPECT_THAT(Scrape(), HasSubstr("expiry_lag_seconds_sum{cluster=\"c\","
                                  "node_type=\"broker\",node_id=\"b\"} 2\n"));
}

TEST_F(ClientManagerMetricsTest, TheTimesOfDetectionAreAHistogram) {
  readings_.notifier.detection.Add(absl::Milliseconds(250));
  readings_.notifier.detection.Add(absl::Seconds(121));
  const std::string scrape = Scrape();
  const auto line = [](absl::string_view rest, absl::string_view labels = "") {
    return absl::StrCat("rocketmq_client_manager_detection_seconds", rest,
                        "{cluster=\"c\",node_type=\"broker\",node_id=\"b\"",
                        labels, "} ");
  };
  EXPECT_THAT(scrape, HasSubstr(absl::StrCat(line("_count"), "2\n")));
  EXPECT_THAT(scrape, HasSubstr(absl::StrCat(line("_sum"), "121.25\n")));
  for (const auto& [bound, count] :
       {std::make_pair("0.1", 0), std::make_pair("0.3", 1),
        std::make_pair("90", 1), std::make_pair("125", 2),
        std::make_pair("1800", 2), std::make_pair("+Inf", 2)}) {
    EXPECT_THAT(scrape,
                HasSubstr(absl::StrCat(
                    line("_bucket", absl::StrCat(",le=\"", bound, "\"")), count,
                    "\n")));
  }
}

TEST_F(ClientManagerMetricsTest, WhatGoesBeforeItsExpiryHasNoLag) {
  Joins("orders");
  now_ = kNow + absl::Seconds(1);
  Leaves("orders", 1, RemovalReason::kExpired);
  EXPECT_THAT(Scrape(), HasSubstr("expiry_lag_seconds_sum{cluster=\"c\","
                                  "node_type=\"broker\",node_id=\"b\"} 0\n"));
}

TEST_F(ClientManagerMetricsTest, ASystemGroupIsOneInAnyCase) {
  Joins("CID_RMQ_SYS_a");
  Joins("cid_rmq_sys_b");
  Joins("CID_RMQ_SYS");
  const std::string scrape = Scrape();
  for (const char* labels :
       {"consumer_group=\"CID_RMQ_SYS_a\",consume_mode=\"pop\",is_system="
        "\"true\"",
        "consumer_group=\"cid_rmq_sys_b\",consume_mode=\"pop\",is_system="
        "\"true\"",
        "consumer_group=\"CID_RMQ_SYS\",consume_mode=\"pop\",is_system="
        "\"false\""}) {
    EXPECT_THAT(scrape, HasSubstr(labels));
  }
}

TEST_F(ClientManagerMetricsTest, SkippedGroupsAreCountedByReason) {
  edge_.skipped_groups.Count(SkipReason::kIllegalGroup);
  edge_.skipped_groups.Count(SkipReason::kTooManyGroups);
  edge_.skipped_groups.Count(SkipReason::kTooManyGroups);
  const std::string scrape = Scrape();
  EXPECT_THAT(scrape, HasSubstr("reason=\"illegal_group\"} 1\n"));
  EXPECT_THAT(scrape, HasSubstr("reason=\"no_such_group\"} 0\n"));
  EXPECT_THAT(scrape, HasSubstr("reason=\"too_many_groups\"} 2\n"));
}

TEST_F(ClientManagerMetricsTest, HeartbeatsAreCountedByKindAndCode) {
  edge_.full_heartbeats.Count(absl::StatusCode::kOk);
  edge_.light_heartbeats.Count(absl::StatusCode::kOk);
  edge_.light_heartbeats.Count(absl::StatusCode::kOk);
  const std::string scrape = Scrape();
  EXPECT_THAT(scrape, HasSubstr("kind=\"full\",code=\"OK\"} 1\n"));
  EXPECT_THAT(scrape, HasSubstr("kind=\"light\",code=\"OK\"} 2\n"));
}

TEST_F(ClientManagerMetricsTest, CallsAndRefusalsNameTheirMethodAndItsNumber) {
  const google::protobuf::ServiceDescriptor& service =
      *::rocketmq::clientmanager::v1::HeartbeatRequest::descriptor()
           ->file()
           ->service(0);
  MethodCounters& heartbeats = edge_.calls.Add(*service.method(0));
  MethodCounters& streams =
      edge_.calls.Add(*service.FindMethodByName("Connect"));
  heartbeats.CountCall();
  heartbeats.CountCall();
  heartbeats.refusals().Count(absl::StatusCode::kInvalidArgument);
  streams.CountCall();
  edge_.calls.no_method().refusals().Count(
      absl::StatusCode::kResourceExhausted);
  const std::string scrape = Scrape();
  EXPECT_THAT(scrape,
              HasSubstr("calls_total{cluster=\"c\",node_type=\"broker\","
                        "node_id=\"b\",method=\"Heartbeat\","
                        "request_code=\"34\","
                        "service=\"ClientManager\"} 2\n"));
  EXPECT_THAT(scrape, HasSubstr("method=\"Connect\",request_code=\"none\","
                                "service=\"ClientManager\"} 1\n"));
  EXPECT_THAT(scrape,
              HasSubstr("refusals_total{cluster=\"c\",node_type=\"broker\","
                        "node_id=\"b\",code=\"INVALID_ARGUMENT\","
                        "method=\"Heartbeat\",request_code=\"34\","
                        "service=\"ClientManager\"} 1\n"));
  EXPECT_THAT(scrape,
              HasSubstr("code=\"RESOURCE_EXHAUSTED\",method=\"_unknown\","
                        "request_code=\"none\","
                        "service=\"_unknown\"} 1\n"));
}

TEST_F(ClientManagerMetricsTest, ClosedChannelsAndHeldClientsAreShown) {
  readings_.table.closed_channels[static_cast<size_t>(RemovalReason::kKicked)] =
      5;
  readings_.table.held_clients = 4;
  const std::string scrape = Scrape();
  EXPECT_THAT(scrape, HasSubstr("reason=\"kicked\"} 5\n"));
  EXPECT_THAT(scrape, HasSubstr("rocketmq_client_manager_channels_closed_total{"
                                "cluster=\"c\",node_type=\"broker\",node_id="
                                "\"b\",reason=\"drained\"} 0\n"));
  EXPECT_THAT(scrape, HasSubstr("rocketmq_client_manager_held_clients{cluster="
                                "\"c\",node_type=\"broker\",node_id=\"b\"} "
                                "4\n"));
}

TEST_F(ClientManagerMetricsTest, RefusedChannelsAreCountedByTheLimit) {
  readings_.table.refusals = {3, 4};
  const std::string scrape = Scrape();
  EXPECT_THAT(scrape, HasSubstr("rocketmq_client_manager_channels_refused_total"
                                "{cluster=\"c\",node_type=\"broker\",node_id="
                                "\"b\",reason=\"max_channels\"} 3\n"));
  EXPECT_THAT(scrape, HasSubstr("reason=\"max_channels_per_address\"} 4\n"));
}

TEST_F(ClientManagerMetricsTest, ConnectionsAreShownWithWhatBecameOfOthers) {
  EXPECT_THAT(Scrape(), Not(HasSubstr("rocketmq_client_manager_connections")));
  ::rmq::Connections connections{::rmq::Connections::Options()};
  connections.NoteRefused("10.0.0.1:1", ConnectionRefusal::kTooManyOfAddress);
  connections.NoteRefused("10.0.0.1:2", ConnectionRefusal::kTooManyOfAddress);
  readings_.connections = &connections;
  readings_.accept_errors = 3;
  const std::string scrape = Scrape();
  const std::string node = "{cluster=\"c\",node_type=\"broker\",node_id=\"b\"";
  for (const char* series :
       {"connections|} 0\n",
        "connections_refused_total|,reason=\"address\"} 2\n",
        "connections_refused_total|,reason=\"held\"} 0\n",
        "connections_ended_total|,reason=\"wasted_calls\"} 0\n",
        "accept_errors_total|} 3\n"}) {
    EXPECT_THAT(scrape, HasSubstr(absl::StrReplaceAll(
                            absl::StrCat("rocketmq_client_manager_", series),
                            {{"|", node}})));
  }
}

TEST_F(ClientManagerMetricsTest, TheCertificatesDateIsShownIfThereIsOne) {
  EXPECT_THAT(Scrape(), Not(HasSubstr("certificate_not_after_seconds")));
  readings_.certificate_not_after = absl::FromUnixSeconds(1'800'000'000);
  EXPECT_THAT(Scrape(),
              HasSubstr("rocketmq_client_manager_certificate_not_after_seconds"
                        "{cluster=\"c\",node_type=\"broker\",node_id=\"b\"} "
                        "1800000000\n"));
}

TEST_F(ClientManagerMetricsTest, ReadingsAreAskedForAtEachScrape) {
  readings_.table.channels = 3;
  readings_.table.queued_events = 7;
  readings_.notifier.changes = 9;
  EXPECT_THAT(Scrape(), HasSubstr("client_manager_channels{cluster=\"c\",node_"
                                  "type=\"broker\",node_id=\"b\"} 3\n"));
  readings_.table.channels = 4;
  EXPECT_THAT(Scrape(), HasSubstr("\"b\"} 4\n"));
  EXPECT_THAT(Scrape(), HasSubstr("event_queue_depth{cluster=\"c\",node_type="
                                  "\"broker\",node_id=\"b\"} 7\n"));
  EXPECT_THAT(Scrape(), HasSubstr("outcome=\"made\"} 9\n"));
}

TEST_F(ClientManagerMetricsTest, ADrainIsAGaugeAndItsChannelsAreCounted) {
  EXPECT_THAT(Scrape(), ContainsRegex("manager_draining\\{[^}]*\\} 0\n"));
  readings_.drain = {/*draining=*/true, /*drained=*/7};
  EXPECT_THAT(Scrape(), ContainsRegex("manager_draining\\{[^}]*\\} 1\n"));
  EXPECT_THAT(Scrape(), ContainsRegex("drained_total\\{[^}]*\\} 7\n"));
}

TEST_F(ClientManagerMetricsTest, WatchesAndTheirEventsAreCounted) {
  readings_.watches.open = 2;
  readings_.watches.events = 30;
  readings_.watches.slow = 4;
  EXPECT_THAT(Scrape(), ContainsRegex("manager_watches\\{[^}]*\\} 2\n"));
  EXPECT_THAT(Scrape(), ContainsRegex("watch_events_total\\{[^}]*\\} 30\n"));
  EXPECT_THAT(Scrape(), ContainsRegex("watches_cut_total\\{[^}]*reason="
                                      "\"slow_watcher\"\\} 4\n"));
}

TEST_F(ClientManagerMetricsTest, IncidentsAreCountedByTheirEvents) {
  EXPECT_THAT(Scrape(), HasSubstr("duplicate_client_ids_total{"));
  for (int i = 0; i < 2; ++i) {
    metrics_.OnClientEvent(Consumer(EventType::kDuplicateClientId, ""));
  }
  metrics_.OnClientEvent(Consumer(EventType::kSubscriptionsInconsistent, "g"));
  metrics_.OnClientEvent(Consumer(EventType::kSubscriptionsConsistent, "g"));
  EXPECT_THAT(Scrape(),
              ContainsRegex("duplicate_client_ids_total\\{[^}]*\\} 2"));
  EXPECT_THAT(Scrape(), ContainsRegex("inconsistencies_total\\{[^}]*\\} 1"));
}

}  // namespace
}  // namespace rmq
