#include "broker/registry/expiry_index.h"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "broker/registry/channel_record.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time At(double seconds) {
  return absl::FromUnixSeconds(1000) + absl::Seconds(seconds);
}

class ExpiryIndexTest : public ::testing::Test {
 protected:
  // Everything that is due at `now`, in order.
  std::vector<ChannelRecord*> DueAt(absl::Time now) {
    index_.CollectDue(now);
    return PopAll();
  }
  std::vector<ChannelRecord*> PopAll() {
    std::vector<ChannelRecord*> due;
    while (ChannelRecord* channel = index_.PopDue()) due.push_back(channel);
    return due;
  }

  ChannelRecord a_{ChannelKind::kStream};
  ChannelRecord b_{ChannelKind::kStream};
  ChannelRecord c_{ChannelKind::kStream};
  ChannelRecord d_{ChannelKind::kStream};
  ExpiryIndex index_;
};

TEST_F(ExpiryIndexTest, AnEmptyIndexHasNothingDue) {
  EXPECT_THAT(DueAt(At(100)), IsEmpty());
}

TEST_F(ExpiryIndexTest, NothingIsDueBeforeItIsCollected) {
  index_.File(a_, At(1));
  EXPECT_EQ(index_.PopDue(), nullptr);
}

TEST_F(ExpiryIndexTest, WhatIsFiledAtTheTimeOfTheScanIsDue) {
  index_.File(a_, At(5));
  EXPECT_THAT(DueAt(At(5)), ElementsAre(&a_));
}

TEST_F(ExpiryIndexTest, WhatIsFiledLaterInTheSameSecondIsDue) {
  index_.File(a_, At(5.999));
  EXPECT_THAT(DueAt(At(5)), ElementsAre(&a_));
}

TEST_F(ExpiryIndexTest, WhatIsFiledInTheNextSecondWaits) {
  index_.File(a_, At(6));
  EXPECT_THAT(DueAt(At(5.999)), IsEmpty());
  EXPECT_THAT(DueAt(At(6)), ElementsAre(&a_));
}

TEST_F(ExpiryIndexTest, WhatIsDueIsTakenOutOnce) {
  index_.File(a_, At(5));
  EXPECT_THAT(DueAt(At(5)), ElementsAre(&a_));
  EXPECT_THAT(DueAt(At(500)), IsEmpty());
}

TEST_F(ExpiryIndexTest, EarlierSecondsComeFirstThenTheOrderOfFiling) {
  index_.File(a_, At(7));
  index_.File(b_, At(5.5));
  index_.File(c_, At(5.2));
  index_.File(d_, At(6));
  EXPECT_THAT(DueAt(At(10)), ElementsAre(&b_, &c_, &d_, &a_));
}

TEST_F(ExpiryIndexTest, OneCanBeRemovedFromTheFrontOfItsSecond) {
  for (ChannelRecord* channel : {&a_, &b_, &c_}) index_.File(*channel, At(5));
  index_.Remove(a_);
  EXPECT_THAT(DueAt(At(5)), ElementsAre(&b_, &c_));
}

TEST_F(ExpiryIndexTest, OneCanBeRemovedFromTheMiddleOfItsSecond) {
  for (ChannelRecord* channel : {&a_, &b_, &c_}) index_.File(*channel, At(5));
  index_.Remove(b_);
  EXPECT_THAT(DueAt(At(5)), ElementsAre(&a_, &c_));
}

TEST_F(ExpiryIndexTest, OneCanBeRemovedFromTheEndOfItsSecond) {
  for (ChannelRecord* channel : {&a_, &b_, &c_}) index_.File(*channel, At(5));
  index_.Remove(c_);
  EXPECT_THAT(DueAt(At(5)), ElementsAre(&a_, &b_));
}

