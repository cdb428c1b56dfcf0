#include "common/rpc/credentials/credentials_source.h"

#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(PlaintextCredentialsTest, AreThereAndNeverChange) {
  EXPECT_NE(PlaintextServerCredentials().Get(), nullptr);
  EXPECT_EQ(PlaintextServerCredentials().Get(),
            PlaintextServerCredentials().Get());
  EXPECT_EQ(PlaintextServerCredentials().generation(),
            PlaintextServerCredentials().generation());
  EXPECT_NE(PlaintextChannelCredentials().Get(), nullptr);
  EXPECT_EQ(PlaintextChannelCredentials().Get(),
            PlaintextChannelCredentials().Get());
}

}  // namespace
}  // namespace rmq
