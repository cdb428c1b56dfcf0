#include "client/discovery/etcd_brokers.h"

#include <map>
#include <string>

#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "common/discovery/discovery_entry.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EtcdBrokersTest : public ::testing::Test {
 protected:
  void Put(DiscoveryEntry entry) {
    entry.cluster = "c";
    values_[DiscoveryKey("/p", entry)] = FormatDiscoveryEntry(entry);
  }
  static DiscoveryEntry Entry(const std::string& name, uint64_t id,
                              const std::string& address,
                              int64_t since_seconds = 1) {
    DiscoveryEntry entry;
    entry.broker_name = name;
    entry.broker_id = id;
    entry.addresses = {{address, false}};
    entry.since = absl::FromUnixSeconds(since_seconds);
    return entry;
  }
  EtcdBrokers Read(absl::optional<bool> tls = absl::nullopt) const {
    return ReadEtcdBrokers("/p", values_, tls);
  }

  std::map<std::string, std::string> values_;
};

TEST_F(EtcdBrokersTest, EachEntryIsABroker) {
  Put(Entry("b", 0, "h:2"));
  Put(Entry("a", 1, "h:1"));
  const EtcdBrokers read = Read();
  EXPECT_THAT(read.brokers, ElementsAre(BrokerEntry{"a", 1, "h:1"},
                                        BrokerEntry{"b", 0, "h:2"}));
  EXPECT_EQ(read.passed_over, 0u);
}

TEST_F(EtcdBrokersTest, ForeignAndNewerEntriesHarmNobodyAndAreCounted) {
  Put(Entry("a", 0, "h:1"));
  values_["/p/c/brokers/a"] = "garbage";
  values_["/p/c/brokers/b/0"] = "";
  values_["/p/c/brokers/copy/0"] = values_["/p/c/brokers/a/0"];
  values_["/p/c/brokers/a/7"] =
      absl::StrReplaceAll(FormatDiscoveryEntry([] {
                            DiscoveryEntry entry = Entry("a", 7, "h:7");
                            entry.cluster = "c";
                            return entry;
                          }()),
                          {{"ersion\":1", "ersion\":2"}});
  const EtcdBrokers read = Read();
  EXPECT_THAT(read.brokers, ElementsAre(BrokerEntry{"a", 0, "h:1"}));
  EXPECT_EQ(read.passed_over, 4u);
}

TEST_F(EtcdBrokersTest, NothingIsNoBroker) {
  EXPECT_THAT(Read().brokers, IsEmpty());
}

TEST_F(EtcdBrokersTest, TheFirstAddressThatSuitsIsTaken) {
  DiscoveryEntry entry = Entry("a", 0, "plain:1");
  entry.addresses.push_back({"tls:2", true});
  entry.addresses.push_back({"tls:3", true});
  Put(entry);
  Put(Entry("b", 0, "plain:9"));
  const auto first = [&](absl::optional<bool> tls) {
    return Read(tls).brokers.front().address;
  };
  EXPECT_EQ(first(absl::nullopt), "plain:1");
  EXPECT_EQ(first(false), "plain:1");
  EXPECT_EQ(first(true), "tls:2");
  EXPECT_EQ(Read(true).brokers.back().address, "plain:9");
}

TEST_F(EtcdBrokersTest, OfTwoBrokersAtOneAddressTheYoungerOneIsThere) {
  Put(Entry("new", 0, "h:1", 20));
  Put(Entry("old", 0, "h:1", 10));
  EXPECT_THAT(Read().brokers, ElementsAre(BrokerEntry{"new", 0, "h:1"}));
  Put(Entry("old", 0, "h:1", 30));
  const EtcdBrokers read = Read();
  EXPECT_THAT(read.brokers, ElementsAre(BrokerEntry{"old", 0, "h:1"}));
  EXPECT_EQ(read.passed_over, 1u);
  EXPECT_THAT(ValidateBrokers(read.brokers), IsOk());
}

}  // namespace
}  // namespace rmq
