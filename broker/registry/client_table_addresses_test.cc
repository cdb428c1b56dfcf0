// How many channels clients of one address, or of one principal, may have, and
// how often they may change what they state.
#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

constexpr char kHost[] = "10.0.0.1:1";
constexpr char kOther[] = "10.0.0.2:1";

ClientTable::Options PerAddress(size_t max_channels,
                                absl::optional<size_t> per_address) {
  ClientTable::Options options;
  options.max_channels = max_channels;
  options.max_channels_per_address = per_address;
  return options;
}

class ClientTableAddressesTest : public ClientTableFixture {
 protected:
  explicit ClientTableAddressesTest(
      const ClientTable::Options& options = PerAddress(4, 2))
      : ClientTableFixture(options) {}

  // Null if it is refused.
  FakeClientChannelPtr OpenFrom(absl::string_view address,
                                absl::string_view principal = "") {
    auto channel = std::make_shared<FakeClientChannel>(
        ClientChannel::Kind::kStream, address);
    return table_.Open(channel, now_, principal).ok() ? channel : nullptr;
  }
  bool HasRoomFor(absl::string_view address, absl::string_view principal = "") {
    return table_.CheckRoom(principal, address).ok();
  }
};

TEST_F(ClientTableAddressesTest, AnAddressHasAsManyAsItMayAndOthersHaveTheirs) {
  EXPECT_NE(OpenFrom(kHost), nullptr);
  EXPECT_TRUE(HasRoomFor(kHost));
  EXPECT_NE(OpenFrom("10.0.0.1:2"), nullptr);
  EXPECT_FALSE(HasRoomFor("10.0.0.1:3"));
  EXPECT_EQ(OpenFrom("10.0.0.1:3"), nullptr);
  EXPECT_TRUE(HasRoomFor(kOther));
  EXPECT_NE(OpenFrom(kOther), nullptr);
  EXPECT_EQ(table_.counts().channels, 3);
}

TEST_F(ClientTableAddressesTest, ARefusalNamesTheLimitAndIsCountedByIt) {
  OpenFrom(kHost);
  OpenFrom(kHost);
  EXPECT_THAT(table_.CheckRoom("", kHost),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "no room for another channel from 10.0.0.1: "
                       "max_channels_per_address is 2"));
  OpenFrom(kHost);
  OpenFrom(kOther);
  OpenFrom(kOther);
  EXPECT_THAT(table_.CheckRoom("", "10.0.0.3:1"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("max_channels is 4")));
  EXPECT_EQ(table_.counts().refusals.by_max_channels_per_address, 2);
  EXPECT_EQ(table_.counts().refusals.by_max_channels, 1);
}

TEST_F(ClientTableAddressesTest, HowEverAChannelGoesThereIsRoomAgain) {
  const auto closed = OpenFrom(kHost);
  OpenFrom(kHost);
  table_.Close(*closed, RemovalReason::kDisconnected, now_);
  EXPECT_TRUE(HasRoomFor(kHost));
  // A second close changes nothing.
  table_.Close(*closed, RemovalReason::kDisconnected, now_);
  OpenFrom(kHost);
  EXPECT_FALSE(HasRoomFor(kHost));

  Advance(kExpiry + kMoment);
  Scan();
  EXPECT_TRUE(HasRoomFor(kHost));
  OpenFrom(kHost);
  EXPECT_TRUE(HasRoomFor(kHost));
}

TEST_F(ClientTableAddressesTest, AReplacedStreamMakesRoom) {
  const TestStatement stated =
      TestStatement("c1").Incarnation(7).Consumer("orders");
  const auto old = OpenFrom(kHost);
  Register(*old, stated);
  const auto fresh = OpenFrom(kHost);
  EXPECT_FALSE(HasRoomFor(kHost));
  Register(*fresh, stated);
  EXPECT_TRUE(HasRoomFor(kHost));
}

