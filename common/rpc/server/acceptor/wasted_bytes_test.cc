#include "common/rpc/server/acceptor/wasted_bytes.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/rpc/server/acceptor/connection.h"
#include "common/rpc/server/acceptor/connections.h"
#include "common/rpc/server/acceptor/fake_connection_socket.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr int64_t kMiB = 1024 * 1024;

// Connections of which each look ends what WastedBytes finds.
class WastedBytesTest : public ::testing::Test {
 protected:
  struct Client {
    std::shared_ptr<FakeConnectionSocket::State> socket =
        std::make_shared<FakeConnectionSocket::State>();
    ConnectionPtr connection;
  };

  static Connections::Options Options(int64_t max_message_bytes) {
    Connections::Options options;
    options.max_wasted_bytes_rate = 1000;
    options.max_message_bytes = max_message_bytes;
    return options;
  }

  explicit WastedBytesTest(int64_t max_message_bytes = 2000)
      : connections_(Options(max_message_bytes)) {}

  // With messages of at most 2,000 bytes.
  static constexpr int64_t kCredit = 2000 + WastedBytes::kBytesBurst * 1000;

  Client Open(const std::string& peer) {
    Client client;
    ConnectionRefusal refusal;
    client.connection = connections_.Open(
        peer, std::make_unique<FakeConnectionSocket>(client.socket), now_,
        &refusal);
    return client;
  }
  // Returns whether much is wasted.
  bool Look(absl::Duration passed, int64_t memory = 0) {
    now_ += passed;
    return connections_.Look(now_, memory, stuck_);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  absl::Duration stuck_;
  Connections connections_;
};

TEST_F(WastedBytesTest, OneByteBeyondTheCreditEndsTheConnectionAtALook) {
  const Client client = Open("10.0.0.1:1");
  client.socket->bytes = kCredit;
  Look(absl::ZeroDuration());
  EXPECT_EQ(client.socket->ends, 0);
  client.socket->bytes = kCredit + 1;
  Look(absl::ZeroDuration());
  EXPECT_EQ(client.socket->ends, 1);
  EXPECT_EQ(connections_.ended().value(ConnectionAbuse::kWastedBytes), 1);
}

TEST_F(WastedBytesTest, TheCreditForBytesRefills) {
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

TEST_F(WastedBytesTest, TheCreditRefillsBetweenLooksThatAreFarApart) {
  const Client client = Open("10.0.0.1:1");
  for (int i = 1; i <= 60; ++i) {
    // 900 a second; 1,000 are allowed.
    client.socket->bytes = i * 9000;
    Look(absl::Seconds(10));
  }
  EXPECT_EQ(client.socket->ends, 0);
}

TEST_F(WastedBytesTest, AFloodAfterAQuietTimeHasTheRefillOfOneSecond) {
  const Client client = Open("10.0.0.1:1");
  Look(absl::ZeroDuration());
  client.socket->bytes = kCredit + 1000;
  Look(absl::Seconds(10));
  EXPECT_EQ(client.socket->ends, 0);
  client.socket->bytes = *client.socket->bytes + kCredit + 1001;
  Look(absl::Seconds(100));
  EXPECT_EQ(client.socket->ends, 1);
}

TEST_F(WastedBytesTest, BytesOfMessagesAndWhatSurroundsThemAreNoWaste) {
  const Client client = Open("10.0.0.1:1");
  for (int i = 1; i <= 100; ++i) {
    ConnectionCall call;
    EXPECT_TRUE(call.Begin(&connections_, "10.0.0.1:1", now_).ok());
    call.NoteMessage(2000);
    call.End(now_);
    client.socket->bytes = i * (2000 + WastedBytes::kBytesAroundAMessage +
                                WastedBytes::kBytesOfHeaders);
    Look(absl::ZeroDuration());
  }
  EXPECT_EQ(client.socket->ends, 0);
  client.socket->bytes = *client.socket->bytes + kCredit;
  Look(absl::ZeroDuration());
  EXPECT_EQ(client.socket->ends, 0);
  client.socket->bytes = *client.socket->bytes + 1;
  Look(absl::ZeroDuration());
  EXPECT_EQ(client.socket->ends, 1);
}

TEST_F(WastedBytesTest, HeadersCountOnceACallWhateverMessagesFollow) {
  const Client client = Open("10.0.0.1:1");
  ConnectionCall call;
  EXPECT_TRUE(call.Begin(&connections_, "10.0.0.1:1", now_).ok());
  for (int i = 0; i < 10; ++i) call.NoteMessage(0);
  const int64_t explained =
      10 * WastedBytes::kBytesAroundAMessage + WastedBytes::kBytesOfHeaders;
  client.socket->bytes = explained + kCredit;
  Look(absl::ZeroDuration());
  EXPECT_EQ(client.socket->ends, 0);
  client.socket->bytes = explained + kCredit + 1;
  Look(absl::ZeroDuration());
  EXPECT_EQ(client.socket->ends, 1);
}

TEST_F(WastedBytesTest, AMessageThatComesAtLastGivesItsCreditBack) {
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
class TightMemoryTest : public WastedBytesTest {
 protected:
  TightMemoryTest() : WastedBytesTest(100 * kMiB) {
    Look(absl::Seconds(1), kCalm);
  }
  static constexpr int64_t kCalm = 100 * kMiB;
  static constexpr int64_t kTight = kCalm + WastedBytes::kMemoryStep;
  static constexpr int64_t kTighter = kCalm + 2 * WastedBytes::kMemoryStep;
  // What one connection may waste while memory is tight, and tighter.
  static constexpr int64_t kAllowed =
      WastedBytes::kBytesWhenTight + WastedBytes::kBytesOfUnknownCalls;
  static constexpr int64_t kAllowedThen = WastedBytes::kBytesWhenTight / 2;

  // Calls that wait for their messages.
  void BeginCalls(int count, const std::string& peer = "10.0.0.1:1") {
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(calls_.emplace_back().Begin(&connections_, peer, now_).ok());
    }
  }
  // Calls that end before a message has come.
  void WasteCalls(int count, const std::string& peer = "10.0.0.1:1") {
    for (int i = 0; i < count; ++i) {
      BeginCalls(1, peer);
      calls_.back().End(now_);
    }
  }

  // The client, which has wasted too much for it, is ended once the process has
  // `memory`, and not before.
  void ExpectEndAt(int64_t memory) {
    Look(absl::ZeroDuration(), memory - 1);
    EXPECT_EQ(client_.socket->ends, 0);
    Look(absl::ZeroDuration(), memory);
    EXPECT_EQ(client_.socket->ends, 1);
  }

  const Client client_ = Open("10.0.0.1:1");
  std::deque<ConnectionCall> calls_;
};

TEST_F(TightMemoryTest, WhoWastedMuchWhileMemoryGrewIsEnded) {
  client_.socket->bytes = kAllowed + 1;
  ExpectEndAt(kTight);
}

TEST_F(TightMemoryTest, WhoWastedLittleIsNot) {
  client_.socket->bytes = kAllowed;
  Look(absl::ZeroDuration(), kTight);
  EXPECT_EQ(client_.socket->ends, 0);
}

TEST_F(TightMemoryTest, OfThoseThatTogetherWastedMuchTheWorstIsEnded) {
  const Client other = Open("10.0.0.2:1");
  client_.socket->bytes = kAllowedThen / 2;
  other.socket->bytes = kAllowedThen / 2;
  Look(absl::ZeroDuration(), kTighter);
  EXPECT_EQ(client_.socket->ends, 0);
  EXPECT_EQ(other.socket->ends, 0);
  other.socket->bytes = kAllowedThen / 2 + 1;
  Look(absl::ZeroDuration(), kTighter);
  EXPECT_EQ(client_.socket->ends, 0);
  EXPECT_EQ(other.socket->ends, 1);
}

// As 2,000 calls on each were seen over TLS: none of them is told of yet.
TEST_F(TightMemoryTest, CallsThatComeAtOnceOnTwoConnectionsAreNoWaste) {
  const Client other = Open("10.0.0.2:1");
  client_.socket->bytes = 242'902;
  other.socket->bytes = 242'902;
  Look(absl::ZeroDuration(), kCalm + 58 * kMiB);
  EXPECT_EQ(client_.socket->ends, 0);
  EXPECT_EQ(other.socket->ends, 0);
}

TEST_F(TightMemoryTest, ACallThatWaitsForItsMessageMakesUpForSomeWaste) {
  BeginCalls(100);
  const int64_t allowed = kAllowed + 100 * WastedBytes::kBytesOfACallWhenTight;
  client_.socket->bytes = allowed;
  Look(absl::ZeroDuration(), kTight);
  EXPECT_EQ(client_.socket->ends, 0);
  client_.socket->bytes = allowed + 1;
  Look(absl::ZeroDuration(), kTight);
  EXPECT_EQ(client_.socket->ends, 1);
}

// As of calls that came at once, each with a message, of which the first ones
// have been read.
TEST_F(TightMemoryTest, AMessageThatHasComeMakesUpForSomeWaste) {
  BeginCalls(1);
  calls_.back().NoteMessage(100);
  calls_.back().NoteMessage(100);
  const int64_t allowed = kAllowed + WastedBytes::kBytesOfHeaders +
                          2 * (WastedBytes::kBytesOfACallWhenTight +
                               WastedBytes::kBytesAroundAMessage + 100);
  client_.socket->bytes = allowed;
  Look(absl::ZeroDuration(), kTight + WastedBytes::kMemoryOfACall);
  EXPECT_EQ(client_.socket->ends, 0);
  client_.socket->bytes = allowed + 1;
  Look(absl::ZeroDuration(), kTight + WastedBytes::kMemoryOfACall);
  EXPECT_EQ(client_.socket->ends, 1);
}

TEST_F(TightMemoryTest, AWastedCallTakesBackWhatAnotherMakesUpFor) {
  BeginCalls(2);
  WasteCalls(2);
  client_.socket->bytes = kAllowed;
  Look(absl::ZeroDuration(), kTight);
  EXPECT_EQ(client_.socket->ends, 0);
  WasteCalls(1);
  Look(absl::ZeroDuration(), kTight);
  EXPECT_EQ(client_.socket->ends, 1);
}

TEST_F(TightMemoryTest, WastedCallsAreNoMoreWasteThanTheirBytes) {
  WasteCalls(500);
  client_.socket->bytes = WastedBytes::kBytesWhenTight;
  Look(absl::ZeroDuration(), kTight);
  EXPECT_EQ(client_.socket->ends, 0);
  client_.socket->bytes = WastedBytes::kBytesWhenTight + 1;
  Look(absl::ZeroDuration(), kTight);
  EXPECT_EQ(client_.socket->ends, 1);
}

TEST_F(TightMemoryTest, CallsWastedBeforeACalmLookTakeNothingBack) {
  WasteCalls(500);
  Look(absl::Seconds(1), kCalm);
  client_.socket->bytes = kAllowed;
  Look(absl::ZeroDuration(), kTight);
  EXPECT_EQ(client_.socket->ends, 0);
}

TEST_F(TightMemoryTest,
       WhileCallsOfOthersAreWastedMessagesAloneMakeUpForWaste) {
  const Client other = Open("10.0.0.2:1");
  WasteCalls(WastedBytes::kManyWastedCalls - 1, "10.0.0.2:1");
  BeginCalls(100);
  client_.socket->bytes = kAllowed;
  Look(absl::ZeroDuration(), kTight);
  EXPECT_EQ(client_.socket->ends, 0);
  WasteCalls(1, "10.0.0.2:1");
  Look(absl::ZeroDuration(), kTight);
  EXPECT_EQ(client_.socket->ends, 1);
  EXPECT_EQ(other.socket->ends, 0);
}

TEST_F(TightMemoryTest, WhenMemoryHasGrownMuchMessagesAloneMakeUpForWaste) {
  BeginCalls(100);
  calls_.back().NoteMessage(100);
  const int64_t allowed = kAllowedThen + WastedBytes::kBytesOfACallWhenTight +
                          WastedBytes::kBytesOfHeaders +
                          WastedBytes::kBytesAroundAMessage + 100;
  const int64_t tighter = kTighter + WastedBytes::kMemoryOfACall;
  client_.socket->bytes = allowed + 1;
  Look(absl::ZeroDuration(), tighter - 1);
  EXPECT_EQ(client_.socket->ends, 0);
  client_.socket->bytes = allowed;
  Look(absl::ZeroDuration(), tighter);
  EXPECT_EQ(client_.socket->ends, 0);
  client_.socket->bytes = allowed + 1;
  Look(absl::ZeroDuration(), tighter);
  EXPECT_EQ(client_.socket->ends, 1);
}

TEST_F(TightMemoryTest, MemoryOfOpenCallsThatHaveAMessageIsNotTight) {
  const int64_t of_calls = 100 * WastedBytes::kMemoryOfACall;
  BeginCalls(100);
  for (ConnectionCall& call : calls_) call.NoteMessage(100);
  client_.socket->bytes = 2 * kMiB;
  ExpectEndAt(kTight + of_calls);
}

// As of a connection that was ended: its calls must not count as a flood of the
// others.
TEST_F(TightMemoryTest, MemoryOfCallsThatHadAMessageIsNotTightOnceTheyEnd) {
  const int64_t of_calls = 100 * WastedBytes::kMemoryOfACall;
  BeginCalls(100);
  for (ConnectionCall& call : calls_) call.NoteMessage(100);
  client_.socket->bytes = 2 * kMiB;
  Look(absl::ZeroDuration(), kCalm + of_calls);
  for (ConnectionCall& call : calls_) call.End(now_);
  ExpectEndAt(kTight + of_calls);
}

TEST_F(TightMemoryTest, MemoryOfCallsThatWaitOrEndedUnseenIsTight) {
  BeginCalls(100);
  for (int i = 0; i < 50; ++i) {
    calls_[i].NoteMessage(100);
    calls_[i].End(now_);
  }
  client_.socket->bytes = kMiB + kMiB / 2;
  ExpectEndAt(kTight);
}

TEST_F(TightMemoryTest, CallsThatHadAMessageBeforeACalmLookExplainNoGrowth) {
  BeginCalls(100);
  for (ConnectionCall& call : calls_) call.NoteMessage(100);
  Look(absl::Seconds(1), kCalm);
  client_.socket->bytes = kMiB + kMiB / 2;
  ExpectEndAt(kTight);
}

TEST_F(TightMemoryTest, TheMoreMemoryHasGrownTheLessIsAllowed) {
  client_.socket->bytes = kAllowedThen / 2 + 1;
  Look(absl::ZeroDuration(), kTighter);
  EXPECT_EQ(client_.socket->ends, 0);
  Look(absl::ZeroDuration(), kTighter + WastedBytes::kMemoryStep);
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
  client_.socket->bytes = WastedBytes::kBytesWhenTight;
  Look(absl::Seconds(1), kCalm);  // Calm.
  client_.socket->bytes = *client_.socket->bytes + 2000;
  Look(absl::ZeroDuration(), kTighter);
  EXPECT_EQ(client_.socket->ends, 0);
}

TEST_F(TightMemoryTest, LooksThatComeFastAreNotCalmEach) {
  for (int i = 1; i <= 3; ++i) {
    client_.socket->bytes = i * WastedBytes::kBytesWhenTight / 2;
    Look(absl::Milliseconds(20), kCalm + i * WastedBytes::kMemoryStep / 3);
  }
  EXPECT_EQ(client_.socket->ends, 0);
  Look(absl::Milliseconds(20), kTighter);
  EXPECT_EQ(client_.socket->ends, 1);
}

TEST_F(TightMemoryTest, WhileAThreadIsStuckTheOneThatWastedMostIsEnded) {
  const Client other = Open("10.0.0.2:1");
  client_.socket->bytes = WastedBytes::kFewestBytesWhenTight + 1;
  other.socket->bytes = WastedBytes::kFewestBytesWhenTight;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(client_.socket->ends, 0);
  stuck_ = WastedBytes::kStuck;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(client_.socket->ends, 1);
  EXPECT_EQ(other.socket->ends, 0);
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(other.socket->ends, 1);
}

TEST_F(TightMemoryTest, WhoBeganBeforeTheLastCalmLookIsEndedToo) {
  client_.socket->bytes = WastedBytes::kBytesWhenTight;
  Look(absl::Seconds(1), kCalm);  // Calm.
  stuck_ = WastedBytes::kStuck - absl::Nanoseconds(1);
  Look(absl::Seconds(10), kCalm);
  EXPECT_EQ(client_.socket->ends, 0);
  stuck_ = WastedBytes::kStuck;
  Look(absl::Seconds(10), kCalm);
  EXPECT_EQ(client_.socket->ends, 1);
}

TEST_F(TightMemoryTest, ALookAtMuchWasteSaysThatTheNextShouldComeSoon) {
  client_.socket->bytes = WastedBytes::kBytesWhenTight;
  EXPECT_FALSE(Look(absl::ZeroDuration(), kCalm));
  client_.socket->bytes = *client_.socket->bytes + 1;
  EXPECT_TRUE(Look(absl::ZeroDuration(), kCalm));
}

TEST_F(TightMemoryTest, WhileAThreadIsStuckWhoWastedLittleIsNotEnded) {
  client_.socket->bytes = WastedBytes::kFewestBytesWhenTight - 1;
  stuck_ = WastedBytes::kStuck;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(client_.socket->ends, 0);
}

TEST_F(TightMemoryTest, WhileAnAddressIsSuspectItsCreditForBytesIsSmaller) {
  const Client other = Open("10.0.0.1:2");
  client_.socket->bytes = 200 * kMiB;
  other.socket->bytes = WastedBytes::kBytesWhenTight;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(client_.socket->ends, 1);
  EXPECT_EQ(other.socket->ends, 0);
  other.socket->bytes = WastedBytes::kBytesWhenTight + 1;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(other.socket->ends, 1);
}

TEST_F(TightMemoryTest, WaitingCallsLiftTheCreditOfASuspectToALimit) {
  const Client other = Open("10.0.0.1:2");
  client_.socket->bytes = 200 * kMiB;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(client_.socket->ends, 1);
  constexpr int kEnough = 2 * WastedBytes::kBytesOfUnknownCalls /
                          WastedBytes::kBytesOfACallWhenTight;
  BeginCalls(kEnough, "10.0.0.1:2");
  other.socket->bytes = kAllowed;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(other.socket->ends, 0);
  other.socket->bytes = kAllowed + 1;
  Look(absl::ZeroDuration(), kCalm);
  EXPECT_EQ(other.socket->ends, 1);
}

}  // namespace
}  // namespace rmq
