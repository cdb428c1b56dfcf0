#include "common/payer.h"

#include "common/client_network.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(PayerTest, APrincipalIsOnePayerAtAllAddresses) {
  EXPECT_EQ(PayerOf("pay", ClientNetworkOf("10.0.0.1:1")),
            PayerOf("pay", ClientNetworkOf("10.0.0.2:1")));
  EXPECT_EQ(PayerOf("pay", ClientNetworkOf("10.0.0.1:1")),
            PayerOf("pay", ClientNetworkOf("")));
}

TEST(PayerTest, PrincipalsAtOneAddressAreSeveralPayers) {
  EXPECT_NE(PayerOf("pay", ClientNetworkOf("10.0.0.1:1")),
            PayerOf("ship", ClientNetworkOf("10.0.0.1:1")));
  EXPECT_NE(PayerOf("pay", ClientNetworkOf("10.0.0.1:1")),
            PayerOf("", ClientNetworkOf("10.0.0.1:1")));
}

TEST(PayerTest, AnonymousClientsPayByTheNetworkOfTheirAddress) {
  EXPECT_EQ(PayerOf("", ClientNetworkOf("10.0.0.1:1")),
            PayerOf("", ClientNetworkOf("10.0.0.1:2")));
  EXPECT_NE(PayerOf("", ClientNetworkOf("10.0.0.1:1")),
            PayerOf("", ClientNetworkOf("10.0.0.2:1")));
  EXPECT_EQ(PayerOf("", ClientNetworkOf("[2001:db8::1]:1")),
            PayerOf("", ClientNetworkOf("[2001:db8::2]:1")));
  EXPECT_EQ(PayerOf("", ClientNetworkOf("unix:")),
            PayerOf("", ClientNetworkOf("")));
}

TEST(PayerTest, APrincipalIsNoAddressWhateverItsNumberIs) {
  const ClientNetwork network = ClientNetworkOf("10.0.0.1:1");
  EXPECT_EQ(PayerOf("", ClientNetworkOf("10.0.0.1:1")),
            (Payer{network, false}));
  EXPECT_NE(PayerOf("", ClientNetworkOf("10.0.0.1:1")), (Payer{network, true}));
}

TEST(PayerTest, IsToldAsAUserOrAsAnAddress) {
  EXPECT_EQ(PayerForMessage("pay", "10.0.0.1:1"), "user \"pay\"");
  EXPECT_EQ(PayerForMessage("", "10.0.0.1:1"), "10.0.0.1");
  EXPECT_EQ(PayerForMessage("", "[::1]:1"), "[::1]");
  EXPECT_EQ(PayerForMessage("", "unix:"), "no IP address");
}

}  // namespace
}  // namespace rmq
