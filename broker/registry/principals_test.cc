#include "broker/registry/principals.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(PrincipalsTest, ANameHasOneNumberWhileItIsInUse) {
  Principals principals;
  const Principals::Number pay = principals.Take("pay");
  const Principals::Number ship = principals.Take("ship");
  EXPECT_NE(pay, ship);
  EXPECT_EQ(principals.Take("pay"), pay);
  EXPECT_EQ(principals.NameOf(pay), "pay");
  EXPECT_EQ(principals.NameOf(ship), "ship");
  EXPECT_EQ(principals.size(), 2);
}

TEST(PrincipalsTest, NobodysNameIsNumberZeroAndNeedsNoPlace) {
  Principals principals;
  EXPECT_EQ(principals.Take(""), Principals::kAnonymous);
  EXPECT_EQ(principals.NameOf(Principals::kAnonymous), "");
  principals.Drop(Principals::kAnonymous);
  EXPECT_EQ(principals.size(), 0);
}

TEST(PrincipalsTest, ANumberIsFreeOnceAllItsUsesAreDropped) {
  Principals principals;
  const Principals::Number pay = principals.Take("pay");
  principals.Take("pay");
  principals.Drop(pay);
  EXPECT_EQ(principals.NameOf(pay), "pay");
  principals.Drop(pay);
  EXPECT_EQ(principals.size(), 0);
  EXPECT_EQ(principals.Take("ship"), pay);
  EXPECT_EQ(principals.NameOf(pay), "ship");
}

TEST(PrincipalsTest, NamesStayReadableWhileOthersCome) {
  Principals principals;
  const Principals::Number first = principals.Take("first");
  const absl::string_view name = principals.NameOf(first);
  for (int i = 0; i < 1000; ++i) principals.Take(std::to_string(i));
  EXPECT_EQ(name, "first");
  EXPECT_EQ(principals.NameOf(first).data(), name.data());
}

}  // namespace
}  // namespace rmq
