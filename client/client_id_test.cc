#include "client/client_id.h"

#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "common/validation.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(ClientIdTest, AClientIdIsTheAddressAndTheInstance) {
  EXPECT_EQ(BuildClientId("10.0.0.1", "billing", ""), "10.0.0.1@billing");
}

TEST(ClientIdTest, AUnitIsTheThirdPart) {
  EXPECT_EQ(BuildClientId("10.0.0.1", "billing", "east"),
            "10.0.0.1@billing@east");
}

TEST(ClientIdTest, AnInstanceNameHasProcessTimeAndRandomNumber) {
  EXPECT_EQ(BuildInstanceName(1, absl::FromUnixMillis(1700000000123), 0xbeef),
            "1#1700000000123#0000beef");
}

TEST(ClientIdTest, InstancesOfOneProcessIdAndTimeDifferByTheRandomNumber) {
  EXPECT_NE(BuildInstanceName(1, absl::UnixEpoch(), 1),
            BuildInstanceName(1, absl::UnixEpoch(), 2));
}

TEST(ClientIdTest, TheLocalAddressMakesAValidClientId) {
  EXPECT_THAT(
      ValidateClientIdForm("client_id", BuildClientId(LocalIp(), "x", "")),
      IsOk());
}

}  // namespace
}  // namespace rmq
