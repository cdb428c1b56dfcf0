#include "common/payer.h"

#include "common/client_network.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(PayerTest, APrincipalIsOnePayerAtAllAddresses) {
  EXPECT_EQ(PayerOf("pay", "10.0.0.1:1"), PayerOf("pay", "10.0.0.2:1"));
  EXPECT_EQ(PayerOf("pay", "10.0.0.1:1"), PayerOf("pay", ""));
}

TEST(PayerTest, PrincipalsAtOneAddressAreSeveralPayers) {
  EXPECT_NE(PayerOf("pay", "10.0.0.1:1"), PayerOf("ship", "10.0.0.1:1"));
  EXPECT_NE(PayerOf("pay", "10.0.0.1:1"), PayerOf("", "10.0.0.1:1"));
}

TEST(PayerTest, AnonymousClientsPayByTheNetworkOfTheirAddress) {
  EXPECT_EQ(PayerOf("", "10.0.0.1:1"), PayerOf("", "10.0.0.1:2"));
  EXPECT_NE(PayerOf("", "10.0.0.1:1"), PayerOf("", "10.0.0.2:1"));
  EXPECT_EQ(PayerOf("", "[2001:db8::1]:1"), PayerOf("", "[2001:db8::2]:1"));
  EXPECT_EQ(PayerOf("", "unix:"), PayerOf("", ""));
}

TEST(PayerTest, APrincipalIsNoAddressWhateverItsNumberIs) {
  const ClientNetwork network = ClientNetworkOf("10.0.0.1:1");
  EXPECT_EQ(PayerOf("", "10.0.0.1:1"), (Payer{network, false}));
  EXPECT_NE(PayerOf("", "10.0.0.1:1"), (Payer{network, true}));
}

TEST(PayerTest, IsToldAsAUserOrAsAnAddress) {
  EXPECT_EQ(PayerForMessage("pay", "10.0.0.1:1"), "user \"pay\"");
  EXPECT_EQ(PayerForMessage("", "10.0.0.1:1"), "10.0.0.1");
  EXPECT_EQ(PayerForMessage("", "[::1]:1"), "[::1]");
  EXPECT_EQ(PayerForMessage("", "unix:"), "no IP address");
}

}  // namespace
}  // namespace rmq
