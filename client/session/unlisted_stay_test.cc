#include "client/session/unlisted_stay.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/session/broker_stub.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using Standing = UnlistedStay::Standing;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

TEST(UnlistedStayTest, ItIsDrawnFromHalfOfTheTimeToAllOfIt) {
  EXPECT_EQ(UnlistedStay(absl::Minutes(8), 0, kNow).leave_at(),
            kNow + absl::Minutes(4));
  EXPECT_EQ(UnlistedStay(absl::Minutes(8), 0.5, kNow).leave_at(),
            kNow + absl::Minutes(6));
  EXPECT_EQ(UnlistedStay(absl::InfiniteDuration(), 0, kNow).leave_at(),
            absl::InfiniteFuture());
}

TEST(UnlistedStayTest, WhoIsCutOffHasAMinuteFromTheBeginningOfIt) {
  UnlistedStay stay(absl::InfiniteDuration(), 0, kNow);
  stay.Note(Standing::kCutOff, kNow);
  stay.Note(Standing::kCutOff, kNow + absl::Seconds(30));
  EXPECT_EQ(stay.leave_at(), kNow + absl::Minutes(1));
  stay.Note(Standing::kAnswers, kNow + absl::Seconds(59));
  EXPECT_EQ(stay.leave_at(), absl::InfiniteFuture());
  stay.Note(Standing::kCutOff, kNow + absl::Hours(1));
  EXPECT_EQ(stay.leave_at(), kNow + absl::Hours(1) + absl::Minutes(1));
}

TEST(UnlistedStayTest, ACutDoesNotMakeItLonger) {
  UnlistedStay stay(absl::Seconds(40), 0, kNow);
  stay.Note(Standing::kCutOff, kNow);
  EXPECT_EQ(stay.leave_at(), kNow + absl::Seconds(20));
}

TEST(UnlistedStayTest, WhoIsToldToGoLeavesAtOnce) {
  UnlistedStay stay(absl::InfiniteDuration(), 0, kNow);
  stay.Note(Standing::kGone, kNow + absl::Seconds(3));
  stay.Note(Standing::kGone, kNow + absl::Seconds(4));
  EXPECT_EQ(stay.leave_at(), kNow + absl::Seconds(3));
}

TEST(UnlistedStayTest, ABrokerSendsAwayByAReasonThatIsNotSilence) {
  EXPECT_TRUE(IsSentAway(EndReason::kDrained));
  EXPECT_TRUE(IsSentAway(EndReason::kKicked));
  EXPECT_FALSE(IsSentAway(EndReason::kExpired));
  EXPECT_FALSE(IsSentAway(EndReason::kNone));
}

TEST(UnlistedStayTest, ABrokerIsFullIfItSaysSoItself) {
  StreamEnd end;
  end.status = absl::ResourceExhaustedError("full");
  EXPECT_FALSE(IsFull(end));  // gRPC, or a proxy.
  end.is_brokers = true;
  EXPECT_TRUE(IsFull(end));
  end.status = absl::UnavailableError("going down");
  EXPECT_FALSE(IsFull(end));
}

TEST(UnlistedStayTest, ABrokerHasMovedIfItsNameAndIdAreListed) {
  EXPECT_TRUE(HasMoved({"a", 0, "h:1"}, {{"b", 0, "h:2"}, {"a", 0, "h:3"}}));
  EXPECT_FALSE(HasMoved({"a", 0, "h:1"}, {{"b", 0, "h:2"}, {"a", 1, "h:3"}}));
  EXPECT_FALSE(HasMoved({"", 0, "h:1"}, {{"", 0, "h:2"}}));
}

}  // namespace
}  // namespace rmq
