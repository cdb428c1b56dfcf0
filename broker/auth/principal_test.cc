#include "broker/auth/principal.h"

#include "gtest/gtest.h"

namespace rmq {
namespace {

const Principal kPay = {"pay"};
const Principal kBill = {"bill"};
const Principal kAnonymous;

TEST(PrincipalTest, AClientIdIsItsHoldersAlone) {
  EXPECT_TRUE(MayActAsClientOf(kPay, kPay));
  EXPECT_FALSE(MayActAsClientOf(kPay, kBill));
  EXPECT_FALSE(MayActAsClientOf(kPay, kAnonymous));
}

TEST(PrincipalTest, AnAnonymousClientIdIsAnybodys) {
  EXPECT_TRUE(MayActAsClientOf(kAnonymous, kAnonymous));
  EXPECT_TRUE(MayActAsClientOf(kAnonymous, kPay));
}

}  // namespace
}  // namespace rmq
