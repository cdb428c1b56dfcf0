#include "client/grpc/grpc_transport.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/loop/thread_event_loop.h"
#include "client/session/broker_stub.h"
#include "client/testing/recording_reactor.h"
#include "client/testing/scripted_broker.h"
#include "common/real_clock.h"
#include "common/status_matchers.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;

constexpr absl::Duration kPatience = absl::Seconds(30);

// Takes one connection, and sends its HTTP/2 settings when told to.
class LateBroker {
 public:
  LateBroker() {
    sockaddr_in bound = {};
    bound.sin_family = AF_INET;
    bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(bound);
    auto* const address = reinterpret_cast<sockaddr*>(&bound);
    CHECK_EQ(bind(listener_, address, size), 0);
    CHECK_EQ(listen(listener_, 1), 0);
    CHECK_EQ(getsockname(listener_, address, &size), 0);
    address_ = absl::StrCat("127.0.0.1:", ntohs(bound.sin_port));
  }
  ~LateBroker() {
    close(connection_);
    close(listener_);
  }
  LateBroker(const LateBroker&) = delete;
  LateBroker& operator=(const LateBroker&) = delete;

  const std::string& address() const { return address_; }

  // Until the client waits for the settings.
  void AwaitPreface() {
    connection_ = accept(listener_, nullptr, nullptr);
    CHECK_GE(connection_, 0);
    char preface[24];
    CHECK_EQ(recv(connection_, preface, sizeof(preface), MSG_WAITALL),
             static_cast<ssize_t>(sizeof(preface)));
  }

  void HangUp() {
    close(connection_);
    connection_ = -1;
  }

  // Whether a connection comes, within `patience`.
  bool IsDialled(absl::Duration patience) {
    pollfd waiting = {listener_, POLLIN, 0};
    return poll(&waiting, 1, absl::ToInt64Milliseconds(patience)) == 1;
  }

  void SendSettings() {
    const char settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    CHECK_EQ(send(connection_, settings, sizeof(settings), MSG_NOSIGNAL),
             static_cast<ssize_t>(sizeof(settings)));
  }

  // Whether the client ends the connection within `patience`. `patience` must
  // be less than the keepalive, which would end a forgotten connection too.
  bool AwaitEnd(absl::Duration patience = absl::Seconds(10)) {
    const timeval timeout = absl::ToTimeval(patience);
    CHECK_EQ(setsockopt(connection_, SOL_SOCKET, SO_RCVTIMEO, &timeout,
                        sizeof(timeout)),
             0);
    char bytes[1024];
    ssize_t size;
    do {
      size = recv(connection_, bytes, sizeof(bytes), 0);
    } while (size > 0);
    return size == 0 || errno == ECONNRESET;
  }

 private:
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int connection_ = -1;
  std::string address_;
};

class GrpcTransportTest : public ::testing::Test {
 protected:
  ~GrpcTransportTest() override {
    OnLoop([this] { stream_.reset(); });
  }

  template <typename Task>
  void OnLoop(Task task) {
    absl::Notification done;
    loop_.Post([&] {
      task();
      done.Notify();
    });
    done.WaitForNotification();
  }

  void StartStream(BrokerStub* stub) {
    OnLoop([&] {
      stream_ = stub->NewStream(&reactor_);
      stream_->Start();
    });
  }

  static v1::ClientFrame Heartbeat(uint64_t request_id) {
    v1::ClientFrame frame;
    frame.set_request_id(request_id);
    frame.mutable_heartbeat()->set_client_id("10.0.0.1@test");
    return frame;
  }

  ScriptedBroker broker_;
  ThreadEventLoop loop_{&RealClock()};
  GrpcTransport transport_{&loop_};
  std::unique_ptr<BrokerStub> stub_ =
      transport_.NewStub(broker_.address(), kPatience);
  RecordingReactor reactor_;
  std::unique_ptr<BrokerStream> stream_;
};

TEST_F(GrpcTransportTest, AnEndWhileAFrameIsBeingWrittenIsTold) {
  broker_.StopAnswering();
  StartStream(stub_.get());
  reactor_.Await(1);
  broker_.AwaitStreams(1);
  OnLoop([this] {
    v1::ClientFrame frame = Heartbeat(1);
    frame.mutable_heartbeat()->set_client_id(std::string(1 << 20, 'x'));
    stream_->Write(frame);
    broker_.EndStream(absl::PermissionDeniedError("taken out"));
  });
  // The frame may have left or not.
  while (reactor_.Await(2).back() != "finished") reactor_.Await(3);
  EXPECT_THAT(reactor_.status(),
              StatusIs(absl::StatusCode::kPermissionDenied, "taken out"));
}

