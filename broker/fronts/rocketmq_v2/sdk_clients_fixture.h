// A fixture for the tests of SdkClients.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_SDK_CLIENTS_FIXTURE_H_
#define BROKER_FRONTS_ROCKETMQ_V2_SDK_CLIENTS_FIXTURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/core/broker_core.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/edge_counters.h"
#include "broker/fronts/rocketmq_v2/sdk_clients.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_statement.h"
#include "broker/registry/client_event.h"
#include "broker/registry/table_queries.h"
#include "common/response_code.h"
#include "gtest/gtest.h"

namespace rmq {

// Two places that are not one network.
inline constexpr char kHome[] = "10.0.0.1:1000";
inline constexpr char kHomeAgain[] = "10.0.0.1:2000";
inline constexpr char kElsewhere[] = "10.9.9.9:1000";

class SdkClientsTest : public ::testing::Test {
 protected:
  SdkClientsTest()
      : core_(BrokerCore::Options(), {}, now_),
        clients_(SdkClients::Options(), {{"TestCluster", "broker-x", 3, 1},
                                         Limits(),
                                         now_,
                                         core_.table(),
                                         core_.processor(),
                                         counters_}) {}

  SdkClients::Who Who(absl::string_view client_id, absl::string_view address,
                      absl::string_view principal = "") {
    headers_.client_id = client_id;
    return {headers_, address, {principal, false}, now_};
  }
  // What "c1" states.
  CallStatus State(absl::string_view address, const std::string& group,
                   absl::string_view principal = "", uint64_t digest = 77) {
    const SdkClients::Who who = Who("c1", address, principal);
    return clients_.State(
        who, SdkStatement::OfConsumer(v2::PUSH_CONSUMER, group, headers_),
        digest);
  }
  CallStatus StateTopics(const std::string& client_id, int64_t version,
                         const std::string& expression) {
    const SdkClients::Who who = Who(client_id, kHome);
    v2::Settings settings;
    settings.set_client_type(v2::PUSH_CONSUMER);
    settings.mutable_subscription()->mutable_group()->set_name("orders");
    v2::SubscriptionEntry& entry =
        *settings.mutable_subscription()->add_subscriptions();
    entry.mutable_topic()->set_name("T1");
    entry.mutable_expression()->set_expression(expression);
    SdkStatementPtr statement;
    EXPECT_TRUE(SdkStatement::Parse(settings, headers_, Limits(),
                                    absl::FromUnixMillis(version), &statement)
                    .ok());
    return clients_.State(who, statement, 79);
  }
  CallStatus Heartbeat(absl::string_view address, const std::string& group,
                       v2::ClientType type = v2::PUSH_CONSUMER,
                       absl::string_view principal = "") {
    return clients_.Heartbeat(Who("c1", address, principal), type, group);
  }
  CallStatus Terminate(absl::string_view address,
                       absl::string_view principal = "") {
    return clients_.Terminate(Who("c1", address, principal));
  }
  void CloseStream(absl::string_view address, SdkClients::StreamNumber stream) {
    clients_.CloseStream(Who("c1", address).key(), stream, now_);
  }
  void Scan() { core_.housekeeping().Scan(now_); }

  std::vector<std::string> Members(GroupKind kind, absl::string_view group) {
    std::vector<std::string> ids;
    MemberCursor cursor = 0;
    for (const MemberInfo& member :
         core_.table().ListMembers(kind, group, 100, &cursor)) {
      ids.push_back(member.client_id);
    }
    return ids;
  }
  std::vector<std::string> Consumers(absl::string_view group) {
    return Members(GroupKind::kConsumer, group);
  }
  std::vector<std::string> Producers(absl::string_view group) {
    return Members(GroupKind::kProducer, group);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  EdgeCounters counters_;
  BrokerCore core_;
  SdkHeaders headers_;
  SdkClients clients_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_SDK_CLIENTS_FIXTURE_H_