TEST_F(ClientTableAddressesTest, StandInsCount) {
  const auto open = [&](absl::string_view client_id) {
    return table_.FindOrOpenStandIn(client_id,
                                    std::make_shared<FakeClientChannel>(
                                        ClientChannel::Kind::kStandIn, kHost),
                                    now_);
  };
  const absl::StatusOr<ClientChannelPtr> first = open("c1");
  ASSERT_THAT(first, IsOk());
  Register(**first, TestStatement("c1").Consumer("orders"));
  OpenFrom(kHost);
  EXPECT_THAT(open("c2"), StatusIs(absl::StatusCode::kResourceExhausted));
  // One that is there is found.
  EXPECT_THAT(open("c1"), IsOk());
  table_.Unregister(**first, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(open("c2"), IsOk());
}

TEST_F(ClientTableAddressesTest, ANetworkOfIpv6IsOneAddress) {
  OpenFrom("[2001:db8::1]:1");
  OpenFrom("[2001:db8::2]:1");
  EXPECT_FALSE(HasRoomFor("[2001:db8::3]:1"));
  EXPECT_TRUE(HasRoomFor("[2001:db8:0:1::1]:1"));
}

TEST_F(ClientTableAddressesTest, UnixSocketsAndNoAddressAreOneAddress) {
  OpenFrom("unix:");
  OpenFrom("");
  EXPECT_FALSE(HasRoomFor("unix:"));
  EXPECT_TRUE(HasRoomFor(kHost));
}

TEST_F(ClientTableAddressesTest, APrincipalHasAsManyAtAllAddressesTogether) {
  EXPECT_NE(OpenFrom(kHost, "pay"), nullptr);
  EXPECT_TRUE(HasRoomFor(kOther, "pay"));
  EXPECT_NE(OpenFrom(kOther, "pay"), nullptr);
  EXPECT_THAT(table_.CheckRoom("pay", "10.0.0.3:1"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "no room for another channel from user \"pay\": "
                       "max_channels_per_address is 2"));
  EXPECT_EQ(OpenFrom("10.0.0.3:1", "pay"), nullptr);
}

TEST_F(ClientTableAddressesTest, PrincipalsBehindOneAddressDoNotShare) {
  OpenFrom(kHost, "pay");
  OpenFrom(kHost, "pay");
  EXPECT_TRUE(HasRoomFor(kHost, "ship"));
  EXPECT_TRUE(HasRoomFor(kHost));
  OpenFrom(kHost);
  OpenFrom(kHost);
  EXPECT_EQ(table_.counts().channels, 4);
}

TEST_F(ClientTableAddressesTest, APrincipalHasRoomAgainWhenAChannelGoes) {
  const auto first = OpenFrom(kHost, "pay");
  OpenFrom(kHost, "pay");
  table_.Close(*first, RemovalReason::kDisconnected, now_);
  EXPECT_TRUE(HasRoomFor(kHost, "pay"));
  Advance(kExpiry + kMoment);
  Scan();
  // Nothing of the principal is left, and its number is another's.
  OpenFrom(kHost, "ship");
  OpenFrom(kHost, "pay");
  EXPECT_TRUE(HasRoomFor(kHost, "ship"));
  EXPECT_TRUE(HasRoomFor(kHost, "pay"));
}

TEST_F(ClientTableAddressesTest, WhoTakesOverAnAnonymousStandInPaysNothing) {
  const auto open = [&](absl::string_view principal) {
    return *table_.FindOrOpenStandIn("c1",
                                     std::make_shared<FakeClientChannel>(
                                         ClientChannel::Kind::kStandIn, kHost),
                                     now_, principal);
  };
  Register(*open(""), TestStatement("c1").Consumer("orders"));
  Register(*open("pay"), TestStatement("c1").Consumer("orders").As("pay"));
  OpenFrom(kHost);
  EXPECT_FALSE(HasRoomFor(kHost));
  OpenFrom(kHost, "pay");
  EXPECT_TRUE(HasRoomFor(kHost, "pay"));
}

TEST_F(ClientTableAddressesTest, OfUsersWhoseUnaryHeartbeatsRaceOneHolderPays) {
  const auto open = [&](absl::string_view client_id,
                        absl::string_view principal) {
    return table_.FindOrOpenStandIn(client_id,
                                    std::make_shared<FakeClientChannel>(
                                        ClientChannel::Kind::kStandIn, kHost),
                                    now_, principal);
  };
  OpenFrom(kHost, "thief");
  OpenFrom(kHost, "pay");
  ASSERT_THAT(open("c1", "thief"), IsOk());
  EXPECT_FALSE(HasRoomFor(kHost, "thief"));
  const auto held = open("c1", "pay");
  ASSERT_THAT(held, IsOk());
  Register(**held, TestStatement("c1").Consumer("orders").As("pay"));
  EXPECT_TRUE(HasRoomFor(kHost, "thief"));
  EXPECT_FALSE(HasRoomFor(kHost, "pay"));
  EXPECT_EQ(table_.counts().channels, 3);
}

TEST_F(ClientTableAddressesTest, WhoHasNoRoomClosesNobodysStandIn) {
  const auto open = [&](absl::string_view principal) {
    return table_.FindOrOpenStandIn("c1",
                                    std::make_shared<FakeClientChannel>(
                                        ClientChannel::Kind::kStandIn, kHost),
                                    now_, principal);
  };
  const auto own = open("pay");
  ASSERT_THAT(own, IsOk());
  OpenFrom(kHost, "thief");
  OpenFrom(kHost, "thief");
  EXPECT_THAT(open("thief"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_FALSE((*own)->closed());
}

// --- Changes of statements ---

class FewChangesOfAPayer : public ClientTableAddressesTest {
 protected:
  static ClientTable::Options OneChange() {
    ClientTable::Options options;
    options.max_statement_changes_per_address = 1;
    return options;
  }
  FewChangesOfAPayer() : ClientTableAddressesTest(OneChange()) {}

  // `client_id` at `address` states another topic than before.
  RegisterResult Change(FakeClientChannel& channel, const std::string& id) {
    return Register(channel, TestStatement(id).Consumer(
                                 "orders", {{std::to_string(++changes_)}}));
  }
  // Changes as often as it may be at once.
  void ChangeThrice(FakeClientChannel& channel, const std::string& id) {
    for (int i = 0; i < 4; ++i) {  // The first one joins.
      EXPECT_EQ(Change(channel, id).outcome,
                RegisterResult::Outcome::kRegistered);
    }
  }

  int changes_ = 0;
};

TEST_F(FewChangesOfAPayer, AreSharedByAllChannelsOfAnAddress) {
  const auto other = OpenFrom("10.0.0.1:2");
  Change(*other, "c2");
  ChangeThrice(*OpenFrom(kHost), "c1");
  const RegisterResult refused = Change(*other, "c2");
  EXPECT_EQ(refused.outcome, RegisterResult::Outcome::kTooManyChanges);
  EXPECT_TRUE(refused.is_payer_over);
  EXPECT_EQ(refused.try_again_at, now_ + absl::Seconds(1));
  Advance(absl::Seconds(1) - kMoment);
  EXPECT_EQ(Change(*other, "c2").outcome,
            RegisterResult::Outcome::kTooManyChanges);
  Advance(kMoment);
  EXPECT_EQ(Change(*other, "c2").outcome, RegisterResult::Outcome::kRegistered);
}

TEST_F(FewChangesOfAPayer, AreNotSharedByPrincipalsAtOneAddress) {
  const auto paying = OpenFrom(kHost, "pay");
  const auto shipping = OpenFrom(kHost, "ship");
  Change(*shipping, "c2");
  ChangeThrice(*paying, "c1");
  EXPECT_EQ(Change(*paying, "c1").outcome,
            RegisterResult::Outcome::kTooManyChanges);
  EXPECT_EQ(Change(*shipping, "c2").outcome,
            RegisterResult::Outcome::kRegistered);
}

TEST_F(FewChangesOfAPayer, DoNotKeepAnybodyFromRepeatingAndJoining) {
  const auto channel = OpenFrom(kHost);
  ChangeThrice(*channel, "c1");
  const TestStatement same =
      TestStatement("c1").Consumer("orders", {{std::to_string(changes_)}});
  EXPECT_EQ(Register(*channel, same).outcome,
            RegisterResult::Outcome::kRegistered);
  EXPECT_EQ(Change(*OpenFrom(kHost), "c2").outcome,
            RegisterResult::Outcome::kRegistered);
}

TEST_F(FewChangesOfAPayer, AreNotAllowedAnewToWhoComesBack) {
  for (const absl::string_view principal : {"pay", ""}) {
    const auto first = OpenFrom(kHost, principal);
    ChangeThrice(*first, "c1");
    table_.Close(*first, RemovalReason::kDisconnected, now_);
    // Whose number is another's.
    OpenFrom(kOther, "ship");
    const auto second = OpenFrom(kHost, principal);
    Change(*second, "c1");
    EXPECT_EQ(Change(*second, "c1").outcome,
              RegisterResult::Outcome::kTooManyChanges);
    table_.Close(*second, RemovalReason::kDisconnected, now_);
    Advance(absl::Seconds(3));
  }
}

class WithoutALimitOfAnAddress : public ClientTableAddressesTest {
 protected:
  WithoutALimitOfAnAddress() : ClientTableAddressesTest(PerAddress(3, 0)) {}
};

TEST_F(WithoutALimitOfAnAddress, AnAddressMayHaveAll) {
  const auto first = OpenFrom(kHost);
  EXPECT_NE(OpenFrom(kHost), nullptr);
  EXPECT_NE(OpenFrom(kHost), nullptr);
  EXPECT_EQ(OpenFrom(kHost), nullptr);
  EXPECT_EQ(table_.counts().refusals.by_max_channels, 1);
  table_.Close(*first, RemovalReason::kDisconnected, now_);
  EXPECT_NE(OpenFrom(kHost), nullptr);
}

TEST(ClientTableAddressesOptionsTest, NoneIsHalfOfAllRoundedUp) {
  EXPECT_EQ(PerAddress(1, absl::nullopt).channels_per_address(), 1);
  EXPECT_EQ(PerAddress(2, absl::nullopt).channels_per_address(), 1);
  EXPECT_EQ(PerAddress(5, absl::nullopt).channels_per_address(), 3);
  EXPECT_EQ(PerAddress(5, 0).channels_per_address(), 0);
  EXPECT_EQ(PerAddress(5, 9).channels_per_address(), 9);
}

}  // namespace
}  // namespace rmq
