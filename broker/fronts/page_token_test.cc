#include "broker/fronts/page_token.h"

#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST(PageTokenTest, SizesAreZeroToAThousandAndZeroIsTheMost) {
  EXPECT_EQ(*ParsePageSize(0), 1000);
  EXPECT_EQ(*ParsePageSize(1), 1);
  EXPECT_EQ(*ParsePageSize(1000), 1000);
  EXPECT_THAT(ParsePageSize(-1),
              StatusIs(kInvalid, "page_size must be 0 to 1000, got -1"));
  EXPECT_THAT(ParsePageSize(1001),
              StatusIs(kInvalid, "page_size must be 0 to 1000, got 1001"));
}

TEST(PageTokenTest, MemberTokensAreTheCursorTheyWereMadeOf) {
  EXPECT_EQ(MemberPageToken(0), "");
  EXPECT_EQ(*ParseMemberPageToken(""), 0);
  constexpr MemberCursor kLast = std::numeric_limits<MemberCursor>::max();
  EXPECT_EQ(*ParseMemberPageToken(MemberPageToken(kLast)), kLast);
  for (const char* token : {"0", "-1", "x", "1x", "18446744073709551616"}) {
    EXPECT_THAT(ParseMemberPageToken(token),
                StatusIs(kInvalid, absl::StrCat("page_token must be a "
                                                "next_page_token of this "
                                                "method, got \"",
                                                token, "\"")));
  }
}

TEST(PageTokenTest, NameTokensAreNames) {
  EXPECT_THAT(ValidateNamePageToken(""), IsOk());
  EXPECT_THAT(ValidateNamePageToken("orders"), IsOk());
  EXPECT_THAT(ValidateNamePageToken("no name"),
              StatusIs(kInvalid, HasSubstr("got \"no name\"")));
}

}  // namespace
}  // namespace rmq
