#include "tools/cmctl/admin_client.h"

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpc/grpc.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace rmq::cmctl {
namespace {

using Admin = pb::ClientManagerAdmin::Stub;

std::shared_ptr<grpc::Channel> MakeChannel(absl::string_view broker) {
  grpc::ChannelArguments arguments;
  // A broker is asked directly, whatever http_proxy says.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // With its retries gRPC 1.51 aborts the process if an answer has no
  // grpc-status, as a proxy's page has none.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Groups of many subscriptions make long answers; the operator asked for it.
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(
      std::string(broker), grpc::InsecureChannelCredentials(), arguments);
}

// Brokers answer so many rows a second. Who asks for more comes again after
// this.
constexpr absl::Duration kPagePause = absl::Milliseconds(100);

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
      deadline_(
          gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                       gpr_time_from_nanos(absl::ToInt64Nanoseconds(timeout),
                                           GPR_TIMESPAN))) {
  const std::shared_ptr<grpc::Channel> channel = MakeChannel(broker);
  client_manager_ = pb::ClientManager::NewStub(channel);
  admin_ = pb::ClientManagerAdmin::NewStub(channel);
}

template <typename Stub, typename Request, typename Response>
absl::Status AdminClient::Call(Stub& stub,
                               Method<Stub, Request, Response> method,
                               const Request& request, Response* response) {
  grpc::ClientContext context;
  context.set_deadline(deadline_);
  return ToStatus((stub.*method)(&context, request, response), broker_,
                  timeout_);
}

bool AdminClient::HasTimeFor(absl::Duration duration) const {
  const gpr_timespec then = gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_nanos(absl::ToInt64Nanoseconds(duration), GPR_TIMESPAN));
  return gpr_time_cmp(then, deadline_) < 0;
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> AdminClient::FollowPages(
    Stub& stub, Method<Stub, Request, Response> method, Request request) {
  Response whole;
  do {
    Response page;
    absl::Status status = Call(stub, method, request, &page);
    while (absl::IsResourceExhausted(status) && HasTimeFor(kPagePause)) {
      absl::SleepFor(kPagePause);
      status = Call(stub, method, request, &page);
    }
    if (!status.ok()) return status;
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    whole.MergeFrom(page);
  } while (!request.page_token().empty());
  return whole;
}

absl::StatusOr<pb::ListGroupsResponse> AdminClient::ListGroups(
    pb::GroupKind kind) {
  pb::ListGroupsRequest request;
  request.set_kind(kind);
  return FollowPages(*admin_, &Admin::ListGroups, request);
}

absl::StatusOr<pb::GetConsumerConnectionListResponse>
AdminClient::ListConsumerConnections(absl::string_view group) {
  pb::GetConsumerConnectionListRequest request;
  request.set_group(std::string(group));
  return FollowPages(*admin_, &Admin::GetConsumerConnectionList, request);
}

absl::StatusOr<pb::GetProducerConnectionListResponse>
AdminClient::ListProducerConnections(absl::string_view group) {
  pb::GetProducerConnectionListRequest request;
  request.set_group(std::string(group));
  return FollowPages(*admin_, &Admin::GetProducerConnectionList, request);
}

absl::StatusOr<pb::GetConsumerListByGroupResponse> AdminClient::ListConsumerIds(
    absl::string_view group) {
  pb::GetConsumerListByGroupRequest request;
  request.set_group(std::string(group));
  return FollowPages(*client_manager_,
                     &pb::ClientManager::Stub::GetConsumerListByGroup, request);
}

absl::StatusOr<pb::GetAllProducerInfoResponse> AdminClient::ListProducers() {
  return FollowPages(*admin_, &Admin::GetAllProducerInfo,
                     pb::GetAllProducerInfoRequest());
}

absl::StatusOr<pb::QueryTopicConsumeByWhoResponse>
AdminClient::ListGroupsOfTopic(absl::string_view topic) {
  pb::QueryTopicConsumeByWhoRequest request;
  request.set_topic(std::string(topic));
  return FollowPages(*admin_, &Admin::QueryTopicConsumeByWho, request);
}

absl::StatusOr<pb::ListSubscriptionGroupsResponse>
AdminClient::ListSubscriptionGroups() {
  return FollowPages(*admin_, &Admin::ListSubscriptionGroups,
                     pb::ListSubscriptionGroupsRequest());
}

absl::StatusOr<pb::ListTopicsResponse> AdminClient::ListTopics() {
  return FollowPages(*admin_, &Admin::ListTopics, pb::ListTopicsRequest());
}

absl::StatusOr<pb::GetGroupOnlineResponse> AdminClient::GetGroupOnline(
    absl::string_view group) {
  pb::GetGroupOnlineRequest request;
  request.set_group(std::string(group));
  pb::GetGroupOnlineResponse response;
  const absl::Status status =
      Call(*admin_, &Admin::GetGroupOnline, request, &response);
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<pb::SubscriptionData> AdminClient::FindSubscription(
    absl::string_view group, absl::string_view topic) {
  pb::FindSubscriptionRequest request;
  request.set_group(std::string(group));
  request.set_topic(std::string(topic));
  pb::FindSubscriptionResponse response;
  const absl::Status status =
      Call(*admin_, &Admin::FindSubscription, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_subscription());
}

absl::StatusOr<pb::Channel> AdminClient::FindConsumerChannel(
    absl::string_view group, absl::string_view client_id) {
  pb::FindConsumerChannelRequest request;
  request.set_group(std::string(group));
  request.set_client_id(std::string(client_id));
  pb::FindConsumerChannelResponse response;
  const absl::Status status =
      Call(*admin_, &Admin::FindConsumerChannel, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_channel());
}

absl::StatusOr<pb::Channel> AdminClient::FindProducerChannel(
    absl::string_view client_id) {
  pb::FindProducerChannelRequest request;
  request.set_client_id(std::string(client_id));
  pb::FindProducerChannelResponse response;
  const absl::Status status =
      Call(*admin_, &Admin::FindProducerChannel, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_channel());
}

absl::StatusOr<pb::Channel> AdminClient::GetAvailableProducerChannel(
    absl::string_view group) {
  pb::GetAvailableProducerChannelRequest request;
  request.set_group(std::string(group));
  pb::GetAvailableProducerChannelResponse response;
  const absl::Status status =
      Call(*admin_, &Admin::GetAvailableProducerChannel, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_channel());
}

absl::StatusOr<pb::GetPolicyResponse> AdminClient::GetPolicy() {
  pb::GetPolicyResponse response;
  const absl::Status status =
      Call(*admin_, &Admin::GetPolicy, pb::GetPolicyRequest(), &response);
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<pb::ExplainGroupResponse> AdminClient::ExplainGroup(
    absl::string_view group) {
  pb::ExplainGroupRequest request;
  request.set_group(std::string(group));
  pb::ExplainGroupResponse response;
  const absl::Status status =
      Call(*admin_, &Admin::ExplainGroup, request, &response);
  if (!status.ok()) return status;
  return response;
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
