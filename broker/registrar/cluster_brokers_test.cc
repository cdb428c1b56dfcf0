#include "broker/registrar/cluster_brokers.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/fake_etcd.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

DiscoveryEntry Entry(const std::string& name, uint64_t id = 0,
                     const std::string& address = "h:1") {
  DiscoveryEntry entry;
  entry.cluster = "c";
  entry.broker_name = name;
  entry.broker_id = id;
  entry.addresses = {{address, false}};
  return entry;
}

class ClusterBrokersTest : public ::testing::Test {
 protected:
  void Put(const DiscoveryEntry& entry) {
    etcd_.Put(DiscoveryKey("/p", entry), FormatDiscoveryEntry(entry));
  }
  void Pass(absl::Duration duration) {
    const absl::Time end = now_ + duration;
    while (brokers_.NextDue() <= end) {
      now_ = std::max(now_, brokers_.NextDue());
      brokers_.Run([this] { return now_; });
    }
    now_ = end;
  }
  // "NAME/ID ADDRESS" of each.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const DiscoveryEntry& entry : *brokers_.list()) {
      names.push_back(absl::StrCat(entry.broker_name, "/", entry.broker_id, " ",
                                   entry.addresses.front().address));
    }
    return names;
  }

  FakeEtcd etcd_;
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  ClusterBrokers brokers_{&etcd_, "/p", Entry("m", 0, "own:1"),
                          [] { return 0.5; }};
};

TEST_F(ClusterBrokersTest, BeforeTheFirstListingThereIsThisBrokerAlone) {
  EXPECT_THAT(Names(), ElementsAre("m/0 own:1"));
}

TEST_F(ClusterBrokersTest, AllAreListedByNameAndIdAndThisBrokerByItsOwnEntry) {
  Put(Entry("z"));
  Put(Entry("a", 10));
  Put(Entry("a", 2));
  Put(Entry("m", 0, "another:1"));
  Pass(absl::ZeroDuration());
  EXPECT_THAT(Names(),
              ElementsAre("a/2 h:1", "a/10 h:1", "m/0 own:1", "z/0 h:1"));
}

TEST_F(ClusterBrokersTest, WhoComesOrGoesIsSeenAPeriodLater) {
  Put(Entry("a"));
  Pass(absl::ZeroDuration());
  Put(Entry("b"));
  etcd_.Delete(DiscoveryKey("/p", Entry("a")));
  Pass(ClusterBrokers::kPeriod - absl::Nanoseconds(1));
  EXPECT_THAT(Names(), ElementsAre("a/0 h:1", "m/0 own:1"));
  Pass(absl::Nanoseconds(1));
  EXPECT_THAT(Names(), ElementsAre("b/0 h:1", "m/0 own:1"));
}

TEST_F(ClusterBrokersTest, TheLastListIsKeptWhileEtcdIsAway) {
  Put(Entry("a"));
  Pass(absl::ZeroDuration());
  etcd_.set_error(absl::UnavailableError("away"));
  Pass(absl::Minutes(1));
  EXPECT_THAT(Names(), ElementsAre("a/0 h:1", "m/0 own:1"));
  EXPECT_THAT(brokers_.error(), StatusIs(absl::StatusCode::kUnavailable));
  etcd_.set_error(absl::OkStatus());
  Put(Entry("b"));
  Pass(absl::Seconds(10));
  EXPECT_THAT(Names(), ElementsAre("a/0 h:1", "b/0 h:1", "m/0 own:1"));
  EXPECT_THAT(brokers_.error(), IsOk());
}

TEST_F(ClusterBrokersTest, AnEtcdWithoutEntriesTakesNoBroker) {
  Put(Entry("a"));
  Pass(absl::ZeroDuration());
  etcd_.Delete(DiscoveryKey("/p", Entry("a")));
  Pass(absl::Minutes(1));
  EXPECT_THAT(Names(), ElementsAre("a/0 h:1", "m/0 own:1"));
}

TEST_F(ClusterBrokersTest, ForeignEntriesAndOtherClustersArePassedOver) {
  etcd_.Put("/p/c/brokers/x/0", "hello");
  DiscoveryEntry other = Entry("o");
  other.cluster = "c2";
  Put(other);
  Put(Entry("a"));
  Pass(absl::ZeroDuration());
  EXPECT_THAT(Names(), ElementsAre("a/0 h:1", "m/0 own:1"));
}

TEST_F(ClusterBrokersTest, MoreThanTheMostBrokersAreAnError) {
  for (size_t i = 0; i < ClusterBrokers::kMostBrokers; ++i) {
    Put(Entry(absl::StrCat("b", i)));
  }
  Pass(absl::ZeroDuration());
  EXPECT_THAT(brokers_.error(), IsOk());
  EXPECT_EQ(brokers_.list()->size(), ClusterBrokers::kMostBrokers + 1);
  Put(Entry("b"));
  Pass(ClusterBrokers::kPeriod);
  EXPECT_THAT(brokers_.error(), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(brokers_.list()->size(), ClusterBrokers::kMostBrokers + 1);
}

}  // namespace
}  // namespace rmq
