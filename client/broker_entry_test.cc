#include "client/broker_entry.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

auto IsInvalid(const std::string& message) {
  return StatusIs(absl::StatusCode::kInvalidArgument, message);
}

TEST(ValidateBrokersTest, NoBrokerIsAList) {
  EXPECT_THAT(ValidateBrokers({}), IsOk());
}

TEST(ValidateBrokersTest, HostsAndAddressesWithAPortAreBrokers) {
  for (const char* address :
       {"localhost:1", "broker-1.example.com:65535", "10.0.0.1:10911",
        "[::1]:10911", "[fe80::1%25]:10911", "my_host:80"}) {
    EXPECT_THAT(ValidateBrokers({{"", 0, address}}), IsOk()) << address;
  }
}

TEST(ValidateBrokersTest, WhatIsNotAHostAndAPortIsRefused) {
  for (const char* address :
       {"", "localhost", ":10911", "localhost:", "localhost:0",
        "localhost:65536", "localhost:-1", "localhost:+1", "localhost:1x",
        "localhost: 1", "::1:10911", "[]:1", "[::1:1", "dns:///a:1", "a b:1"}) {
    EXPECT_THAT(ValidateBrokers({{"broker-a", 0, address}}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("brokers must be \"host:port\", got")))
        << address;
  }
}

TEST(ValidateBrokersTest, AMasterItsSlaveAndAnotherMasterAreAList) {
  EXPECT_THAT(ValidateBrokers({{"broker-a", 0, "a:1"},
                               {"broker-a", 1, "a:2"},
                               {"broker-b", 0, "b:1"}}),
              IsOk());
}

TEST(ValidateBrokersTest, AnAddressTwiceIsRefused) {
  EXPECT_THAT(ValidateBrokers({{"broker-a", 0, "a:1"}, {"broker-b", 0, "a:1"}}),
              IsInvalid("brokers must not name an address twice, got \"a:1\""));
}

TEST(ValidateBrokersTest, AnIdTwiceUnderOneNameIsRefused) {
  EXPECT_THAT(ValidateBrokers({{"broker-a", 1, "a:1"}, {"broker-a", 1, "a:2"}}),
              IsInvalid("brokers must not name an id twice under one name, got "
                        "\"broker-a\" 1"));
}

TEST(ValidateBrokersTest, BrokersWithoutANameAreToldApartByTheirAddress) {
  EXPECT_THAT(ValidateBrokers({{"", 0, "a:1"}, {"", 0, "a:2"}}), IsOk());
}

TEST(ValidateBrokersTest, AnIdWithoutANameIsRefused) {
  EXPECT_THAT(ValidateBrokers({{"", 1, "a:1"}}),
              IsInvalid("brokers must have a name where they have an id, got "
                        "id 1 for \"a:1\""));
}

TEST(ValidateBrokersTest, ANameOf255BytesIsTakenAndOneMoreIsNot) {
  std::string name(255, 'b');
  EXPECT_THAT(ValidateBrokers({{name, 0, "a:1"}}), IsOk());
  name += 'b';
  EXPECT_THAT(ValidateBrokers({{name, 0, "a:1"}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the name of a broker")));
}

TEST(ValidateBrokersTest, AListHasAtMost1024Brokers) {
  std::vector<BrokerEntry> brokers;
  for (int i = 1; i <= 1024; ++i) {
    brokers.push_back({"", 0, absl::StrCat("a:", i)});
  }
  EXPECT_THAT(ValidateBrokers(brokers), IsOk());
  brokers.push_back({"", 0, "b:1"});
  EXPECT_THAT(ValidateBrokers(brokers),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace rmq
