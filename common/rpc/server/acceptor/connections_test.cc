#include "common/rpc/server/acceptor/connections.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/rpc/server/acceptor/connection.h"
#include "common/rpc/server/acceptor/ended_addresses.h"
#include "common/rpc/server/acceptor/fake_connection_socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ConnectionsTest : public ::testing::Test {
 protected:
  struct Client {
    std::shared_ptr<FakeConnectionSocket::State> socket =
        std::make_shared<FakeConnectionSocket::State>();
    ConnectionPtr connection;
  };

  static Connections::Options Options() {
    Connections::Options options;
    options.max_connections = 5;
    options.max_connections_per_address = 3;
    options.max_calls = 2;
    options.max_wasted_calls_rate = 2;
    options.max_wasted_bytes_rate = 1000;
    options.max_message_bytes = 2000;
    return options;
  }

  Client Open(const std::string& peer) {
    Client client;
    client.connection = connections_.Open(
        peer, std::make_unique<FakeConnectionSocket>(client.socket), now_,
        &refusal_);
    return client;
  }
  // Whether a connection of `peer` is let in.
  bool IsLetIn(const std::string& peer) {
    return Open(peer).connection != nullptr;
  }
  // One call that ends without a message.
  void WasteCall(const std::string& peer) {
    ConnectionCall call;
    (void)call.Begin(&connections_, peer, now_);
    call.End(now_);
  }
  void Look(absl::Duration passed, int64_t memory = 0) {
    now_ += passed;
    connections_.Look(now_, memory, absl::ZeroDuration());
  }
  std::vector<std::string> Peers() {
    std::vector<std::string> peers;
    for (const auto& connection : connections_.List(0, 100)) {
      peers.push_back(connection->peer());
    }
    return peers;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  Connections connections_{Options()};
  ConnectionRefusal refusal_ = ConnectionRefusal::kTooMany;
};

TEST_F(ConnectionsTest, APeerIsForOperatorsAsItsPresentConnectionIs) {
  const auto open = [this](absl::string_view peer) {
    ConnectionRefusal refusal;
    return connections_.Open(
        peer,
        std::make_unique<FakeConnectionSocket>(
            std::make_shared<FakeConnectionSocket::State>()),
        absl::UnixEpoch(), &refusal);
  };
  open("10.0.0.1:1");
  open("10.0.0.1:2")->set_is_for_operators();
  EXPECT_FALSE(connections_.IsForOperators("10.0.0.1:1"));
  EXPECT_TRUE(connections_.IsForOperators("10.0.0.1:2"));
  EXPECT_FALSE(connections_.IsForOperators("10.0.0.1:3"));
  EXPECT_TRUE(connections_.IsForOperators("unix:"));
  open("10.0.0.1:2");  // Another one from the same port.
  EXPECT_FALSE(connections_.IsForOperators("10.0.0.1:2"));
}

TEST_F(ConnectionsTest, AnAddressHasItsLimitAndAllTogetherHaveOne) {
  for (const char* peer : {"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3"}) {
    EXPECT_TRUE(IsLetIn(peer));
  }
  EXPECT_FALSE(IsLetIn("10.0.0.1:4"));
  EXPECT_EQ(refusal_, ConnectionRefusal::kTooManyOfAddress);
  EXPECT_TRUE(IsLetIn("10.0.0.2:1"));
  EXPECT_TRUE(IsLetIn("10.0.0.2:2"));
  EXPECT_FALSE(IsLetIn("10.0.0.3:1"));
  EXPECT_EQ(refusal_, ConnectionRefusal::kTooMany);
  EXPECT_EQ(connections_.size(), 5);
}

TEST_F(ConnectionsTest, AnIpv6NetworkIsOneAddress) {
  for (const char* peer :
       {"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3:4]:1"}) {
    EXPECT_TRUE(IsLetIn(peer));
  }
  EXPECT_FALSE(IsLetIn("[2001:db8::9]:1"));
  EXPECT_TRUE(IsLetIn("[2001:db8:0:1::1]:1"));
}

TEST_F(ConnectionsTest, AClosedConnectionMakesRoom) {
  const Client first = Open("10.0.0.1:1");
  EXPECT_TRUE(IsLetIn("10.0.0.1:2"));
  EXPECT_TRUE(IsLetIn("10.0.0.1:3"));
  connections_.Close(first.connection);
  EXPECT_TRUE(IsLetIn("10.0.0.1:4"));
  connections_.Close(first.connection);  // Changes nothing.
  EXPECT_FALSE(IsLetIn("10.0.0.1:5"));
}

