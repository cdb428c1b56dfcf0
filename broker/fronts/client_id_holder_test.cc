#include "broker/fronts/client_id_holder.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/fronts/denial_log.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/test_statement.h"
#include "common/response_code.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

class ClientIdHolderTest : public ClientTableFixture {
 protected:
  ClientIdHolderTest() {
    Connect(TestStatement("c1").As("pay").Consumer("orders"));
    Connect(TestStatement("c2").Consumer("orders"));
  }

  CallStatus Check(absl::string_view client_id, absl::string_view user,
                   bool is_trial = false) {
    return CheckHolder(
        {client_id, {user, is_trial}, "10.0.0.1:5", "Heartbeat", now_}, table_,
        &denials_);
  }
  int64_t denied() const {
    return denials_.counters().value(DenialReason::kOfAnother);
  }

  DenialLog denials_;
};

TEST_F(ClientIdHolderTest, AnIdIsItsHoldersAlone) {
  EXPECT_TRUE(Check("c1", "pay").ok());
  EXPECT_EQ(denied(), 0);
  const CallStatus status = Check("c1", "ship");
  EXPECT_EQ(status.code, absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status.message,
            "another user holds the client id \"c1\"; use another id, or come "
            "back when none of its channels is open");
  EXPECT_FALSE(Check("c1", "").ok());
  EXPECT_EQ(denied(), 2);
}

TEST_F(ClientIdHolderTest, WhatIsAnonymousOrUnusedIsEverybodys) {
  EXPECT_TRUE(Check("c2", "pay").ok());
  EXPECT_TRUE(Check("c2", "").ok());
  EXPECT_TRUE(Check("c3", "pay").ok());
  EXPECT_EQ(denied(), 0);
}

TEST_F(ClientIdHolderTest, WhileRulesAreTriedOutAConflictIsCountedAlone) {
  EXPECT_TRUE(Check("c1", "ship", /*is_trial=*/true).ok());
  EXPECT_EQ(denied(), 1);
  EXPECT_TRUE(Check("c1", "pay", /*is_trial=*/true).ok());
  EXPECT_EQ(denied(), 1);
}

}  // namespace
}  // namespace rmq
