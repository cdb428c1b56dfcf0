#include "client/discovery/etcd_broker_resolver.h"

#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/discovery/discovery_options.h"
#include "client/discovery/make_resolver.h"
#include "client/discovery/recording_listener.h"
#include "client/discovery/resolver_source.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/scripted_etcd.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

DiscoveryEntry Entry(const std::string& name, const std::string& address) {
  DiscoveryEntry entry;
  entry.cluster = "east";
  entry.broker_name = name;
  entry.addresses = {{address, false}};
  return entry;
}

class EtcdBrokerResolverTest : public ::testing::Test {
 protected:
  EtcdBrokerResolverTest() {
    PutBroker("a", "h:1");
    resolver_->AddListener(listener_);
  }

  void PutBroker(const std::string& name, const std::string& address) {
    const DiscoveryEntry entry = Entry(name, address);
    etcd_.Put(DiscoveryKey(kDiscoveryPrefix, entry),
              FormatDiscoveryEntry(entry));
  }

  ScriptedEtcd etcd_;
  const std::shared_ptr<RecordingListener> listener_ =
      std::make_shared<RecordingListener>();
  const std::shared_ptr<ResolverSource> resolver_ =
      *MakeResolver(absl::StrCat("etcd://", etcd_.address(), "/east"), {});
};

TEST_F(EtcdBrokerResolverTest, BrokersThatComeAndGoAreTold) {
  ASSERT_TRUE(listener_->Await("h:1"));
  EXPECT_THAT(listener_->brokers(), ElementsAre(BrokerEntry{"a", 0, "h:1"}));
  PutBroker("b", "h:2");
  ASSERT_TRUE(listener_->Await("h:1,h:2"));
  etcd_.Delete(DiscoveryKey(kDiscoveryPrefix, Entry("a", "")));
  ASSERT_TRUE(listener_->Await("h:2"));
}

TEST_F(EtcdBrokerResolverTest, ClientsStayForAsLongAsTheOptionsSay) {
  EXPECT_EQ(resolver_->UnlistedStay(), absl::InfiniteDuration());
  DiscoveryOptions options;
  options.etcd_unlisted_stay = absl::Seconds(7);
  const auto other =
      MakeResolver(absl::StrCat("etcd://", etcd_.address(), "/east"), options);
  ASSERT_THAT(other.status(), IsOk());
  EXPECT_EQ((*other)->UnlistedStay(), absl::Seconds(7));
}

TEST_F(EtcdBrokerResolverTest, AnEtcdThatHasLostAllEntriesTakesNoBroker) {
  ASSERT_TRUE(listener_->Await("h:1"));
  etcd_.Delete(DiscoveryKey(kDiscoveryPrefix, Entry("a", "")));
  while (resolver_->Status().error.ok()) std::this_thread::yield();
  EXPECT_THAT(resolver_->Status().error, StatusIs(absl::StatusCode::kNotFound));
  PutBroker("b", "h:2");
  ASSERT_TRUE(listener_->Await("h:2"));
  EXPECT_THAT(listener_->lists(), ElementsAre("h:1", "h:2"));
}

TEST_F(EtcdBrokerResolverTest, AForeignEntryIsPassedOverAndCounted) {
  etcd_.Put(absl::StrCat(kDiscoveryPrefix, "/east/brokers/x/0"), "hello");
  PutBroker("b", "h:2");
  ASSERT_TRUE(listener_->Await("h:1,h:2"));
  EXPECT_EQ(resolver_->Status().passed_over, 1u);
}

TEST_F(EtcdBrokerResolverTest, AnotherClustersBrokersAreNotTold) {
  etcd_.Put(absl::StrCat(kDiscoveryPrefix, "/east2/brokers/x/0"), "hello");
  PutBroker("b", "h:2");
  ASSERT_TRUE(listener_->Await("h:1,h:2"));
  EXPECT_EQ(resolver_->Status().passed_over, 0u);
}

TEST_F(EtcdBrokerResolverTest, TheLastListIsKeptWhileEtcdIsAwayAndThatIsSaid) {
  ASSERT_TRUE(listener_->Await("h:1"));
  const absl::Status away = absl::UnavailableError("etcdserver: no leader");
  etcd_.Fail(away);
  etcd_.EndWatches(away);
  while (resolver_->Status().error.ok()) {
    PutBroker("b", "h:2");  // Wakes the watch.
  }
  EXPECT_THAT(resolver_->Status().error,
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no leader")));
  EXPECT_EQ(listener_->lists().back().substr(0, 3), "h:1");
  etcd_.Fail(absl::OkStatus());
  etcd_.EndWatches(absl::OkStatus());
  ASSERT_TRUE(listener_->Await("h:1,h:2"));
  EXPECT_THAT(resolver_->Status().error, IsOk());
}

TEST(EtcdBrokerResolverOptionsTest, WithoutAnEndpointThereIsNoResolver) {
  EXPECT_THAT(MakeResolver("etcd:///east", {}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("etcd must have 1 to 16 endpoints")));
}

TEST(EtcdBrokerResolverOptionsTest, EndpointsMayComeFromTheOptions) {
  ScriptedEtcd etcd;
  DiscoveryOptions options;
  options.etcd_endpoints = {etcd.address()};
  const auto resolver = MakeResolver("etcd:///east", options);
  ASSERT_THAT(resolver.status(), IsOk());
  EXPECT_THAT(
      AwaitBrokers(resolver->get(), absl::Seconds(20)).status(),
      StatusIs(absl::StatusCode::kNotFound, "the source lists no broker"));
}

TEST(EtcdBrokerResolverOptionsTest, APasswordGoesToOtherMachinesByTlsOnly) {
  DiscoveryOptions options;
  options.etcd_endpoints = {"127.0.0.1:1", "etcd:2379"};
  options.etcd_user = "client";
  options.etcd_password_file = "/etc/password";
  EXPECT_THAT(MakeResolver("etcd:///east", options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("etcd_user must go with TLS to etcd")));
  options.etcd_endpoints = {"127.0.0.1:1"};
  EXPECT_THAT(MakeResolver("etcd:///east", options), IsOk());
}

TEST(EtcdBrokerResolverOptionsTest, AFileOfTlsThatIsWrongIsTold) {
  DiscoveryOptions options;
  options.etcd_endpoints = {"127.0.0.1:1"};
  options.etcd_tls.emplace();
  options.etcd_tls->ca_file = "/nowhere/ca.pem";
  EXPECT_THAT(MakeResolver("etcd:///east", options).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("/nowhere/ca.pem")));
}

TEST(EtcdBrokerResolverOptionsTest, AnEtcdThatIsAwayIsToldByTheStatus) {
  DiscoveryOptions options;
  options.etcd_endpoints = {"127.0.0.1:1"};
  const auto resolver = MakeResolver("etcd:///east", options);
  ASSERT_THAT(resolver.status(), IsOk());
  EXPECT_THAT(AwaitBrokers(resolver->get(), absl::Seconds(1)),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("etcd at 127.0.0.1:1"),
                             HasSubstr("Connection refused"))));
}

}  // namespace
}  // namespace rmq
