// What cmctl asks a broker, as whole answers: every page is followed.
#ifndef TOOLS_CMCTL_ADMIN_CLIENT_H_
#define TOOLS_CMCTL_ADMIN_CLIENT_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
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

  absl::StatusOr<std::vector<pb::GroupSummary>> ListGroups(pb::GroupKind kind);

  // All connections in one response, without page token.
  absl::StatusOr<pb::GetConsumerConnectionListResponse> ListConsumerConnections(
      absl::string_view group);
  absl::StatusOr<pb::GetProducerConnectionListResponse> ListProducerConnections(
      absl::string_view group);

  // All client ids in one response, without page token.
  absl::StatusOr<pb::GetConsumerListByGroupResponse> ListConsumerIds(
      absl::string_view group);

  absl::Status CheckExpression(absl::string_view type,
                               absl::string_view expression);

 private:
  // Makes one call, with what is left of the timeout.
  template <typename Stub, typename Method, typename Request, typename Response>
  absl::Status Call(Stub& stub, Method method, const Request& request,
                    Response* response);
  // Calls until the last page, and gives each to `take(response)`.
  template <typename Response, typename Stub, typename Method, typename Request,
            typename Take>
  absl::Status FollowPages(Stub& stub, Method method, Request request,
                           Take take);

  const std::string broker_;
  const absl::Duration timeout_;
  const std::chrono::system_clock::time_point deadline_;
  std::unique_ptr<pb::ClientManager::Stub> client_manager_;
  std::unique_ptr<pb::ClientManagerAdmin::Stub> admin_;
};

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_ADMIN_CLIENT_H_
