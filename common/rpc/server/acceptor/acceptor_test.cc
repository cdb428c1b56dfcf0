#include "common/rpc/server/acceptor/acceptor.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/acceptor/connection.h"
#include "common/rpc/server/acceptor/connections.h"
#include "common/rpc/server/acceptor/wasted_bytes.h"
#include "common/rpc/server/transport_kind.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// A client's end of a connection. Blocking.
class Client {
 public:
  explicit Client(int port) : Client() { Connect(port); }
  // Connect() is next.
  Client() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {}
  void Connect(int port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address),
                      sizeof address),
              0);
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Client() { Close(); }

  void Send(absl::string_view bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // What comes until the server closes the connection.
  std::string ReadAll() {
    std::string all;
    std::array<char, 1024> bytes;
    for (ssize_t size; (size = recv(fd_, bytes.data(), bytes.size(), 0)) > 0;) {
      all.append(bytes.data(), static_cast<size_t>(size));
    }
    return all;
  }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

class AcceptorTest : public ::testing::Test {
 protected:
  ~AcceptorTest() override {
    acceptor_.Stop();
    MutexLock lock(&mu_);
    for (const int fd : handed_over_) close(fd);
  }

  void Start(TransportKind kind = TransportKind::kPlaintext) {
    Listen(kind);
    ASSERT_TRUE(acceptor_.Start({}).ok());
  }
  void Listen(TransportKind kind) {
    const absl::StatusOr<std::string> address =
        acceptor_.Listen({"127.0.0.1", 0, kind, ""});
    ASSERT_TRUE(address.ok());
    ASSERT_TRUE(
        absl::SimpleAtoi(address->substr(address->rfind(':') + 1), &port_));
  }
  // The kind of the first connection that was handed over.
  TransportKind KindHandedOver() {
    MutexLock lock(&mu_);
    return kinds_.at(0);
  }
  // Blocks until so many connections were handed over.
  void AwaitHandedOver(size_t count) {
    MutexLock lock(&mu_);
    const auto enough = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return handed_over_.size() >= count;
    };
    mu_.Await(absl::Condition(&enough));
  }
  // The first bytes of the first connection that was handed over.
  std::string BytesHandedOver() {
    MutexLock lock(&mu_);
    std::array<char, 100> bytes;
    const ssize_t size =
        recv(handed_over_.at(0), bytes.data(), bytes.size(), 0);
    return {bytes.data(), static_cast<size_t>(size)};
  }
  int64_t Refused(ConnectionRefusal why) {
    return connections_.refused().value(why);
  }
  static Connections::Options Options() {
    Connections::Options options;
    options.max_connections = 4;
    options.max_connections_per_address = 4;
    options.max_message_bytes = 1000;
    options.max_wasted_bytes_rate = 1000;
    return options;
  }
  // Of bytes, with these options.
  static constexpr size_t kCredit = 1000 + WastedBytes::kBytesBurst * 1000;

  SimulatedClock clock_;
  Connections connections_{Options()};
  absl::Mutex mu_;
  std::vector<int> handed_over_ ABSL_GUARDED_BY(mu_);
  std::vector<TransportKind> kinds_ ABSL_GUARDED_BY(mu_);
  Acceptor acceptor_{
      {}, &connections_, &clock_, [this](TransportKind kind, int fd) {
        MutexLock lock(&mu_);
        handed_over_.push_back(fd);
        kinds_.push_back(kind);
      }};
  int port_ = 0;
};

TEST_F(AcceptorTest, AConnectionIsHandedOverWithItsFirstBytes) {
  Start();
  Client client(port_);
  client.Send(kPreface.substr(0, 10));
  client.Send(kPreface.substr(10));
  AwaitHandedOver(1);
  EXPECT_EQ(BytesHandedOver(), kPreface);
  ASSERT_EQ(connections_.size(), 1);
  EXPECT_THAT(connections_.List(0, 1)[0]->peer(), StartsWith("127.0.0.1:"));
}

TEST_F(AcceptorTest, AConnectionThatSpokeBeforeItIsAcceptedIsHandedOver) {
  Listen(TransportKind::kPlaintext);
  Client client(port_);
  client.Send(kPreface);
  ASSERT_TRUE(acceptor_.Start({}).ok());
  AwaitHandedOver(1);
  EXPECT_EQ(BytesHandedOver(), kPreface);
}

TEST_F(AcceptorTest, OneThatSaysNothingForTenSecondsIsClosed) {
  Start();
  Client silent(port_);
  Client half(port_);
  half.Send(kPreface.substr(0, 23));
  Client whole(port_);
  whole.Send(kPreface);
  AwaitHandedOver(1);
  EXPECT_EQ(connections_.size(), 3);
  clock_.Advance(Acceptor::kFirstBytesLimit);
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_EQ(half.ReadAll(), "");
  EXPECT_EQ(Refused(ConnectionRefusal::kNoFirstBytes), 2);
  EXPECT_EQ(connections_.size(), 1);
}

