#include "tools/bench/echo/echo_answers.h"

#include <string>

#include "grpcpp/support/slice.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq::bench {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

grpc::ByteBuffer ToBuffer(const pb::BrokerFrame& frame) {
  const grpc::Slice slice(frame.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

EchoAnswers::EchoAnswers() {
  pb::BrokerFrame frame;
  pb::Reply* const reply = frame.mutable_reply();
  reply->set_request_id(1);
  pb::HeartbeatResponse* const heartbeat = reply->mutable_heartbeat();
  light_ = ToBuffer(frame);
  heartbeat->set_broker_name("broker-a");
  heartbeat->set_broker_incarnation(1);
  heartbeat->mutable_channel_expiry()->set_seconds(120);
  heartbeat->mutable_suggested_interval()->set_seconds(30);
  heartbeat->set_statement_token(1);
  full_ = ToBuffer(frame);
}

}  // namespace rmq::bench
