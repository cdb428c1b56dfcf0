#include "tools/loadgen/lease_frames.h"

#include <string>

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

namespace rmq::loadgen {
namespace {

Answer Parse(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return LeaseFrames().Parse(grpc::ByteBuffer(&slice, 1), nullptr);
}

// The bytes are etcd's.
TEST(LeaseFramesTest, AKeepAliveNamesTheLeaseOfTheClient) {
  grpc::Slice slice;
  ASSERT_TRUE(LeaseFrames().Full(41).DumpToSingleSlice(&slice).ok());
  EXPECT_EQ(std::string(slice.begin(), slice.end()), "\x08\x2a");
}

TEST(LeaseFramesTest, AnAnswerWithTimeToLiveIsGood) {
  EXPECT_EQ(Parse("\x0a\x02\x18\x01\x10\x2a\x18\x3c").error, "");
}

TEST(LeaseFramesTest, AnAnswerWithoutTimeToLiveSaysThatTheLeaseIsGone) {
  EXPECT_EQ(Parse("\x10\x2a").error, "there is no lease 42");
}

TEST(LeaseFramesTest, WhatIsNoAnswerIsAnError) {
  EXPECT_NE(Parse("\x0a").error, "");
}

}  // namespace
}  // namespace rmq::loadgen
