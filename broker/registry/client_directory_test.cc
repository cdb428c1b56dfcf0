#include "broker/registry/client_directory.h"

#include <algorithm>
#include <string>
#include <vector>

#include "broker/registry/channel_record.h"
#include "broker/registry/principals.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClientDirectoryTest : public ::testing::Test {
 protected:
  // The order is the same from both ends.
  static std::vector<const ChannelRecord*> Channels(const ClientEntry& entry) {
    std::vector<const ChannelRecord*> forth, back;
    ClientEntry::Place place = ClientEntry::kBeforeAll;
    while (const ChannelRecord* channel = entry.Next(&place)) {
      forth.push_back(channel);
    }
    place = ClientEntry::kAfterAll;
    while (const ChannelRecord* channel = entry.Previous(&place)) {
      back.push_back(channel);
    }
    std::reverse(back.begin(), back.end());
    EXPECT_EQ(forth, back);
    return forth;
  }

  ChannelRecord a_{ChannelKind::kStream};
  ChannelRecord b_{ChannelKind::kStream};
  ChannelRecord c_{ChannelKind::kStream};
  ChannelRecord stand_in_{ChannelKind::kStandIn};
  ClientDirectory clients_;
};

TEST_F(ClientDirectoryTest, AClientThatNoChannelUsesIsUnknown) {
  EXPECT_EQ(clients_.Find("c1"), nullptr);
}

TEST_F(ClientDirectoryTest, TheFirstUseMakesTheEntry) {
  ClientEntry& entry = clients_.Use("c1", a_);
  EXPECT_EQ(entry.client_id(), "c1");
  EXPECT_THAT(Channels(entry), ElementsAre(&a_));
  EXPECT_EQ(clients_.Find("c1"), &entry);
}

TEST_F(ClientDirectoryTest, ASecondUseOfTheSameChannelListsItOnce) {
  ClientEntry& entry = clients_.Use("c1", a_);
  EXPECT_EQ(&clients_.Use("c1", a_), &entry);
  EXPECT_THAT(Channels(entry), ElementsAre(&a_));
}

TEST_F(ClientDirectoryTest, ChannelsOfAClientStandInTheOrderOfTheirFirstUse) {
  clients_.Use("c1", b_);
  clients_.Use("c1", a_);
  EXPECT_THAT(Channels(clients_.Use("c1", b_)), ElementsAre(&b_, &a_));
}

TEST_F(ClientDirectoryTest, OneChannelMayUseTwoClients) {
  EXPECT_NE(&clients_.Use("c1", a_), &clients_.Use("c2", a_));
  EXPECT_THAT(Channels(*clients_.Find("c2")), ElementsAre(&a_));
}

TEST_F(ClientDirectoryTest, AnEntryGoesWithItsLastChannel) {
  ClientEntry& entry = clients_.Use("c1", a_);
  clients_.Use("c1", b_);
  clients_.Release(entry, a_);
  EXPECT_THAT(Channels(*clients_.Find("c1")), ElementsAre(&b_));
  clients_.Release(entry, b_);
  EXPECT_EQ(clients_.Find("c1"), nullptr);
}

TEST_F(ClientDirectoryTest, TheFirstOfThreeChannelsMayGoFirst) {
  ClientEntry& entry = clients_.Use("c1", a_);
  clients_.Use("c1", b_);
  clients_.Use("c1", c_);
  clients_.Release(entry, a_);
  EXPECT_THAT(Channels(entry), ElementsAre(&b_, &c_));
  clients_.Release(entry, c_);
  EXPECT_THAT(Channels(entry), ElementsAre(&b_));
}

TEST_F(ClientDirectoryTest, AnyOfThreeChannelsMayBecomeTheLast) {
  ClientEntry& entry = clients_.Use("c1", a_);
  clients_.MoveToBack(entry, a_);
  EXPECT_THAT(Channels(entry), ElementsAre(&a_));
  clients_.Use("c1", b_);
  clients_.Use("c1", c_);
  clients_.MoveToBack(entry, a_);
  EXPECT_THAT(Channels(entry), ElementsAre(&b_, &c_, &a_));
  clients_.MoveToBack(entry, c_);
  EXPECT_THAT(Channels(entry), ElementsAre(&b_, &a_, &c_));
  clients_.MoveToBack(entry, c_);
  EXPECT_THAT(Channels(entry), ElementsAre(&b_, &a_, &c_));
}

TEST_F(ClientDirectoryTest, StreamsAreFoundByTheirIncarnation) {
  ClientEntry& entry = clients_.Use("c1", a_);
  clients_.Bind(entry, a_, 7);
  EXPECT_THAT(entry.Streams({7}), ElementsAre(&a_));
  EXPECT_THAT(entry.Streams({8}), IsEmpty());
  // Bound before the second comes, and after it.
  clients_.Use("c1", b_);
  clients_.Bind(entry, b_, 8);
  clients_.Use("c1", c_);
  EXPECT_THAT(entry.Streams({7}), ElementsAre(&a_));
  EXPECT_THAT(entry.Streams({8}), ElementsAre(&b_));
  clients_.Bind(entry, c_, 7);
  EXPECT_THAT(entry.Streams({7}), ElementsAre(&a_, &c_));
  clients_.MoveToBack(entry, a_);
  EXPECT_THAT(entry.Streams({7}), ElementsAre(&c_, &a_));
}

