#include "broker/registry/client_directory.h"

#include <string>

#include "broker/registry/fake_client_channel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

class ClientDirectoryTest : public ::testing::Test {
 protected:
  FakeClientChannel a_, b_, c_;
  ClientDirectory clients_;
};

TEST_F(ClientDirectoryTest, AClientThatNoChannelUsesIsUnknown) {
  EXPECT_EQ(clients_.Find("c1"), nullptr);
}

TEST_F(ClientDirectoryTest, TheFirstUseMakesTheEntry) {
  ClientEntry& entry = clients_.Use("c1", a_);
  EXPECT_EQ(entry.client_id(), "c1");
  EXPECT_THAT(entry.channels(), ElementsAre(&a_));
  EXPECT_EQ(clients_.Find("c1"), &entry);
}

TEST_F(ClientDirectoryTest, ASecondUseOfTheSameChannelListsItOnce) {
  ClientEntry& entry = clients_.Use("c1", a_);
  EXPECT_EQ(&clients_.Use("c1", a_), &entry);
  EXPECT_THAT(entry.channels(), ElementsAre(&a_));
}

TEST_F(ClientDirectoryTest, ChannelsOfAClientStandInTheOrderOfTheirFirstUse) {
  clients_.Use("c1", b_);
  clients_.Use("c1", a_);
  EXPECT_THAT(clients_.Use("c1", b_).channels(), ElementsAre(&b_, &a_));
}

TEST_F(ClientDirectoryTest, OneChannelMayUseTwoClients) {
  EXPECT_NE(&clients_.Use("c1", a_), &clients_.Use("c2", a_));
  EXPECT_THAT(clients_.Find("c2")->channels(), ElementsAre(&a_));
}

TEST_F(ClientDirectoryTest, AnEntryGoesWithItsLastChannel) {
  ClientEntry& entry = clients_.Use("c1", a_);
  clients_.Use("c1", b_);
  clients_.Release(entry, a_);
  EXPECT_THAT(clients_.Find("c1")->channels(), ElementsAre(&b_));
  clients_.Release(entry, b_);
  EXPECT_EQ(clients_.Find("c1"), nullptr);
}

TEST_F(ClientDirectoryTest, TheFirstOfThreeChannelsMayGoFirst) {
  ClientEntry& entry = clients_.Use("c1", a_);
  clients_.Use("c1", b_);
  clients_.Use("c1", c_);
  clients_.Release(entry, a_);
  EXPECT_THAT(entry.channels(), ElementsAre(&b_, &c_));
  clients_.Release(entry, c_);
  EXPECT_THAT(entry.channels(), ElementsAre(&b_));
}

TEST_F(ClientDirectoryTest, AnyOfThreeChannelsMayBecomeTheLast) {
  ClientEntry& entry = clients_.Use("c1", a_);
  clients_.MoveToBack(entry, a_);
  EXPECT_THAT(entry.channels(), ElementsAre(&a_));
  clients_.Use("c1", b_);
  clients_.Use("c1", c_);
  clients_.MoveToBack(entry, a_);
  EXPECT_THAT(entry.channels(), ElementsAre(&b_, &c_, &a_));
  clients_.MoveToBack(entry, c_);
  EXPECT_THAT(entry.channels(), ElementsAre(&b_, &a_, &c_));
  clients_.MoveToBack(entry, c_);
  EXPECT_THAT(entry.channels(), ElementsAre(&b_, &a_, &c_));
}

TEST_F(ClientDirectoryTest, TheKeyIsACopy) {
  std::string id = "c1";
  clients_.Use(id, a_);
  id = "xx";
  EXPECT_NE(clients_.Find("c1"), nullptr);
}

}  // namespace
}  // namespace rmq
