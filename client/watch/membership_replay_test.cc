#include "client/watch/membership_replay.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client/watch/watched_event.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

WatchedMember Member(const std::string& group, uint64_t channel_id,
                     bool is_producer = false) {
  WatchedMember member;
  member.group = group;
  member.channel_id = channel_id;
  member.is_producer = is_producer;
  return member;
}

WatchedEvent Event(WatchedEvent::Type type, WatchedMember member) {
  WatchedEvent event;
  event.type = type;
  event.member = std::move(member);
  return event;
}

std::vector<uint64_t> Channels(const MembershipReplay& replay,
                               const std::string& group,
                               bool is_producer = false) {
  std::vector<uint64_t> channels;
  for (const WatchedMember& member : replay.MembersOf(group, is_producer)) {
    channels.push_back(member.channel_id);
  }
  return channels;
}

TEST(MembershipReplayTest, MembersAreNamedByKindGroupAndChannel) {
  MembershipReplay replay(10);
  EXPECT_TRUE(replay.Add(Member("g", 2)));
  EXPECT_TRUE(replay.Add(Member("g", 1)));
  EXPECT_TRUE(replay.Add(Member("g", 1, /*is_producer=*/true)));
  EXPECT_TRUE(replay.Add(Member("h", 1)));
  EXPECT_TRUE(replay.Add(Member("g", 1)));  // Again.
  EXPECT_EQ(replay.size(), 4u);
  EXPECT_THAT(Channels(replay, "g"), ElementsAre(1, 2));
  EXPECT_THAT(Channels(replay, "g", /*is_producer=*/true), ElementsAre(1));
  EXPECT_THAT(Channels(replay, "x"), IsEmpty());

  replay.Apply(Event(WatchedEvent::Type::kClientUnregister, Member("g", 1)));
  EXPECT_THAT(Channels(replay, "g"), ElementsAre(2));
  EXPECT_THAT(Channels(replay, "g", /*is_producer=*/true), ElementsAre(1));
  EXPECT_EQ(replay.size(), 3u);
}

TEST(MembershipReplayTest, AGroupWithoutMembersIsNotListed) {
  MembershipReplay replay(10);
  replay.Add(Member("p", 1, /*is_producer=*/true));
  replay.Add(Member("b", 1));
  replay.Add(Member("a", 1));
  replay.Apply(Event(WatchedEvent::Type::kClientUnregister, Member("b", 1)));
  replay.Apply(Event(WatchedEvent::Type::kClientUnregister, Member("b", 1)));
  replay.Apply(Event(WatchedEvent::Type::kClientUnregister, Member("z", 9)));
  const std::vector<WatchedGroup> groups = replay.Groups();
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].group, "a");
  EXPECT_EQ(groups[0].members, 1u);
  EXPECT_FALSE(groups[0].is_producer);
  EXPECT_EQ(groups[1].group, "p");
  EXPECT_TRUE(groups[1].is_producer);
}

TEST(MembershipReplayTest, EventsOfOtherTypesChangeNothing) {
  MembershipReplay replay(10);
  for (const WatchedEvent::Type type :
       {WatchedEvent::Type::kRegister, WatchedEvent::Type::kUnregister,
        WatchedEvent::Type::kDuplicateClientId, WatchedEvent::Type::kUnknown}) {
    EXPECT_TRUE(replay.Apply(Event(type, Member("g", 1))));
  }
  EXPECT_EQ(replay.size(), 0u);
}

TEST(MembershipReplayTest, ASnapshotTakesThePlaceOfTheListAtItsEnd) {
  MembershipReplay replay(10);
  replay.Add(Member("g", 1));
  replay.BeginSnapshot();
  replay.Add(Member("g", 2));
  replay.Apply(Event(WatchedEvent::Type::kClientRegister, Member("g", 3)));
  EXPECT_THAT(Channels(replay, "g"), ElementsAre(1));
  replay.BeginSnapshot();  // The first was cut.
  replay.Add(Member("g", 4));
  replay.EndSnapshot();
  EXPECT_THAT(Channels(replay, "g"), ElementsAre(4));
  replay.Apply(Event(WatchedEvent::Type::kClientRegister, Member("g", 5)));
  EXPECT_THAT(Channels(replay, "g"), ElementsAre(4, 5));
}

TEST(MembershipReplayTest, ThereIsRoomForAsManyMembersAsAllowedAndNoMore) {
  MembershipReplay replay(2);
  EXPECT_TRUE(replay.Add(Member("g", 1)));
  EXPECT_TRUE(replay.Add(Member("g", 2)));
  EXPECT_TRUE(replay.Add(Member("g", 2)));
  EXPECT_FALSE(replay.Add(Member("g", 3)));
}

}  // namespace
}  // namespace rmq
