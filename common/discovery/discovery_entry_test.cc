#include "common/discovery/discovery_entry.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

DiscoveryEntry Entry() {
  DiscoveryEntry entry;
  entry.cluster = "c";
  entry.broker_name = "broker-a";
  entry.broker_id = 1;
  entry.addresses = {{"10.0.0.1:10911", false}, {"b.example.com:443", true}};
  entry.fronts = {"clientmanager"};
  entry.product_version = "0.1.0";
  entry.since = absl::FromUnixSeconds(1'700'000'000);
  entry.incarnation = 7;
  return entry;
}

absl::StatusOr<DiscoveryEntry> Parse(const std::string& value) {
  return ParseDiscoveryEntry("/p", "/p/c/brokers/broker-a/1", value);
}

TEST(DiscoveryEntryTest, TheKeyHasClusterNameAndId) {
  EXPECT_EQ(DiscoveryKey("/p", Entry()), "/p/c/brokers/broker-a/1");
  EXPECT_EQ(DiscoveryClusterPrefix("/p", "c"), "/p/c/brokers/");
}

TEST(DiscoveryEntryTest, PeopleCanReadTheValue) {
  EXPECT_EQ(FormatDiscoveryEntry(Entry()),
            "{\"majorVersion\":1,\"cluster\":\"c\",\"brokerName\":\"broker-a\","
            "\"brokerId\":\"1\",\"addresses\":[{\"address\":\"10.0.0.1:10911\"}"
            ",{\"address\":\"b.example.com:443\",\"tls\":true}],\"fronts\":["
            "\"clientmanager\"],\"productVersion\":\"0.1.0\",\"since\":"
            "\"2023-11-14T22:13:20Z\",\"incarnation\":\"7\"}");
}

TEST(DiscoveryEntryTest, WhatIsWrittenIsWhatIsRead) {
  const auto entry = Parse(FormatDiscoveryEntry(Entry()));
  ASSERT_THAT(entry, IsOk());
  EXPECT_EQ(entry->cluster, "c");
  EXPECT_EQ(entry->broker_name, "broker-a");
  EXPECT_EQ(entry->broker_id, 1u);
  EXPECT_EQ(entry->addresses, Entry().addresses);
  EXPECT_THAT(entry->fronts, ElementsAre("clientmanager"));
  EXPECT_EQ(entry->product_version, "0.1.0");
  EXPECT_EQ(entry->since, Entry().since);
  EXPECT_EQ(entry->incarnation, 7u);
}

TEST(DiscoveryEntryTest, FieldsOfANewerMinorVersionAreIgnored) {
  std::string value = FormatDiscoveryEntry(Entry());
  value.insert(1, "\"minorVersion\":3,\"zone\":{\"name\":[\"x\"]},");
  EXPECT_THAT(Parse(value), IsOk());
}

TEST(DiscoveryEntryTest, ANewerMajorVersionIsToldApart) {
  const std::string value = absl::StrReplaceAll(FormatDiscoveryEntry(Entry()),
                                                {{"ersion\":1", "ersion\":2"}});
  EXPECT_THAT(Parse(value),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("newer")));
}

TEST(DiscoveryEntryTest, WhatIsNoEntryIsRefusedWithTheReason) {
  const std::string good = FormatDiscoveryEntry(Entry());
  const auto is_refused = [](const std::string& why) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why));
  };
  EXPECT_THAT(Parse(""), is_refused("is no broker's entry"));
  EXPECT_THAT(Parse("10.0.0.1:10911"), is_refused("is no broker's entry"));
  EXPECT_THAT(Parse(good.substr(0, good.size() - 1)),
              is_refused("is no broker's entry"));
  EXPECT_THAT(Parse("{}"), is_refused("it has no version"));
  EXPECT_THAT(Parse(absl::StrReplaceAll(good, {{"broker-a", "broker-b"}})),
              is_refused("it is that of \"/p/c/brokers/broker-b/1\""));
  EXPECT_THAT(Parse(absl::StrReplaceAll(good, {{"broker-a", "a b"}})),
              is_refused("broker_name"));
  EXPECT_THAT(Parse(absl::StrReplaceAll(good, {{"10.0.0.1:10911", "nowhere"}})),
              is_refused("an address must be \"host:port\", got \"nowhere\""));
}

TEST(DiscoveryEntryTest, AKeyIsThatOfOneClusterOnly) {
  DiscoveryEntry entry = Entry();
  entry.cluster = "c/brokers/x";  // "/p/c/brokers/x/brokers/broker-a/1"
  EXPECT_THAT(ParseDiscoveryEntry("/p", DiscoveryKey("/p", entry),
                                  FormatDiscoveryEntry(entry)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("cluster must have no '/'")));
}

TEST(DiscoveryEntryTest, ANameHas255BytesAtMost) {
  DiscoveryEntry entry = Entry();
  entry.broker_name = std::string(255, 'b');
  const auto parse = [&entry] {
    return ParseDiscoveryEntry("/p", DiscoveryKey("/p", entry),
                               FormatDiscoveryEntry(entry));
  };
  EXPECT_THAT(parse(), IsOk());
  entry.broker_name.push_back('b');
  EXPECT_THAT(parse(), StatusIs(absl::StatusCode::kInvalidArgument,
                                HasSubstr("broker_name must be at most 255")));
}

TEST(DiscoveryEntryTest, AnEntryHasOneToSixteenAddresses) {
  DiscoveryEntry entry = Entry();
  entry.addresses.clear();
  EXPECT_THAT(Parse(FormatDiscoveryEntry(entry)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 0")));
  entry.addresses.assign(16, {"a:1", false});
  EXPECT_THAT(Parse(FormatDiscoveryEntry(entry)), IsOk());
  entry.addresses.push_back({"a:1", false});
  EXPECT_THAT(
      Parse(FormatDiscoveryEntry(entry)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 17")));
}

TEST(DiscoveryEntryTest, AValueHasSixteenKibibytesAtMost) {
  std::string value = FormatDiscoveryEntry(Entry());
  value.resize(16 << 10, ' ');
  EXPECT_THAT(Parse(value), IsOk());
  value.push_back(' ');
  EXPECT_THAT(Parse(value), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("at most 16384 bytes")));
}

TEST(DiscoveryEntryTest, APrefixIsAPath) {
  for (const std::string& good :
       {std::string(kDiscoveryPrefix), std::string("/a"),
        absl::StrCat("/", std::string(254, 'x'))}) {
    EXPECT_THAT(ValidateDiscoveryPrefix(good), IsOk()) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("/"), std::string("a"), std::string("/a/"),
        std::string("/a b"), absl::StrCat("/", std::string(255, 'x'))}) {
    EXPECT_THAT(
        ValidateDiscoveryPrefix(bad),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("etcd_prefix")))
        << bad;
  }
}

}  // namespace
}  // namespace rmq
