// What broker_stub.h promises of a stream, held against the stream over gRPC
// and against the one that tests step by hand: what is tested with the second
// is true of the first.
#include "client/session/broker_stub.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/grpc/grpc_transport.h"
#include "client/loop/thread_event_loop.h"
#include "client/testing/fake_broker_stub.h"
#include "client/testing/recording_reactor.h"
#include "client/testing/scripted_broker.h"
#include "common/real_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// A stub, the loop that it is used on, and the broker at the other end.
class Side {
 public:
  virtual ~Side() = default;

  virtual BrokerStub& stub() = 0;
  // Runs `task` on the loop. Returns when `task` and the tasks that it posted
  // have run.
  virtual void OnLoop(const std::function<void()>& task) = 0;

  // The methods below play the broker, on the stream that was started last.
  virtual void Accept() = 0;
  // Reads what the client has written: answers a frame, ends a half-closed
  // stream.
  virtual void Answer() = 0;
  virtual void Push() = 0;
  // Ends the stream with the broker's word for an EndReason, or with none.
  virtual void End(const absl::Status& status, const std::string& reason,
                   absl::Duration retry_after) = 0;
  void End(const absl::Status& status, const std::string& reason) {
    End(status, reason, absl::ZeroDuration());
  }
  // Nobody listens at the address of the next stream.
  virtual void GoAway() = 0;
};

class FakeSide final : public Side {
 public:
  BrokerStub& stub() override { return stub_; }
  void OnLoop(const std::function<void()>& task) override {
    task();
    if (away_ && !stub_.calls().empty() && !call().cancelled() &&
        call().start_called()) {
      call().Finish(absl::UnavailableError("connection refused"));
    }
  }
  void Accept() override { call().CompleteStart(); }
  void Answer() override {
    if (call().half_closed()) {
      call().Finish(absl::OkStatus());
      return;
    }
    v1::BrokerFrame frame;
    frame.mutable_reply()->set_request_id(call().written().back().request_id());
    call().CompleteWrite();
    if (!call().cancelled()) call().Deliver(frame);
  }
  void Push() override {
    v1::BrokerFrame frame;
    frame.mutable_notify_consumer_ids_changed()->set_group("orders");
    call().Deliver(frame);
  }
  void End(const absl::Status& status, const std::string& reason,
           absl::Duration retry_after) override {
    EndReason end_reason = EndReason::kNone;
    for (const EndReason known : {EndReason::kExpired, EndReason::kReplaced,
                                  EndReason::kKicked, EndReason::kDrained}) {
      if (reason == Name(known)) end_reason = known;
    }
    call().Finish(status, end_reason, retry_after);
  }
  void GoAway() override { away_ = true; }

 private:
  FakeCall& call() { return *stub_.calls().back(); }

  FakeBrokerStub stub_;
  bool away_ = false;
};

class GrpcSide final : public Side {
 public:
  BrokerStub& stub() override { return *stub_; }
  void OnLoop(const std::function<void()>& task) override {
    absl::Notification done;
    loop_.Post([&] {
      task();
      done.Notify();
    });
    done.WaitForNotification();
  }
  // The broker answers by itself.
  void Accept() override { broker_->AwaitStreams(1); }
  void Answer() override {}
  void Push() override { broker_->Push("orders"); }
  void End(const absl::Status& status, const std::string& reason,
           absl::Duration retry_after) override {
    broker_->EndStream(
        status, reason,
        retry_after == absl::ZeroDuration()
            ? ""
            : absl::StrCat(absl::ToInt64Milliseconds(retry_after)));
  }
  void GoAway() override { broker_ = nullptr; }

 private:
  std::unique_ptr<ScriptedBroker> broker_ = std::make_unique<ScriptedBroker>();
  ThreadEventLoop loop_{&RealClock()};
  GrpcTransport transport_{&loop_};
  std::unique_ptr<BrokerStub> stub_ =
      transport_.NewStub(broker_->address(), absl::Seconds(30));
};

template <typename T>
std::unique_ptr<Side> New() {
  return std::make_unique<T>();
}

class BrokerStreamTest
    : public ::testing::TestWithParam<std::unique_ptr<Side> (*)()> {
 protected:
  ~BrokerStreamTest() override {
    side_->OnLoop([this] { stream_.reset(); });
  }

  void Start() {
    side_->OnLoop([this] {
      stream_ = side_->stub().NewStream(&reactor_);
      stream_->Start();
    });
  }
  void StartAndAccept() {
    Start();
    side_->Accept();
    reactor_.Await(1);
  }
  void Write() {
    side_->OnLoop([this] {
      v1::ClientFrame frame;
      frame.set_request_id(1);
      frame.mutable_heartbeat()->set_client_id("10.0.0.1@test");
      stream_->Write(frame);
    });
  }

  const std::unique_ptr<Side> side_ = GetParam()();
  RecordingReactor reactor_;
  std::unique_ptr<BrokerStream> stream_;
};

