// Channels whose clients ask for an expiry of their own.
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kShort = absl::Seconds(10);

TestStatement Consumer(absl::Duration expiry) {
  return TestStatement("c1").Consumer("orders").Expiry(expiry);
}

using RequestedExpiryTest = ClientTableFixture;

TEST_F(RequestedExpiryTest, TheAnswerTellsTheExpiryThatIsApplied) {
  const auto channel = OpenStream();
  EXPECT_EQ(Register(*channel, Consumer(kShort)).channel_expiry, kShort);
  EXPECT_EQ(Register(*channel, Consumer(absl::ZeroDuration())).channel_expiry,
            kExpiry);
}

TEST_F(RequestedExpiryTest, ARequestGetsAtLeastTheMinimumAndAtMostTheMaximum) {
  const auto channel = OpenStream();
  const auto applied = [&](absl::Duration requested) {
    return Register(*channel, Consumer(requested)).channel_expiry;
  };
  EXPECT_EQ(applied(kShort - kMoment), kShort);
  EXPECT_EQ(applied(kShort + kMoment), kShort + kMoment);
  EXPECT_EQ(applied(absl::Minutes(30) - kMoment), absl::Minutes(30) - kMoment);
  EXPECT_EQ(applied(absl::Minutes(30) + kMoment), absl::Minutes(30));
  EXPECT_EQ(applied(absl::InfiniteDuration()), absl::Minutes(30));
}

