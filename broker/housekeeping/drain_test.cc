#include "broker/housekeeping/drain.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DrainTest : public ClientTableFixture {
 protected:
  ConsumerIdsNotifier notifier_{ConsumerIdsNotifier::Options()};
};

TEST_F(DrainTest, EveryChannelEndsWithTheReasonAndInPieces) {
  std::vector<FakeClientChannelPtr> channels;
  for (size_t i = 0; i < Drain::kPieceChannels + 1; ++i) {
    channels.push_back(OpenStream());
  }
  Drain drain(&table_, &notifier_);
  EXPECT_TRUE(drain.CloseSome(now_));
  EXPECT_EQ(drain.closed(), Drain::kPieceChannels);
  EXPECT_FALSE(drain.CloseSome(now_));
  EXPECT_EQ(drain.closed(), channels.size());
  for (const auto& channel : channels) {
    EXPECT_THAT(channel->ends(), ElementsAre(RemovalReason::kDrained));
  }
}

TEST_F(DrainTest, ATableWithoutChannelsIsDrainedAtOnce) {
  Drain drain(&table_, &notifier_);
  EXPECT_FALSE(drain.CloseSome(now_));
  EXPECT_EQ(drain.closed(), 0);
}

}  // namespace
}  // namespace rmq
