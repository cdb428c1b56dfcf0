// The services of a broker that answers by script, in pages of two.
#ifndef TOOLS_CMCTL_FAKE_BROKER_H_
#define TOOLS_CMCTL_FAKE_BROKER_H_

#include <algorithm>
#include <atomic>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq::cmctl {

namespace pb = ::rocketmq::clientmanager::v1;

// The page of [0, count) that `token` asks for; pages have two elements.
struct Page {
  Page(const std::string& token, int count) {
    if (!token.empty()) (void)absl::SimpleAtoi(token, &begin);
    end = std::min(begin + 2, count);
    if (end < count) next_page_token = absl::StrCat(end);
  }
  int begin = 0;
  int end = 0;
  std::string next_page_token;
};

class FakeAdmin final : public pb::ClientManagerAdmin::Service {
 public:
  grpc::Status ListGroups(grpc::ServerContext*,
                          const pb::ListGroupsRequest* request,
                          pb::ListGroupsResponse* response) override {
    const bool producers = request->kind() == pb::GROUP_KIND_PRODUCER;
    const Page page(request->page_token(), producers ? 1 : 5);
    for (int i = page.begin; i < page.end; ++i) {
      pb::GroupSummary* const group = response->add_groups();
      group->set_group(absl::StrCat(producers ? "producers" : "consumers", i));
      group->set_channels(1);
    }
    response->set_next_page_token(page.next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status GetConsumerConnectionList(
      grpc::ServerContext*, const pb::GetConsumerConnectionListRequest* request,
      pb::GetConsumerConnectionListResponse* response) override {
    if (request->group() != "orders" && request->group() != "both") {
      return {grpc::StatusCode::NOT_FOUND,
              absl::StrCat("no consumer group \"", request->group(),
                           "\" is registered")};
    }
    if (request->page_token().empty()) {
      response->add_subscriptions()->set_topic("on-the-first-page-only");
    }
    FillConnections(request->page_token(), response);
    return grpc::Status::OK;
  }

  grpc::Status GetAllProducerInfo(
      grpc::ServerContext*, const pb::GetAllProducerInfoRequest* request,
      pb::GetAllProducerInfoResponse* response) override {
    const Page page(request->page_token(), 5);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_producers()->set_group(absl::StrCat("producers", i));
    }
    response->set_next_page_token(page.next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status QueryTopicConsumeByWho(
      grpc::ServerContext*, const pb::QueryTopicConsumeByWhoRequest* request,
      pb::QueryTopicConsumeByWhoResponse* response) override {
    // Its second page is too much at first.
    if (!request->page_token().empty() && !refused_.exchange(true)) {
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many rows"};
    }
    const Page page(request->page_token(), 5);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_groups(absl::StrCat("reader", i, "-of-", request->topic()));
    }
    response->set_next_page_token(page.next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status GetGroupOnline(grpc::ServerContext*,
                              const pb::GetGroupOnlineRequest* request,
                              pb::GetGroupOnlineResponse* response) override {
    response->set_consumer(request->group() == "orders");
    response->set_producer(request->group() == "both" ||
                           request->group() == "produced");
    return grpc::Status::OK;
  }

  grpc::Status FindConsumerChannel(
      grpc::ServerContext*, const pb::FindConsumerChannelRequest* request,
      pb::FindConsumerChannelResponse* response) override {
    response->mutable_channel()->set_remote_address(absl::StrCat(
        "consumer ", request->client_id(), " in ", request->group()));
    return grpc::Status::OK;
  }

  grpc::Status FindProducerChannel(
      grpc::ServerContext*, const pb::FindProducerChannelRequest* request,
      pb::FindProducerChannelResponse* response) override {
    if (request->client_id() == "nobody") {
      return {grpc::StatusCode::NOT_FOUND, "not there"};
    }
    response->mutable_channel()->set_remote_address(
        absl::StrCat("producer ", request->client_id()));
    return grpc::Status::OK;
  }

  grpc::Status GetAvailableProducerChannel(
      grpc::ServerContext*,
      const pb::GetAvailableProducerChannelRequest* request,
      pb::GetAvailableProducerChannelResponse* response) override {
    response->mutable_channel()->set_remote_address(
        absl::StrCat("one of ", request->group()));
    return grpc::Status::OK;
  }

  grpc::Status FindSubscription(
      grpc::ServerContext*, const pb::FindSubscriptionRequest* request,
      pb::FindSubscriptionResponse* response) override {
    response->mutable_subscription()->set_topic(request->topic());
    response->mutable_subscription()->set_expression(
        absl::StrCat("of-", request->group()));
    return grpc::Status::OK;
  }

  grpc::Status ListSubscriptionGroups(
      grpc::ServerContext*, const pb::ListSubscriptionGroupsRequest* request,
      pb::ListSubscriptionGroupsResponse* response) override {
    const Page page(request->page_token(), 5);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_subscription_groups()->set_group(absl::StrCat("config", i));
    }
    response->set_next_page_token(page.next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status ListTopics(grpc::ServerContext*,
                          const pb::ListTopicsRequest* request,
                          pb::ListTopicsResponse* response) override {
    const Page page(request->page_token(), 5);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_topics()->set_topic(absl::StrCat("topic", i));
    }
    response->set_next_page_token(page.next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status ExplainGroup(grpc::ServerContext*,
                            const pb::ExplainGroupRequest* request,
                            pb::ExplainGroupResponse* response) override {
    response->add_skipped()->set_client_id(
        absl::StrCat("skipped in ", request->group()));
    return grpc::Status::OK;
  }

  grpc::Status GetPolicy(grpc::ServerContext*, const pb::GetPolicyRequest*,
                         pb::GetPolicyResponse* response) override {
    response->set_max_auto_created_groups(77);
    return grpc::Status::OK;
  }

  grpc::Status GetProducerConnectionList(
      grpc::ServerContext* context,
      const pb::GetProducerConnectionListRequest* request,
      pb::GetProducerConnectionListResponse* response) override {
    if (request->group() == "silent") {
      // Until the caller gives up.
      while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    }
    FillConnections(request->page_token(), response);
    return grpc::Status::OK;
  }

 private:
  template <typename Response>
  static void FillConnections(const std::string& page_token,
                              Response* response) {
    const Page page(page_token, 3);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_connections()->set_client_id(absl::StrCat("client", i));
    }
    response->set_next_page_token(page.next_page_token);
  }

  // Whether the second page of a topic's groups has been.
  std::atomic<bool> refused_{false};
};

class FakeClientManager final : public pb::ClientManager::Service {
 public:
  grpc::Status GetConsumerListByGroup(
      grpc::ServerContext*, const pb::GetConsumerListByGroupRequest* request,
      pb::GetConsumerListByGroupResponse* response) override {
    const Page page(request->page_token(), 5);
    for (int i = page.begin; i < page.end; ++i) {
      response->add_client_ids(absl::StrCat("client", i));
    }
    response->set_next_page_token(page.next_page_token);
    response->set_broker_name("broker-a");
    return grpc::Status::OK;
  }

  grpc::Status CheckClientConfig(grpc::ServerContext*,
                                 const pb::CheckClientConfigRequest* request,
                                 pb::CheckClientConfigResponse*) override {
    if (request->subscription().expression_type() == "TAG") {
      return grpc::Status::OK;
    }
    return {grpc::StatusCode::INVALID_ARGUMENT,
            "expression: expected an operand at column 5"};
  }
};

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_FAKE_BROKER_H_
