// What cmctl asks a broker, as whole answers: every page is followed.
#ifndef TOOLS_CMCTL_ADMIN_CLIENT_H_
#define TOOLS_CMCTL_ADMIN_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpc/support/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq::cmctl {

namespace pb = ::rocketmq::clientmanager::v1;

// One broker. All calls of an object together may take `timeout`, which runs
// from its making. Errors are what the broker said, as it said it; or
// Unavailable and DeadlineExceeded, which say why it could not be asked.
class AdminClient {
 public:
  // `broker` is host:port.
  AdminClient(absl::string_view broker, absl::Duration timeout);

  // --- Lists: all pages in one response, without page token ---

  absl::StatusOr<pb::ListGroupsResponse> ListGroups(pb::GroupKind kind);
  absl::StatusOr<pb::GetConsumerConnectionListResponse> ListConsumerConnections(
      absl::string_view group);
  absl::StatusOr<pb::GetProducerConnectionListResponse> ListProducerConnections(
      absl::string_view group);
  absl::StatusOr<pb::GetConsumerListByGroupResponse> ListConsumerIds(
      absl::string_view group);
  absl::StatusOr<pb::GetAllProducerInfoResponse> ListProducers();
  absl::StatusOr<pb::QueryTopicConsumeByWhoResponse> ListGroupsOfTopic(
      absl::string_view topic);
  absl::StatusOr<pb::ListSubscriptionGroupsResponse> ListSubscriptionGroups();
  absl::StatusOr<pb::ListTopicsResponse> ListTopics();

  // --- Look-ups ---

  absl::StatusOr<pb::GetGroupOnlineResponse> GetGroupOnline(
      absl::string_view group);
  absl::StatusOr<pb::SubscriptionData> FindSubscription(
      absl::string_view group, absl::string_view topic);
  absl::StatusOr<pb::Channel> FindConsumerChannel(absl::string_view group,
                                                  absl::string_view client_id);
  absl::StatusOr<pb::Channel> FindProducerChannel(absl::string_view client_id);
  absl::StatusOr<pb::Channel> GetAvailableProducerChannel(
      absl::string_view group);
  absl::StatusOr<pb::GetPolicyResponse> GetPolicy();
  absl::StatusOr<pb::ExplainGroupResponse> ExplainGroup(
      absl::string_view group);

  absl::Status CheckExpression(absl::string_view type,
                               absl::string_view expression);

 private:
  // A unary call of a generated stub.
  template <typename Stub, typename Request, typename Response>
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&,
                                        Response*);

  // Makes one call, with what is left of the timeout.
  template <typename Stub, typename Request, typename Response>
  absl::Status Call(Stub& stub, Method<Stub, Request, Response> method,
                    const Request& request, Response* response);
  // Whether that much of the timeout is left, and more.
  bool HasTimeFor(absl::Duration duration) const;
  // Calls for page after page until the last, and merges them. Pages that the
  // broker refuses as too many rows a second are asked for again.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> FollowPages(Stub& stub,
                                       Method<Stub, Request, Response> method,
                                       Request request);

  const std::string broker_;
  const absl::Duration timeout_;
  const gpr_timespec deadline_;
  std::unique_ptr<pb::ClientManager::Stub> client_manager_;
  std::unique_ptr<pb::ClientManagerAdmin::Stub> admin_;
};

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_ADMIN_CLIENT_H_
