// How cmctl shows answers: as aligned tables for people, as JSON for programs.
//
// Tables escape what is not printable: names and expressions come from clients
// and must not steer the operator's terminal. JSON keeps every field, also
// empty ones, under its name in the .proto files.
#ifndef TOOLS_CMCTL_RENDER_H_
#define TOOLS_CMCTL_RENDER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq::cmctl {

namespace pb = ::rocketmq::clientmanager::v1;

// Absent: that kind was not asked for.
struct Groups {
  absl::optional<pb::ListGroupsResponse> consumers;
  absl::optional<pb::ListGroupsResponse> producers;
};

// What the times in a table are relative to.
struct TableTime {
  absl::Time now;
  absl::TimeZone zone;
};

std::string GroupsTable(const Groups& groups);
std::string GroupsJson(const Groups& groups);

std::string ConnectionsTable(
    absl::string_view group,
    const pb::GetConsumerConnectionListResponse& connections,
    const TableTime& time);
std::string ConnectionsTable(
    absl::string_view group,
    const pb::GetProducerConnectionListResponse& connections,
    const TableTime& time);
std::string ConnectionsJson(
    absl::string_view group,
    const pb::GetConsumerConnectionListResponse& connections);
std::string ConnectionsJson(
    absl::string_view group,
    const pb::GetProducerConnectionListResponse& connections);

std::string IdsTable(const pb::GetConsumerListByGroupResponse& ids);
std::string IdsJson(absl::string_view group,
                    const pb::GetConsumerListByGroupResponse& ids);

std::string ProducersTable(const pb::GetAllProducerInfoResponse& producers,
                           const TableTime& time);
std::string ProducersJson(const pb::GetAllProducerInfoResponse& producers);

std::string TopicGroupsTable(absl::string_view topic,
                             const pb::QueryTopicConsumeByWhoResponse& groups);
std::string TopicGroupsJson(absl::string_view topic,
                            const pb::QueryTopicConsumeByWhoResponse& groups);

// As what a group is online; absent: that kind was not asked for.
struct Online {
  absl::optional<bool> consumer;
  absl::optional<bool> producer;
};
std::string OnlineTable(const Online& online);
std::string OnlineJson(absl::string_view group, const Online& online);

// What was found, for JSON: how it was asked for, by proto names.
using Asked = std::vector<std::pair<absl::string_view, std::string>>;

std::string SubscriptionTable(const pb::SubscriptionData& subscription);
std::string SubscriptionJson(const Asked& asked,
                             const pb::SubscriptionData& subscription);

std::string ChannelTable(const pb::Channel& channel, const TableTime& time);
std::string ChannelJson(const Asked& asked, const pb::Channel& channel);

std::string SubscriptionGroupsTable(
    const pb::ListSubscriptionGroupsResponse& groups);
std::string SubscriptionGroupsJson(
    const pb::ListSubscriptionGroupsResponse& groups);

std::string TopicsTable(const pb::ListTopicsResponse& topics);
std::string TopicsJson(const pb::ListTopicsResponse& topics);

std::string PolicyTable(const pb::GetPolicyResponse& policy);
std::string PolicyJson(const pb::GetPolicyResponse& policy);

std::string WhyTable(absl::string_view group,
                     const pb::ExplainGroupResponse& why,
                     const TableTime& time);
std::string WhyJson(absl::string_view group,
                    const pb::ExplainGroupResponse& why);

std::string ExpressionTable(absl::string_view type,
                            absl::string_view expression,
                            absl::string_view broker);
std::string ExpressionJson(absl::string_view type,
                           absl::string_view expression);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_RENDER_H_