TEST_F(ConnectionsTest, WhileThereIsNoRoomClosedSocketsAreLookedFor) {
  const Client first = Open("10.0.0.1:1");
  const Client second = Open("10.0.0.1:2");
  EXPECT_TRUE(IsLetIn("10.0.0.1:3"));
  first.socket->bytes.reset();
  EXPECT_TRUE(IsLetIn("10.0.0.1:4"));
  second.socket->bytes.reset();
  EXPECT_FALSE(IsLetIn("10.0.0.1:5"));  // Looked for just now.
  now_ += Connections::kSweepPause;
  EXPECT_TRUE(IsLetIn("10.0.0.1:5"));
}

TEST_F(ConnectionsTest, APortThatIsUsedAgainIsAnotherConnection) {
  const Client first = Open("10.0.0.1:1");
  const Client second = Open("10.0.0.1:1");
  EXPECT_EQ(connections_.size(), 1);
  connections_.Close(first.connection);  // Late.
  EXPECT_EQ(connections_.size(), 1);
  EXPECT_GT(second.connection->number(), first.connection->number());
}

TEST_F(ConnectionsTest, ALookForgetsClosedConnections) {
  const Client first = Open("10.0.0.1:1");
  Open("10.0.0.1:2");
  first.socket->bytes.reset();
  Look(absl::Seconds(1));
  EXPECT_THAT(Peers(), ElementsAre("10.0.0.1:2"));
}

TEST_F(ConnectionsTest, ATlsConnectionThatGoesSoonWithoutACallIsCounted) {
  const auto count_of = [this](absl::Duration after) {
    const auto before =
        connections_.refused().value(ConnectionRefusal::kTlsWithoutCall);
    const Client client = Open("10.0.0.1:1");
    client.connection->set_is_tls();
    client.socket->bytes.reset();
    Look(after);
    EXPECT_EQ(connections_.size(), 0);
    return connections_.refused().value(ConnectionRefusal::kTlsWithoutCall) -
           before;
  };
  EXPECT_EQ(count_of(absl::ZeroDuration()), 1);
  EXPECT_EQ(count_of(Connections::kTlsWithoutCallLimit), 1);
  // It was of use, or may have been.
  EXPECT_EQ(count_of(Connections::kTlsWithoutCallLimit + absl::Nanoseconds(1)),
            0);
}

TEST_F(ConnectionsTest, WhoHasCalledOrHasNoTlsOrWasEndedIsNoFailedHandshake) {
  const Client has_called = Open("10.0.0.1:1");
  has_called.connection->set_is_tls();
  ConnectionCall call;
  EXPECT_TRUE(call.Begin(&connections_, "10.0.0.1:1", now_).ok());
  call.NoteMessage(10);
  call.End(now_);
  const Client plaintext = Open("10.0.0.1:2");
  const Client floods = Open("10.0.0.1:3");
  floods.connection->set_is_tls();
  floods.socket->bytes = 1'000'000;
  Look(absl::ZeroDuration());
  EXPECT_EQ(floods.socket->ends, 1);
  for (const Client& client : {has_called, plaintext, floods}) {
    client.socket->bytes.reset();
  }
  Look(absl::ZeroDuration());
  EXPECT_EQ(connections_.size(), 0);
  EXPECT_EQ(connections_.refused().value(ConnectionRefusal::kTlsWithoutCall),
            0);
}

TEST_F(ConnectionsTest, TheyAreListedInTheirOrderInPieces) {
  for (const char* peer : {"10.0.0.1:3", "10.0.0.1:1", "10.0.0.2:2"}) {
    Open(peer);
  }
  EXPECT_THAT(Peers(), ElementsAre("10.0.0.1:3", "10.0.0.1:1", "10.0.0.2:2"));
  const std::vector<ConnectionPtr> piece = connections_.List(1, 1);
  ASSERT_EQ(piece.size(), 1);
  EXPECT_EQ(piece[0]->peer(), "10.0.0.1:1");
  EXPECT_THAT(connections_.List(3, 1), IsEmpty());
}

TEST_F(ConnectionsTest, OneCallMoreThanTheLimitIsRefused) {
  Open("10.0.0.1:1");
  ConnectionCall first, second, third;
  EXPECT_TRUE(first.Begin(&connections_, "10.0.0.1:1", now_).ok());
  EXPECT_TRUE(second.Begin(&connections_, "10.0.0.1:1", now_).ok());
  const CallStatus refused = third.Begin(&connections_, "10.0.0.1:1", now_);
  EXPECT_EQ(refused.code, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.message,
            "calls that are open on one connection must be at most 2");
  third.End(now_);  // It never began.
  first.End(now_);
  first.End(now_);  // Changes nothing.
  ConnectionCall fourth;
  EXPECT_TRUE(fourth.Begin(&connections_, "10.0.0.1:1", now_).ok());
}

