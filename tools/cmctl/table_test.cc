#include "tools/cmctl/table.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq::cmctl {
namespace {

TEST(TableTest, AgoHasItsTwoLargestUnits) {
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  EXPECT_EQ(Ago(now, now), "0s ago");
  EXPECT_EQ(Ago(now - absl::Milliseconds(59'999), now), "59s ago");
  EXPECT_EQ(Ago(now - absl::Seconds(60), now), "1m 0s ago");
  EXPECT_EQ(Ago(now - absl::Seconds(3599), now), "59m 59s ago");
  EXPECT_EQ(Ago(now - absl::Seconds(3600), now), "1h 0m ago");
  EXPECT_EQ(Ago(now - absl::Hours(23) - absl::Minutes(59), now), "23h 59m ago");
  EXPECT_EQ(Ago(now - absl::Hours(50), now), "2d 2h ago");
}

TEST(TableTest, ATimeAheadOfThisMachinesClockIsJustNow) {
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  EXPECT_EQ(Ago(now + absl::Seconds(3), now), "0s ago");
}

TEST(TableTest, ColumnsAreAlignedByCharactersAndLinesHaveNoTrailingSpaces) {
  EXPECT_EQ(AlignColumns({{"A", "B"}, {"größe", "x"}, {"y", "long"}}),
            "A      B\n"
            "größe  x\n"
            "y      long\n");
}

TEST(TableTest, ControlCharactersAreWrittenOut) {
  EXPECT_EQ(EscapeControls("\x1b[2J\n\x7f \u009f ö\u00a0"),
            "\\x1b[2J\\x0a\\x7f \\x9f ö\u00a0");
}

TEST(EscapeControlsTest, NoTextCanRearrangeWhatStandsBesideIt) {
  EXPECT_EQ(EscapeControls("a\u202eb\u2028c\u2066d\u200fe"),
            "a\\u202eb\\u2028c\\u2066d\\u200fe");
  // Their neighbours stay.
  EXPECT_EQ(EscapeControls("\u200d\u2010\u2027\u202f\u2065\u206a"),
            "\u200d\u2010\u2027\u202f\u2065\u206a");
  EXPECT_EQ(EscapeControls("\xE2\x80"), "\xE2\x80");
}

}  // namespace
}  // namespace rmq::cmctl
