#include "broker/fronts/clientmanager/stream_caller.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'000'000);

ClientTable::Options RoomForOne() {
  ClientTable::Options options;
  options.max_channels = 1;
  return options;
}

class StreamCallerTest : public ::testing::Test {
 protected:
  const Limits limits_ = {};
  ClientTable table_{RoomForOne(), {}};
  FakeClientChannelPtr channel_ = std::make_shared<FakeClientChannel>();
  StreamClient client_;
  StreamCaller caller_{channel_.get(), &client_, limits_, &table_};
};

TEST_F(StreamCallerTest, TheChannelIsTheStreamsBeforeItIsBoundToo) {
  EXPECT_EQ(caller_.channel(), channel_.get());
  EXPECT_EQ(caller_.client_id(), "");
  EXPECT_FALSE(client_.is_bound());
}

TEST_F(StreamCallerTest, BindingOpensTheChannelOnceAndForOneClientId) {
  EXPECT_TRUE(caller_.Bind("c1", "", kNow).ok());
  EXPECT_EQ(caller_.client_id(), "c1");
  EXPECT_EQ(table_.counts().channels, 1);
  EXPECT_TRUE(caller_.Bind("c2", "", kNow).ok());
  EXPECT_EQ(caller_.client_id(), "c1");
  EXPECT_EQ(table_.counts().channels, 1);
}

TEST_F(StreamCallerTest, AClientIdOfBadFormBindsNothing) {
  EXPECT_EQ(caller_.CheckBind("").code, absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(caller_.Bind("", "", kNow).code,
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(client_.is_bound());
  EXPECT_FALSE(client_.is_turned_away);
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(StreamCallerTest, AStreamThatFindsNoRoomIsTurnedAway) {
  const auto first = std::make_shared<FakeClientChannel>();
  ASSERT_TRUE(table_.Open(first, kNow).ok());
  EXPECT_EQ(caller_.Bind("c1", "", kNow).code,
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(client_.is_turned_away);
  EXPECT_FALSE(client_.is_bound());
}

TEST_F(StreamCallerTest, AFrameStatesTheStreamsClientIdOrNone) {
  EXPECT_TRUE(caller_.CheckClientId("any").ok());  // Bind() decides.
  ASSERT_TRUE(caller_.Bind("c1", "", kNow).ok());
  EXPECT_TRUE(caller_.CheckBind("").ok());
  EXPECT_TRUE(caller_.CheckClientId("c1").ok());
  EXPECT_TRUE(caller_.CheckClientId("").ok());
  EXPECT_EQ(caller_.CheckClientId("c2").message,
            "client_id must be the stream's \"c1\" or absent, got \"c2\"");
}

}  // namespace
}  // namespace rmq
