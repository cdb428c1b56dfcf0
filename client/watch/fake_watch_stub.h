// A WatchStub that a test steps by hand.
#ifndef CLIENT_WATCH_FAKE_WATCH_STUB_H_
#define CLIENT_WATCH_FAKE_WATCH_STUB_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/session/broker_stub.h"
#include "client/watch/watch_stub.h"
#include "glog/logging.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {

// One call as the test sees it. It outlives the WatchStream, and checks that it
// is used as WatchStream asks.
class FakeWatchCall {
 public:
  explicit FakeWatchCall(WatchStream::Reactor* reactor) : reactor_(reactor) {}

  // What the watcher did.
  const rocketmq::clientmanager::v1::WatchRequest& request() const {
    return request_;
  }
  bool reading() const { return reading_; }
  bool cancelled() const { return reactor_ == nullptr; }

  // What happens to it.
  void Deliver(const rocketmq::clientmanager::v1::WatchResponse& response) {
    CHECK(reading_ && !cancelled());
    reading_ = false;
    reactor_->OnResponse(response);
  }
  // As the broker itself ends it.
  void Finish(const absl::Status& status, EndReason reason = EndReason::kNone,
              absl::Duration retry_after = absl::ZeroDuration()) {
    CHECK(reading_ && !cancelled());
    std::exchange(reactor_, nullptr)
        ->OnFinished({status, reason, retry_after, /*is_brokers=*/true});
  }

 private:
  friend class FakeWatchStream;

  WatchStream::Reactor* reactor_;  // Null when cancelled or finished.
  rocketmq::clientmanager::v1::WatchRequest request_;
  bool started_ = false;
  bool reading_ = false;
};

class FakeWatchStream final : public WatchStream {
 public:
  explicit FakeWatchStream(std::shared_ptr<FakeWatchCall> call)
      : call_(std::move(call)) {}
  ~FakeWatchStream() override { call_->reactor_ = nullptr; }

  void Start(
      const rocketmq::clientmanager::v1::WatchRequest& request) override {
    CHECK(!call_->started_);
    call_->started_ = true;
    call_->request_ = request;
  }
  void Read() override {
    CHECK(call_->started_ && !call_->reading_);
    call_->reading_ = true;
  }

 private:
  const std::shared_ptr<FakeWatchCall> call_;
};

// Not thread-safe.
class FakeWatchStub final : public WatchStub {
 public:
  // Every call so far, the current one last.
  const std::vector<std::shared_ptr<FakeWatchCall>>& calls() const {
    return calls_;
  }

  std::unique_ptr<WatchStream> NewStream(
      WatchStream::Reactor* reactor) override {
    calls_.push_back(std::make_shared<FakeWatchCall>(reactor));
    return std::make_unique<FakeWatchStream>(calls_.back());
  }

 private:
  std::vector<std::shared_ptr<FakeWatchCall>> calls_;
};

}  // namespace rmq

#endif  // CLIENT_WATCH_FAKE_WATCH_STUB_H_
