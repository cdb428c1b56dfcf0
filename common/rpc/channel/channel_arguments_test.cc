#include "common/rpc/channel/channel_arguments.h"

#include <cstdint>
#include <limits>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(ChannelArgumentsTest, ATimeThatAnIntCannotSayIsTheLongest) {
  constexpr int kMost = std::numeric_limits<int>::max();
  EXPECT_EQ(ToMillisecondsArgument(absl::Seconds(3)), 3000);
  EXPECT_EQ(ToMillisecondsArgument(absl::Milliseconds(kMost - 1)), kMost - 1);
  EXPECT_EQ(ToMillisecondsArgument(absl::Milliseconds(int64_t{kMost} + 1)),
            kMost);
  EXPECT_EQ(ToMillisecondsArgument(absl::InfiniteDuration()), kMost);
}

}  // namespace
}  // namespace rmq
