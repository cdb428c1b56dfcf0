// What tests of the clients' front share: a front over a core, which is called
// as unary calls and as frames do, and a time that only the test moves.
#ifndef BROKER_FRONTS_CLIENTMANAGER_CLIENT_MANAGER_FIXTURE_H_
#define BROKER_FRONTS_CLIENTMANAGER_CLIENT_MANAGER_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/core/broker_core.h"
#include "broker/fronts/acknowledgment_outcome.h"
#include "broker/fronts/clientmanager/client_request_handler.h"
#include "broker/fronts/clientmanager/stream_caller.h"
#include "broker/fronts/edge_counters.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/method_table_testutil.h"
#include "common/rpc/server/payer_rates.h"
#include "common/rpc/server/recording_authorizer.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {

MATCHER(IsSuccess, "") {
  *result_listener << arg.message;
  return arg.ok() && arg.response_code == ResponseCode::kSuccess;
}
MATCHER_P3(FailsWith, code, response_code, message, "") {
  *result_listener << absl::StatusCodeToString(arg.code) << " and "
                   << static_cast<int>(arg.response_code) << ": "
                   << arg.message;
  return arg.code == code && arg.response_code == response_code &&
         ::testing::ExplainMatchResult(message, arg.message, result_listener);
}
template <typename Message>
auto BadFormWith(Message message) {
  return FailsWith(absl::StatusCode::kInvalidArgument,
                   ResponseCode::kSystemError, message);
}

// The outcome in a reply.
inline CallStatus StatusOf(const pb::Reply& reply) {
  if (!reply.has_status()) return {};
  EXPECT_EQ(reply.response_case(), pb::Reply::RESPONSE_NOT_SET);
  return {static_cast<absl::StatusCode>(reply.status().code()),
          static_cast<ResponseCode>(reply.status().response_code()),
          reply.status().message()};
}

class ClientManagerFixture : public ::testing::Test {
 protected:
  static constexpr char kPeer[] = "192.0.2.1:50001";

  // --- Requests ---

  static pb::HeartbeatRequest Consumer(absl::string_view client_id,
                                       absl::string_view group) {
    pb::HeartbeatRequest request;
    request.set_client_id(std::string(client_id));
    pb::ConsumerData* const consumer = request.add_consumers();
    consumer->set_group(std::string(group));
    consumer->set_message_model(pb::MESSAGE_MODEL_CLUSTERING);
    consumer->add_subscriptions()->set_topic("topic");
    return request;
  }
  static pb::HeartbeatRequest Producer(absl::string_view client_id,
                                       absl::string_view group) {
    pb::HeartbeatRequest request;
    request.set_client_id(std::string(client_id));
    request.add_producers()->set_group(std::string(group));
    return request;
  }
  static pb::HeartbeatRequest Light(absl::string_view client_id,
                                    uint64_t token) {
    pb::HeartbeatRequest request;
    request.set_client_id(std::string(client_id));
    request.set_statement_token(token);
    return request;
  }
  // Of client "c1", with the repeated fields.
  static pb::UnregisterClientRequest UnregisterOf(
      const std::vector<std::string>& producers,
      const std::vector<std::string>& consumers) {
    pb::UnregisterClientRequest request;
    request.set_client_id("c1");
    request.mutable_producer_groups()->Add(producers.begin(), producers.end());
    request.mutable_consumer_groups()->Add(consumers.begin(), consumers.end());
    return request;
  }

  struct BadClientId {
    std::string client_id;
    std::string message;
  };
  static std::vector<BadClientId> BadClientIds() {
    return {
        {"", "client_id must not be empty"},
        {std::string(256, 'x'), "client_id must be at most 255 bytes, got 256"},
        {"caf\xc3\xa9",
         "client_id must be printable ASCII, got "
         "\"caf\\xc3\\xa9\""},
        {"a\nb", "client_id must be printable ASCII, got \"a\\nb\""},
        {"\x7f", "client_id must be printable ASCII"}};
  }

  // The authorizer answers `allowed` to everything.
  explicit ClientManagerFixture(const ClientTable::Options& table = {},
                                const CallStatus& allowed = {})
      : authorizer_(allowed),
        core_(CoreOptions(table), {}, now_),
        front_({{"TestCluster", "broker-x", 3, 77},
                Limits(),
                /*settled_at=*/now_ + absl::Milliseconds(1500),
                table_,
                processor_,
                counters_}) {
    front_.AddMethods(&methods_);
  }

  // --- Unary calls ---

  template <typename Request, typename Response>
  CallStatus Call(const Request& request, Response* response) {
    return CallMethod(methods_, ClientServiceDescriptor(), kPeer, now_, request,
                      response);
  }

