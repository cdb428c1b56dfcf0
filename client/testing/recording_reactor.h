// A reactor for tests of streams: records the events of one stream.
#ifndef CLIENT_TESTING_RECORDING_REACTOR_H_
#define CLIENT_TESTING_RECORDING_REACTOR_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/session/broker_stub.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "glog/logging.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// Records "started", "reply", "push", "written" and "finished" in their order.
// Thread-safe: reactions come on the loop's thread, a test reads on its own.
class RecordingReactor final : public BrokerStream::Reactor {
 public:
  void OnStarted() override { Note("started"); }
  void OnRead(const rocketmq::clientmanager::v1::BrokerFrame& frame) override {
    Note(frame.has_reply() ? "reply" : "push");
  }
  void OnWritten() override { Note("written"); }
  void OnFinished(const StreamEnd& end) override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(&mu_);
      end_ = end;
    }
    Note("finished");
  }

  // Runs inside each reaction from here on, before it is noted. Only before the
  // stream is started.
  void SetInside(std::function<void()> inside) { inside_ = std::move(inside); }

  // All of them, once there are `n`. Fails the process after 30 s.
  std::vector<std::string> Await(size_t n) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto reached = [this, n]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return events_.size() >= n;
    };
    CHECK(RealClock().AwaitWithDeadline(
        &lock, &noted_, reached, RealClock().TimeNow() + absl::Seconds(30)));
    return events_;
  }

  // That the stream finished with.
  absl::Status status() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return end_.status;
  }
  // That it finished for.
  EndReason reason() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return end_.reason;
  }

  // That it was asked to stay away for.
  absl::Duration retry_after() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return end_.retry_after;
  }

 private:
  void Note(std::string event) ABSL_LOCKS_EXCLUDED(mu_) {
    if (inside_) inside_();
    MutexLock lock(&mu_);
    events_.push_back(std::move(event));
    noted_.SignalAll();
  }

  std::function<void()> inside_;

  absl::Mutex mu_;
  CondVar noted_;
  std::vector<std::string> events_ ABSL_GUARDED_BY(mu_);
  StreamEnd end_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // CLIENT_TESTING_RECORDING_REACTOR_H_
