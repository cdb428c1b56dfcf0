#include "broker/registry/client_holds.h"

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Duration kMoment = absl::Nanoseconds(1);
const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

ClientHold Until(absl::Time until, const std::string& reason = "") {
  return {until, std::make_shared<const std::string>(reason)};
}

class ClientHoldsTest : public ::testing::Test {
 protected:
  bool HoldsStream(absl::string_view client_id, uint64_t incarnation,
                   absl::Time now = kNow) {
    return holds_.Find({client_id, ChannelKind::kStream, incarnation}, now) !=
           nullptr;
  }
  void HoldStream(absl::string_view client_id, uint64_t incarnation,
                  absl::Duration time) {
    holds_.Add({client_id, ChannelKind::kStream, incarnation},
               Until(kNow + time), kNow);
  }

  ClientHolds holds_{3};
};

TEST_F(ClientHoldsTest, AStreamIsHeldByItsIdAndIncarnation) {
  HoldStream("c1", 7, absl::Seconds(1));
  EXPECT_TRUE(HoldsStream("c1", 7));
  EXPECT_FALSE(HoldsStream("c1", 8));
  EXPECT_FALSE(HoldsStream("c1", 0));
  EXPECT_FALSE(HoldsStream("c2", 7));
  EXPECT_EQ(holds_.Find({"c1", ChannelKind::kStandIn, 7}, kNow), nullptr);
}

TEST_F(ClientHoldsTest, AStandInIsHeldByItsIdAlone) {
  holds_.Add({"c1", ChannelKind::kStandIn, 7}, Until(kNow + kMoment), kNow);
  EXPECT_NE(holds_.Find({"c1", ChannelKind::kStandIn, 8}, kNow), nullptr);
  EXPECT_FALSE(HoldsStream("c1", 7));
}

TEST_F(ClientHoldsTest, AHoldOfOneUserIsNoneOfAnother) {
  for (const ChannelKind kind : {ChannelKind::kStream, ChannelKind::kStandIn}) {
    holds_.Add({"c1", kind, 0, "thief"}, Until(kNow + kMoment), kNow);
    EXPECT_NE(holds_.Find({"c1", kind, 0, "thief"}, kNow), nullptr);
    EXPECT_EQ(holds_.Find({"c1", kind, 0, "pay"}, kNow), nullptr);
    EXPECT_EQ(holds_.Find({"c1", kind, 0}, kNow), nullptr);
  }
  bool more;
  EXPECT_EQ(holds_.Release("c1", 10, kNow, &more), 2);
  EXPECT_TRUE(holds_.empty());
}

TEST_F(ClientHoldsTest, AHoldEndsAtItsTimeAndTellsItsReason) {
  holds_.Add({"c1", ChannelKind::kStream, 0},
             Until(kNow + absl::Seconds(9), "too loud"), kNow);
  const absl::Time end = kNow + absl::Seconds(9);
  const ClientHold* const hold =
      holds_.Find({"c1", ChannelKind::kStream, 0}, end - kMoment);
  ASSERT_NE(hold, nullptr);
  EXPECT_EQ(hold->until, end);
  EXPECT_EQ(*hold->reason, "too loud");
  EXPECT_FALSE(HoldsStream("c1", 0, end));
  EXPECT_TRUE(holds_.empty());
}

TEST_F(ClientHoldsTest, AHoldOfNoTimeIsNone) {
  HoldStream("c1", 0, absl::ZeroDuration());
  EXPECT_TRUE(holds_.empty());
}

TEST_F(ClientHoldsTest, ALaterHoldTakesTheEarlierOnesPlace) {
  HoldStream("c1", 0, absl::Seconds(9));
  HoldStream("c1", 0, absl::Seconds(5));
  EXPECT_EQ(holds_.size(), 1);
  EXPECT_TRUE(HoldsStream("c1", 0, kNow + absl::Seconds(5) - kMoment));
  EXPECT_FALSE(HoldsStream("c1", 0, kNow + absl::Seconds(5)));
}

TEST_F(ClientHoldsTest, TheHoldThatEndsFirstMakesRoom) {
  HoldStream("a", 0, absl::Seconds(9));
  HoldStream("b", 0, absl::Seconds(5));
  HoldStream("c", 0, absl::Seconds(7));
  EXPECT_TRUE(HoldsStream("b", 0));
  HoldStream("d", 0, absl::Seconds(8));
  EXPECT_EQ(holds_.size(), 3);
  EXPECT_FALSE(HoldsStream("b", 0));
  EXPECT_TRUE(HoldsStream("a", 0));
  EXPECT_TRUE(HoldsStream("c", 0));
  EXPECT_TRUE(HoldsStream("d", 0));
}

TEST_F(ClientHoldsTest, AReleaseLetsAllProcessesOfTheIdIn) {
  HoldStream("c1", 7, absl::Seconds(9));
  holds_.Add({"c1", ChannelKind::kStandIn, 0}, Until(kNow + absl::Seconds(9)),
             kNow);
  HoldStream("c10", 7, absl::Seconds(9));
  bool more;
  EXPECT_EQ(holds_.Release("c1", 10, kNow, &more), 2);
  EXPECT_FALSE(more);
  EXPECT_FALSE(HoldsStream("c1", 7));
  EXPECT_EQ(holds_.Find({"c1", ChannelKind::kStandIn, 0}, kNow), nullptr);
  EXPECT_TRUE(HoldsStream("c10", 7));
  EXPECT_EQ(holds_.Release("c1", 10, kNow, &more), 0);
}

TEST_F(ClientHoldsTest, AReleaseCountsNoHoldThatHasEnded) {
  HoldStream("c1", 7, absl::Seconds(1));
  HoldStream("c1", 8, absl::Seconds(2));
  bool more;
  EXPECT_EQ(holds_.Release("c1", 10, kNow + absl::Seconds(1), &more), 1);
  EXPECT_TRUE(holds_.empty());
}

TEST_F(ClientHoldsTest, AllAreReleasedInPieces) {
  for (const char* id : {"a", "b", "c"}) HoldStream(id, 0, absl::Seconds(9));
  bool more;
  EXPECT_EQ(holds_.Release("", 2, kNow, &more), 2);
  EXPECT_TRUE(more);
  EXPECT_EQ(holds_.Release("", 2, kNow, &more), 1);
  EXPECT_FALSE(more);
  EXPECT_TRUE(holds_.empty());
  // What is left is in order.
  HoldStream("d", 0, absl::Seconds(9));
  EXPECT_TRUE(HoldsStream("d", 0));
}

TEST(ClientHoldsOfManyTest, EndedHoldsAreDroppedAFewAtATime) {
  ClientHolds holds;
  for (int i = 0; i < 40; ++i) {
    holds.Add({absl::StrCat("c", i), ChannelKind::kStream, 0},
              Until(kNow + kMoment), kNow);
  }
  const absl::Time later = kNow + kMoment;
  // Not one of them holds, also of those that are there still.
  EXPECT_EQ(holds.Find({"c39", ChannelKind::kStream, 0}, later), nullptr);
  EXPECT_EQ(holds.size(), 24);
  holds.Find({"c39", ChannelKind::kStream, 0}, later);
  holds.Find({"c39", ChannelKind::kStream, 0}, later);
  EXPECT_TRUE(holds.empty());
}

}  // namespace
}  // namespace rmq
