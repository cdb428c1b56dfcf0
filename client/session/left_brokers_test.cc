#include "client/session/left_brokers.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kSecond = absl::Seconds(1);
const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

LeftBrokers::Left BackAt(absl::Time at) {
  return {at, EndReason::kDrained, {}};
}

TEST(LeftBrokersTest, ABrokerIsTakenOnceByNameAndIdWhateverTheAddress) {
  LeftBrokers brokers;
  brokers.Keep({"a", 0, "h:1"}, BackAt(kNow + kSecond), kNow);
  EXPECT_FALSE(brokers.Take({"a", 1, "h:1"}).has_value());
  EXPECT_FALSE(brokers.Take({"", 0, "h:1"}).has_value());
  const auto left = brokers.Take({"a", 0, "h:2"});
  ASSERT_TRUE(left.has_value());
  EXPECT_EQ(left->return_at, kNow + kSecond);
  EXPECT_EQ(left->reason, EndReason::kDrained);
  EXPECT_THAT(left->wanted_members, IsEmpty());
  EXPECT_FALSE(brokers.Take({"a", 0, "h:2"}).has_value());
}

TEST(LeftBrokersTest, ABrokerWithoutANameIsKnownByItsAddress) {
  LeftBrokers brokers;
  brokers.Keep({"", 0, "h:1"}, BackAt(kNow + kSecond), kNow);
  EXPECT_FALSE(brokers.Take({"", 0, "h:2"}).has_value());
  EXPECT_TRUE(brokers.Take({"", 0, "h:1"}).has_value());
}

TEST(LeftBrokersTest, WantedMembersAreKeptWithoutATimeToo) {
  LeftBrokers brokers;
  brokers.Keep({"a", 0, "h:1"}, LeftBrokers::Left(), kNow);
  EXPECT_FALSE(brokers.Take({"a", 0, "h:1"}).has_value());
  LeftBrokers::Left left;
  left.wanted_members.insert("orders");
  brokers.Keep({"a", 0, "h:1"}, left, kNow);
  const auto taken = brokers.Take({"a", 0, "h:1"});
  ASSERT_TRUE(taken.has_value());
  EXPECT_THAT(taken->wanted_members, ElementsAre("orders"));
}

TEST(LeftBrokersTest, GroupsThatTheClientLeftAreNotWanted) {
  LeftBrokers brokers;
  LeftBrokers::Left left;
  left.wanted_members = {"orders", "bills"};
  brokers.Keep({"a", 0, "h:1"}, left, kNow);
  brokers.KeepWanted({"bills", "others"});
  const auto taken = brokers.Take({"a", 0, "h:1"});
  ASSERT_TRUE(taken.has_value());
  EXPECT_THAT(taken->wanted_members, ElementsAre("bills"));
}

TEST(LeftBrokersTest, ABrokerOfWhichNothingIsWantedAnyMoreIsForgotten) {
  LeftBrokers brokers;
  LeftBrokers::Left left;
  left.wanted_members = {"orders"};
  brokers.Keep({"a", 0, "h:1"}, left, kNow);
  left.return_at = kNow + kSecond;
  brokers.Keep({"b", 0, "h:1"}, left, kNow);
  brokers.KeepWanted({});
  EXPECT_FALSE(brokers.Take({"a", 0, "h:1"}).has_value());
  const auto taken = brokers.Take({"b", 0, "h:1"});
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->return_at, kNow + kSecond);
}

TEST(LeftBrokersTest, ABrokerThatIsLeftAgainWithNothingToKeepIsForgotten) {
  LeftBrokers brokers;
  brokers.Keep({"a", 0, "h:1"}, BackAt(kNow + kSecond), kNow);
  brokers.Keep({"a", 0, "h:1"}, LeftBrokers::Left(), kNow);
  EXPECT_FALSE(brokers.Take({"a", 0, "h:1"}).has_value());
}

TEST(LeftBrokersTest, WantedMembersAloneMakeRoomForATime) {
  LeftBrokers brokers;
  LeftBrokers::Left wanted;
  wanted.wanted_members.insert("orders");
  for (size_t i = 0; i < kMaxBrokers; ++i) {
    brokers.Keep({absl::StrCat("b", i), 0, "h:1"}, wanted, kNow);
  }
  brokers.Keep({"more", 0, "h:1"}, BackAt(kNow + kSecond), kNow);
  EXPECT_TRUE(brokers.Take({"more", 0, "h:1"}).has_value());
}

TEST(LeftBrokersTest, OfMoreThanTheMostBrokersThoseThatAreOverMakeRoom) {
  LeftBrokers brokers;
  const auto entry = [](size_t number) {
    return BrokerEntry{absl::StrCat("b", number), 0, "h:1"};
  };
  for (size_t i = 0; i < kMaxBrokers; ++i) {
    brokers.Keep(entry(i), BackAt(kNow + (i == 0 ? 1 : 2) * kSecond), kNow);
  }
  const BrokerEntry further = entry(kMaxBrokers);
  brokers.Keep(further, BackAt(kNow + 2 * kSecond),
               kNow + kSecond - absl::Nanoseconds(1));
  EXPECT_FALSE(brokers.Take(further).has_value());
  brokers.Keep(further, BackAt(kNow + 2 * kSecond), kNow + kSecond);
  EXPECT_TRUE(brokers.Take(further).has_value());
  EXPECT_FALSE(brokers.Take(entry(0)).has_value());
  EXPECT_TRUE(brokers.Take(entry(1)).has_value());
}

}  // namespace
}  // namespace rmq