TEST_F(ConnectionsTest, ACallKnowsItsPeerAlsoWhenTheConnectionHasGone) {
  const Client client = Open("10.0.0.1:1");
  ConnectionCall call;
  EXPECT_EQ(call.peer(), "");
  EXPECT_TRUE(call.Begin(&connections_, "10.0.0.1:1", now_).ok());
  connections_.Close(client.connection);
  call.End(now_);
  EXPECT_EQ(call.peer(), "10.0.0.1:1");
}

TEST_F(ConnectionsTest, WhatComesIsCounted) {
  const Client client = Open("10.0.0.1:1");
  ConnectionCall call;
  EXPECT_TRUE(call.Begin(&connections_, "10.0.0.1:1", now_).ok());
  call.NoteMessage(100);
  call.NoteMessage(50);
  WasteCall("10.0.0.1:1");
  client.socket->bytes = 700;
  Look(absl::Seconds(1));
  const Connection::Counts counts = client.connection->counts();
  EXPECT_EQ(counts.bytes, 700);
  EXPECT_EQ(counts.messages, 2);
  EXPECT_EQ(counts.message_bytes, 150);
  EXPECT_EQ(counts.calls, 2);
  EXPECT_EQ(counts.open_calls, 1);
  EXPECT_EQ(counts.wasted_calls, 1);
}

TEST_F(ConnectionsTest, OneWastedCallMoreThanTheCreditEndsTheConnection) {
  const Client client = Open("10.0.0.1:1");
  for (int i = 0; i < 20; ++i) WasteCall("10.0.0.1:1");
  EXPECT_EQ(client.socket->ends, 0);
  WasteCall("10.0.0.1:1");
  EXPECT_EQ(client.socket->ends, 1);
  WasteCall("10.0.0.1:1");
  EXPECT_EQ(client.socket->ends, 1);
  EXPECT_EQ(connections_.ended().value(ConnectionAbuse::kWastedCalls), 1);
}

TEST_F(ConnectionsTest, TheCreditForWastedCallsRefills) {
  const Client client = Open("10.0.0.1:1");
  for (int i = 0; i < 20; ++i) WasteCall("10.0.0.1:1");
  now_ += absl::Milliseconds(500);
  WasteCall("10.0.0.1:1");
  EXPECT_EQ(client.socket->ends, 0);
  WasteCall("10.0.0.1:1");
  EXPECT_EQ(client.socket->ends, 1);
}

TEST_F(ConnectionsTest, WhileAllWasteManyCallsTogetherEachHasASmallerCredit) {
  const std::vector<std::string> peers = {
      "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1", "10.0.0.5:1"};
  std::vector<Client> clients;
  for (const std::string& peer : peers) {
    clients.push_back(Open(peer));
    for (int call = 0; call < 8; ++call) WasteCall(peer);
  }
  for (const Client& client : clients) EXPECT_EQ(client.socket->ends, 0);
  WasteCall(peers[0]);
  EXPECT_EQ(clients[0].socket->ends, 1);
  EXPECT_EQ(clients[1].socket->ends, 0);
}

TEST_F(ConnectionsTest, CallsBeyondTheLimitAreWasted) {
  const Client client = Open("10.0.0.1:1");
  ConnectionCall first, second;
  EXPECT_TRUE(first.Begin(&connections_, "10.0.0.1:1", now_).ok());
  EXPECT_TRUE(second.Begin(&connections_, "10.0.0.1:1", now_).ok());
  for (int i = 0; i < 20; ++i) {
    ConnectionCall refused;
    EXPECT_FALSE(refused.Begin(&connections_, "10.0.0.1:1", now_).ok());
  }
  EXPECT_EQ(client.socket->ends, 0);
  ConnectionCall refused;
  EXPECT_FALSE(refused.Begin(&connections_, "10.0.0.1:1", now_).ok());
  EXPECT_EQ(client.socket->ends, 1);
}

TEST_F(ConnectionsTest, CallsWithAMessageWasteNothing) {
  const Client client = Open("10.0.0.1:1");
  for (int i = 0; i < 1000; ++i) {
    ConnectionCall call;
    EXPECT_TRUE(call.Begin(&connections_, "10.0.0.1:1", now_).ok());
    call.NoteMessage(10);
    call.End(now_);
  }
  EXPECT_EQ(client.socket->ends, 0);
}

TEST_F(ConnectionsTest, AnAddressIsRefusedAfterThreeOfItsConnectionsWereEnded) {
  for (int i = 1; i <= 3; ++i) {
    const std::string peer = absl::StrCat("10.0.0.1:", i);
    const Client client = Open(peer);
    EXPECT_NE(client.connection, nullptr) << i;
    for (int call = 0; call <= 20; ++call) WasteCall(peer);
    EXPECT_EQ(client.socket->ends, 1);
    connections_.Close(client.connection);
    now_ += absl::Seconds(4);
  }
  now_ -= absl::Seconds(4);
  EXPECT_FALSE(IsLetIn("10.0.0.1:4"));
  EXPECT_EQ(refusal_, ConnectionRefusal::kAddressIsHeld);
  EXPECT_TRUE(IsLetIn("10.0.0.2:1"));
  now_ += EndedAddresses::kHold - absl::Nanoseconds(1);
  EXPECT_FALSE(IsLetIn("10.0.0.1:4"));
  now_ += absl::Nanoseconds(1);
  EXPECT_TRUE(IsLetIn("10.0.0.1:4"));
}

