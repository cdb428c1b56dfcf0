#include "broker/notify/departures.h"

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "broker/notify/detection_times.h"
#include "broker/registry/client_event.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time At(int seconds) { return absl::FromUnixSeconds(1000 + seconds); }

class DeparturesTest : public ::testing::Test {
 protected:
  void Left(const std::string& group, absl::Time heard,
            RemovalReason reason = RemovalReason::kExpired,
            GroupKind kind = GroupKind::kConsumer) {
    ClientEvent event;
    event.type = EventType::kClientUnregister;
    event.kind = kind;
    event.group = group;
    event.reason = reason;
    event.last_heard = heard;
    departures_.Note(event);
  }
  void Changed(const std::string& group) {
    ClientEvent event;
    event.type = EventType::kChange;
    event.kind = GroupKind::kConsumer;
    event.group = group;
    departures_.Note(event);
  }

  Departures departures_;
};

TEST_F(DeparturesTest, WhoIsGoneWaitsForTheGroupsPush) {
  Left("orders", At(1));
  Changed("orders");
  Left("orders", At(2), RemovalReason::kDisconnected);
  Changed("orders");
  departures_.EndDelivery();
  EXPECT_THAT(departures_.Take("refunds"), IsEmpty());
  EXPECT_THAT(departures_.Take("orders"), ElementsAre(At(1), At(2)));
  EXPECT_THAT(departures_.Take("orders"), IsEmpty());
  EXPECT_EQ(departures_.size(), 0);
}

TEST_F(DeparturesTest, WhoSaidSoOrWasTakenOutDoesNotCount) {
  for (const RemovalReason reason :
       {RemovalReason::kUnregistered, RemovalReason::kReplaced,
        RemovalReason::kKicked, RemovalReason::kDrained}) {
    Left("orders", At(1), reason);
  }
  Left("orders", At(1), RemovalReason::kExpired, GroupKind::kProducer);
  Changed("orders");
  EXPECT_THAT(departures_.Take("orders"), IsEmpty());
}

TEST_F(DeparturesTest, WithoutAChangeNobodyIsToldAndNothingIsKept) {
  Left("quiet", At(1));
  departures_.EndDelivery();
  EXPECT_EQ(departures_.size(), 0);
  Changed("quiet");
  EXPECT_THAT(departures_.Take("quiet"), IsEmpty());
}

TEST_F(DeparturesTest, BeyondTheBoundTheyAreLeftOut) {
  for (size_t i = 0; i < Departures::kMost + 1; ++i) Left("orders", At(1));
  Changed("orders");
  EXPECT_EQ(departures_.Take("orders").size(), Departures::kMost);
  Left("orders", At(2));
  Changed("orders");
  EXPECT_THAT(departures_.Take("orders"), ElementsAre(At(2)));
}

TEST_F(DeparturesTest, NothingIsLeftAfterClear) {
  Left("orders", At(1));
  Changed("orders");
  departures_.Clear();
  EXPECT_EQ(departures_.size(), 0);
  EXPECT_THAT(departures_.Take("orders"), IsEmpty());
}

TEST(DetectionTimesTest, ATimeIsInTheFirstBucketThatHoldsIt) {
  DetectionTimes times;
  times.Add(absl::Milliseconds(100));
  times.Add(absl::Milliseconds(101));
  times.Add(absl::Minutes(30));
  EXPECT_EQ(times.in_bucket(0), 1);
  EXPECT_EQ(times.in_bucket(1), 1);
  EXPECT_EQ(times.in_bucket(DetectionTimes::kBounds.size() - 1), 1);
  times.Add(absl::Minutes(31));
  EXPECT_EQ(times.in_bucket(DetectionTimes::kBounds.size() - 1), 1);
  EXPECT_EQ(times.count(), 4);
  EXPECT_EQ(times.sum(), absl::Minutes(61) + absl::Milliseconds(201));
}

}  // namespace
}  // namespace rmq