TEST_F(ClientDirectoryTest, AStreamThatIsNotBoundIsNotFoundByIncarnation) {
  ClientEntry& entry = clients_.Use("c1", a_);
  ClientEntry& other = clients_.Use("c2", a_);
  clients_.Bind(other, a_, 7);
  EXPECT_THAT(entry.Streams({7}), IsEmpty());
  clients_.Use("c1", b_);
  EXPECT_THAT(entry.Streams({7}), IsEmpty());
  EXPECT_THAT(other.Streams({7}), ElementsAre(&a_));
}

TEST_F(ClientDirectoryTest, StreamsOfAnotherPrincipalAreThoseOfAnotherProcess) {
  const Principals::Number thief = clients_.principals().Take("thief");
  a_.principal = thief;
  ClientEntry& entry = clients_.Use("c1", a_);
  clients_.Bind(entry, a_, 7);
  EXPECT_THAT(entry.Streams({7, thief}), ElementsAre(&a_));
  EXPECT_THAT(entry.Streams({7}), IsEmpty());
  EXPECT_EQ(entry.StreamOfAnother({8, thief}), &a_);
  EXPECT_EQ(entry.StreamOfAnother({8}), nullptr);
  EXPECT_THAT(entry.StreamsOfOthers({8, thief}), ElementsAre(&a_));
  EXPECT_THAT(entry.StreamsOfOthers({8}), IsEmpty());
  EXPECT_FALSE(entry.HasStreamsOfSeveral());

  // The same of an entry with more than one channel.
  clients_.Bind(clients_.Use("c1", b_), b_, 7);
  EXPECT_TRUE(entry.HasStreamsOfSeveral());
  EXPECT_EQ(entry.StreamOfAnother({7}), nullptr);
  clients_.Bind(clients_.Use("c1", c_), c_, 9);
  EXPECT_THAT(entry.Streams({7}), ElementsAre(&b_));
  EXPECT_THAT(entry.Streams({7, thief}), ElementsAre(&a_));
  EXPECT_EQ(entry.StreamOfAnother({7}), &c_);
  EXPECT_EQ(entry.StreamOfAnother({9}), &b_);
  EXPECT_EQ(entry.StreamOfAnother({7, thief}), nullptr);
  EXPECT_EQ(entry.StreamOfAnother({8, thief}), &a_);
  EXPECT_THAT(entry.StreamsOfOthers({8}), ElementsAre(&b_, &c_));
  EXPECT_THAT(entry.StreamsOfOthers({7}), ElementsAre(&c_));
  EXPECT_THAT(entry.StreamsOfOthers({8, thief}), ElementsAre(&a_));
  EXPECT_THAT(entry.IncarnatedStreams(2), ElementsAre(&b_, &c_));
  EXPECT_THAT(entry.IncarnatedStreams(3), ElementsAre(&b_, &c_, &a_));
}

TEST_F(ClientDirectoryTest, AStandInIsNoStream) {
  ClientEntry& entry = clients_.Use("c1", stand_in_);
  clients_.Bind(entry, stand_in_, 7);
  EXPECT_THAT(entry.Streams({7}), IsEmpty());
  clients_.Use("c1", a_);
  EXPECT_THAT(entry.Streams({7}), IsEmpty());
}

TEST_F(ClientDirectoryTest, TheStandInIsFoundBesideAnyNumberOfStreams) {
  ClientEntry& entry = clients_.Use("c1", a_);
  clients_.Bind(entry, a_, 0);
  EXPECT_EQ(entry.stand_in(), nullptr);
  clients_.Use("c1", stand_in_);
  EXPECT_EQ(entry.stand_in(), nullptr);
  clients_.Bind(entry, stand_in_, 0);
  EXPECT_EQ(entry.stand_in(), &stand_in_);
  clients_.Use("c1", b_);
  clients_.MoveToBack(entry, stand_in_);
  EXPECT_EQ(entry.stand_in(), &stand_in_);
  EXPECT_THAT(Channels(entry), ElementsAre(&a_, &b_, &stand_in_));
}

TEST_F(ClientDirectoryTest, AStandInOfAnotherClientIsNotTheClients) {
  ClientEntry& other = clients_.Use("c2", stand_in_);
  clients_.Bind(other, stand_in_, 0);
  ClientEntry& entry = clients_.Use("c1", stand_in_);
  EXPECT_EQ(entry.stand_in(), nullptr);
  clients_.Use("c1", a_);
  EXPECT_EQ(entry.stand_in(), nullptr);
}

TEST_F(ClientDirectoryTest, ReadingGoesOnAfterWhatHasGoneMeanwhile) {
  ClientEntry& entry = clients_.Use("c1", a_);
  clients_.Use("c1", b_);
  clients_.Use("c1", c_);
  ClientEntry::Place place = ClientEntry::kBeforeAll;
  EXPECT_EQ(entry.Next(&place), &a_);
  clients_.Release(entry, a_);
  EXPECT_EQ(entry.Next(&place), &b_);
  clients_.MoveToBack(entry, b_);
  EXPECT_EQ(entry.Next(&place), &c_);
  EXPECT_EQ(entry.Next(&place), &b_);
  EXPECT_EQ(entry.Next(&place), nullptr);
}

TEST_F(ClientDirectoryTest, TheKeyIsACopy) {
  std::string id = "c1";
  clients_.Use(id, a_);
  id = "xx";
  EXPECT_NE(clients_.Find("c1"), nullptr);
}

}  // namespace
}  // namespace rmq
