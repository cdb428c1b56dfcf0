// A stub that a test steps by hand: the test decides when each Start, Read,
// Write and Finish of a stream happens, and in which order.
#ifndef CLIENT_TESTING_FAKE_BROKER_STUB_H_
#define CLIENT_TESTING_FAKE_BROKER_STUB_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/session/broker_stub.h"
#include "glog/logging.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// One stream as the test sees it. It outlives the BrokerStream, and checks that
// it is used as BrokerStream asks.
class FakeCall {
 public:
  using BrokerFrame = rocketmq::clientmanager::v1::BrokerFrame;
  using ClientFrame = rocketmq::clientmanager::v1::ClientFrame;

  explicit FakeCall(BrokerStream::Reactor* reactor) : reactor_(reactor) {}

  // What the client did.
  bool start_called() const { return start_called_; }
  bool writing() const { return writing_; }
  bool half_closed() const { return half_closed_; }
  bool cancelled() const { return reactor_ == nullptr; }
  const std::vector<ClientFrame>& written() const { return written_; }

  // What happens to it.
  void CompleteStart() {
    CHECK(start_called_ && !started_ && !cancelled());
    started_ = true;
    reactor_->OnStarted();
  }
  void CompleteWrite() {
    CHECK(writing_ && !cancelled());
    writing_ = false;
    reactor_->OnWritten();
  }
  void Deliver(const BrokerFrame& frame) {
    CHECK(started_ && !cancelled());
    reactor_->OnRead(frame);
  }
  // As the broker itself ends it.
  void Finish(const absl::Status& status, EndReason reason = EndReason::kNone,
              absl::Duration retry_after = absl::ZeroDuration()) {
    CHECK(start_called_ && !cancelled());
    std::exchange(reactor_, nullptr)
        ->OnFinished({status, reason, retry_after, /*is_brokers=*/true});
  }
  // As a proxy does in the broker's place.
  void FinishByProxy(const absl::Status& status) {
    CHECK(start_called_ && !cancelled());
    std::exchange(reactor_, nullptr)->OnFinished({status});
  }

 private:
  friend class FakeBrokerStream;

  BrokerStream::Reactor* reactor_;  // Null when cancelled or finished.
  bool start_called_ = false;
  bool started_ = false;
  bool writing_ = false;
  bool half_closed_ = false;
  std::vector<ClientFrame> written_;
};

class FakeBrokerStream final : public BrokerStream {
 public:
  explicit FakeBrokerStream(std::shared_ptr<FakeCall> call)
      : call_(std::move(call)) {}
  ~FakeBrokerStream() override { call_->reactor_ = nullptr; }

  void Start() override {
    CHECK(!call_->start_called_);
    call_->start_called_ = true;
  }
  void Write(const FakeCall::ClientFrame& frame) override {
    CHECK(call_->started_ && !call_->writing_ && !call_->half_closed_);
    call_->writing_ = true;
    call_->written_.push_back(frame);
  }
  void HalfClose() override {
    CHECK(call_->started_ && !call_->writing_ && !call_->half_closed_);
    call_->half_closed_ = true;
  }

 private:
  const std::shared_ptr<FakeCall> call_;
};

// Makes streams, and answers no unary calls. Not thread-safe.
class FakeBrokerStub final : public BrokerStub {
 public:
  // Every stream so far, the current one last.
  const std::vector<std::shared_ptr<FakeCall>>& calls() const { return calls_; }

  std::unique_ptr<BrokerStream> NewStream(
      BrokerStream::Reactor* reactor) override {
    calls_.push_back(std::make_shared<FakeCall>(reactor));
    return std::make_unique<FakeBrokerStream>(calls_.back());
  }

  absl::StatusOr<rocketmq::clientmanager::v1::GetConsumerListByGroupResponse>
  GetConsumerListByGroup(
      const rocketmq::clientmanager::v1::GetConsumerListByGroupRequest&,
      absl::Duration) override {
    return absl::UnimplementedError("the fake has streams only");
  }
  absl::Status CheckClientConfig(
      const rocketmq::clientmanager::v1::CheckClientConfigRequest&,
      absl::Duration) override {
    return absl::UnimplementedError("the fake has streams only");
  }
  void CancelCalls() override { calls_cancelled_ = true; }
  uint64_t IdentityGeneration() override { return identity_generation_; }
  // The client's files have changed.
  void ChangeIdentity() { ++identity_generation_; }
  bool calls_cancelled() const { return calls_cancelled_; }

 private:
  std::vector<std::shared_ptr<FakeCall>> calls_;
  bool calls_cancelled_ = false;
  uint64_t identity_generation_ = 1;
};

}  // namespace rmq

#endif  // CLIENT_TESTING_FAKE_BROKER_STUB_H_
