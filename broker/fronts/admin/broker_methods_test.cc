#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "broker/fronts/admin/broker_facts.h"
#include "broker/fronts/auth_options.h"
#include "broker/housekeeping/drain.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registrar/registration_state.h"
#include "common/rpc/server/transport_kind.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using Response = pb::GetBrokerResponse;
using ::testing::SizeIs;

class BrokerMethodsTest : public AdminFixture {
 protected:
  BrokerMethodsTest() {
    facts_.cluster = "shop";
    facts_.broker_name = "broker-b";
    facts_.broker_id = 3;
    facts_.version = "1.2.3";
    facts_.started = clock_.TimeNow();
    facts_.settling_until = clock_.TimeNow() + absl::Seconds(30);
    facts_.max_channels = 99;
    facts_.channel_expiry = absl::Seconds(120);
    facts_.min_channel_expiry = absl::Seconds(10);
    facts_.max_channel_expiry = absl::Minutes(30);
  }

  Response Ask() {
    AdminBroker broker = Broker(policy_, /*notifies=*/true);
    broker.facts = facts_;
    broker.drain = &drain_;
    Response response;
    EXPECT_THAT(AdminCaller(broker).Call(pb::GetBrokerRequest(), &response),
                IsSuccess());
    return response;
  }

  BrokerFacts facts_;
  Drain drain_{&table_, &notifier_};
};

TEST_F(BrokerMethodsTest, ABrokerTellsWhichOneItIs) {
  clock_.Advance(absl::Seconds(7));
  const Response response = Ask();
  EXPECT_EQ(response.cluster(), "shop");
  EXPECT_EQ(response.broker_name(), "broker-b");
  EXPECT_EQ(response.broker_id(), 3);
  EXPECT_EQ(response.broker_incarnation(), kIncarnation);
  EXPECT_EQ(response.version(), "1.2.3");
  EXPECT_EQ(response.started_at().seconds(), 1'000'000);
  EXPECT_EQ(response.now().seconds(), 1'000'007);
  EXPECT_EQ(response.channel_expiry().seconds(), 120);
  EXPECT_EQ(response.min_channel_expiry().seconds(), 10);
  EXPECT_EQ(response.max_channel_expiry().seconds(), 1800);
}

TEST_F(BrokerMethodsTest, ABrokerSettlesUntilItsTimeIsOver) {
  clock_.Advance(absl::Seconds(30) - absl::Nanoseconds(1));
  EXPECT_EQ(Ask().settling_until().seconds(), 1'000'030);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(Ask().has_settling_until());
}

TEST_F(BrokerMethodsTest, ABrokerThatDrainsSaysSo) {
  EXPECT_EQ(Ask().state(), Response::STATE_SERVING);
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  drain_.Begin(absl::Minutes(1), clock_.TimeNow());
  EXPECT_EQ(Ask().state(), Response::STATE_DRAINING);
  clock_.Advance(absl::Minutes(2));
  drain_.Run(clock_.TimeNow());
  drain_.Run(clock_.TimeNow());
  EXPECT_EQ(Ask().state(), Response::STATE_DRAINED);
}

TEST_F(BrokerMethodsTest, WhoIsThereIsCounted) {
  const auto first = Connect(TestStatement("c1").Consumer("orders"));
  const auto second =
      Connect(TestStatement("c2").Consumer("orders").Producer("pay"));
  const Response response = Ask();
  EXPECT_EQ(response.channels(), 2);
  EXPECT_EQ(response.max_channels(), 99);
  EXPECT_EQ(response.consumer_groups(), 1);
  EXPECT_EQ(response.producer_groups(), 1);
  EXPECT_EQ(response.refused_channels(), 0);
  EXPECT_EQ(response.duplicate_client_ids(), 0);
  EXPECT_EQ(response.inconsistent_groups(), 0);
}

TEST_F(BrokerMethodsTest, EachAddressIsToldWithItsSecurity) {
  facts_.addresses = [] {
    return std::vector<ServedAddressFacts>{
        {"0.0.0.0:1", TransportKind::kTls, true, false},
        {"127.0.0.1:2", TransportKind::kPlaintext, false, true},
        {"unix:/run/b", TransportKind::kLocal, false, true}};
  };
  const Response response = Ask();
  ASSERT_THAT(response.addresses(), SizeIs(3));
  EXPECT_EQ(response.addresses(0).address(), "0.0.0.0:1");
  EXPECT_EQ(response.addresses(0).security(), pb::ServedAddress::SECURITY_TLS);
  EXPECT_TRUE(response.addresses(0).is_remote());
  EXPECT_FALSE(response.addresses(0).is_for_operators());
  EXPECT_EQ(response.addresses(1).security(),
            pb::ServedAddress::SECURITY_PLAINTEXT);
  EXPECT_FALSE(response.addresses(1).is_remote());
  EXPECT_TRUE(response.addresses(1).is_for_operators());
  EXPECT_EQ(response.addresses(2).security(),
            pb::ServedAddress::SECURITY_LOCAL);
}