TEST_F(ConnectionsTest, ThreeEndsInTenSecondsOrMoreHoldNobody) {
  for (int i = 1; i <= 6; ++i) {
    const std::string peer = absl::StrCat("10.0.0.1:", i);
    const Client client = Open(peer);
    EXPECT_NE(client.connection, nullptr) << i;
    for (int call = 0; call <= 20; ++call) WasteCall(peer);
    connections_.Close(client.connection);
    now_ += absl::Seconds(5);
  }
}

TEST_F(ConnectionsTest, WhileAnAddressIsSuspectItsCreditForCallsIsSmaller) {
  Open("10.0.0.1:1");
  const Client other = Open("10.0.0.1:2");
  const Client stranger = Open("10.0.0.2:1");
  for (int call = 0; call <= 20; ++call) WasteCall("10.0.0.1:1");
  for (int call = 0; call < 4; ++call) {
    WasteCall("10.0.0.1:2");
    WasteCall("10.0.0.2:1");
  }
  EXPECT_EQ(other.socket->ends, 0);
  WasteCall("10.0.0.1:2");
  WasteCall("10.0.0.2:1");
  EXPECT_EQ(other.socket->ends, 1);
  EXPECT_EQ(stranger.socket->ends, 0);
}

TEST_F(ConnectionsTest, ACallOfAnEndedConnectionIsRefused) {
  Open("10.0.0.1:1");
  for (int call = 0; call <= 20; ++call) WasteCall("10.0.0.1:1");
  ConnectionCall call;
  EXPECT_EQ(call.Begin(&connections_, "10.0.0.1:1", now_).code,
            absl::StatusCode::kCancelled);
}

TEST(ConnectionsLimitsTest, ThoseThatAreNotSetFollowTheOpenFiles) {
  const auto limits = [](int64_t open_files) {
    const Connections::Options options =
        Connections::Options().WithOpenFiles(open_files);
    return std::make_pair(options.max_connections,
                          options.max_connections_per_address);
  };
  EXPECT_EQ(limits(48), std::make_pair(int64_t{36}, int64_t{18}));
  EXPECT_EQ(limits(256), std::make_pair(int64_t{192}, int64_t{96}));
  EXPECT_EQ(limits(1024), std::make_pair(int64_t{960}, int64_t{480}));
  EXPECT_EQ(limits(1), std::make_pair(int64_t{1}, int64_t{1}));
  Connections::Options set;
  set.max_connections = 10;
  EXPECT_EQ(set.WithOpenFiles(1024).max_connections, 10);
  EXPECT_EQ(set.WithOpenFiles(1024).max_connections_per_address, 5);
}

TEST(ConnectionsLimitsTest, EachLimitHasItsBounds) {
  Connections::Options options;
  EXPECT_TRUE(options.Validate().ok());
  options.max_connections = -1;
  EXPECT_EQ(options.Validate().message(),
            "max_connections must be 0 to 10000000, got -1");
  options = {};
  options.max_connections_per_address = 10'000'001;
  EXPECT_FALSE(options.Validate().ok());
  options = {};
  options.max_wasted_calls_rate = -1;
  EXPECT_FALSE(options.Validate().ok());
  options = {};
  options.max_wasted_bytes_rate = (int64_t{1} << 40) + 1;
  EXPECT_FALSE(options.Validate().ok());
}

TEST(ConnectionsLimitsTest, ARateOfZeroIsNoLimit) {
  Connections::Options options;
  options.max_wasted_calls_rate = 0;
  options.max_wasted_bytes_rate = 0;
  Connections connections(options);
  absl::Time now = absl::FromUnixSeconds(1'000'000);
  const auto socket = std::make_shared<FakeConnectionSocket::State>();
  ConnectionRefusal refusal;
  const ConnectionPtr connection = connections.Open(
      "10.0.0.1:1", std::make_unique<FakeConnectionSocket>(socket), now,
      &refusal);
  socket->bytes = uint64_t{1} << 50;
  connections.Look(now, 0, absl::Hours(1));
  connections.Look(now + absl::Seconds(1), int64_t{1} << 50, absl::Hours(1));
  for (int i = 0; i < 100'000; ++i) {
    ConnectionCall call;
    EXPECT_TRUE(call.Begin(&connections, "10.0.0.1:1", now).ok());
    call.End(now);
  }
  EXPECT_EQ(socket->ends, 0);
}

}  // namespace
}  // namespace rmq
