// Watches over gRPC: what watch_stub.h promises, against a server over
// loopback.
#include "client/grpc/watch_call.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/grpc/grpc_transport.h"
#include "client/loop/thread_event_loop.h"
#include "client/session/broker_stub.h"
#include "client/watch/watch_stub.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kPatience = absl::Seconds(30);

// Tells its progress from_revision, from_revision + 1, ... and ends as the
// first group of the request says.
class FakeAdmin final : public v1::ClientManagerAdmin::Service {
 public:
  grpc::Status Watch(grpc::ServerContext* context,
                     const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override {
    for (uint64_t i = 0; i < 2; ++i) {
      v1::WatchResponse response;
      response.mutable_progress()->set_revision(request->from_revision() + i);
      writer->Write(response);
    }
    const std::string how =
        request->groups_size() > 0 ? request->groups(0) : "";
    if (how == "drained") {
      context->AddTrailingMetadata("rocketmq-end-reason", "DRAINED");
      context->AddTrailingMetadata("rocketmq-retry-after-ms", "1500");
      return {grpc::StatusCode::UNAVAILABLE, "DRAINED"};
    }
    if (how == "lost") return {grpc::StatusCode::OUT_OF_RANGE, "oldest is 9"};
    while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    cancelled_.Notify();
    return grpc::Status::CANCELLED;
  }

  // Returns when a call was cancelled.
  void AwaitCancelled() { cancelled_.WaitForNotification(); }

 private:
  absl::Notification cancelled_;
};

// Records the reactions; asks for the next response until `wanted` have come.
class Recorder final : public WatchStream::Reactor {
 public:
  std::unique_ptr<WatchStream> stream;  // Used on the loop.
  size_t wanted = 100;

  void OnResponse(const v1::WatchResponse& response) override
      ABSL_LOCKS_EXCLUDED(mu_) {
    size_t count;
    {
      MutexLock lock(&mu_);
      revisions_.push_back(response.progress().revision());
      count = revisions_.size();
      changed_.SignalAll();
    }
    if (count < wanted) stream->Read();
  }
  void OnFinished(const StreamEnd& end) override ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    end_ = end;
    finished_ = true;
    changed_.SignalAll();
  }

  std::vector<uint64_t> AwaitResponses(size_t n) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    RealClock().AwaitWithDeadline(
        &lock, &changed_,
        [this, n]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
          return revisions_.size() >= n;
        },
        RealClock().TimeNow() + kPatience);
    return revisions_;
  }
  StreamEnd AwaitEnd() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    EXPECT_TRUE(RealClock().AwaitWithDeadline(
        &lock, &changed_,
        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return finished_; },
        RealClock().TimeNow() + kPatience));
    return end_;
  }
  bool finished() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return finished_;
  }

 private:
  absl::Mutex mu_;
  CondVar changed_;
  std::vector<uint64_t> revisions_ ABSL_GUARDED_BY(mu_);
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  StreamEnd end_ ABSL_GUARDED_BY(mu_);
};

class WatchCallTest : public ::testing::Test {
 protected:
  WatchCallTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", PlaintextServerCredentials().Get(),
                             &port);
    builder.RegisterService(&admin_);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }
  ~WatchCallTest() override {
    OnLoop([this] { recorder_.stream = nullptr; });
    transport_ = nullptr;  // Does not hang.
    server_->Shutdown();
  }

  void OnLoop(const std::function<void()>& task) {
    absl::Notification done;
    loop_.Post([&] {
      task();
      done.Notify();
    });
    done.WaitForNotification();
  }

  void Watch(const std::string& group, uint64_t from_revision) {
    stub_ = transport_->NewWatchStub(address_, kPatience);
    v1::WatchRequest request;
    request.add_groups(group);
    request.set_from_revision(from_revision);
    OnLoop([&] {
      recorder_.stream = stub_->NewStream(&recorder_);
      recorder_.stream->Start(request);
      recorder_.stream->Read();
    });
  }

  FakeAdmin admin_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
  ThreadEventLoop loop_{&RealClock()};
  std::unique_ptr<GrpcTransport> transport_ =
      std::make_unique<GrpcTransport>(&loop_);
  std::unique_ptr<WatchStub> stub_;
  Recorder recorder_;
};

TEST_F(WatchCallTest, TheRequestIsAnsweredWithResponsesInOrder) {
  Watch("g", 7);
  EXPECT_THAT(recorder_.AwaitResponses(2), ElementsAre(7, 8));
  EXPECT_FALSE(recorder_.finished());
}

TEST_F(WatchCallTest, TheEndHasTheStatusTheReasonAndTheTimeToStayAway) {
  Watch("drained", 7);
  const StreamEnd end = recorder_.AwaitEnd();
  EXPECT_THAT(end.status, StatusIs(absl::StatusCode::kUnavailable, "DRAINED"));
  EXPECT_EQ(end.reason, EndReason::kDrained);
  EXPECT_EQ(end.retry_after, absl::Milliseconds(1500));
  EXPECT_THAT(recorder_.AwaitResponses(2), ElementsAre(7, 8));
}

TEST_F(WatchCallTest, ARefusalIsTheBrokersCodeAndMessage) {
  Watch("lost", 7);
  EXPECT_THAT(recorder_.AwaitEnd().status,
              StatusIs(absl::StatusCode::kOutOfRange, "oldest is 9"));
}

TEST_F(WatchCallTest, AResponseThatIsNotAskedForDoesNotCome) {
  recorder_.wanted = 1;
  Watch("drained", 7);
  EXPECT_THAT(recorder_.AwaitResponses(1), ElementsAre(7));
  OnLoop([] {});
  EXPECT_FALSE(recorder_.finished());
  recorder_.wanted = 100;
  OnLoop([this] { recorder_.stream->Read(); });
  EXPECT_EQ(recorder_.AwaitEnd().reason, EndReason::kDrained);
  EXPECT_THAT(recorder_.AwaitResponses(2), ElementsAre(7, 8));
}

TEST_F(WatchCallTest, AStreamThatIsDestroyedIsCancelledAndReactsNoMore) {
  Watch("g", 7);
  recorder_.AwaitResponses(2);
  OnLoop([this] { recorder_.stream = nullptr; });
  admin_.AwaitCancelled();
  OnLoop([] {});
  EXPECT_FALSE(recorder_.finished());
}

TEST_F(WatchCallTest, AStreamThatDoesNotReadIsCancelledToo) {
  recorder_.wanted = 1;
  Watch("g", 7);
  recorder_.AwaitResponses(1);
  OnLoop([this] { recorder_.stream = nullptr; });
  admin_.AwaitCancelled();
}

TEST_F(WatchCallTest, AStreamMayBeDestroyedBeforeItsStart) {
  stub_ = transport_->NewWatchStub(address_, kPatience);
  OnLoop([this] { recorder_.stream = stub_->NewStream(&recorder_); });
  OnLoop([this] { recorder_.stream = nullptr; });
  EXPECT_FALSE(recorder_.finished());
}

TEST_F(WatchCallTest, WithoutABrokerTheStreamFinishes) {
  address_ = "127.0.0.1:1";  // Port 1 (tcpmux) is nobody's.
  Watch("g", 7);
  EXPECT_THAT(recorder_.AwaitEnd().status,
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace rmq
