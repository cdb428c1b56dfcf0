#include "broker/auth/access.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(AuthActionTest, EachActionIsReadByItsNameInAnyCase) {
  for (const AuthAction action : kAllAuthActions) {
    const auto parsed = ParseAuthAction(Name(action));
    ASSERT_THAT(parsed, IsOk());
    EXPECT_TRUE(*parsed == AuthActions{action}) << Name(action);
  }
  EXPECT_TRUE(*ParseAuthAction("sub") == AuthActions{AuthAction::kSub});
  EXPECT_TRUE(*ParseAuthAction("All") == AuthActions::All());
}

TEST(AuthActionTest, WhatIsNoActionIsRefused) {
  for (const absl::string_view text : {"", "SUBS", "ANY", "PUB,SUB"}) {
    EXPECT_THAT(ParseAuthAction(text),
                StatusIs(kInvalid, HasSubstr("must be ALL, PUB, SUB")));
  }
}

TEST(AuthActionTest, SetsIntersectIfTheyHaveAnActionInCommon) {
  const AuthActions pub_sub = {AuthAction::kPub, AuthAction::kSub};
  EXPECT_TRUE(pub_sub.Intersects({AuthAction::kSub, AuthAction::kGet}));
  EXPECT_FALSE(pub_sub.Intersects({AuthAction::kGet, AuthAction::kList}));
  EXPECT_FALSE(pub_sub.Intersects({}));
  EXPECT_TRUE(AuthActions::All().Intersects({AuthAction::kList}));
}

TEST(AuthActionTest, ASetIsToldByItsNames) {
  EXPECT_EQ(Names({AuthAction::kGet, AuthAction::kPub}), "PUB, GET");
  EXPECT_EQ(Names(AuthActions::All()), "ALL");
  EXPECT_EQ(Names({}), "");
}

TEST(AuthResourceTest, EachKindIsRead) {
  for (const ResourceKind kind : kAllResourceKinds) {
    const std::string text = absl::StrCat(Name(kind), ":a:b");
    const auto parsed = ParseAuthResource(text);
    ASSERT_THAT(parsed, IsOk());
    EXPECT_EQ(parsed->kind, kind);
    EXPECT_EQ(parsed->name, "a:b");
  }
}

TEST(AuthResourceTest, WhatIsNoResourceIsRefused) {
  for (const absl::string_view text :
       {"", "*", "Group", "Group:", "group:a", "Namespace:a", "Groups:a"}) {
    EXPECT_THAT(ParseAuthResource(text),
                StatusIs(kInvalid, HasSubstr("must be Cluster:NAME")))
        << text;
  }
}

}  // namespace
}  // namespace rmq
