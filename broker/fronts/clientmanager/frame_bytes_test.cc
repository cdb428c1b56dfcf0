#include "broker/fronts/clientmanager/frame_bytes.h"

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/io/coded_stream.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

pb::HeartbeatRequest GoodHeartbeat() {
  pb::HeartbeatRequest request;
  request.set_client_id("192.0.2.1@1");
  request.add_producers()->set_group("payments");
  request.add_consumers()->set_group("orders");
  return request;
}

std::string Frame(const pb::HeartbeatRequest& heartbeat, uint64_t request_id) {
  pb::ClientFrame frame;
  frame.set_request_id(request_id);
  *frame.mutable_heartbeat() = heartbeat;
  return frame.SerializeAsString();
}

TEST(FindHeartbeatBytesTest, FindsTheRequestIdAndTheHeartbeat) {
  for (uint64_t request_id : {uint64_t{1}, uint64_t{300}, ~uint64_t{0}}) {
    const std::string frame = Frame(GoodHeartbeat(), request_id);
    const auto found = FindHeartbeatBytes(frame);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->request_id, request_id);
    EXPECT_EQ(found->heartbeat, GoodHeartbeat().SerializeAsString());
  }
}

TEST(FindHeartbeatBytesTest, FindsAnEmptyHeartbeat) {
  const std::string frame = Frame(pb::HeartbeatRequest(), 1);
  const auto found = FindHeartbeatBytes(frame);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->heartbeat, "");
}

TEST(FindHeartbeatBytesTest, WhatMayMeanSomethingElseIsNone) {
  const std::string good = Frame(GoodHeartbeat(), 5);
  pb::ClientFrame other;
  other.set_request_id(5);
  other.mutable_unregister_client()->set_client_id("c1");
  const std::string heartbeat_first = good.substr(2) + good.substr(0, 2);
  for (const std::string& frame :
       {std::string(), Frame(GoodHeartbeat(), 0), other.SerializeAsString(),
        heartbeat_first,
        // Another request id behind, which counts; bytes that are missing.
        good + good.substr(0, 2), good.substr(0, good.size() - 1),
        good.substr(0, 2), good.substr(0, 3)}) {
    EXPECT_FALSE(FindHeartbeatBytes(frame).has_value());
  }
}

TEST(ReadRequestIdTest, ReadsTheNumberThatAFrameBeginsWith) {
  const auto read = [](const std::string& bytes) {
    google::protobuf::io::CodedInputStream input(
        reinterpret_cast<const uint8_t*>(bytes.data()),
        static_cast<int>(bytes.size()));
    return ReadRequestId(&input);
  };
  for (uint64_t request_id : {uint64_t{1}, uint64_t{300}, ~uint64_t{0}}) {
    EXPECT_EQ(read(Frame(GoodHeartbeat(), request_id)), request_id);
  }
  const std::string frame = Frame(GoodHeartbeat(), 300);
  for (const std::string& bytes :
       {std::string(), Frame(GoodHeartbeat(), 0), frame.substr(0, 1),
        frame.substr(0, 2), frame.substr(3)}) {
    EXPECT_EQ(read(bytes), 0);
  }
}

std::string Acknowledgment(uint64_t request_id) {
  pb::ClientFrame frame;
  frame.set_request_id(request_id);
  frame.mutable_acknowledge()->set_group("orders");
  return frame.SerializeAsString();
}

TEST(BeginsWithAcknowledgmentTest, AnAcknowledgmentIsKnownByItsFirstBytes) {
  for (uint64_t request_id :
       {uint64_t{0}, uint64_t{1}, uint64_t{300}, ~uint64_t{0}}) {
    const std::string frame = Acknowledgment(request_id);
    EXPECT_TRUE(BeginsWithAcknowledgment(frame)) << request_id;
    EXPECT_TRUE(BeginsWithAcknowledgment(frame.substr(0, 12))) << request_id;
  }
}

TEST(BeginsWithAcknowledgmentTest, OtherFramesAreNone) {
  pb::ClientFrame empty;
  empty.set_request_id(1);
  for (const std::string& frame :
       {std::string(), Frame(GoodHeartbeat(), 0), Frame(GoodHeartbeat(), 300),
        empty.SerializeAsString(), std::string("\x08"),
        // A request id of eleven bytes, or without an end.
        std::string("\x08") + std::string(10, '\x80') + "\x01\x32",
        std::string("\x08") + std::string(10, '\x80'),
        Acknowledgment(300).substr(0, 3)}) {
    EXPECT_FALSE(BeginsWithAcknowledgment(frame));
  }
}

}  // namespace
}  // namespace rmq
