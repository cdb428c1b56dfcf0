#include "tools/cmctl/broker_commands.h"

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

constexpr int64_t kNow = 1'700'000'000;

std::string Cell(const pb::GetBrokerResponse& broker, const char* header) {
  const AnswerPart part =
      PartOf(broker, BrokerTable(),
             {absl::FromUnixSeconds(kNow), absl::UTCTimeZone()});
  return part.rows.at(0).at(FindColumn(part, header));
}

TEST(BrokerTableTest, TheStateSaysWhetherTheBrokerServes) {
  pb::GetBrokerResponse broker;
  broker.mutable_now()->set_seconds(kNow);
  broker.set_state(pb::GetBrokerResponse::STATE_SERVING);
  EXPECT_EQ(Cell(broker, "STATE"), "serving");
  broker.mutable_settling_until()->set_seconds(kNow + 11);
  broker.mutable_settling_until()->set_nanos(1);
  EXPECT_EQ(Cell(broker, "STATE"), "settling, 12s to go");
  broker.set_state(pb::GetBrokerResponse::STATE_DRAINING);
  EXPECT_EQ(Cell(broker, "STATE"), "draining");
  broker.set_state(pb::GetBrokerResponse::STATE_DRAINED);
  EXPECT_EQ(Cell(broker, "STATE"), "drained");
}

TEST(BrokerTableTest, HowFullTheBrokerIsStandsThere) {
  pb::GetBrokerResponse broker;
  broker.set_channels(3);
  broker.set_max_channels(10);
  broker.set_consumer_groups(2);
  broker.set_producer_groups(1);
  EXPECT_EQ(Cell(broker, "CHANNELS"), "3 of 10");
  EXPECT_EQ(Cell(broker, "GROUPS"), "consumer 2, producer 1");
}

TEST(BrokerTableTest, ABrokerWithoutTlsHasNoCertificate) {
  pb::GetBrokerResponse broker;
  EXPECT_EQ(Cell(broker, "CERTIFICATE ENDS"), "-");
  broker.mutable_certificate_not_after()->set_seconds(kNow);
  EXPECT_EQ(Cell(broker, "CERTIFICATE ENDS"), "2023-11-14 22:13:20 +00:00");
}

TEST(BrokerTableTest, AddressesStandThereWithTheirSecurity) {
  pb::GetBrokerResponse broker;
  EXPECT_EQ(Cell(broker, "ADDRESSES"), "-");
  pb::ServedAddress* address = broker.add_addresses();
  address->set_address("0.0.0.0:1");
  address->set_security(pb::ServedAddress::SECURITY_TLS);
  address = broker.add_addresses();
  address->set_address("unix:/run/b");
  address->set_security(pb::ServedAddress::SECURITY_LOCAL);
  address->set_is_for_operators(true);
  EXPECT_EQ(Cell(broker, "ADDRESSES"), "0.0.0.0:1 TLS, unix:/run/b operators");
}

TEST(BrokerTableTest, WhetherClientsFindTheBrokerInEtcdStandsThere) {
  pb::GetBrokerResponse broker;
  EXPECT_EQ(Cell(broker, "IN ETCD"), "-");
  EXPECT_EQ(Cell(broker, "ETCD ERROR"), "-");
  pb::DiscoveryRegistration& registration = *broker.mutable_registration();
  registration.set_state(pb::DiscoveryRegistration::STATE_REGISTERED);
  EXPECT_EQ(Cell(broker, "IN ETCD"), "yes");
  registration.set_error("refused\n");
  EXPECT_EQ(Cell(broker, "IN ETCD"), "yes, not renewed");
  EXPECT_EQ(Cell(broker, "ETCD ERROR"), "refused\\x0a");
  EXPECT_EQ(Cell(broker, "STATE"), "serving");
  registration.set_state(pb::DiscoveryRegistration::STATE_NOT_REGISTERED);
  EXPECT_EQ(Cell(broker, "IN ETCD"), "no");
  EXPECT_EQ(Cell(broker, "STATE"), "serving, not in etcd");
  registration.set_state(pb::DiscoveryRegistration::STATE_NAME_IN_USE);
  EXPECT_EQ(Cell(broker, "IN ETCD"), "no, its name is in use");
  registration.set_state(pb::DiscoveryRegistration::STATE_WITHDRAWN);
  EXPECT_EQ(Cell(broker, "IN ETCD"), "withdrawn");
  registration.set_state(pb::DiscoveryRegistration::STATE_WITHDRAWING);
  EXPECT_EQ(Cell(broker, "IN ETCD"), "withdrawing");
}

}  // namespace
}  // namespace rmq::cmctl
