// Connections whose clients have vanished.

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/server/test_broker.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

// An HTTP/2 connection by hand, to a broker on loopback, without any call. It
// answers nothing, as if its machine were gone, unless it is told to.
class RawConnection {
 public:
  explicit RawConnection(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)),
              0);
    const timeval longest = {kCallSeconds, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest));
    Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    Send(std::string("\0\0\0\4\0\0\0\0\0", kHeader));  // SETTINGS: none.
  }
  ~RawConnection() { close(socket_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // Answers the next `count` pings; false if the broker sends no more before.
  bool AnswerPings(int count) {
    constexpr char kPing = 6;
    constexpr char kAck = 1;
    while (count > 0) {
      std::string header(kHeader, '\0');
      if (!Receive(&header)) return false;
      std::string payload(
          static_cast<size_t>(static_cast<uint8_t>(header[1]) << 8 |
                              static_cast<uint8_t>(header[2])),
          '\0');
      if (!Receive(&payload)) return false;
      if (header[3] != kPing || header[4] == kAck) continue;
      header[4] = kAck;
      Send(header + payload);
      --count;
    }
    return true;
  }

  // Answers nothing. False if the broker does not close the connection within
  // kCallSeconds.
  bool AwaitClose() {
    std::string byte(1, '\0');
    while (Receive(&byte)) {
    }
    return closed_;
  }

 private:
  static constexpr size_t kHeader = 9;  // Bytes before a frame's payload.

  void Send(const std::string& bytes) {
    EXPECT_EQ(send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Fills all of `bytes`; false if it cannot.
  bool Receive(std::string* bytes) {
    if (bytes->empty()) return true;
    const ssize_t received =
        recv(socket_, &(*bytes)[0], bytes->size(), MSG_WAITALL);
    closed_ = received >= 0 || errno == ECONNRESET;
    return received == static_cast<ssize_t>(bytes->size());
  }

  const int socket_;
  bool closed_ = false;
};

BrokerController::Options QuickKeepalive() {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.keepalive_time = absl::Milliseconds(50);
  options.server.keepalive_timeout = absl::Seconds(1);
  return options;
}

TEST(KeepaliveTest, AConnectionWithoutACallThatAnswersNoPingIsClosed) {
  TestBroker broker(QuickKeepalive());
  RawConnection connection(broker.controller().port());
  EXPECT_TRUE(connection.AwaitClose());
}

TEST(KeepaliveTest, AConnectionIsKeptAsLongAsItAnswersPings) {
  TestBroker broker(QuickKeepalive());
  RawConnection connection(broker.controller().port());
  // A gRPC client would stop after two without data in between.
  EXPECT_TRUE(connection.AnswerPings(5));
  EXPECT_TRUE(connection.AwaitClose());
}

}  // namespace
}  // namespace rmq