TEST_F(ExpiryIndexTest, TheOnlyOneOfASecondCanBeRemoved) {
  index_.File(a_, At(5));
  index_.File(b_, At(6));
  index_.Remove(a_);
  EXPECT_THAT(DueAt(At(10)), ElementsAre(&b_));
}

TEST_F(ExpiryIndexTest, OneCanBeRemovedAfterItBecameDue) {
  for (ChannelRecord* channel : {&a_, &b_, &c_}) index_.File(*channel, At(5));
  index_.CollectDue(At(5));
  index_.Remove(b_);
  EXPECT_THAT(PopAll(), ElementsAre(&a_, &c_));
}

TEST_F(ExpiryIndexTest, RemovingWhatIsNotFiledDoesNothing) {
  index_.File(a_, At(5));
  index_.Remove(b_);
  EXPECT_THAT(DueAt(At(5)), ElementsAre(&a_));
  index_.Remove(a_);
  EXPECT_THAT(DueAt(At(5)), IsEmpty());
}

TEST_F(ExpiryIndexTest, WhatWasRemovedCanBeFiledAgain) {
  index_.File(a_, At(5));
  index_.Remove(a_);
  index_.File(a_, At(8));
  EXPECT_THAT(DueAt(At(5)), IsEmpty());
  EXPECT_THAT(DueAt(At(8)), ElementsAre(&a_));
}

TEST_F(ExpiryIndexTest, WhatIsFiledAgainInAScanWaitsForTheNextScan) {
  index_.File(a_, At(5));
  index_.CollectDue(At(5));
  ASSERT_EQ(index_.PopDue(), &a_);
  index_.File(a_, At(5));
  EXPECT_EQ(index_.PopDue(), nullptr);
  EXPECT_THAT(DueAt(At(5)), ElementsAre(&a_));
}

TEST_F(ExpiryIndexTest, WhatAScanLeftOverComesFirstInTheNext) {
  index_.File(a_, At(5));
  index_.File(b_, At(5));
  index_.CollectDue(At(5));
  ASSERT_EQ(index_.PopDue(), &a_);
  index_.File(c_, At(1));
  EXPECT_THAT(DueAt(At(6)), ElementsAre(&b_, &c_));
}

TEST_F(ExpiryIndexTest, AnInfiniteDeadlineIsNeverDue) {
  index_.File(a_, absl::InfiniteFuture());
  EXPECT_THAT(DueAt(At(1e9)), IsEmpty());
}

TEST_F(ExpiryIndexTest, AgreesWithAPlainMapOverManyRandomOperations) {
  std::mt19937 random(7);
  std::vector<std::unique_ptr<ChannelRecord>> channels;
  for (int i = 0; i < 200; ++i) {
    channels.push_back(std::make_unique<ChannelRecord>(ChannelKind::kStream));
  }
  std::map<ChannelRecord*, int> filed;  // To the second of the deadline.
  int now = 0;
  for (int step = 0; step < 20'000; ++step) {
    ChannelRecord& channel = *channels[random() % channels.size()];
    switch (random() % 8) {
      case 0:
        index_.Remove(channel);
        filed.erase(&channel);
        break;
      case 1: {
        now += random() % 3;
        std::set<ChannelRecord*> expected;
        for (auto entry = filed.begin(); entry != filed.end();) {
          if (entry->second > now) {
            ++entry;
            continue;
          }
          expected.insert(entry->first);
          entry = filed.erase(entry);
        }
        const std::vector<ChannelRecord*> due = DueAt(At(now + 0.5));
        ASSERT_EQ(std::set<ChannelRecord*>(due.begin(), due.end()), expected)
            << "step " << step;
        ASSERT_EQ(due.size(), expected.size()) << "step " << step;
        break;
      }
      default:
        if (filed.count(&channel) == 0) {
          const int second = now + static_cast<int>(random() % 20);
          index_.File(channel, At(second + 0.25));
          filed[&channel] = second;
        }
    }
  }
}

}  // namespace
}  // namespace rmq