TEST_F(BrokerMethodsTest, ABrokerThatDoesNotRegisterSaysNothingOfIt) {
  EXPECT_FALSE(Ask().has_registration());
}

TEST_F(BrokerMethodsTest, TheRegistrationIsToldWithWhatKeepsTheBrokerFromIt) {
  RegistrationState state;
  state.key = "/p/c/brokers/b/0";
  state.lease = absl::Seconds(10);
  state.since = absl::FromUnixSeconds(7);
  state.error = absl::UnavailableError("nobody there");
  state.puts = 2;
  state.failures = 3;
  facts_.registration = [&state] { return state; };
  pb::DiscoveryRegistration told = Ask().registration();
  EXPECT_EQ(told.state(), pb::DiscoveryRegistration::STATE_NOT_REGISTERED);
  EXPECT_EQ(told.since().seconds(), 7);
  EXPECT_EQ(told.key(), "/p/c/brokers/b/0");
  EXPECT_EQ(told.lease().seconds(), 10);
  EXPECT_EQ(told.error(), "nobody there");
  EXPECT_EQ(told.holder(), "");
  EXPECT_EQ(told.registrations(), 2);
  EXPECT_EQ(told.failures(), 3);
  state.holder = "the broker at h:1";
  told = Ask().registration();
  EXPECT_EQ(told.state(), pb::DiscoveryRegistration::STATE_NAME_IN_USE);
  EXPECT_EQ(told.holder(), "the broker at h:1");
}

TEST_F(BrokerMethodsTest, TheRegistrationFollowsTheDrain) {
  RegistrationState state;
  facts_.registration = [&state] { return state; };
  EXPECT_FALSE(Ask().registration().has_since());
  using Registration = pb::DiscoveryRegistration;
  for (const auto& [is_registered, is_wanted, told] :
       {std::make_tuple(false, true, Registration::STATE_NOT_REGISTERED),
        std::make_tuple(true, true, Registration::STATE_REGISTERED),
        std::make_tuple(true, false, Registration::STATE_WITHDRAWING),
        std::make_tuple(false, false, Registration::STATE_WITHDRAWN)}) {
    state.is_registered = is_registered;
    state.is_wanted = is_wanted;
    EXPECT_EQ(Ask().registration().state(), told);
  }
}

TEST_F(BrokerMethodsTest, GroupsThatWerePassedOverAreCountedByReason) {
  facts_.passed_over = [] {
    return std::vector<std::pair<SkipReason, int64_t>>{
        {SkipReason::kIllegalGroup, 0}, {SkipReason::kNoSuchGroup, 12}};
  };
  const Response response = Ask();
  ASSERT_THAT(response.passed_over(), SizeIs(1));
  EXPECT_EQ(response.passed_over(0).reason(),
            pb::SkippedGroup::REASON_NO_SUCH_GROUP);
  EXPECT_EQ(response.passed_over(0).times(), 12);
}

TEST_F(BrokerMethodsTest, SecurityIsToldAsItIsSetUp) {
  Response response = Ask();
  EXPECT_EQ(response.auth(), Response::AUTH_MODE_OFF);
  EXPECT_FALSE(response.has_certificate_not_after());
  EXPECT_FALSE(response.client_certificates_required());
  facts_.auth = AuthMode::kLog;
  facts_.client_certificates_required = true;
  facts_.certificate_not_after = [] {
    return absl::make_optional(absl::FromUnixSeconds(2'000'000));
  };
  response = Ask();
  EXPECT_EQ(response.auth(), Response::AUTH_MODE_LOG);
  EXPECT_EQ(response.certificate_not_after().seconds(), 2'000'000);
  EXPECT_TRUE(response.client_certificates_required());
  facts_.auth = AuthMode::kOn;
  EXPECT_EQ(Ask().auth(), Response::AUTH_MODE_ON);
}

}  // namespace
}  // namespace rmq