TEST_F(AcceptorTest, Http1IsToldWhatThePortSpeaks) {
  Start();
  Client client(port_);
  client.Send("GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
  EXPECT_THAT(
      client.ReadAll(),
      HasSubstr("\r\n\r\nThis port speaks gRPC, which is over HTTP/2."));
  EXPECT_EQ(Refused(ConnectionRefusal::kOtherProtocol), 1);
}

TEST_F(AcceptorTest, AnotherProtocolIsClosed) {
  Start();
  for (const absl::string_view bytes : {"SSH-2.0-OpenSSH", "\x16\x03\x01"}) {
    Client client(port_);
    client.Send(bytes);
    EXPECT_EQ(client.ReadAll(), "");
  }
  EXPECT_EQ(Refused(ConnectionRefusal::kOtherProtocol), 2);
  EXPECT_EQ(connections_.size(), 0);
}

TEST_F(AcceptorTest, AnAddressOfTlsTakesTlsAlone) {
  Start(TransportKind::kTls);
  Client plaintext(port_);
  plaintext.Send(kPreface);
  EXPECT_EQ(plaintext.ReadAll(), "");
  EXPECT_EQ(Refused(ConnectionRefusal::kOtherProtocol), 1);
  Client client(port_);
  client.Send("\x16\x03\x01");
  AwaitHandedOver(1);
  EXPECT_EQ(KindHandedOver(), TransportKind::kTls);
  EXPECT_EQ(BytesHandedOver(), "\x16\x03\x01");
}

TEST_F(AcceptorTest, ATlsConnectionThatIsClosedWithoutACallIsCounted) {
  Start(TransportKind::kTls);
  Client client(port_);
  client.Send("\x16\x03\x01");
  AwaitHandedOver(1);
  {
    MutexLock lock(&mu_);
    close(handed_over_.back());
    handed_over_.pop_back();
  }
  clock_.Advance(Acceptor::kQuietLookPeriod);
  while (connections_.size() > 0) std::this_thread::yield();
  while (Refused(ConnectionRefusal::kTlsWithoutCall) == 0) {
    std::this_thread::yield();
  }
}

TEST_F(AcceptorTest, AUnixSocketsConnectionsAreCountedTogether) {
  char directory[] = "/tmp/acceptor_test.XXXXXX";
  sockaddr_un place = {};
  place.sun_family = AF_UNIX;
  const std::string path = absl::StrCat(mkdtemp(directory), "/socket");
  path.copy(place.sun_path, sizeof place.sun_path - 1);
  const absl::StatusOr<std::string> address =
      acceptor_.Listen({"", 0, TransportKind::kLocal, path});
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(*address, "unix:" + path);
  ASSERT_TRUE(acceptor_.Start({}).ok());
  std::vector<int> clients;
  for (size_t i = 1; i <= 4; ++i) {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    clients.push_back(fd);
    ASSERT_EQ(
        connect(fd, reinterpret_cast<const sockaddr*>(&place), sizeof place),
        0);
    ASSERT_EQ(send(fd, kPreface.data(), kPreface.size(), 0),
              static_cast<ssize_t>(kPreface.size()));
    AwaitHandedOver(i);
  }
  EXPECT_EQ(KindHandedOver(), TransportKind::kLocal);
  EXPECT_EQ(BytesHandedOver(), kPreface);
  EXPECT_EQ(connections_.List(0, 4).at(3)->peer(), "unix:4");
  // What nobody counts is no waste.
  const std::string flood(64 * 1024, 'x');
  while (send(clients[1], flood.data(), flood.size(),
              MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  connections_.Look(clock_.TimeNow(), 0, absl::ZeroDuration());
  EXPECT_EQ(connections_.size(), 4);
  const int fifth = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(
      connect(fifth, reinterpret_cast<const sockaddr*>(&place), sizeof place),
      0);
  char byte;
  EXPECT_LE(recv(fifth, &byte, 1, 0), 0);
  EXPECT_EQ(Refused(ConnectionRefusal::kTooMany), 1);
  acceptor_.Stop();
  EXPECT_EQ(rmdir(directory), 0);  // The socket's file is gone.
  close(fifth);
  for (const int fd : clients) close(fd);
}

TEST_F(AcceptorTest, OneBeyondTheLimitIsClosedAndOneThatGoesMakesRoom) {
  Start();
  std::vector<Client> clients;
  for (size_t i = 0; i < 4; ++i) {
    clients.emplace_back(port_);
    clients.back().Send(kPreface);
    AwaitHandedOver(i + 1);
  }
  {
    Client fifth(port_);
    EXPECT_EQ(fifth.ReadAll(), "");
    EXPECT_EQ(Refused(ConnectionRefusal::kTooMany), 1);
  }
  {
    MutexLock lock(&mu_);
    close(handed_over_.back());
    handed_over_.pop_back();
  }
  clock_.Advance(Connections::kSweepPause);
  Client sixth(port_);
  sixth.Send(kPreface);
  AwaitHandedOver(4);
}

TEST_F(AcceptorTest, OneWhoseClientGoesBeforeItSpeaksIsForgotten) {
  Start();
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(port_);
  while (connections_.size() < 4) std::this_thread::yield();
  clients.clear();
  while (connections_.size() > 0) std::this_thread::yield();
}

TEST_F(AcceptorTest, ItGoesOnWhenThereAreOpenFilesAgain) {
  Start();
  Client before(port_);
  before.Send(kPreface);
  AwaitHandedOver(1);
  Client during;
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none = {0, limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  during.Connect(port_);
  during.Send(kPreface);
  while (acceptor_.errors() == 0) std::this_thread::yield();
  setrlimit(RLIMIT_NOFILE, &limit);
  clock_.Advance(Acceptor::kRest);
  AwaitHandedOver(2);
}

TEST_F(AcceptorTest, AStopClosesWhatWaits) {
  Start();
  Client client(port_);
  client.Send("PRI");
  acceptor_.Stop();
  EXPECT_EQ(client.ReadAll(), "");
}

TEST_F(AcceptorTest, WhenItAcceptsNoMoreWhatWaitsIsClosedAndWhatHasComeStays) {
  Start();
  Client served(port_);
  served.Send(kPreface);
  AwaitHandedOver(1);
  Client waits(port_);
  acceptor_.StopAccepting();
  EXPECT_EQ(waits.ReadAll(), "");
  EXPECT_EQ(BytesHandedOver(), kPreface);
}

TEST_F(AcceptorTest, WhoFloodsIsEndedAlsoWhenItAcceptsNoMore) {
  Start();
  Client client(port_);
  client.Send(kPreface);
  AwaitHandedOver(1);
  acceptor_.StopAccepting();
  client.Send(std::string(2 * kCredit, 'x'));
  while (connections_.ended().value(ConnectionAbuse::kWastedBytes) == 0) {
    clock_.Advance(Acceptor::kTick);
    std::this_thread::yield();
  }
  EXPECT_EQ(client.ReadAll(), "");
}

// gRPC may read a flood on a thread of its own.
TEST_F(AcceptorTest, WhileAThreadThatIsNotWatchedIsBusyLooksComeSoon) {
  Start();
  Client client(port_);
  client.Send(kPreface);
  AwaitHandedOver(1);
  client.Send(std::string(2 * kCredit, 'x'));
  clock_.Advance(2 * WastedBytes::kLookPeriod);  // Not kQuietLookPeriod.
  // This thread is busy.
  while (connections_.ended().value(ConnectionAbuse::kWastedBytes) == 0) {
  }
  EXPECT_EQ(client.ReadAll(), "");
}

TEST_F(AcceptorTest, NothingIsLeftToReadOfAConnectionThatWasEnded) {
  Start();
  Client client(port_);
  client.Send(kPreface);
  AwaitHandedOver(1);
  client.Send(std::string(2 * kCredit, 'x'));
  clock_.Advance(Acceptor::kQuietLookPeriod);
  // It is counted once nothing is left of it.
  while (connections_.ended().value(ConnectionAbuse::kWastedBytes) == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(BytesHandedOver(), "");
  EXPECT_EQ(client.ReadAll(), "");
}

TEST_F(AcceptorTest, AWastefulConnectionIsEndedAtALook) {
  Start();
  Client client(port_);
  client.Send(kPreface);
  AwaitHandedOver(1);
  const ConnectionPtr connection = connections_.List(0, 1).at(0);
  for (int i = 0; i <= 1000; ++i) {
    ConnectionCall call;
    (void)call.Begin(&connections_, connection->peer(), clock_.TimeNow());
    call.End(clock_.TimeNow());
  }
  EXPECT_EQ(client.ReadAll(), "");
  EXPECT_EQ(connections_.ended().value(ConnectionAbuse::kWastedCalls), 1);
}

TEST_F(AcceptorTest, AnAddressOfAnotherMachineCannotBeListenedOn) {
  EXPECT_FALSE(acceptor_.Listen({"192.0.2.1", 1}).ok());
}

}  // namespace
}  // namespace rmq
