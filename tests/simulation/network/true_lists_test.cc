#include "tests/simulation/network/true_lists.h"

#include <memory>
#include <string>

#include "broker/registry/client_event.h"
#include "broker/registry/fake_client_channel.h"
#include "gtest/gtest.h"

namespace rmq::network {
namespace {

class TrueListsTest : public ::testing::Test {
 protected:
  ClientChannelPtr NewChannel() {
    return std::make_shared<FakeClientChannel>();
  }
  void Tell(EventType type, uint64_t revision, const std::string& id,
            const ClientChannelPtr& channel) {
    ClientEvent event;
    event.type = type;
    event.kind = GroupKind::kConsumer;
    event.revision = revision;
    event.group = "g";
    event.client_id = id;
    event.channel = channel;
    lists_.OnClientEvent(event);
  }
  void Join(uint64_t revision, const std::string& id,
            const ClientChannelPtr& channel) {
    Tell(EventType::kClientRegister, revision, id, channel);
  }
  void Leave(uint64_t revision, const std::string& id,
             const ClientChannelPtr& channel) {
    Tell(EventType::kClientUnregister, revision, id, channel);
  }
  uint64_t Epoch() {
    lists_.OnEventsDelivered();
    return lists_.EpochOf("g");
  }

  TrueLists lists_;
};

TEST_F(TrueListsTest, AGroupThatNeverWasHasNoEpoch) {
  EXPECT_EQ(Epoch(), 0u);
  EXPECT_FALSE(lists_.At("g", 0).has_value());
}

TEST_F(TrueListsTest, TheEpochIsTheRevisionOfTheLastChangeOfTheSet) {
  const ClientChannelPtr a = NewChannel();
  const ClientChannelPtr b = NewChannel();
  Join(3, "a", a);
  EXPECT_EQ(Epoch(), 3u);
  Join(5, "b", b);
  EXPECT_EQ(Epoch(), 5u);
  Leave(9, "a", a);
  EXPECT_EQ(Epoch(), 9u);
  EXPECT_EQ(lists_.At("g", 3), DigestOf({"a"}));
  EXPECT_EQ(lists_.At("g", 5), DigestOf({"a", "b"}));
  EXPECT_EQ(lists_.At("g", 9), DigestOf({"b"}));
  EXPECT_FALSE(lists_.At("g", 4).has_value());
}

TEST_F(TrueListsTest, ASecondChannelOfAClientIdIsNoChange) {
  const ClientChannelPtr first = NewChannel();
  const ClientChannelPtr second = NewChannel();
  Join(1, "a", first);
  Join(2, "a", second);
  EXPECT_EQ(Epoch(), 1u);
  Leave(3, "a", first);
  EXPECT_EQ(Epoch(), 1u);
  Leave(4, "a", second);
  EXPECT_EQ(Epoch(), 4u);
  EXPECT_EQ(lists_.At("g", 4), DigestOf({}));
}

TEST_F(TrueListsTest, AReplacementInOneRevisionIsNoChange) {
  const ClientChannelPtr older = NewChannel();
  Join(1, "a", older);
  Join(2, "a", NewChannel());
  Leave(2, "a", older);
  EXPECT_EQ(Epoch(), 1u);
}

TEST_F(TrueListsTest, SeveralLeavesInOneRevisionShareAnEpoch) {
  const ClientChannelPtr a = NewChannel();
  const ClientChannelPtr b = NewChannel();
  Join(1, "a", a);
  Join(2, "b", b);
  Leave(3, "a", a);
  Leave(3, "b", b);
  EXPECT_EQ(Epoch(), 3u);
  EXPECT_FALSE(lists_.Had("g", DigestOf({"b"})));
  EXPECT_TRUE(lists_.Had("g", DigestOf({"a", "b"})));
}

}  // namespace
}  // namespace rmq::network
