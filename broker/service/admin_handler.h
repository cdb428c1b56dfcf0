// Every request of the ClientManagerAdmin service.
#ifndef BROKER_SERVICE_ADMIN_HANDLER_H_
#define BROKER_SERVICE_ADMIN_HANDLER_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/policy/group_policy.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/service/authorizer.h"
#include "broker/service/wire.h"
#include "common/clock.h"
#include "common/response_code.h"
#include "common/validation.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {

// Thread-safe. What it is given is borrowed and outlives it.
class AdminHandler {
 public:
  // `notifies`: the broker's notify_consumer_ids_changed_enable.
  AdminHandler(const Limits& limits, ClientTable* table,
               const GroupPolicy* policy, bool notifies, Clock* clock,
               Authorizer* authorizer)
      : limits_(limits),
        table_(*table),
        policy_(*policy),
        notifies_(notifies),
        clock_(*clock),
        authorizer_(*authorizer) {}

  // `peer` is "host:port".
  CallStatus ListGroups(absl::string_view peer, absl::Time now,
                        const pb::ListGroupsRequest& request,
                        pb::ListGroupsResponse* response);
  CallStatus GetConsumerConnectionList(
      absl::string_view peer, absl::Time now,
      const pb::GetConsumerConnectionListRequest& request,
      pb::GetConsumerConnectionListResponse* response);
  CallStatus GetProducerConnectionList(
      absl::string_view peer, absl::Time now,
      const pb::GetProducerConnectionListRequest& request,
      pb::GetProducerConnectionListResponse* response);
  CallStatus QueryTopicConsumeByWho(
      absl::string_view peer, absl::Time now,
      const pb::QueryTopicConsumeByWhoRequest& request,
      pb::QueryTopicConsumeByWhoResponse* response);
  CallStatus GetAllProducerInfo(absl::string_view peer, absl::Time now,
                                const pb::GetAllProducerInfoRequest& request,
                                pb::GetAllProducerInfoResponse* response);
  CallStatus GetGroupOnline(absl::string_view peer, absl::Time now,
                            const pb::GetGroupOnlineRequest& request,
                            pb::GetGroupOnlineResponse* response);
  CallStatus FindConsumerChannel(absl::string_view peer, absl::Time now,
                                 const pb::FindConsumerChannelRequest& request,
                                 pb::FindConsumerChannelResponse* response);
  CallStatus FindProducerChannel(absl::string_view peer, absl::Time now,
                                 const pb::FindProducerChannelRequest& request,
                                 pb::FindProducerChannelResponse* response);
  CallStatus GetAvailableProducerChannel(
      absl::string_view peer, absl::Time now,
      const pb::GetAvailableProducerChannelRequest& request,
      pb::GetAvailableProducerChannelResponse* response);
  CallStatus FindSubscription(absl::string_view peer, absl::Time now,
                              const pb::FindSubscriptionRequest& request,
                              pb::FindSubscriptionResponse* response);
  CallStatus ListSubscriptionGroups(
      absl::string_view peer, absl::Time now,
      const pb::ListSubscriptionGroupsRequest& request,
      pb::ListSubscriptionGroupsResponse* response);
  CallStatus ListTopics(absl::string_view peer, absl::Time now,
                        const pb::ListTopicsRequest& request,
                        pb::ListTopicsResponse* response);
  CallStatus ExplainGroup(absl::string_view peer, absl::Time now,
                          const pb::ExplainGroupRequest& request,
                          pb::ExplainGroupResponse* response);
  CallStatus GetPolicy(absl::string_view peer, absl::Time now,
                       const pb::GetPolicyRequest& request,
                       pb::GetPolicyResponse* response);

 private:
  // The gate and the form of a request for one group's members; reads a page of
  // them into `response`'s connections and next_page_token.
  template <typename Request, typename Response>
  CallStatus ListConnections(absl::string_view peer, absl::string_view call,
                             GroupKind kind, const Request& request,
                             Response* response);
  CallStatus Authorize(absl::string_view peer, absl::string_view call,
                       absl::string_view client_id,
                       absl::Span<const absl::string_view> groups);
  void FillChannel(const ClientChannel& channel, pb::Channel* message);

  const Limits limits_;
  ClientTable& table_;
  const GroupPolicy& policy_;
  const bool notifies_;
  Clock& clock_;
  Authorizer& authorizer_;
};

}  // namespace rmq

#endif  // BROKER_SERVICE_ADMIN_HANDLER_H_