  CallStatus Heartbeat(const pb::HeartbeatRequest& request) {
    return Call(request, &response_);
  }
  // Returns the token.
  uint64_t RegisterUnary(const pb::HeartbeatRequest& request) {
    EXPECT_THAT(Heartbeat(request), IsSuccess());
    return response_.statement_token();
  }
  CallStatus Unregister(absl::string_view client_id, absl::string_view producer,
                        absl::string_view consumer) {
    pb::UnregisterClientRequest request;
    request.set_client_id(std::string(client_id));
    request.set_producer_group(std::string(producer));
    request.set_consumer_group(std::string(consumer));
    return Unregister(request);
  }
  CallStatus Unregister(const pb::UnregisterClientRequest& request) {
    pb::UnregisterClientResponse response;
    return Call(request, &response);
  }
  CallStatus Check(const pb::CheckClientConfigRequest& request) {
    pb::CheckClientConfigResponse response;
    return Call(request, &response);
  }
  CallStatus List(const pb::GetConsumerListByGroupRequest& request) {
    return Call(request, &list_);
  }
  std::vector<std::string> ConsumerIds(absl::string_view group) {
    pb::GetConsumerListByGroupRequest request;
    request.set_group(std::string(group));
    List(request);
    return {list_.client_ids().begin(), list_.client_ids().end()};
  }

  // --- Streams ---

  struct Stream {
    FakeClientChannelPtr channel = std::make_shared<FakeClientChannel>();
    StreamClient client;
    uint64_t last_request_id = 100;
  };
  Stream OpenStream() { return {}; }
  pb::Reply HandleAsIs(Stream& stream, const pb::ClientFrame& frame) {
    pb::Reply reply;
    reply.mutable_status()->set_message("left over");
    const std::string bytes = frame.SerializeAsString();
    if (!front_.HandleRepeatedHeartbeat(*stream.channel, bytes, now_,
                                        stream.client, &reply)) {
      const CallContext connect = {*front_.connect().descriptor,
                                   {kPeer, ClientNetworkOf(kPeer), ""},
                                   {},
                                   now_};
      EXPECT_THAT(front_.HandleFrame(connect, *stream.channel, frame, bytes,
                                     &stream.client, &reply),
                  IsSuccess());
    }
    EXPECT_EQ(reply.request_id(), frame.request_id());
    return reply;
  }
  // With a request id of its own.
  pb::Reply Handle(Stream& stream, pb::ClientFrame frame) {
    frame.set_request_id(++stream.last_request_id);
    return HandleAsIs(stream, frame);
  }
  pb::Reply Handle(Stream& stream, const pb::HeartbeatRequest& request) {
    pb::ClientFrame frame;
    *frame.mutable_heartbeat() = request;
    return Handle(stream, frame);
  }
  // An acknowledgment, which has no reply: dropped if it is over the rate.
  void Acknowledge(Stream& stream, const pb::Acknowledge& request) {
    if (!front_.MayReadAcknowledgment(kPeer, now_, &stream.client)) return;
    const CallContext connect = {*front_.connect().descriptor,
                                 {kPeer, ClientNetworkOf(kPeer), ""},
                                 {},
                                 now_};
    front_.HandleAcknowledgment(connect, *stream.channel, request,
                                &stream.client);
  }
  void Acknowledge(Stream& stream, absl::string_view group, uint64_t epoch) {
    pb::Acknowledge request;
    request.set_group(std::string(group));
    request.set_epoch(epoch);
    Acknowledge(stream, request);
  }
  int64_t Acknowledged(AcknowledgmentOutcome outcome) const {
    return counters_.acknowledgments.value(outcome);
  }
  uint64_t EpochOf(absl::string_view group) const {
    return core_.table().FindConsumerGroup(group)->epoch;
  }

  // A stream after its first full heartbeat.
  Stream Join(const pb::HeartbeatRequest& request, uint64_t* token = nullptr) {
    Stream stream = OpenStream();
    const pb::Reply reply = Handle(stream, request);
    EXPECT_THAT(StatusOf(reply), IsSuccess());
    if (token != nullptr) *token = reply.heartbeat().statement_token();
    return stream;
  }

  const MethodCounters& CountersOf(
      const google::protobuf::Descriptor& request) const {
    return *methods_.Find(MethodTaking(request, ClientServiceDescriptor()))
                ->counters;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  RecordingAuthorizer authorizer_;
  EdgeCounters counters_;
  PayerRates rates_{{0, 0, 0}};
  Gate gate_{
      &authorizer_,
      {absl::StatusCode::kUnavailable, ResponseCode::kSystemError, "draining"}};
  MethodTable methods_{&gate_, &rates_, &counters_.calls};
  BrokerCore core_;
  ClientTable& table_ = core_.table();
  ClientManageProcessor& processor_ = core_.processor();
  ClientRequestHandler front_;
  pb::HeartbeatResponse response_;
  pb::GetConsumerListByGroupResponse list_;

 private:
  static BrokerCore::Options CoreOptions(const ClientTable::Options& table) {
    BrokerCore::Options options;
    options.table = table;
    options.policy.reject_pull_consumer_enable = true;
    return options;
  }
};

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_CLIENT_MANAGER_FIXTURE_H_
