#include "tools/cmctl/admin_client.h"

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpc/grpc.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"

namespace rmq::cmctl {
namespace {

std::shared_ptr<grpc::Channel> MakeChannel(absl::string_view broker) {
  grpc::ChannelArguments arguments;
  // A broker is asked directly, whatever http_proxy says.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Groups of many subscriptions make long answers; the operator asked for it.
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(
      std::string(broker), grpc::InsecureChannelCredentials(), arguments);
}

// gRPC's story of a connection that could not be made ends with the reason:
// "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1:
// Failed to connect to remote host: Connection refused".
std::string ReasonOf(absl::string_view story) {
  const size_t colon = story.rfind(": ");
  if (colon != absl::string_view::npos) story.remove_prefix(colon + 2);
  story = absl::StripAsciiWhitespace(story);
  std::string reason(story);
  // Lower-case, unless it begins with an abbreviation.
  if (reason.size() > 1 && !absl::ascii_isupper(reason[1])) {
    reason[0] = absl::ascii_tolower(reason[0]);
  }
  return reason.empty() ? "no reason given" : reason;
}

absl::Status ToStatus(const grpc::Status& status, absl::string_view broker,
                      absl::Duration timeout) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK: return absl::OkStatus();
    case grpc::StatusCode::UNAVAILABLE: {
      const std::string reason = ReasonOf(status.error_message());
      return absl::UnavailableError(absl::StrCat(
          "cannot reach ", broker, ": ", reason,
          absl::StrContains(reason, "refused") ? "; is the broker running?"
                                               : ""));
    }
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(
          absl::StrCat("no answer from ", broker, " within ",
                       absl::FormatDuration(timeout), " (see --timeout)"));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(
          absl::StrCat(broker, " does not offer this call; is it a broker? (",
                       status.error_message(), ")"));
    default:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          status.error_message());
  }
}

}  // namespace

AdminClient::AdminClient(absl::string_view broker, absl::Duration timeout)
    : broker_(broker),
      timeout_(timeout),
      deadline_(absl::ToChronoTime(absl::Now() + timeout)) {
  const std::shared_ptr<grpc::Channel> channel = MakeChannel(broker);
  client_manager_ = pb::ClientManager::NewStub(channel);
  admin_ = pb::ClientManagerAdmin::NewStub(channel);
}

template <typename Stub, typename Method, typename Request, typename Response>
absl::Status AdminClient::Call(Stub& stub, Method method,
                               const Request& request, Response* response) {
  grpc::ClientContext context;
  context.set_deadline(deadline_);
  return ToStatus((stub.*method)(&context, request, response), broker_,
                  timeout_);
}

template <typename Response, typename Stub, typename Method, typename Request,
          typename Take>
absl::Status AdminClient::FollowPages(Stub& stub, Method method,
                                      Request request, Take take) {
  do {
    Response response;
    const absl::Status status = Call(stub, method, request, &response);
    if (!status.ok()) return status;
    request.set_page_token(response.next_page_token());
    response.clear_next_page_token();
    take(std::move(response));
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<pb::GroupSummary>> AdminClient::ListGroups(
    pb::GroupKind kind) {
  std::vector<pb::GroupSummary> groups;
  pb::ListGroupsRequest request;
  request.set_kind(kind);
  const absl::Status status = FollowPages<pb::ListGroupsResponse>(
      *admin_, &pb::ClientManagerAdmin::Stub::ListGroups, request,
      [&](pb::ListGroupsResponse page) {
        for (pb::GroupSummary& group : *page.mutable_groups()) {
          groups.push_back(std::move(group));
        }
      });
  if (!status.ok()) return status;
  return groups;
}

absl::StatusOr<pb::GetConsumerConnectionListResponse>
AdminClient::ListConsumerConnections(absl::string_view group) {
  pb::GetConsumerConnectionListResponse whole;
  pb::GetConsumerConnectionListRequest request;
  request.set_group(std::string(group));
  bool is_first = true;
  const absl::Status status =
      FollowPages<pb::GetConsumerConnectionListResponse>(
          *admin_, &pb::ClientManagerAdmin::Stub::GetConsumerConnectionList,
          request, [&](pb::GetConsumerConnectionListResponse page) {
            if (std::exchange(is_first, false)) {
              whole = std::move(page);
            } else {
              whole.mutable_connections()->MergeFrom(page.connections());
            }
          });
  if (!status.ok()) return status;
  return whole;
}

absl::StatusOr<pb::GetProducerConnectionListResponse>
AdminClient::ListProducerConnections(absl::string_view group) {
  pb::GetProducerConnectionListResponse whole;
  pb::GetProducerConnectionListRequest request;
  request.set_group(std::string(group));
  const absl::Status status =
      FollowPages<pb::GetProducerConnectionListResponse>(
          *admin_, &pb::ClientManagerAdmin::Stub::GetProducerConnectionList,
          request, [&](const pb::GetProducerConnectionListResponse& page) {
            whole.MergeFrom(page);
          });
  if (!status.ok()) return status;
  return whole;
}

absl::StatusOr<pb::GetConsumerListByGroupResponse> AdminClient::ListConsumerIds(
    absl::string_view group) {
  pb::GetConsumerListByGroupResponse whole;
  pb::GetConsumerListByGroupRequest request;
  request.set_group(std::string(group));
  const absl::Status status = FollowPages<pb::GetConsumerListByGroupResponse>(
      *client_manager_, &pb::ClientManager::Stub::GetConsumerListByGroup,
      request, [&](const pb::GetConsumerListByGroupResponse& page) {
        whole.MergeFrom(page);
      });
  if (!status.ok()) return status;
  return whole;
}

absl::Status AdminClient::CheckExpression(absl::string_view type,
                                          absl::string_view expression) {
  pb::CheckClientConfigRequest request;
  // Required, but of no effect: nothing is registered.
  request.set_client_id("cmctl");
  request.set_group("cmctl");
  request.mutable_subscription()->set_expression_type(std::string(type));
  request.mutable_subscription()->set_expression(std::string(expression));
  pb::CheckClientConfigResponse response;
  return Call(*client_manager_, &pb::ClientManager::Stub::CheckClientConfig,
              request, &response);
}

}  // namespace rmq::cmctl