TEST_P(BrokerStreamTest, TheStartIsToldFirst) {
  StartAndAccept();
  EXPECT_THAT(reactor_.Await(1), ElementsAre("started"));
}

TEST_P(BrokerStreamTest, AFrameLeavesAndIsAnswered) {
  StartAndAccept();
  Write();
  side_->Answer();
  EXPECT_THAT(reactor_.Await(3),
              UnorderedElementsAre("started", "written", "reply"));
}

TEST_P(BrokerStreamTest, APushIsReadWithoutARequest) {
  StartAndAccept();
  side_->Push();
  EXPECT_THAT(reactor_.Await(2), ElementsAre("started", "push"));
}

TEST_P(BrokerStreamTest, AHalfClosedStreamEndsWithOk) {
  StartAndAccept();
  side_->OnLoop([this] { stream_->HalfClose(); });
  side_->Answer();
  EXPECT_THAT(reactor_.Await(2), ElementsAre("started", "finished"));
  EXPECT_THAT(reactor_.status(), IsOk());
}

TEST_P(BrokerStreamTest, TheBrokersEndStatusIsTold) {
  StartAndAccept();
  side_->End(absl::AbortedError("a newer stream took over"), "");
  EXPECT_THAT(reactor_.Await(2), ElementsAre("started", "finished"));
  EXPECT_THAT(reactor_.status(),
              StatusIs(absl::StatusCode::kAborted, "a newer stream took over"));
  EXPECT_EQ(reactor_.reason(), EndReason::kNone);
}

TEST_P(BrokerStreamTest, AReasonThatIsFinalIsTold) {
  StartAndAccept();
  side_->End(absl::AbortedError("a newer stream took over"), "REPLACED");
  reactor_.Await(2);
  EXPECT_EQ(reactor_.reason(), EndReason::kReplaced);
}

TEST_P(BrokerStreamTest, TheReasonIsTheBrokersWordAndNotTheStatus) {
  StartAndAccept();
  side_->End(absl::UnavailableError("the end"), "KICKED");
  reactor_.Await(2);
  EXPECT_EQ(reactor_.reason(), EndReason::kKicked);
}

TEST_P(BrokerStreamTest, TheTimeToStayAwayIsToldWithTheReason) {
  StartAndAccept();
  side_->End(absl::UnavailableError("DRAINED"), "DRAINED",
             absl::Milliseconds(1500));
  reactor_.Await(2);
  EXPECT_EQ(reactor_.reason(), EndReason::kDrained);
  EXPECT_EQ(reactor_.retry_after(), absl::Milliseconds(1500));
}

TEST_P(BrokerStreamTest, AReasonThatIsNotKnownIsNone) {
  StartAndAccept();
  side_->End(absl::AbortedError("the end"), "TIRED");
  reactor_.Await(2);
  EXPECT_EQ(reactor_.reason(), EndReason::kNone);
  EXPECT_EQ(reactor_.retry_after(), absl::ZeroDuration());
}

TEST_P(BrokerStreamTest, WithoutABrokerAStreamEndsBeforeItsStart) {
  side_->GoAway();
  Start();
  EXPECT_THAT(reactor_.Await(1), ElementsAre("finished"));
  EXPECT_THAT(reactor_.status(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(BrokerStreamTest, AStreamMayBeDestroyedBeforeItsStart) {
  side_->OnLoop([this] {
    stream_ = side_->stub().NewStream(&reactor_);
    stream_.reset();
  });
  EXPECT_THAT(reactor_.Await(0), IsEmpty());
}

TEST_P(BrokerStreamTest, AStreamThatIsDestroyedWhileItStartsNeverReacts) {
  side_->OnLoop([this] {
    stream_ = side_->stub().NewStream(&reactor_);
    stream_->Start();
    stream_.reset();
  });
  side_->OnLoop([] {});
  EXPECT_THAT(reactor_.Await(0), IsEmpty());
}

TEST_P(BrokerStreamTest, AStreamThatIsDestroyedReactsNoMore) {
  StartAndAccept();
  side_->OnLoop([this] {
    stream_->Write(v1::ClientFrame());
    stream_.reset();
  });
  side_->OnLoop([] {});
  EXPECT_THAT(reactor_.Await(1), ElementsAre("started"));
}

TEST_P(BrokerStreamTest, AStreamMayBeDestroyedInsideAReaction) {
  reactor_.SetInside([this] { stream_.reset(); });
  StartAndAccept();
  side_->OnLoop([] {});
  EXPECT_THAT(reactor_.Await(1), ElementsAre("started"));
}

INSTANTIATE_TEST_SUITE_P(Fake, BrokerStreamTest,
                         ::testing::Values(&New<FakeSide>));
INSTANTIATE_TEST_SUITE_P(Grpc, BrokerStreamTest,
                         ::testing::Values(&New<GrpcSide>));

}  // namespace
}  // namespace rmq
