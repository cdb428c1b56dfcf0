#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class OpenChannelsTest : public ClientTableFixture {
 protected:
  std::vector<ClientChannelPtr> List(size_t max, MemberCursor* cursor) {
    return table_.ListOpenChannels(max, cursor);
  }
  // Closes `channels` by KICKED; returns those that were open.
  std::vector<ClientChannelPtr> Close(
      const std::vector<ClientChannelPtr>& channels) {
    std::vector<ClientChannelPtr> closed;
    table_.CloseChannels(channels, RemovalReason::kKicked, now_, &closed);
    return closed;
  }
};

// --- Reading all ---

TEST_F(OpenChannelsTest, StreamsAndStandInsAreReadInTheOrderOfOpening) {
  const ClientChannelPtr a = OpenStream();
  const ClientChannelPtr b = StandIn("c1");
  const ClientChannelPtr c = Connect(TestStatement("c2").Consumer("orders"));
  MemberCursor cursor = 0;
  EXPECT_THAT(List(2, &cursor), ElementsAre(a, b));
  EXPECT_EQ(cursor, b->id());
  EXPECT_THAT(List(2, &cursor), ElementsAre(c));
  EXPECT_EQ(cursor, 0);
}

TEST_F(OpenChannelsTest, APieceThatEndsWithTheLastChannelIsTheLast) {
  const ClientChannelPtr a = OpenStream();
  MemberCursor cursor = 0;
  EXPECT_THAT(List(1, &cursor), ElementsAre(a));
  EXPECT_EQ(cursor, 0);
}

TEST_F(OpenChannelsTest, ClosedChannelsAreNotRead) {
  const ClientChannelPtr a = OpenStream();
  const ClientChannelPtr b = OpenStream();
  const ClientChannelPtr c = OpenStream();
  MemberCursor cursor = 0;
  EXPECT_THAT(List(1, &cursor), ElementsAre(a));
  // Where the reading stands, and what it would read next.
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  table_.Close(*b, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(List(9, &cursor), ElementsAre(c));
  cursor = 0;
  EXPECT_THAT(List(9, &cursor), ElementsAre(c));
}

TEST_F(OpenChannelsTest, APieceHasAThousandChannelsAtMost) {
  for (size_t i = 0; i < ClientTable::kMaxPiece + 1; ++i) OpenStream();
  MemberCursor cursor = 0;
  EXPECT_THAT(List(5000, &cursor), SizeIs(ClientTable::kMaxPiece));
  EXPECT_THAT(List(5000, &cursor), SizeIs(1));
}

// --- Closing some ---

TEST_F(OpenChannelsTest, ManyAreClosedInOneChangeAndGivenBackInTheirOrder) {
  const ClientChannelPtr a = Connect(TestStatement("a").Consumer("orders"));
  const ClientChannelPtr b = Connect(TestStatement("b").Producer("pay"));
  Connect(TestStatement("c").Consumer("orders"));
  TakeEvents();
  EXPECT_THAT(Close({b, a}), ElementsAre(b, a));
  EXPECT_TRUE(a->closed());
  const std::vector<ClientEvent> events = listener_.Take();
  std::vector<std::string> described;
  for (const ClientEvent& event : events) {
    EXPECT_EQ(event.revision, events.front().revision);
    described.push_back(Describe(event));
  }
  EXPECT_THAT(described,
              ElementsAre("producer pay CLIENT_UNREGISTER b KICKED",
                          "producer pay UNREGISTER",
                          "consumer orders CLIENT_UNREGISTER a KICKED",
                          "consumer orders CHANGE"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c"));
  EXPECT_EQ(table_.counts().channels, 1);
}

TEST_F(OpenChannelsTest, AChannelThatIsClosedAlreadyIsPassedOver) {
  const ClientChannelPtr a = OpenStream();
  const ClientChannelPtr b = OpenStream();
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Close({a, b, b}), ElementsAre(b));
}

TEST_F(OpenChannelsTest, AChannelThatWasNeverOpenedIsPassedOver) {
  const auto unopened = std::make_shared<FakeClientChannel>();
  EXPECT_THAT(Close({unopened}), IsEmpty());
  EXPECT_TRUE(table_.Open(unopened, now_).ok());
  EXPECT_FALSE(unopened->closed());
}

TEST_F(OpenChannelsTest, AThousandAreClosedAtMost) {
  std::vector<ClientChannelPtr> channels;
  for (size_t i = 0; i < ClientTable::kMaxPiece + 1; ++i) {
    channels.push_back(OpenStream());
  }
  EXPECT_THAT(Close(channels), SizeIs(ClientTable::kMaxPiece));
  EXPECT_FALSE(channels.back()->closed());
}

}  // namespace
}  // namespace rmq
