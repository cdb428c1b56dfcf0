#include "client/grpc_transport.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/broker_stub.h"
#include "client/recording_reactor.h"
#include "client/scripted_broker.h"
#include "client/thread_event_loop.h"
#include "common/real_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;

constexpr absl::Duration kPatience = absl::Seconds(30);

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
  broker_.EndStream(absl::AbortedError("a newer stream took over"));
  reactor_.Await(2);
  StartStream(stub_.get());
  const std::vector<std::string> peers = broker_.AwaitPeers(2);
  EXPECT_EQ(peers[0], peers[1]);
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
