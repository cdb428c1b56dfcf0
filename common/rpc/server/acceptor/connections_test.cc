#include "common/rpc/server/acceptor/connections.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/rpc/server/acceptor/connection.h"
#include "common/rpc/server/acceptor/connection_socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kMiB = 1024 * 1024;

// What a test makes of a socket.
struct SocketState {
  absl::optional<uint64_t> bytes = 0;
  int ends = 0;
};

class FakeSocket final : public ConnectionSocket {
 public:
  explicit FakeSocket(std::shared_ptr<SocketState> state)
      : state_(std::move(state)) {}
  absl::optional<uint64_t> BytesReceived() const override {
    return state_->bytes;
  }
  void End() override { ++state_->ends; }

 private:
  const std::shared_ptr<SocketState> state_;
};

class ConnectionsTest : public ::testing::Test {
 protected:
  struct Client {
    std::shared_ptr<SocketState> socket = std::make_shared<SocketState>();
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
  // With these options.
  static constexpr int64_t kCredit = 2000 + Connections::kBytesBurst * 1000;

  Client Open(const std::string& peer) {
    Client client;
    client.connection = connections_.Open(
        peer, std::make_unique<FakeSocket>(client.socket), now_, &refusal_);
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
        peer, std::make_unique<FakeSocket>(std::make_shared<SocketState>()),
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

TEST_F(ConnectionsTest, OneByteBeyondTheCreditEndsTheConnectionAtALook) {
  const Client client = Open("10.0.0.1:1");
  client.socket->bytes = kCredit;
  Look(absl::ZeroDuration());
  EXPECT_EQ(client.socket->ends, 0);
  client.socket->bytes = kCredit + 1;
  Look(absl::ZeroDuration());
  EXPECT_EQ(client.socket->ends, 1);
  EXPECT_EQ(connections_.ended().value(ConnectionAbuse::kWastedBytes), 1);
}

TEST_F(ConnectionsTest, TheCreditForBytesRefills) {
  const Client client = Open("10.0.0.1:1");
  client.socket->bytes = kCredit;
  Look(absl::ZeroDuration());
  for (int i = 1; i <= 10; ++i) {
    client.socket->bytes = kCredit + i * 500;
    Look(absl::Milliseconds(500));
  }
  EXPECT_EQ(client.socket->ends, 0);
  client.socket->bytes = *client.socket->bytes + 501;
  Look(absl::Milliseconds(500));
  EXPECT_EQ(client.socket->ends, 1);
}

TEST_F(ConnectionsTest, BytesOfMessagesAndWhatSurroundsThemAreNoWaste) {
  const Client client = Open("10.0.0.1:1");
  for (int i = 1; i <= 100; ++i) {
    ConnectionCall call;
    EXPECT_TRUE(call.Begin(&connections_, "10.0.0.1:1", now_).ok());
    call.NoteMessage(2000);
    call.End(now_);
    client.socket->bytes = i * (2000 + Connections::kBytesAroundAMessage);
    Look(absl::ZeroDuration());
  }
  EXPECT_EQ(client.socket->ends, 0);
}

TEST_F(ConnectionsTest, AMessageThatComesAtLastGivesItsCreditBack) {
  const Client client = Open("10.0.0.1:1");
  ConnectionCall call;
  EXPECT_TRUE(call.Begin(&connections_, "10.0.0.1:1", now_).ok());
  for (int i = 1; i <= 10; ++i) {
    client.socket->bytes = i * 5000;
    Look(absl::ZeroDuration());
    call.NoteMessage(5000);
    Look(absl::ZeroDuration());
  }
  EXPECT_EQ(client.socket->ends, 0);
}

// The credit of one connection is far away.
class TightMemoryTest : public ConnectionsTest {
 protected:
  TightMemoryTest() {
    Connections::Options options = Options();
    options.max_message_bytes = 100 * kMiB;
    connections_ = std::make_unique<Connections>(options);
    client_.connection = connections_->Open(
        "10.0.0.1:1", std::make_unique<FakeSocket>(client_.socket), now_,
        &refusal_);
    Look(absl::Seconds(1), kCalm);
  }
  static constexpr int64_t kCalm = 100 * kMiB;

  void Look(absl::Duration passed, int64_t memory) {
    now_ += passed;
    connections_->Look(now_, memory, stuck_);
  }

  std::unique_ptr<Connections> connections_;
  Client client_;
  absl::Duration stuck_;
};

TEST_F(TightMemoryTest, WhoWastedMuchWhileMemoryGrewIsEnded) {
  client_.socket->bytes = Connections::kBytesWhenTight + 1;
  Look(absl::ZeroDuration(), kCalm + Connections::kMemoryStep - 1);
  EXPECT_EQ(client_.socket->ends, 0);
  Look(absl::ZeroDuration(), kCalm + Connections::kMemoryStep);
  EXPECT_EQ(client_.socket->ends, 1);
}

TEST_F(TightMemoryTest, WhoWastedLittleIsNot) {
  client_.socket->bytes = Connections::kBytesWhenTight;
  Look(absl::ZeroDuration(), kCalm + Connections::kMemoryStep);
  EXPECT_EQ(client_.socket->ends, 0);
}

TEST_F(TightMemoryTest, OfThoseThatTogetherWastedMuchTheWorstIsEnded) {
  Client other;
  other.connection = connections_->Open(
      "10.0.0.2:1", std::make_unique<FakeSocket>(other.socket), now_,
      &refusal_);
  client_.socket->bytes = Connections::kBytesWhenTight / 2;
  other.socket->bytes = Connections::kBytesWhenTight / 2;
  Look(absl::ZeroDuration(), kCalm + Connections::kMemoryStep);
  EXPECT_EQ(client_.socket->ends, 0);
  EXPECT_EQ(other.socket->ends, 0);
  other.socket->bytes = Connections::kBytesWhenTight / 2 + 1;
  Look(absl::ZeroDuration(), kCalm + Connections::kMemoryStep);
  EXPECT_EQ(client_.socket->ends, 0);
  EXPECT_EQ(other.socket->ends, 1);
}

// As of calls that came at once, each with a message, of which the first ones
// have been read.
TEST_F(TightMemoryTest, AMessageThatHasComeIsWorthSomeOfTheWaste) {
  ConnectionCall call;
  (void)call.Begin(connections_.get(), "10.0.0.1:1", now_);
  call.NoteMessage(100);
  const int64_t allowed = Connections::kBytesWhenTight +
                          Connections::kBytesOfAMessageWhenTight +
                          Connections::kBytesAroundAMessage + 100;
  client_.socket->bytes = allowed;
  Look(absl::ZeroDuration(), kCalm + Connections::kMemoryStep);
  EXPECT_EQ(client_.socket->ends, 0);
  client_.socket->bytes = allowed + 1;
  Look(absl::ZeroDuration(), kCalm + Connections::kMemoryStep);
  EXPECT_EQ(client_.socket->ends, 1);
}

TEST_F(TightMemoryTest, TheMoreMemoryHasGrownTheLessIsAllowed) {
  client_.socket->bytes = Connections::kBytesWhenTight / 2 + 1;
  Look(absl::ZeroDuration(), kCalm + Connections::kMemoryStep);
  EXPECT_EQ(client_.socket->ends, 0);
  Look(absl::ZeroDuration(), kCalm + 2 * Connections::kMemoryStep);
  EXPECT_EQ(client_.socket->ends, 1);
}

TEST_F(TightMemoryTest, MemoryThatGrowsWhileLittleIsWastedIsNotTight) {
  for (int i = 1; i <= 100; ++i) {
    client_.socket->bytes = i * 2000;
    Look(absl::Seconds(1), kCalm + i * 10 * kMiB);
  }
  EXPECT_EQ(client_.socket->ends, 0);
}

TEST_F(TightMemoryTest, WhatWasWastedBeforeACalmLookDoesNotCount) {
  client_.socket->bytes = Connections::kBytesWhenTight;
  Look(absl::Seconds(1), kCalm);  // Calm.
  client_.socket->bytes = *client_.socket->bytes + 2000;
  Look(absl::ZeroDuration(), kCalm + Connections::kMemoryStep);
  EXPECT_EQ(client_.socket->ends, 0);
}

TEST_F(TightMemoryTest, LooksThatComeFastAreNotCalmEach) {
  for (int i = 1; i <= 3; ++i) {
    client_.socket->bytes = i * Connections::kBytesWhenTight / 2;
    Look(absl::Milliseconds(20), kCalm + i * Connections::kMemoryStep / 3);
  }
  Look(absl::Milliseconds(20), kCalm + Connections::kMemoryStep);
  EXPECT_EQ(client_.socket->ends, 1);
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
  now_ += Connections::kHold - absl::Nanoseconds(1);
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

TEST_F(TightMemoryTest, WhileAThreadIsStuckTheOneThatWastedMostIsEnded) {
  Client other;
  other.connection = connections_->Open(
      "10.0.0.2:1", std::make_unique<FakeSocket>(other.socket), now_,
      &refusal_);
  client_.socket->bytes = Connections::kFewestBytesWhenTight + 1;
  other.socket->bytes = Connections::kFewestBytesWhenTight;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(client_.socket->ends, 0);
  stuck_ = Connections::kStuck;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(client_.socket->ends, 1);
  EXPECT_EQ(other.socket->ends, 0);
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(other.socket->ends, 1);
}

TEST_F(TightMemoryTest, WhoBeganBeforeTheLastCalmLookIsEndedToo) {
  client_.socket->bytes = Connections::kBytesWhenTight;
  Look(absl::Seconds(1), kCalm);  // Calm.
  stuck_ = Connections::kStuck - absl::Nanoseconds(1);
  Look(absl::Seconds(10), kCalm);
  EXPECT_EQ(client_.socket->ends, 0);
  stuck_ = Connections::kStuck;
  Look(absl::Seconds(10), kCalm);
  EXPECT_EQ(client_.socket->ends, 1);
}

TEST_F(TightMemoryTest, ALookAtMuchWasteSaysThatTheNextShouldComeSoon) {
  client_.socket->bytes = Connections::kBytesWhenTight;
  EXPECT_FALSE(connections_->Look(now_, kCalm, absl::ZeroDuration()));
  client_.socket->bytes = *client_.socket->bytes + 1;
  EXPECT_TRUE(connections_->Look(now_, kCalm, absl::ZeroDuration()));
}

TEST_F(TightMemoryTest, WhileAThreadIsStuckWhoWastedLittleIsNotEnded) {
  client_.socket->bytes = Connections::kFewestBytesWhenTight - 1;
  stuck_ = Connections::kStuck;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(client_.socket->ends, 0);
}

TEST_F(TightMemoryTest, WhileAnAddressIsSuspectItsCreditForBytesIsSmaller) {
  Client other;
  other.connection = connections_->Open(
      "10.0.0.1:2", std::make_unique<FakeSocket>(other.socket), now_,
      &refusal_);
  client_.socket->bytes = 200 * kMiB;
  other.socket->bytes = Connections::kBytesWhenTight;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(client_.socket->ends, 1);
  EXPECT_EQ(other.socket->ends, 0);
  other.socket->bytes = Connections::kBytesWhenTight + 1;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(other.socket->ends, 1);
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
  const auto socket = std::make_shared<SocketState>();
  ConnectionRefusal refusal;
  const ConnectionPtr connection = connections.Open(
      "10.0.0.1:1", std::make_unique<FakeSocket>(socket), now, &refusal);
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
