#include "client/session/abort_history.h"

#include "absl/time/time.h"
#include "client/session/peer_broker.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Time kStart = absl::UnixEpoch();

class AbortHistoryTest : public ::testing::Test {
 protected:
  const PeerBroker broker_{"broker-a", 0, 1};
  AbortHistory history_;
};

TEST_F(AbortHistoryTest, TheThirdAbortWithinAMinuteIsAReplacement) {
  EXPECT_FALSE(history_.Add(broker_, kStart));
  EXPECT_FALSE(history_.Add(broker_, kStart));
  EXPECT_TRUE(history_.Add(broker_, kStart + absl::Minutes(1)));
}

TEST_F(AbortHistoryTest, ThreeAbortsInLongerThanAMinuteAreNot) {
  history_.Add(broker_, kStart);
  history_.Add(broker_, kStart);
  EXPECT_FALSE(
      history_.Add(broker_, kStart + absl::Minutes(1) + absl::Nanoseconds(1)));
}

TEST_F(AbortHistoryTest, OnlyTheLatestThreeCount) {
  history_.Add(broker_, kStart);
  history_.Add(broker_, kStart + absl::Minutes(2));
  EXPECT_FALSE(history_.Add(broker_, kStart + absl::Minutes(2)));
  EXPECT_TRUE(history_.Add(broker_, kStart + absl::Minutes(2)));
}

TEST_F(AbortHistoryTest, AnotherProcessBeginsTheCountAnew) {
  const PeerBroker restarted{"broker-a", 0, 2};
  history_.Add(broker_, kStart);
  history_.Add(broker_, kStart);
  EXPECT_FALSE(history_.Add(restarted, kStart));
  EXPECT_FALSE(history_.Add(restarted, kStart));
  EXPECT_TRUE(history_.Add(restarted, kStart));
}

}  // namespace
}  // namespace rmq