TEST_F(RequestedExpiryTest, AShortExpiryEndsASilentChannelSoon) {
  const auto channel = Connect(Consumer(kShort));
  Advance(kShort);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(RequestedExpiryTest, ALongExpiryKeepsASilentChannel) {
  const auto channel = Connect(Consumer(absl::Minutes(30)));
  Advance(absl::Minutes(30));
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(RequestedExpiryTest, TheLatestFullHeartbeatCounts) {
  const auto channel = Connect(Consumer(kShort));
  Register(*channel, Consumer(absl::Seconds(20)));
  Advance(absl::Seconds(20));
  EXPECT_THAT(Scan(), IsEmpty());
  Register(*channel, Consumer(absl::ZeroDuration()));
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  Register(*channel, Consumer(kShort));
  Advance(kShort + kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(RequestedExpiryTest, ALightHeartbeatKeepsTheExpiry) {
  const auto channel = OpenStream();
  const uint64_t token = Register(*channel, Consumer(kShort)).statement_token;
  Advance(absl::Seconds(8));
  channel->RenewLight(token, now_);
  Advance(kShort);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(RequestedExpiryTest, AShorterExpiryHoldsAtOnce) {
  const auto channel = Connect(Consumer(absl::ZeroDuration()));
  Advance(absl::Seconds(1));
  Register(*channel, Consumer(kShort));
  EXPECT_LE(table_.Outlook().next_due, now_ + kShort + absl::Seconds(1));
  Advance(kShort + kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(RequestedExpiryTest, EachChannelOfAClientHasItsOwn) {
  const auto a = Connect(Consumer(kShort));
  const auto b = Connect(Consumer(absl::Seconds(20)));
  Advance(kShort + kMoment);
  EXPECT_THAT(Scan(), ElementsAre(a));
  EXPECT_FALSE(b->closed());
}

TEST_F(RequestedExpiryTest, ALeftOutGroupExpiresByTheChannelsExpiry) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("a").Consumer("orders").Expiry(
          absl::Seconds(40)));
  Advance(absl::Seconds(15));
  Register(*channel, Consumer(absl::Seconds(40)));
  Advance(absl::Seconds(25));
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(Consumers("a"), ElementsAre("c1"));
  Advance(kMoment);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(Consumers("a"), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(RequestedExpiryTest, AShorterExpiryHoldsForLeftOutGroupsAtOnce) {
  const auto channel = Connect(TestStatement("c1").Consumer("a"));
  Advance(absl::Seconds(60));
  Register(*channel, Consumer(kShort));
  EXPECT_LE(table_.Outlook().next_due, now_ + absl::Seconds(1));
  Scan();
  EXPECT_THAT(Consumers("a"), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(RequestedExpiryTest, AStandInHasItsOwnToo) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Consumer(kShort));
  Advance(kShort + kMoment);
  EXPECT_THAT(Scan(), ElementsAre(stand_in));
}

TEST_F(RequestedExpiryTest, AnEventOfALeavingMemberTellsItsExpiry) {
  const auto a = Connect(Consumer(kShort));
  const auto b = Connect(Consumer(absl::ZeroDuration()));
  listener_.Take();
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  table_.Close(*b, RemovalReason::kDisconnected, now_);
  std::vector<absl::Duration> told;
  for (const ClientEvent& event : listener_.Take()) {
    if (event.type == EventType::kClientUnregister) {
      told.push_back(event.channel_expiry);
    }
  }
  EXPECT_THAT(told, ElementsAre(kShort, kExpiry));
}

TEST_F(RequestedExpiryTest, WhatMakesSomethingDueEarlierThanAllElseIsTold) {
  std::vector<absl::Time> told;
  table_.set_sooner_listener([&](absl::Time now) { told.push_back(now); });
  const auto a = Connect(Consumer(absl::Seconds(60)));
  EXPECT_THAT(told, ElementsAre(now_));
  Connect(Consumer(absl::ZeroDuration()));
  Connect(Consumer(absl::Seconds(70)));
  Register(*a, Consumer(absl::Seconds(60)));
  EXPECT_THAT(told, ElementsAre(now_));
  Register(*a, Consumer(absl::Seconds(50)));
  EXPECT_THAT(told, ElementsAre(now_, now_));
}

TEST_F(RequestedExpiryTest, AChannelThatLeavesIsNotTheShortestAnyLonger) {
  const auto channel = Connect(Consumer(kShort));
  EXPECT_EQ(table_.Outlook().shortest, kShort);
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.Outlook().shortest, kExpiry);
}

class ChangesAreLimited : public ClientTableFixture {
 protected:
  static ClientTable::Options Limited() {
    ClientTable::Options options;
    options.max_statement_changes = 1;
    return options;
  }
  ChangesAreLimited() : ClientTableFixture(Limited()) {}
};

TEST_F(ChangesAreLimited, ChangesOfTheExpiryDoNotCount) {
  const auto channel = OpenStream();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Register(*channel, Consumer(absl::Seconds(10 + i))).outcome,
              RegisterResult::Outcome::kRegistered);
  }
}

TEST(RequestedExpiryOptionsTest, TheBoundsAreInOrderFromASecondToAYear) {
  ClientTable::Options options;
  options.min_channel_expiry = absl::Seconds(1) - absl::Nanoseconds(1);
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "min_channel_expiry must be at least 1s, got "
                       "999.999999ms"));
  options.min_channel_expiry = absl::Seconds(1);
  EXPECT_THAT(options.Validate(), IsOk());
  options.min_channel_expiry = kShort;
  options.max_channel_expiry = kShort;
  EXPECT_THAT(options.Validate(), IsOk());
  options.max_channel_expiry = kShort - absl::Seconds(1);
  EXPECT_THAT(
      options.Validate(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "max_channel_expiry must be min_channel_expiry (10s) to 8760h, "
               "got 9s"));
  options.max_channel_expiry = absl::Hours(8760);
  EXPECT_THAT(options.Validate(), IsOk());
  options.max_channel_expiry = absl::InfiniteDuration();
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("got inf")));
}

TEST(RequestedExpiryOptionsTest, TheUsualExpiryMayLieOutsideTheBounds) {
  ClientTable::Options options;
  for (const absl::Duration usual : {absl::Seconds(1), absl::Hours(1)}) {
    options.channel_expiry = usual;
    EXPECT_THAT(options.Validate(), IsOk());
    EXPECT_EQ(options.ExpiryFor(absl::ZeroDuration()), usual);
  }
}

}  // namespace
}  // namespace rmq
