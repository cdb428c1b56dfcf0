#include "tools/loadgen/broker_frames.h"

#include <string>

#include "google/protobuf/message.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tools/loadgen/client_frames.h"
#include "tools/loadgen/load_options.h"

namespace rmq::loadgen {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

pb::ClientFrame ToFrame(grpc::ByteBuffer buffer) {
  pb::ClientFrame frame;
  EXPECT_TRUE(
      grpc::SerializationTraits<pb::ClientFrame>::Deserialize(&buffer, &frame)
          .ok());
  return frame;
}

Answer Parse(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return BrokerFrames(LoadOptions())
      .Parse(grpc::ByteBuffer(&slice, 1), nullptr);
}

Answer Parse(const pb::BrokerFrame& frame) {
  return Parse(frame.SerializeAsString());
}

pb::BrokerFrame Reply() {
  pb::BrokerFrame frame;
  frame.mutable_reply()->set_request_id(1);
  frame.mutable_reply()->mutable_heartbeat();
  return frame;
}

TEST(BrokerFramesTest, AFullHeartbeatStatesTheGroupsThatWereAskedFor) {
  LoadOptions options;
  options.groups = 3;
  options.producer_groups = 1;
  options.consumer_groups = 2;
  options.subscriptions = 4;
  const pb::HeartbeatRequest heartbeat =
      ToFrame(BrokerFrames(options).Full(5)).heartbeat();
  EXPECT_EQ(heartbeat.client_id().size(), 32u);
  ASSERT_EQ(heartbeat.producers_size(), 1);
  EXPECT_EQ(heartbeat.producers(0).group(), "producer-group-00002");
  ASSERT_EQ(heartbeat.consumers_size(), 2);
  EXPECT_EQ(heartbeat.consumers(0).group(), "consumer-group-00002");
  EXPECT_EQ(heartbeat.consumers(1).group(), "consumer-group-00000");
  EXPECT_EQ(heartbeat.consumers(1).subscriptions_size(), 4);
  EXPECT_EQ(heartbeat.statement_token(), 0u);
}

TEST(BrokerFramesTest, ClientsJoinTheGroupsInTurnOrFillOneAfterTheOther) {
  LoadOptions options;
  options.streams = 7;
  options.groups = 3;
  const auto groups = [&] {
    std::string digits;
    for (int client = 0; client < options.streams; ++client) {
      digits += ToFrame(BrokerFrames(options).Full(client))
                    .heartbeat()
                    .producers(0)
                    .group()
                    .back();
    }
    return digits;
  };
  EXPECT_EQ(groups(), "0120120");
  options.fill_groups = true;
  EXPECT_EQ(groups(), "0001122");
}

TEST(BrokerFramesTest, ALightHeartbeatHasTheTokenAlone) {
  const pb::HeartbeatRequest heartbeat =
      ToFrame(BrokerFrames(LoadOptions()).Light(7)).heartbeat();
  EXPECT_EQ(heartbeat.statement_token(), 7u);
  EXPECT_EQ(heartbeat.client_id(), "");
  EXPECT_EQ(heartbeat.consumers_size(), 0);
}

TEST(BrokerFramesTest, ALongPrefixMakesLongClientIds) {
  LoadOptions options;
  options.client_prefix = std::string(40, 'a');
  EXPECT_EQ(BrokerFrames(options).ClientId(12),
            options.client_prefix + "@00000012");
}

TEST(BrokerFramesTest, AnswersWithoutAFaultAreGood) {
  EXPECT_EQ(Parse(Reply()).error, "");
  pb::BrokerFrame full = Reply();
  full.mutable_reply()->mutable_heartbeat()->set_statement_token(9);
  EXPECT_EQ(Parse(full).error, "");
  EXPECT_EQ(Parse(full).statement_token, 9u);
  pb::BrokerFrame needed = Reply();
  needed.mutable_reply()->mutable_heartbeat()->set_full_statement_needed(true);
  EXPECT_EQ(Parse(needed).error, "");
  EXPECT_TRUE(Parse(needed).full_statement_needed);
}

TEST(BrokerFramesTest, APushIsNoAnswer) {
  pb::BrokerFrame push;
  push.mutable_notify_consumer_ids_changed()->set_group("orders");
  EXPECT_TRUE(Parse(push).is_push);
  EXPECT_FALSE(Parse(Reply()).is_push);
}

TEST(BrokerFramesTest, AChannelThatClosedMeanwhileIsNoFault) {
  pb::BrokerFrame closed = Reply();
  closed.mutable_reply()->mutable_status()->set_code(10);
  EXPECT_TRUE(Parse(closed).channel_closed);
  EXPECT_EQ(Parse(closed).error, "");
  EXPECT_FALSE(Parse(Reply()).channel_closed);
}

TEST(BrokerFramesTest, ErrorsSkippedGroupsAndOtherFramesAreFaults) {
  pb::BrokerFrame error = Reply();
  error.mutable_reply()->mutable_status()->set_code(8);
  error.mutable_reply()->mutable_status()->set_message("too much");
  EXPECT_EQ(Parse(error).error, "code 8: too much");

  pb::BrokerFrame skipped = Reply();
  skipped.mutable_reply()->mutable_heartbeat()->add_skipped_groups()->set_group(
      "g");
  EXPECT_NE(Parse(skipped).error, "");

  pb::BrokerFrame other;
  other.mutable_reply()->set_request_id(1);
  EXPECT_NE(Parse(other).error, "");
  EXPECT_NE(Parse(std::string("\xff\xff\xff")).error, "");
}

}  // namespace
}  // namespace rmq::loadgen
