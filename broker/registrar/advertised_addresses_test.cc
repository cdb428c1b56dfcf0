#include "broker/registrar/advertised_addresses.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/discovery/discovery_entry.h"
#include "common/rpc/server/listen_address.h"
#include "common/rpc/server/transport_kind.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ListenAddress At(const std::string& host, int port,
                 TransportKind kind = TransportKind::kPlaintext) {
  ListenAddress address;
  address.host = host;
  address.port = port;
  address.kind = kind;
  return address;
}

ListenAddress Socket() {
  ListenAddress address;
  address.kind = TransportKind::kLocal;
  address.path = "/run/s";
  return address;
}

ListenAddress ForOperators() {
  ListenAddress address = At("127.0.0.1", 9);
  address.is_for_operators = true;
  return address;
}

TEST(AdvertisedAddressesTest, AreThoseThatAreBoundForClients) {
  const auto told = AdvertisedAddresses(
      {At("h", 0), Socket(), At("h", 2, TransportKind::kTls), ForOperators()},
      {"h:77", "unix:/run/s", "h:2", "127.0.0.1:9"}, {});
  ASSERT_THAT(told, IsOk());
  EXPECT_THAT(*told, ElementsAre(DiscoveryAddress{"h:77", false},
                                 DiscoveryAddress{"h:2", true}));
}

TEST(AdvertisedAddressesTest, WhatIsAdvertisedStandsForThemInTheirOrder) {
  const auto told = AdvertisedAddresses(
      {At("0.0.0.0", 1, TransportKind::kTls), Socket(), At("[::]", 2)},
      {"a.example.com:1", "b.example.com:2"});
  ASSERT_THAT(told, IsOk());
  EXPECT_THAT(*told, ElementsAre(DiscoveryAddress{"a.example.com:1", true},
                                 DiscoveryAddress{"b.example.com:2", false}));
}

TEST(AdvertisedAddressesTest, OneIsAdvertisedForEachAddress) {
  for (const std::vector<std::string>& advertised :
       {std::vector<std::string>{"a:1"},
        std::vector<std::string>{"a:1", "b:1", "c:1"}}) {
    EXPECT_THAT(AdvertisedAddresses({At("h", 1), At("h", 2)}, advertised),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("one for each address")));
  }
}

TEST(AdvertisedAddressesTest, AllOfAMachinesAddressesCannotBeDialled) {
  for (const char* const host : {"0.0.0.0", "[::]"}) {
    EXPECT_THAT(AdvertisedAddresses({At(host, 1)}, {}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("advertised_address must be given")));
  }
}

TEST(AdvertisedAddressesTest, ASocketAloneCannotBeDialled) {
  EXPECT_THAT(AdvertisedAddresses({Socket(), ForOperators()}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no Unix socket")));
}

}  // namespace
}  // namespace rmq