// By the words that the session looks for.
TEST_F(GrpcTransportTest, AFrameOverTheBrokersLimitEndsTheStreamWithBothSizes) {
  StartStream(stub_.get());
  reactor_.Await(1);
  v1::ClientFrame frame = Heartbeat(1);
  frame.mutable_heartbeat()->set_client_id(std::string(5 << 20, 'x'));
  OnLoop([&] { stream_->Write(frame); });
  while (reactor_.Await(2).back() != "finished") reactor_.Await(3);
  EXPECT_THAT(
      reactor_.status(),
      StatusIs(absl::StatusCode::kResourceExhausted,
               absl::StrCat("Received message larger than max (",
                            frame.ByteSizeLong(), " vs. ", 4 << 20, ")")));
  EXPECT_EQ(reactor_.reason(), EndReason::kNone);
}

TEST_F(GrpcTransportTest, ADestroyedStreamIsCancelledAndReactsNoMore) {
  StartStream(stub_.get());
  reactor_.Await(1);
  broker_.AwaitStreams(1);
  OnLoop([this] {
    stream_->Write(Heartbeat(1));
    stream_.reset();
  });
  broker_.AwaitEndedStreams(1);
  OnLoop([] {});
  EXPECT_THAT(reactor_.Await(1), ElementsAre("started"));
}

TEST_F(GrpcTransportTest, AStreamAfterOneThatEndedSharesItsConnection) {
  StartStream(stub_.get());
  broker_.AwaitStreams(1);
  broker_.EndStream(absl::AbortedError("a newer stream took over"), "REPLACED");
  reactor_.Await(2);
  StartStream(stub_.get());
  const std::vector<std::string> peers = broker_.AwaitPeers(2);
  EXPECT_EQ(peers[0], peers[1]);
}

// Somebody on the way may have refused it, who goes on doing so.
TEST_F(GrpcTransportTest, AStreamAfterOneThatNoBrokerEndedHasANewConnection) {
  StartStream(stub_.get());
  broker_.AwaitStreams(1);
  broker_.EndStream(absl::PermissionDeniedError("HTTP status 403"));
  reactor_.Await(2);
  StartStream(stub_.get());
  const std::vector<std::string> peers = broker_.AwaitPeers(2);
  EXPECT_NE(peers[0], peers[1]);
}

TEST_F(GrpcTransportTest, AStreamAfterOneThatWasGivenUpHasANewConnection) {
  StartStream(stub_.get());
  reactor_.Await(1);
  broker_.AwaitStreams(1);
  OnLoop([this] { stream_.reset(); });
  StartStream(stub_.get());
  const std::vector<std::string> peers = broker_.AwaitPeers(2);
  EXPECT_NE(peers[0], peers[1]);
}

TEST_F(GrpcTransportTest, AConnectionEndsThatIsMadeAfterItsStubIsGone) {
  LateBroker broker;
  std::unique_ptr<BrokerStub> stub =
      transport_.NewStub(broker.address(), kPatience);
  EXPECT_THAT(stub->GetConsumerListByGroup({}, absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  stub.reset();
  broker.AwaitPreface();
  broker.SendSettings();
  EXPECT_TRUE(broker.AwaitEnd());
}

TEST_F(GrpcTransportTest, AConnectionEndsThatIsMadeAfterItsTransportIsGone) {
  LateBroker broker;
  {  // Ends while the connection is being made.
    GrpcTransport transport(&loop_);
    const std::unique_ptr<BrokerStub> stub =
        transport.NewStub(broker.address(), absl::Hours(1));
    StartStream(stub.get());
    broker.AwaitPreface();
    OnLoop([this] { stream_.reset(); });
  }
  broker.SendSettings();
  // Later transports close it.
  bool ended = false;
  for (int i = 0; i < 100 && !ended; ++i) {
    GrpcTransport later(&loop_);
    ended = broker.AwaitEnd(absl::Milliseconds(100));
  }
  EXPECT_TRUE(ended);
}

TEST_F(GrpcTransportTest, AnAttemptThatFailedIsRepeatedByTheNextCallAlone) {
  LateBroker broker;
  const std::unique_ptr<BrokerStub> stub =
      transport_.NewStub(broker.address(), kPatience);
  const auto call = [&stub] {
    EXPECT_THAT(stub->GetConsumerListByGroup({}, absl::Milliseconds(50)),
                StatusIs(absl::StatusCode::kDeadlineExceeded));
  };
  call();
  broker.AwaitPreface();
  broker.HangUp();
  EXPECT_FALSE(broker.IsDialled(absl::Milliseconds(500)));
  call();
  EXPECT_TRUE(broker.IsDialled(absl::Seconds(10)));
}

TEST_F(GrpcTransportTest, ACallToABrokerThatIsNotThereIsUnavailable) {
  const std::unique_ptr<BrokerStub> stub =
      transport_.NewStub(ScriptedBroker().address(), kPatience);
  EXPECT_THAT(stub->GetConsumerListByGroup({}, kPatience),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(GrpcTransportTest, AUnaryCallEndsAtItsDeadline) {
  broker_.HoldUnaryCalls();
  EXPECT_THAT(stub_->GetConsumerListByGroup({}, absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(GrpcTransportTest, CancelledStubsRefuseFurtherCalls) {
  stub_->CancelCalls();
  EXPECT_THAT(stub_->GetConsumerListByGroup({}, kPatience),
              StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace rmq
